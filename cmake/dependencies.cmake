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
pkg_check_modules(IDN2 IMPORTED_TARGET libidn2)
pkg_check_modules(NGHTTP2 IMPORTED_TARGET libnghttp2)
pkg_check_modules(CARES IMPORTED_TARGET libcares)
if(CAGES_TESTS)
  find_package(GTest REQUIRED)
endif()

# A library that the enclave's program (CAGES_STATIC) takes as an archive and everybody else as a shared object.
function(cages_dependency name shared archive)
  find_library(CAGES_ARCHIVE_${archive} NAMES lib${archive}.a)
  add_library(cages_${name} INTERFACE)
  target_link_libraries(cages_${name} INTERFACE
    "$<IF:$<BOOL:$<TARGET_PROPERTY:CAGES_STATIC>>,${CAGES_ARCHIVE_${archive}},${shared}>")
endfunction()
cages_dependency(dependency_ssl OpenSSL::SSL ssl)
cages_dependency(dependency_crypto OpenSSL::Crypto crypto)
cages_dependency(dependency_zlib ZLIB::ZLIB z)
cages_dependency(dependency_nghttp2 PkgConfig::NGHTTP2 nghttp2)
