# Everything that is not ours, from Debian 12's packages
# (scripts/install_packages.sh installs them).
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(CAF 0.17 REQUIRED COMPONENTS core io)
find_package(Boost 1.74 REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB)
find_package(msgpack REQUIRED CONFIG)
find_package(nlohmann_json REQUIRED CONFIG)
find_package(spdlog REQUIRED CONFIG)
find_package(CLI11 REQUIRED CONFIG)
find_package(prometheus-cpp REQUIRED CONFIG)
find_package(Catch2 2 REQUIRED CONFIG)
find_package(rapidcheck REQUIRED CONFIG)
pkg_check_modules(rdkafka REQUIRED IMPORTED_TARGET GLOBAL rdkafka++ rdkafka)

# The shared library: it links in a tenth of the time, and needs none of the
# development packages that RocksDB's own CMake package asks for.
find_path(ROCKSDB_INCLUDE_DIR rocksdb/db.h REQUIRED)
find_library(ROCKSDB_LIBRARY NAMES librocksdb.so REQUIRED)
mark_as_advanced(ROCKSDB_INCLUDE_DIR ROCKSDB_LIBRARY)
add_library(berth_rocksdb SHARED IMPORTED GLOBAL)
set_target_properties(
  berth_rocksdb PROPERTIES IMPORTED_LOCATION "${ROCKSDB_LIBRARY}"
                           INTERFACE_INCLUDE_DIRECTORIES
                           "${ROCKSDB_INCLUDE_DIR}")

# Actors hand memory from thread to thread, which glibc's malloc is slow at.
# AddressSanitizer brings its own.
find_path(JEMALLOC_INCLUDE_DIR jemalloc/jemalloc.h REQUIRED)
find_library(JEMALLOC_LIBRARY NAMES libjemalloc.so REQUIRED)
mark_as_advanced(JEMALLOC_INCLUDE_DIR JEMALLOC_LIBRARY)
add_library(berth_allocator INTERFACE)
target_include_directories(berth_allocator INTERFACE "${JEMALLOC_INCLUDE_DIR}")
target_link_libraries(
  berth_allocator INTERFACE $<$<NOT:$<CONFIG:Asan>>:${JEMALLOC_LIBRARY}>)

# CAF binds references to null in its own headers; the check would report each.
add_library(berth_caf INTERFACE)
target_link_libraries(berth_caf INTERFACE CAF::io CAF::core)
target_compile_options(berth_caf
                       INTERFACE $<$<CONFIG:Asan>:-fno-sanitize=null>)
