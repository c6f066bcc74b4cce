# berth_test_executable(NAME LABEL label FOLDER dir LINKS target...)
#
# Makes NAME of every .cpp below tests/FOLDER, with the shared main and what
# tests share (tests/support), and registers it with ctest as one test. A
# single case runs with: build/NAME "its name".
function(berth_test_executable name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABEL;FOLDER" "LINKS")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${arg_FOLDER}/*.cpp")
  if(NOT sources)
    return()
  endif()

  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE berth_test_main berth_test_support
                                        ${arg_LINKS} berth_warnings)
  target_compile_definitions(
    ${name} PRIVATE BERTH_SOURCE_FOLDER="${CMAKE_SOURCE_DIR}"
                    BERTH_BINARY="${CMAKE_BINARY_DIR}/berth")
  target_precompile_headers(${name} REUSE_FROM berth_test_headers)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(
    ${name}
    PROPERTIES LABELS ${arg_LABEL} TIMEOUT 1200
               ENVIRONMENT "UBSAN_OPTIONS=print_stacktrace=1")
endfunction()
