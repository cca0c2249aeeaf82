# SPDX-License-Identifier: Apache-2.0
# Third-party libraries, all from Debian (setup/debian-packages.txt).
find_package(OpenSSL 3.0 REQUIRED)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(SQLite3)
find_package(PkgConfig REQUIRED)
pkg_check_modules(GNUTLS IMPORTED_TARGET gnutls)
pkg_check_modules(ARCHIVE IMPORTED_TARGET libarchive)
pkg_check_modules(SECCOMP IMPORTED_TARGET libseccomp)
pkg_check_modules(NGHTTP2 IMPORTED_TARGET libnghttp2)
if(CAGES_TESTS)
  find_package(GTest REQUIRED)
endif()
