// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/base/file_descriptor.h"
#include "core/base/result.h"
#include "core/tree/content.h"
#include "fs/mount_record.h"
#include "fs/session.h"

// What outlives this process because somebody else holds its descriptors: the service manager's descriptor store
// (systemd.service(5), FileDescriptorStoreMax=), or the parent process of `reprieved --supervise`, which speaks the
// same protocol (sd_notify(3), FDSTORE=1; sd_listen_fds(3)). Called from the main thread.
namespace reprieve::service {

// Whether there is such a holder: whoever listens to notifications is taken for one unless it says that its store has
// no room ($FDSTORE, which systemd sets since version 254).
[[nodiscard]] bool has_holder();

// Closes what this process was started with and not told of ($LISTEN_FDS): whoever started it may have left anything
// open. 0 to 2 lead nowhere where they were closed: a file of the store that got such a number would be written to by
// whatever prints. For the start of main().
void tidy_descriptors();

// Gives the holder a copy of a descriptor under a name; what it has already it keeps once. Without a holder nothing
// happens.
void hold(const std::string& name, int descriptor);
void let_go(const std::string& name);

// The names under which a mount's two descriptors and the control socket are held.
[[nodiscard]] std::string device_name(MountId mount);
[[nodiscard]] std::string record_name(MountId mount);
void let_go(MountId mount);  // of both
inline constexpr const char* kSocketName = "reprieve-control";

// What this process was started with.
struct Inheritance {
  std::optional<FileDescriptor> socket;      // listens already; the service manager's, with its file
  std::optional<FileDescriptor> own_socket;  // made by the daemon before this one
  std::vector<fs::Inherited> mounts;

  // Everything that was open in the mounts.
  [[nodiscard]] std::vector<HeldOpen> opens() const;
  [[nodiscard]] bool has_mount(const std::filesystem::path& mountpoint) const;
  // Takes the mount of this account at this place out; none if there is none.
  std::optional<fs::Inherited> take(const std::string& account, const std::filesystem::path& mountpoint);
};

// A descriptor and the name under which it was held.
struct Named {
  std::string name;
  FileDescriptor descriptor;
};

// What held descriptors are. A mount that is of no use to this version, without a readable record for one, is let go
// with a warning. invalid_argument: what has another name is not one listening Unix stream socket.
Result<Inheritance> sort(std::vector<Named>&& held);
// The same of what this process was started with. Once: it takes the descriptors over.
Result<Inheritance> inherit();

// Takes mounts that nobody will serve out of the tree.
void abandon(const std::vector<fs::Inherited>& mounts);

// Of a Unix socket: the file that leads to it, empty for none.
[[nodiscard]] std::filesystem::path file_of_socket(int socket);
void remove_socket_file(int socket);

}  // namespace reprieve::service
