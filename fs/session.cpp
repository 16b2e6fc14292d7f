// SPDX-License-Identifier: Apache-2.0
#include "fs/session.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "core/base/sync.h"
#include "fs/kernel_abi.h"
#include "fs/kernel_channel.h"
#include "fs/kernel_ring.h"
#include "fs/mount_context.h"
#include "fs/mount_record.h"
#include "fs/mounting.h"
#include "fs/operations.h"
#include "fs/worker_pool.h"

namespace reprieve::fs {
namespace {

// Threads that serve one mount that outlives its daemon, at the most; also what the lanes of one daemon are counted
// from.
constexpr std::uint32_t kMostLanes = 64;
// Daemons that may be killed one after the other before the first request that they were sent is answered.
constexpr std::uint32_t kMostGenerations = 64;

enum class Stage : std::uint8_t { starting, ready, unusable, gone };
// Who put the mount into the tree, and takes it out.
enum class MountedBy : std::uint8_t { nobody, root, helper };

}  // namespace

struct Session::Parts {
  Parts(FileSystem& file_system, const Account& of, MountId id, MountOptions with, Invalidator& tells,
        std::unique_ptr<MountRecord> of_mount)
      : options(std::move(with)),
        invalidator(tells),
        record(std::move(of_mount)),
        passthrough(options.passthrough, record.get()),
        open_files(record.get()),
        listings([this] { static_cast<void>(channel->drop_all_names()); }),
        context{file_system, of, id, tells, passthrough, open_files, waiting_requests, listings},
        dispatchers(context) {}

  Result<void> open_channel();
  // Makes the ring if requests are to come by one; else says why not.
  Result<void> make_ring();
  void settle(std::uint64_t offered);
  Result<void> start_ring();
  // Takes up what was open and asks for what was not answered.
  Result<void> take_over();
  void reopen(MountRecord::Slot slot, const MountRecord::Open& open);
  void stop_serving();
  void went_away();
  Result<void> unmount(Unmount how);
  void reach(Stage to);

  MountOptions options;
  Invalidator& invalidator;
  MountedBy mounted_by = MountedBy::nobody;
  std::function<void()> on_unmounted;

  bool resumed = false;
  const std::unique_ptr<MountRecord> record;  // null where no daemon is to come after this one

  // Destroyed from below: first the threads, then the channel, which closes the kernel's side, then what they used.
  Passthrough passthrough;
  OpenFiles open_files;
  WaitingRequests waiting_requests;
  ListingsUnderWay listings;
  MountContext context;
  Dispatchers dispatchers;
  std::unique_ptr<KernelChannel> channel;
  std::unique_ptr<WorkerPool> workers;
  std::unique_ptr<KernelRing> ring;
  std::string no_ring_because;  // set when there is none

  Mutex mutex;
  ConditionVariable changed;
  Stage stage REPRIEVE_GUARDED_BY(mutex) = Stage::starting;
  bool leaving REPRIEVE_GUARDED_BY(mutex) = false;  // by stop()
  Error failure REPRIEVE_GUARDED_BY(mutex);

