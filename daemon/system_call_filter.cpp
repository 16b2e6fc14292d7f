// SPDX-License-Identifier: Apache-2.0
#include "daemon/system_call_filter.h"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <initializer_list>
#include <memory>
#include <span>
#include "core/base/sanitized.h"

namespace reprieve {
namespace {

// The sanitizers' search for leaks traces its own process.
constexpr std::array kTracing{"ptrace", "personality"};

// Other processes, and what lies in their memory. kill(2) stays: the supervisor passes signals on.
constexpr std::array kOtherProcesses{
    "kcmp", "pidfd_getfd", "process_madvise", "process_mrelease", "process_vm_readv", "process_vm_writev",
};

// The machine.
constexpr std::array kMachine{
    "acct",
    "adjtimex",
    "afs_syscall",
    "bdflush",
    "clock_adjtime",
    "clock_settime",
    "create_module",
    "delete_module",
    "finit_module",
    "get_kernel_syms",
    "init_module",
    "ioperm",
    "iopl",
    "kexec_file_load",
    "kexec_load",
    "lookup_dcookie",
    "modify_ldt",
    "nfsservctl",
    "pciconfig_iobase",
    "pciconfig_read",
    "pciconfig_write",
    "query_module",
    "quotactl",
    "quotactl_fd",
    "reboot",
    "setdomainname",
    "sethostname",
    "settimeofday",
    "stime",
    "swapoff",
    "swapon",
    "syslog",
    "_sysctl",
    "sysfs",
    "uselib",
    "ustat",
    "vhangup",
    "vm86",
    "vm86old",
    "vserver",
};

// Ways into the kernel that have often been ways to become root, and watch or reach what is not ours.
constexpr std::array kSurface{
    "add_key",
    "bpf",
    "fanotify_init",
    "fanotify_mark",
    "keyctl",
    "migrate_pages",
    "move_pages",
    "mbind",
    "set_mempolicy",
    "name_to_handle_at",
    "open_by_handle_at",
    "perf_event_open",
    "remap_file_pages",
    "request_key",
    "userfaultfd",
    "mq_open",
    "mq_unlink",
    "msgget",
    "semget",
    "shmget",
    "memfd_secret",
    "mknod",
    "mknodat",
};

// Other identities and other views of the file system: mounting is mount(2) and umount2(2) alone.
constexpr std::array kIdentities{
    "chroot",    "fsconfig",   "fsmount",   "fsopen",   "fspick", "mount_setattr", "move_mount",
    "open_tree", "pivot_root", "setfsgid",  "setfsuid", "setgid", "setgroups",     "setns",
    "setregid",  "setresgid",  "setresuid", "setreuid", "setuid", "unshare",       "umount",
};

using Context = std::unique_ptr<void, decltype(&::seccomp_release)>;

// Gathers rules; the first that libseccomp cannot take is what is wrong.
class Rules {
 public:
  Rules() : context_(::seccomp_init(SCMP_ACT_ALLOW), &::seccomp_release) {
    if (context_ == nullptr) failure_ = -ENOMEM;
  }

  void refuse(std::span<const char* const> names) {
    for (const char* const name : names) refuse(name, EPERM);
  }
  // A name that this libseccomp or this architecture does not know is passed over.
  void refuse(const char* name, int error, std::initializer_list<scmp_arg_cmp> when = {}) {
    const int number = ::seccomp_syscall_resolve_name(name);
    if (failure_ != 0 || number == __NR_SCMP_ERROR) return;
    const auto action = SCMP_ACT_ERRNO(static_cast<unsigned>(error));
    failure_ =
        ::seccomp_rule_add_array(context_.get(), action, number, static_cast<unsigned>(when.size()), when.begin());
  }

