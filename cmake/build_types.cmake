# The ways to build, chosen by preset (see CMakePresets.json):
#   Dev      quick to build, fast enough to measure by; the default
#   Asan     AddressSanitizer and UndefinedBehaviorSanitizer
#   Release  what benchmarks use; assertions stay on (they do not use NDEBUG)
#   Fuzz     as Asan, with the coverage that guides libFuzzer; clang only
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Dev CACHE STRING "Dev, Asan, Release or Fuzz" FORCE)
endif()
set_property(CACHE CMAKE_BUILD_TYPE PROPERTY STRINGS Dev Asan Release Fuzz)
if(NOT CMAKE_BUILD_TYPE MATCHES "^(Dev|Asan|Release|Fuzz)$")
  message(FATAL_ERROR "CMAKE_BUILD_TYPE is '${CMAKE_BUILD_TYPE}'; "
                      "it must be Dev, Asan, Release or Fuzz")
endif()

set(berth_sanitizers "-fsanitize=address,undefined -fno-omit-frame-pointer")
string(APPEND berth_sanitizers " -fno-sanitize-recover=undefined")
set(CMAKE_CXX_FLAGS_DEV "-O1 -g1")
set(CMAKE_CXX_FLAGS_ASAN "-O1 -g1 ${berth_sanitizers}")
set(CMAKE_EXE_LINKER_FLAGS_ASAN "${berth_sanitizers}")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_FUZZ "-O1 -g1 -fsanitize=fuzzer-no-link ${berth_sanitizers}")
set(CMAKE_EXE_LINKER_FLAGS_FUZZ "${berth_sanitizers}")

# Assertions, backtraces and cached objects name files from the repository's
# root, whatever folder the repository is in.
add_compile_options("-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=")

find_program(BERTH_CCACHE ccache)
find_program(BERTH_MOLD mold)
mark_as_advanced(BERTH_CCACHE BERTH_MOLD)
if(BERTH_CCACHE)
  # The sloppiness is what ccache asks for to cache users of a precompiled
  # header; with the base folder, build folders share what they compiled.
  set(berth_sloppiness
      "pch_defines,time_macros,include_file_mtime,include_file_ctime")
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env "CCACHE_SLOPPINESS=${berth_sloppiness}"
      "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" CCACHE_NOHASHDIR=1 ${BERTH_CCACHE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fpch-preprocess)
  endif()
endif()
if(BERTH_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# One compiler per core, but no more than memory has room for: the heaviest
# files take about 1.5 GB with sanitizers.
cmake_host_system_information(RESULT berth_cores QUERY NUMBER_OF_LOGICAL_CORES)
cmake_host_system_information(RESULT berth_memory_mib
                              QUERY TOTAL_PHYSICAL_MEMORY)
math(EXPR berth_compile_jobs "${berth_memory_mib} / 1536")
if(berth_compile_jobs GREATER berth_cores)
  set(berth_compile_jobs ${berth_cores})
endif()
if(berth_compile_jobs LESS 1)
  set(berth_compile_jobs 1)
endif()
set_property(GLOBAL PROPERTY JOB_POOLS compile=${berth_compile_jobs} link=2)
set(CMAKE_JOB_POOL_COMPILE compile)
set(CMAKE_JOB_POOL_PRECOMPILE_HEADER compile)
set(CMAKE_JOB_POOL_LINK link)
