// SPDX-License-Identifier: Apache-2.0
#include "daemon/mounts.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "daemon/account_owner.h"
#include "daemon/inheritance.h"

namespace reprieve {
namespace {

fs::PassthroughMode to_mode(PassthroughChoice choice) {
  switch (choice) {
    case PassthroughChoice::automatic: return fs::PassthroughMode::automatic;
    case PassthroughChoice::off: return fs::PassthroughMode::off;
    case PassthroughChoice::require: return fs::PassthroughMode::require;
  }
  return fs::PassthroughMode::automatic;
}

fs::RingMode to_mode(IoUringChoice choice) {
  switch (choice) {
    case IoUringChoice::automatic: return fs::RingMode::automatic;
    case IoUringChoice::off: return fs::RingMode::off;
  }
  return fs::RingMode::automatic;
}

// Permission bits are checked by the kernel, so root's mounts are for everybody; a plain user may open a mount to
// others only where fuse.conf(5) says so.
bool allow_other_by_default() { return ::geteuid() == 0; }

fs::MountOptions to_options(const MountSettings& mount, const Config& config) {
  const std::filesystem::path& store = config.core.store.path;
  return {.mountpoint = mount.path,
          .allow_other = mount.allow_other.value_or(allow_other_by_default()),
          .passthrough = to_mode(config.fuse.passthrough),
          .io_uring = to_mode(config.fuse.io_uring),
          .threads = config.fuse.threads,
          .source = fmt::format("{}#{}", store.string(), mount.account),
          .store = store,
          .outlives_daemon = service::has_holder()};
}

void unmount(fs::Session& session) {
  session.stop();
  service::let_go(session.id());
}

Error at(const MountSettings& mount, Error error) {
  const bool names_it = reason_of(error).starts_with(mount.path.native());
  const std::string place = names_it ? std::string() : fmt::format(" at {}", mount.path.string());
  error.reason = fmt::format("mounting {}{}: {}", mount.account, place, reason_of(error));
  return error;
}

}  // namespace

Result<std::unique_ptr<Mounts>> Mounts::make(FileSystem& files, fs::Invalidator& invalidator) {
  FileDescriptor event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) return fail(from_errno(errno, "eventfd"));
  return std::unique_ptr<Mounts>(new Mounts(files, invalidator, std::move(event)));
}

Mounts::~Mounts() { stop(); }

Result<Account> Mounts::account_of(const MountSettings& mount) {
  const AccountOwner owner = owner_of_new_account(mount);
  auto account = files_.accounts().ensure(mount.account, owner.uid, owner.gid);
  if (!account) return fail(at(mount, account.error()));
  return account;
}

Result<void> Mounts::mount(const MountSettings& mount, const Config& config) {
  REPRIEVE_TRY(const Account account, account_of(mount));
  const MountId id(++last_id_);
  auto session = fs::Session::mount(files_, account, id, to_options(mount, config), invalidator_);
  if (!session) return fail(at(mount, session.error()));
  if (auto served = serve(*std::move(session)); !served) return fail(at(mount, served.error()));
  return {};
}

Result<void> Mounts::resume(const MountSettings& mount, const Config& config, fs::Inherited inherited) {
  REPRIEVE_TRY(const Account account, account_of(mount));
  auto session = fs::Session::resume(files_, account, to_options(mount, config), invalidator_, std::move(inherited));
  if (!session) return fail(at(mount, session.error()));
  return serve(*std::move(session));
}

Result<void> Mounts::serve(std::unique_ptr<fs::Session> mounted) {
  fs::Session& session = *mounted;
  const MountId id = session.id();
  session.on_unmounted([this, id] { unmounted(id); });
  {
    const MutexLock lock(mutex_);
    sessions_.emplace(id, std::move(mounted));
  }
  Result<void> ready = session.start();
  if (ready) ready = session.wait_ready();
  if (!ready) {
    unmount(*take(id));
    return ready;
  }
  if (const auto heirlooms = session.heirlooms()) {
    service::hold(service::device_name(id), heirlooms->device);
    service::hold(service::record_name(id), heirlooms->record);
  }
  return {};
}

std::unique_ptr<fs::Session> Mounts::take(MountId id) {
  const MutexLock lock(mutex_);
  auto node = sessions_.extract(id);
  return node ? std::move(node.mapped()) : nullptr;
}

void Mounts::unmounted(MountId id) {
  {
    const MutexLock lock(mutex_);
    unmounted_.push_back(id);
  }
  // Can fail only where the counter is full, and then the event is up already.
  static_cast<void>(::eventfd_write(unmounted_event_.get(), 1));
}

void Mounts::reap() {
  eventfd_t count = 0;
  static_cast<void>(::eventfd_read(unmounted_event_.get(), &count));
  std::vector<MountId> gone;
  {
    const MutexLock lock(mutex_);
    gone.swap(unmounted_);
  }
  for (const MountId id : gone) {
    const std::unique_ptr<fs::Session> session = take(id);
    if (session == nullptr) continue;
    spdlog::warn("account {} was unmounted from {} by somebody else", session->account().name,
                 session->options().mountpoint.string());
    unmount(*session);
  }
}

void Mounts::stop() {
  for (const auto& [id, session] : take_all()) unmount(*session);
}

void Mounts::leave() {
  for (const auto& [id, session] : take_all()) session->heirlooms() ? session->leave() : unmount(*session);
}

std::map<MountId, std::unique_ptr<fs::Session>> Mounts::take_all() {
  std::map<MountId, std::unique_ptr<fs::Session>> sessions;
  const MutexLock lock(mutex_);
  sessions.swap(sessions_);
  return sessions;
}

std::size_t Mounts::size() {
  const MutexLock lock(mutex_);
  return sessions_.size();
}

std::vector<control::MountInfo> Mounts::mounts() {
  const MutexLock lock(mutex_);
  std::vector<control::MountInfo> list;
  for (const auto& [id, session] : sessions_) {
    list.push_back({.account = session->account().name,
                    .path = session->options().mountpoint.string(),
                    .data_path = session->passthrough_active() ? "passthrough" : "splice",
                    .allow_other = session->options().allow_other});
  }
  return list;
}

}  // namespace reprieve