  Result<void> install() {
    // Where foreign calls would pass (32-bit ones on x86-64), they are unknown. Kernels remember which calls pass
    // whatever their arguments, so only others cost time, and those are found by halving.
    set(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
    set(SCMP_FLTATR_CTL_NNP, 1);
    set(SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (failure_ == 0) failure_ = ::seccomp_load(context_.get());
    if (failure_ != 0) return fail(from_errno(-failure_, "seccomp"));
    return {};
  }

 private:
  void set(scmp_filter_attr attribute, std::uint32_t value) {
    if (failure_ == 0) failure_ = ::seccomp_attr_set(context_.get(), attribute, value);
  }

  Context context_;
  int failure_ = 0;
};

template <typename Bits>  // int in some headers, an enumeration in others; none is negative
scmp_arg_cmp has(unsigned argument, Bits bits) {
  const auto mask = static_cast<std::uint64_t>(bits);
  return {.arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = mask};
}
scmp_arg_cmp is_not(unsigned argument, std::uint64_t value) {
  return {.arg = argument, .op = SCMP_CMP_NE, .datum_a = value, .datum_b = 0};
}

void refuse_namespaces(Rules& rules) {
  for (const auto flag :
       {CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET}) {
    rules.refuse("clone", EPERM, {has(0, flag)});
  }
  rules.refuse("clone3", ENOSYS);  // libc uses clone(2) then
}

// A new mount and nothing else: no bind, no move, no change of one that is there, nor of how it spreads.
void refuse_other_mounts(Rules& rules) {
  for (const auto flag : {MS_BIND, MS_MOVE, MS_REMOUNT, MS_SHARED, MS_PRIVATE, MS_SLAVE, MS_UNBINDABLE}) {
    rules.refuse("mount", EPERM, {has(3, flag)});
  }
}

// Memory is written or run, never both.
void refuse_written_code(Rules& rules) {
  rules.refuse("mmap", EPERM, {has(2, PROT_WRITE | PROT_EXEC)});
  rules.refuse("mprotect", EPERM, {has(2, PROT_EXEC)});
  rules.refuse("pkey_mprotect", EPERM, {has(2, PROT_EXEC)});
  rules.refuse("shmat", EPERM, {has(2, SHM_EXEC)});
}

// Files that give whoever runs them another identity. Of a call that makes no file the mode is whatever the register
// holds.
void refuse_set_id_files(Rules& rules) {
  for (const auto bit : {S_ISUID, S_ISGID}) {
    rules.refuse("chmod", EPERM, {has(1, bit)});
    rules.refuse("fchmod", EPERM, {has(1, bit)});
    rules.refuse("fchmodat", EPERM, {has(2, bit)});
    rules.refuse("creat", EPERM, {has(1, bit)});
    rules.refuse("open", EPERM, {has(1, O_CREAT), has(2, bit)});
    rules.refuse("openat", EPERM, {has(2, O_CREAT), has(3, bit)});
  }
  rules.refuse("openat2", ENOSYS);
  rules.refuse("fchmodat2", ENOSYS);
}

void refuse_terminal_input(Rules& rules) {
  for (const auto request : {TIOCSTI, TIOCLINUX}) {
    rules.refuse(
        "ioctl", EPERM,
        {{.arg = 1, .op = SCMP_CMP_MASKED_EQ, .datum_a = 0xFFFF'FFFF, .datum_b = static_cast<std::uint64_t>(request)}});
  }
}

}  // namespace

Result<void> filter_system_calls(Calls calls) {
  Rules rules;
  if (!kSanitized) rules.refuse(kTracing);
  rules.refuse(kOtherProcesses);
  rules.refuse(kMachine);
  rules.refuse(kSurface);
  rules.refuse(kIdentities);
  rules.refuse("socket", EAFNOSUPPORT, {is_not(0, AF_UNIX)});
  rules.refuse("socketpair", EAFNOSUPPORT, {is_not(0, AF_UNIX)});
  refuse_namespaces(rules);
  refuse_other_mounts(rules);
  if (!kSanitized) refuse_written_code(rules);
  refuse_set_id_files(rules);
  refuse_terminal_input(rules);
  if (calls.programs == Use::never) {
    rules.refuse("execve", EPERM);
    rules.refuse("execveat", EPERM);
  }
  if (calls.rings == Use::never) rules.refuse("io_uring_setup", EPERM);
  return rules.install();
}

}  // namespace reprieve
