# SPDX-License-Identifier: Apache-2.0
# Compiler and linker flags for every target, by option.

find_program(CAGES_CCACHE ccache)
if(CAGES_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env CCACHE_NOHASHDIR=1 "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}"
      "${CAGES_CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
endif()

add_library(cages_flags INTERFACE)
target_compile_options(cages_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wimplicit-fallthrough -Wunused
  -Wnon-virtual-dtor -Woverloaded-virtual -Wformat=2 -Wnull-dereference -Wthread-safety
  -fstack-protector-strong -fno-strict-overflow
  # No path of the building machine in any object: the runtime, and so PCR1, is reproducible.
  "-ffile-prefix-map=${CMAKE_SOURCE_DIR}=." "-ffile-prefix-map=${CMAKE_BINARY_DIR}=build")
target_link_options(cages_flags INTERFACE -fuse-ld=lld-19 -Wl,-z,relro,-z,now,-z,noexecstack)
target_compile_definitions(cages_flags INTERFACE FMT_HEADER_ONLY BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_ARRAY)

if(CAGES_WERROR)
  target_compile_options(cages_flags INTERFACE -Werror)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(cages_flags INTERFACE -D_FORTIFY_SOURCE=2 -D_GLIBCXX_ASSERTIONS -ffunction-sections -fdata-sections)
  # A compiler cache turns the path of the sources into this relative one: both must come out as ".".
  target_compile_options(cages_flags INTERFACE "-ffile-prefix-map=../..=.")
  target_link_options(cages_flags INTERFACE -Wl,--gc-sections -Wl,--build-id=none)
  set(CMAKE_CXX_FLAGS_RELEASE "-O2")
  set(CMAKE_C_FLAGS_RELEASE "-O2")
else()
  target_compile_options(cages_flags INTERFACE -D_GLIBCXX_ASSERTIONS -g1 -fno-omit-frame-pointer)
  set(CMAKE_CXX_FLAGS_DEBUG "")
endif()
# Sanitizers at -O0: a file costs a half to a fifth of the compile time at -O1 (docs/decisions/0001-toolchain.md).
if(CAGES_SANITIZE)
  target_compile_options(cages_flags INTERFACE -O0 -fsanitize=address,undefined -fno-sanitize=function -fno-sanitize-recover=all)
  target_link_options(cages_flags INTERFACE -fsanitize=address,undefined -fno-sanitize=function)
endif()
if(CAGES_TSAN)
  target_compile_options(cages_flags INTERFACE -O1 -fsanitize=thread)
  target_link_options(cages_flags INTERFACE -fsanitize=thread)
endif()
if(CAGES_FUZZ)
  target_compile_options(cages_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(CAGES_COVERAGE)
  target_compile_options(cages_flags INTERFACE -fprofile-instr-generate -fcoverage-mapping)
  target_link_options(cages_flags INTERFACE -fprofile-instr-generate)
endif()
if(CAGES_MUTATE)
  target_compile_definitions(cages_flags INTERFACE CAGES_MUTATE)
endif()
