# SPDX-License-Identifier: Apache-2.0
#
# cmake -D SERVICE=FILE -D SOCKET=FILE -D REPRIEVED=PROGRAM -P systemd_units.cmake: systemd finds nothing to say about
# the units, and the service has no setting that would hide its mounts from everybody else.
cmake_minimum_required(VERSION 3.25)

# Settings that give a service a mount namespace of its own (systemd.exec(5)).
set(forbidden BindPaths BindReadOnlyPaths DynamicUser ExecPaths ExtensionDirectories ExtensionImages InaccessiblePaths
  MountAPIVFS MountFlags MountImages NoExecPaths PrivateDevices PrivateIPC PrivateMounts PrivateTmp PrivateUsers
  ProcSubset ProtectControlGroups ProtectHome ProtectKernelLogs ProtectKernelModules ProtectKernelTunables ProtectProc
  ProtectSystem ReadOnlyPaths ReadWritePaths RootDirectory RootImage TemporaryFileSystem)
set(errors "")
foreach(setting IN LISTS forbidden)
  file(STRINGS ${SERVICE} lines REGEX "^${setting}=")
  if(lines)
    string(APPEND errors "${lines} would hide the mounts from the host\n")
  endif()
endforeach()

find_program(analyze systemd-analyze REQUIRED)
# Verified where the programs are not installed: with the one that was built.
set(folder ${CMAKE_CURRENT_BINARY_DIR}/systemd-verify)
file(REMOVE_RECURSE ${folder})
file(MAKE_DIRECTORY ${folder})
file(READ ${SERVICE} text)
string(REGEX REPLACE "ExecStart=[^ ]*/reprieved" "ExecStart=${REPRIEVED}" text "${text}")
# Manual pages are looked for, too.
string(REGEX REPLACE "Documentation=[^\n]*\n" "" text "${text}")
file(WRITE ${folder}/reprieve.service "${text}")
file(READ ${SOCKET} text)
string(REGEX REPLACE "Documentation=[^\n]*\n" "" text "${text}")
file(WRITE ${folder}/reprieve.socket "${text}")
execute_process(COMMAND ${analyze} verify ${folder}/reprieve.service ${folder}/reprieve.socket
  OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE result)
if(output OR NOT result EQUAL 0)
  string(APPEND errors "systemd-analyze verify: ${output} (${result})\n")
endif()
file(REMOVE_RECURSE ${folder})

if(errors)
  message(FATAL_ERROR "${errors}")
endif()
message(STATUS "units verified")
