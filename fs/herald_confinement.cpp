// SPDX-License-Identifier: Apache-2.0
#include "fs/herald_confinement.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include "core/base/sanitized.h"

namespace reprieve::fs {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#elif defined(__riscv) && __riscv_xlen == 64
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_RISCV64;
#else
constexpr std::uint32_t kArchitecture = 0;  // not known here: no filter
#endif

constexpr std::array kAllowed{SYS_recvfrom, SYS_sendto,     SYS_write,        SYS_close,
                              SYS_exit,     SYS_exit_group, SYS_rt_sigreturn, SYS_restart_syscall};

constexpr sock_filter statement(unsigned code, std::uint32_t value) {
  return {static_cast<std::uint16_t>(code), 0, 0, value};
}
constexpr sock_filter unless_equal(std::uint32_t value, std::uint8_t skip) {
  return {BPF_JMP | BPF_JEQ | BPF_K, 0, skip, value};
}

// seccomp(2): a program in classic BPF over struct seccomp_data.
constexpr auto kProgram = [] {
  constexpr auto kPass = statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  constexpr auto kRefuse = statement(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
  std::array<sock_filter, 5 + 2 * kAllowed.size()> program{};
  std::size_t at = 0;
  program[at++] = statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch));
  program[at++] = {BPF_JMP | BPF_JEQ | BPF_K, 1, 0, kArchitecture};
  program[at++] = kRefuse;
  program[at++] = statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
  for (const auto number : kAllowed) {
    program[at++] = unless_equal(static_cast<std::uint32_t>(number), 1);
    program[at++] = kPass;
  }
  program[at] = kRefuse;
  return program;
}();

}  // namespace

void confine_herald() {
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  ::syscall(SYS_capset, &header, none.data());
  if constexpr (kArchitecture != 0 && !kSanitized) {
    auto program = kProgram;
    const sock_fprog all{.len = static_cast<unsigned short>(program.size()), .filter = program.data()};
    ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all, 0, 0);
  }
}

}  // namespace reprieve::fs
