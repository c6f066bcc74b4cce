# Warnings are errors in every target of ours; headers of others are SYSTEM.
# Shadowing is not among them: GCC counts the names of an if-else chain, each
# of which is the one in view.
add_library(berth_warnings INTERFACE)
target_compile_options(
  berth_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion
                           -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION
                                            VERSION_LESS 14)
  # These follow values through inlined library code and are wrong about
  # std::string, std::optional and std::variant in GCC 12 and 13.
  target_compile_options(
    berth_warnings INTERFACE -Wno-restrict -Wno-maybe-uninitialized
                             -Wno-stringop-overflow -Wno-stringop-overread
                             -Wno-array-bounds -Wno-free-nonheap-object
                             -Wno-dangling-pointer)
endif()