  Mutex stop_mutex;  // held over the whole of stop(), so that a second caller returns when it is done
  bool stopped REPRIEVE_GUARDED_BY(stop_mutex) = false;
};

Result<void> Session::Parts::open_channel() {
  // libfuse 3.14 does not know the first two, and forgets to answer with the third.
  constexpr std::uint64_t kFlags =
      kernel::kInitHandleKillprivV2 | kernel::kInitDirectIoAllowMmap | FUSE_PARALLEL_DIROPS;
  const std::uint64_t by_ring = ring != nullptr ? kernel::kInitOverIoUring : 0;
  const KernelChannel::Options with{.wanted = kFlags | by_ring | passthrough.wanted_flags(),
                                    .source = options.source,
                                    .allow_other = options.allow_other,
                                    .record = record.get()};
  REPRIEVE_TRY(channel, KernelChannel::open(operations(), with));
  channel->serve(dispatchers);
  channel->on_initialised([this](std::uint64_t offered) { settle(offered); });
  const std::uint32_t first_lane = record != nullptr ? record->generation() * kMostLanes : 0;
  const unsigned threads = record != nullptr ? std::min(options.threads, kMostLanes) : options.threads;
  workers = std::make_unique<WorkerPool>(*channel, threads, first_lane);
  workers->on_gone([this] { went_away(); });
  return {};
}

Result<void> Session::Parts::make_ring() {
  if (options.io_uring == RingMode::off) return fail(Errc::not_supported, "turned off");
  // What it has fetched and not answered when it is killed is lost with it: the kernel sends anew only what was read
  // from the device (fuse_resend, fs/fuse/dev.c, which does not look at rings).
  if (record != nullptr) return fail(Errc::not_supported, "the mount is to outlive the daemon");
  // Then much more than requests goes through the daemon, and the device can splice it.
  if (options.passthrough == PassthroughMode::off) return fail(Errc::not_supported, "passthrough is turned off");
  // A ring has so many places, each taken until its request is answered: opens that wait would leave none to others.
  if (context.core.content().compares_at_open())
    return fail(Errc::not_supported, "files are compared with their checksums when they are opened");
  REPRIEVE_TRY_VOID(KernelRing::allow());
  REPRIEVE_TRY(ring, KernelRing::make(
                         kMostData, threads_of_mount(options.threads),
                         {.serve = [this](std::span<std::byte> request) { channel->process(request); },
                          .open_is_slow = [this](int flags) { return context.core.content().open_flushes(flags); }}));
  return {};
}

Result<void> Session::Parts::start_ring() {
  if (ring != nullptr && !channel->by_ring()) {
    ring.reset();
    no_ring_because = "the kernel does not offer io_uring, which Linux has since 6.14";
  }
  spdlog::info("{} on {}: requests: {}", context.account.name, options.mountpoint.string(),
               ring != nullptr ? "io_uring" : "/dev/fuse (" + no_ring_because + ")");
  if (ring == nullptr) return {};
  workers->take_it_easy();
  return ring->start(channel->descriptor());
}

void Session::Parts::settle(std::uint64_t offered) {
  Result<void> settled = passthrough.settle(channel->descriptor(), offered, options.store);
  if (settled) settled = start_ring();
  if (settled && resumed) settled = take_over();
  if (settled) {
    spdlog::info("{} on {}: data path: {}", context.account.name, options.mountpoint.string(), passthrough.data_path());
    return reach(Stage::ready);
  }
  {
    const MutexLock lock(mutex);
    failure = std::move(settled).error();
  }
  reach(Stage::unusable);
}

Result<void> Session::Parts::take_over() {
  if (!channel->same_terms())
    return fail(Errc::not_supported, "the daemon before this one told the kernel something else; mount it anew");
  // Those of the lanes before are kept as long as they can come again; what is older was answered.
  const std::uint32_t generation = record->generation();
  const std::uint32_t oldest = generation > kMostGenerations ? generation - kMostGenerations : 0;
  REPRIEVE_TRY_VOID(context.core.forget_requests(context.mount, oldest * kMostLanes));
  REPRIEVE_TRY(const auto requests, context.core.carried_out(context.mount));
  context.carried_out.insert(requests.begin(), requests.end());
  for (auto& [slot, open] : record->take_opens()) reopen(std::move(slot), open);
  if (passthrough.active()) passthrough.close_strays();
  // What the daemon before had changed and not come to announce.
  if (const auto dropped = channel->drop_all_names(); !dropped) {
    spdlog::warn("{}: names may be out of date: {}", options.mountpoint.string(), reason_of(dropped.error()));
  }
  return channel->resend_unanswered();
}

void Session::Parts::reopen(MountRecord::Slot slot, const MountRecord::Open& open) {
  auto file = context.core.content().reopen(
      context.account.id, {.inode = open.inode, .writable = open.writable, .opened_behind = open.opened_behind});
  if (!file) {
    spdlog::error("inode={} was open and cannot be opened again: {}", open.inode.number(), reason_of(file.error()));
    return;
  }
  OpenHandle handle{std::move(slot), *std::move(file), passthrough.resume(open.inode, open.backing_id)};
  if (open.closing) return;  // closed here and now
  open_files.resume(open, std::move(handle));
}

void Session::Parts::went_away() {
  {
    const MutexLock lock(mutex);
    if (leaving) return;
    if (stage != Stage::unusable) stage = Stage::gone;
    changed.notify_all();
  }
  spdlog::info("{} on {}: unmounted from outside", context.account.name, options.mountpoint.string());
  if (on_unmounted) on_unmounted();
}

void Session::Parts::stop_serving() {
  workers->stop();
  if (ring != nullptr) ring->stop();
  waiting_requests.stop();
  {
    const MutexLock waiting(mutex);
    if (stage == Stage::starting) stage = Stage::gone;
    changed.notify_all();
  }
  // Closes the kernel's side, which ends what nobody read any more unless somebody else holds it, and then the files.
  ring.reset();
  workers.reset();
  channel.reset();
  open_files.clear();
}

void Session::Parts::reach(Stage to) {
  const MutexLock lock(mutex);
  stage = to;
  changed.notify_all();
}

Result<void> Session::Parts::unmount(Unmount how) {
  bool gone = false;
  {
    const MutexLock lock(mutex);
    leaving = true;
    gone = stage == Stage::gone;
  }
  // The connection can be aborted with the mount left in the tree, which then would be in everybody's way.
  if (gone) return detach_own_dead_mount(options.mountpoint, options.source);
  switch (mounted_by) {
    case MountedBy::nobody: return {};
    case MountedBy::root: return unmount_fuse(options.mountpoint, options.source, how);
    case MountedBy::helper: return unmount_with_helper(options.mountpoint);
  }
  return {};
}

Session::Session(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Session::~Session() { stop(); }

Result<std::unique_ptr<Session>> Session::mount(FileSystem& file_system, const Account& account, MountId id,
                                                const MountOptions& options, Invalidator& invalidator) {
  MountOptions settled = options;
  REPRIEVE_TRY(settled.mountpoint, prepare_mountpoint(options.mountpoint, options.source));
  std::unique_ptr<MountRecord> record;
  if (options.outlives_daemon) {
    REPRIEVE_TRY(record, MountRecord::make({.mount = id,
                                            .account = account.name,
                                            .mountpoint = settled.mountpoint,
                                            .source = settled.source,
                                            .allow_other = settled.allow_other,
                                            .by_helper = ::geteuid() != 0}));
    REPRIEVE_TRY_VOID(file_system.forget_requests(id, std::numeric_limits<std::uint32_t>::max()));
  }
  auto parts = std::make_unique<Parts>(file_system, account, id, settled, invalidator, std::move(record));
  if (auto made = parts->make_ring(); !made) parts->no_ring_because = reason_of(made.error());
  REPRIEVE_TRY_VOID(parts->open_channel());
  if (::geteuid() == 0) {
    REPRIEVE_TRY(FileDescriptor device, mount_fuse({.mountpoint = settled.mountpoint,
                                                    .source = settled.source,
                                                    .uid = account.uid,
                                                    .gid = account.gid,
                                                    .allow_other = settled.allow_other}));
    parts->mounted_by = MountedBy::root;
    REPRIEVE_TRY_VOID(parts->channel->adopt(std::move(device)));
  } else {
    REPRIEVE_TRY_VOID(parts->channel->mount_with_helper(settled.mountpoint));
    parts->mounted_by = MountedBy::helper;
  }
  invalidator.add(id, account.root, *parts->channel, parts->listings);
  return std::unique_ptr<Session>(new Session(std::move(parts)));
}

Result<std::unique_ptr<Session>> Session::resume(FileSystem& file_system, const Account& account, MountOptions options,
                                                 Invalidator& invalidator, Inherited inherited) {
  const MountRecord::Identity mount = inherited.record->identity();
  options.mountpoint = mount.mountpoint;
  options.source = mount.source;
  options.allow_other = mount.allow_other;
  auto parts = std::make_unique<Parts>(file_system, account, mount.mount, std::move(options), invalidator,
                                       std::move(inherited.record));
  parts->resumed = true;
  parts->mounted_by = mount.by_helper ? MountedBy::helper : MountedBy::root;
  if (auto made = parts->make_ring(); !made) parts->no_ring_because = reason_of(made.error());
  REPRIEVE_TRY_VOID(parts->open_channel());
  REPRIEVE_TRY_VOID(parts->channel->resume(std::move(inherited.device)));
  invalidator.add(mount.mount, account.root, *parts->channel, parts->listings);
  return std::unique_ptr<Session>(new Session(std::move(parts)));
}

Result<std::unique_ptr<Session>> Session::attach(FileSystem& file_system, const Account& account, MountId id,
                                                 const MountOptions& options, Invalidator& invalidator,
                                                 FileDescriptor channel) {
  auto parts = std::make_unique<Parts>(file_system, account, id, options, invalidator, nullptr);
  REPRIEVE_TRY_VOID(parts->open_channel());
  REPRIEVE_TRY_VOID(parts->channel->adopt(std::move(channel)));
  invalidator.add(id, account.root, *parts->channel, parts->listings);
  return std::unique_ptr<Session>(new Session(std::move(parts)));
}

void Session::on_unmounted(std::function<void()> callback) { parts_->on_unmounted = std::move(callback); }

Result<void> Session::start() { return parts_->workers->start(); }

Result<void> Session::wait_ready() {
  const MutexLock lock(parts_->mutex);
  while (parts_->stage == Stage::starting) parts_->changed.wait(parts_->mutex);
  switch (parts_->stage) {
    case Stage::starting:
    case Stage::ready: return {};
    case Stage::unusable: return fail(parts_->failure);
    case Stage::gone: return fail(Errc::io, parts_->options.mountpoint.string() + ": unmounted before it was ready");
  }
  return {};
}

void Session::stop() {
  const MutexLock lock(parts_->stop_mutex);
  if (std::exchange(parts_->stopped, true)) return;
  // While the workers still serve: a notification may wait in the kernel for a request to be answered.
  const bool told = parts_->invalidator.remove(parts_->context.mount);
  if (const auto unmounted = parts_->unmount(told ? Unmount::finish : Unmount::abort); !unmounted) {
    spdlog::error("{}", reason_of(unmounted.error()));
  }
  parts_->stop_serving();
}

void Session::leave() {
  const MutexLock lock(parts_->stop_mutex);
  if (std::exchange(parts_->stopped, true)) return;
  parts_->invalidator.remove(parts_->context.mount);
  parts_->workers->stop();
  parts_->waiting_requests.stop();
  parts_->record->freeze();
  parts_->passthrough.leave();
  parts_->stop_serving();
}

std::optional<Heirlooms> Session::heirlooms() const {
  if (parts_->record == nullptr || !parts_->channel->can_resend()) return std::nullopt;
  return Heirlooms{.device = parts_->channel->descriptor(), .record = parts_->record->descriptor()};
}

bool Session::passthrough_active() const { return parts_->passthrough.active(); }
std::string Session::data_path() const { return parts_->passthrough.data_path(); }
const MountOptions& Session::options() const { return parts_->options; }
const Account& Session::account() const { return parts_->context.account; }
MountId Session::id() const { return parts_->context.mount; }

}  // namespace reprieve::fs
