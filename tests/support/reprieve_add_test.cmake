# SPDX-License-Identifier: Apache-2.0
include(GoogleTest)

# How many times longer than it says a test may take.
set(REPRIEVE_PATIENCE 1)
if(REPRIEVE_SANITIZE)
  set(REPRIEVE_PATIENCE 10)
endif()

# reprieve_add_test(NAME SOURCES FILE... LABELS LABEL... [TIMEOUT SECONDS] [LIBRARIES TARGET...] [INCLUDES FOLDER...]
#                   [DEFINITIONS NAME=VALUE...] [DEPENDS TARGET...] [RESOURCES LOCK...] [SERIAL])
#
# One test program NAME, linked with gtest_main; every case of it is a ctest test with these labels, and each case has
# TIMEOUT seconds (60 unless told). Cases are listed when ctest starts, not when the program is built.
#   DEPENDS    programs that must be built before it runs, and that it starts itself
#   RESOURCES  names of things that only one test at a time may use
#   SERIAL     its cases run while no other test runs: for measurements
# A case that exits 77 or calls GTEST_SKIP is reported as skipped.
function(reprieve_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SERIAL" "TIMEOUT"
    "SOURCES;LABELS;LIBRARIES;INCLUDES;DEFINITIONS;DEPENDS;RESOURCES")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES OR NOT arg_LABELS)
    message(FATAL_ERROR "reprieve_add_test(${name}): SOURCES and LABELS are needed; unknown: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  math(EXPR arg_TIMEOUT "${arg_TIMEOUT} * ${REPRIEVE_PATIENCE}")

  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE reprieve_warnings ${arg_LIBRARIES} GTest::gmock GTest::gtest GTest::gtest_main
    Threads::Threads)
  target_include_directories(${name} PRIVATE ${arg_INCLUDES})
  target_compile_definitions(${name} PRIVATE ${arg_DEFINITIONS})
  if(arg_DEPENDS)
    add_dependencies(${name} ${arg_DEPENDS})
  endif()

  # Names of parameters would bring brackets into test names, and a name with brackets is left out of TEST_LIST.
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 NO_PRETTY_VALUES NO_PRETTY_TYPES
    TEST_LIST ${name}_TESTS)

  # PROPERTIES of gtest_discover_tests cannot carry a list (two labels), so a file that ctest reads after the list of
  # cases sets them all.
  set(properties "LABELS \"${arg_LABELS}\" TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77")
  if(arg_SERIAL)
    string(APPEND properties " RUN_SERIAL TRUE")
  endif()
  if(arg_RESOURCES)
    string(APPEND properties " RESOURCE_LOCK \"${arg_RESOURCES}\"")
  endif()
  set(file ${CMAKE_CURRENT_BINARY_DIR}/${name}_properties.cmake)
  file(WRITE ${file} "if(${name}_TESTS)\n  set_tests_properties(\${${name}_TESTS} PROPERTIES ${properties})\nendif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${file})
endfunction()

# reprieve_add_script_test(NAME COMMAND PROGRAM ARGUMENT... LABELS LABEL... [TIMEOUT SECONDS] [RESOURCES LOCK...]
#                          [ENVIRONMENT NAME=VALUE...] [SERIAL])
#
# A test that is a command: exit 0 passes, 77 skips, anything else fails.
function(reprieve_add_script_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SERIAL" "TIMEOUT" "COMMAND;LABELS;RESOURCES;ENVIRONMENT")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_COMMAND OR NOT arg_LABELS)
    message(FATAL_ERROR
      "reprieve_add_script_test(${name}): COMMAND and LABELS are needed; unknown: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  math(EXPR arg_TIMEOUT "${arg_TIMEOUT} * ${REPRIEVE_PATIENCE}")
  add_test(NAME ${name} COMMAND ${arg_COMMAND})
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77)
  if(arg_SERIAL)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL TRUE)
  endif()
  if(arg_RESOURCES)
    set_tests_properties(${name} PROPERTIES RESOURCE_LOCK "${arg_RESOURCES}")
  endif()
  if(arg_ENVIRONMENT)
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "${arg_ENVIRONMENT}")
  endif()
endfunction()
