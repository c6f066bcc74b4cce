# berth_library(FOLDER
#   [LINKS target...]    what users of its headers need too
#   [USES target...]     what only its .cpp files need
#   [PRECOMPILE header...]
#   [PRECOMPILE_FOR regex])
#
# Makes berth_FOLDER of every .cpp below the calling folder. A folder without
# a .cpp is its headers alone. PRECOMPILE_FOR limits the precompiled header to
# the files whose names match, so that the others stay free of its contents.
function(berth_library folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "PRECOMPILE_FOR"
                        "LINKS;USES;PRECOMPILE")
  set(target berth_${folder})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS
       "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  if(NOT sources)
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE "${CMAKE_SOURCE_DIR}")
    target_link_libraries(${target} INTERFACE ${arg_LINKS})
    return()
  endif()

  add_library(${target} STATIC ${sources})
  target_include_directories(${target} PUBLIC "${CMAKE_SOURCE_DIR}")
  target_link_libraries(
    ${target}
    PUBLIC ${arg_LINKS}
    PRIVATE ${arg_USES} berth_warnings)
  if(arg_PRECOMPILE)
    target_precompile_headers(${target} PRIVATE ${arg_PRECOMPILE})
    if(arg_PRECOMPILE_FOR)
      foreach(source IN LISTS sources)
        if(NOT source MATCHES "${arg_PRECOMPILE_FOR}")
          set_source_files_properties(
            "${source}" PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
        endif()
      endforeach()
    endif()
  endif()
endfunction()
