// SPDX-License-Identifier: Apache-2.0
// Requests of a kernel, in any order and with anything in them, down to a real store (packet_script.h).
#include <fcntl.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "core/file_system.h"
#include "fs/kernel_channel.h"
#include "fs/mount_record.h"
#include "fs/operations.h"
#include "fs/request_form.h"
#include "fs/ring_entry.h"
#include "tests/fuzz/packet_script.h"
#include "tests/support/temporary_directory.h"

namespace {

using namespace reprieve;
using test::PacketScript;
using test::ScriptedRequest;
using test::Way;

constexpr std::size_t kMostRequests = 64;
constexpr unsigned kInputsPerStore = 64;
// A check gives way to others often, and so takes longer than most inputs do; a corpus is replayed with one for each.
constexpr unsigned kInputsPerCheck = 8;
// A packet of the socket pair is not longer.
constexpr std::size_t kMostInPacket = std::size_t{64} * 1024;
constexpr std::uint64_t kQuota = std::uint64_t{1} << 20;
// All that Linux 6.9 offers.
constexpr std::uint64_t kOffers = 0x30'7FFF'FFFF;

[[noreturn]] void found(const std::string& what) {
  std::fprintf(stderr, "found: %s\n", what.c_str());
  std::abort();
}

template <typename T>
T must(Result<T> result) {
  if (!result) found(std::string(reason_of(result.error())));
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

// What the daemon would log as its own fault, or the disk's, which is sound here.
class Faults final : public spdlog::sinks::base_sink<std::mutex> {
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string_view text(message.payload.data(), message.payload.size());
    if (text.starts_with("bug:") || text.find("errno=EIO") != std::string_view::npos) found(std::string(text));
  }
  void flush_() override {}
};

// One mount, and the kernel's end of its channel. Everything happens in the calling thread.
class Mount {
 public:
  enum class Outlives : bool { no, yes };

  Mount(FileSystem& files, const Account& account, MountId id, fs::Invalidator& invalidator, Outlives outlives)
      : record_(outlives == Outlives::yes ? must(fs::MountRecord::make({.mount = id, .account = account.name}))
                                          : nullptr),
        passthrough_(fs::PassthroughMode::automatic, record_.get()),
        open_files_(record_.get()),
        listings_([this] { static_cast<void>(channel_->drop_all_names()); }),
        context_{files, account, id, invalidator, passthrough_, open_files_, waiting_requests_, listings_},
        dispatchers_(context_) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) found("socketpair");
    kernel_ = FileDescriptor(ends[0]);
    channel_ = must(fs::KernelChannel::open(
        fs::operations(), {.wanted = fs::kernel::kInitHandleKillprivV2 | fs::kernel::kInitDirectIoAllowMmap |
                                     FUSE_PARALLEL_DIROPS | passthrough_.wanted_flags(),
                           .source = "fuzz",
                           .allow_other = false,
                           .record = record_.get()}));
    channel_->serve(dispatchers_);
    channel_->on_initialised([this](std::uint64_t offered) {
      must(passthrough_.settle(channel_->descriptor(), offered, {}));
      ready_ = true;
    });
    must(channel_->adopt(FileDescriptor(ends[1])));
    invalidator.add(id, account.root, *channel_, listings_);
  }
  ~Mount() {
    context_.invalidator.remove(context_.mount);
    waiting_requests_.stop();
    channel_.reset();
    open_files_.clear();
  }
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;

  // Hands it over and looks at what comes back. What was given out goes to the script.
  void serve(ScriptedRequest request, PacketScript& script) {
    if (request.opcode == FUSE_DESTROY) settle_interrupts(script);
    answers_ = 0;
    answer_.clear();
    if (request.opcode == FUSE_INTERRUPT) interrupts_.insert(request.unique);
    if (request.carried_out) {
      const auto known = must(context_.core.carried_out(context_.mount));
      context_.carried_out = {known.begin(), known.end()};
    }
    switch (way_of(request)) {
      case Way::device: by_device(request); break;
      case Way::in_one_piece: in_one_piece(request); break;
      case Way::ring:
      case Way::torn_ring: by_ring(request); break;
    }
    drain(request);
    judge(request);
    learn(request, script);
  }

  // An interrupt that came too late is answered with the next request, each. Those that wait for one at the end of the
  // session libfuse 3.14 never frees. After DESTROY, too, it takes them as before.
  void settle_interrupts(PacketScript& script) {
    for (std::size_t left = interrupts_.size(); left > 0; --left) {
      std::string packet(sizeof(fuse_in_header) + sizeof(fuse_getattr_in), '\0');
      const fuse_in_header header{.len = static_cast<std::uint32_t>(packet.size()),
                                  .opcode = FUSE_GETATTR,
                                  .unique = std::uint64_t{1} << 40 | left,
                                  .nodeid = FUSE_ROOT_ID};
      std::memcpy(packet.data(), &header, sizeof(header));
      serve({.opcode = FUSE_GETATTR, .unique = header.unique, .packet = packet}, script);
    }
  }

 private:
  // A mount that is to outlive its daemon has no ring, nor has one before INIT. INIT comes by the device.
  [[nodiscard]] Way way_of(const ScriptedRequest& request) const {
    if (record_ != nullptr || !ready_ || request.opcode == FUSE_INIT) return Way::device;
    fuse_read_in read{};
    if (request.opcode != FUSE_READ || request.packet.size() < sizeof(fuse_in_header) + sizeof(read))
      return request.way;
    std::memcpy(&read, request.packet.data() + sizeof(fuse_in_header), sizeof(read));
    return read.size > kMostInPacket ? Way::ring : request.way;
  }

  void by_device(const ScriptedRequest& request) {
    if (::send(kernel_.get(), request.packet.data(), request.packet.size(), 0) < 0) found("send");
    if (channel_->receive(buffer_) != fs::KernelChannel::Event::request) found("the channel ended");
    channel_->process(buffer_, 0);
  }

  void in_one_piece(const ScriptedRequest& request) {
    std::vector<std::byte> bytes(request.packet.size());
    std::memcpy(bytes.data(), request.packet.data(), bytes.size());
    channel_->process(bytes);
  }

  void by_ring(const ScriptedRequest& request) {
    fs::kernel::RingHeader header{};
    const std::size_t payload = request.packet.size() - sizeof(fuse_in_header) - request.fixed;
    std::memcpy(header.in_out, request.packet.data(), sizeof(fuse_in_header));
    std::memcpy(header.operation, request.packet.data() + sizeof(fuse_in_header), request.fixed);
    std::memcpy(payload_.get(), request.packet.data() + sizeof(fuse_in_header) + request.fixed, payload);
    header.entry.payload_size = request.way == Way::torn_ring ? request.payload : static_cast<std::uint32_t>(payload);
    fs::RingEntry entry(0, header, {payload_.get(), fs::kMostData});
    static_cast<void>(entry.is_slow([](int) { return false; }));
    std::vector<std::byte> scratch(entry.request_size());
    entry.carry_out([this](std::span<std::byte> whole) { channel_->process(whole); }, scratch);

    fuse_out_header answer{};
    std::memcpy(&answer, header.in_out, sizeof(answer));
    if (header.entry.payload_size > fs::kMostData) found("an answer that is longer than its buffer");
    if (!fs::wants_answer(request.opcode)) return;
    std::string packet(sizeof(answer) + header.entry.payload_size, '\0');
    std::memcpy(packet.data(), &answer, sizeof(answer));
    std::memcpy(packet.data() + sizeof(answer), payload_.get(), header.entry.payload_size);
    take(request, packet);
  }

  void drain(const ScriptedRequest& request) {
    std::string packet(2 * kMostInPacket, '\0');
    for (ssize_t got = 0; (got = ::recv(kernel_.get(), packet.data(), packet.size(), MSG_DONTWAIT)) > 0;)
      take(request, packet.substr(0, static_cast<std::size_t>(got)));
  }

  void take(const ScriptedRequest& request, const std::string& packet) {
    fuse_out_header header{};
    if (packet.size() < sizeof(header)) found("an answer without a header");
    std::memcpy(&header, packet.data(), sizeof(header));
    if (header.len != packet.size()) found("an answer of another length than it says");
    if (header.unique == 0) return;  // a notification
    if (header.error > 0 || header.error < -4095) found("an error that is none: " + std::to_string(header.error));
    if (header.error != 0 && packet.size() > sizeof(header)) found("an error and an answer");
    if (const auto interrupt = interrupts_.find(header.unique); interrupt != interrupts_.end()) {
      interrupts_.erase(interrupt);
      return;
    }
    if (header.unique != request.unique) found("an answer to what was answered before");
    ++answers_;
    answer_ = packet;
  }

  void judge(const ScriptedRequest& request) const {
    // libfuse refuses what comes before INIT and after DESTROY without asking whether it wants an answer.
    const bool may_be_refused = !initialised_ && !fs::wants_answer(request.opcode);
    const std::size_t wanted = fs::wants_answer(request.opcode) ? 1 : 0;
    if (answers_ == wanted || (may_be_refused && answers_ <= 1)) return;
    found(std::to_string(answers_) + " answers to operation " + std::to_string(request.opcode));
  }

  [[nodiscard]] bool succeeded() const {
    fuse_out_header header{};
    if (answer_.size() < sizeof(header)) return false;
    std::memcpy(&header, answer_.data(), sizeof(header));
    return header.error == 0;
  }
  template <typename Wire>
  [[nodiscard]] Wire answer_as() const {
    Wire wire{};
    const std::size_t size = answer_.size() - sizeof(fuse_out_header);
    std::memcpy(&wire, answer_.data() + sizeof(fuse_out_header), std::min(size, sizeof(wire)));
    return wire;
  }

  void learn(const ScriptedRequest& request, PacketScript& script) {
    if (!succeeded()) return;
    switch (request.opcode) {
      case FUSE_INIT: initialised_ = is_of_this_protocol(request); break;
      case FUSE_DESTROY: initialised_ = false; break;
      case FUSE_LOOKUP:
      case FUSE_MKNOD:
      case FUSE_MKDIR:
      case FUSE_SYMLINK:
      case FUSE_LINK: learn_node(answer_as<fuse_entry_out>().nodeid, script); break;
      case FUSE_OPEN: script.knows_handle(answer_as<fs::kernel::OpenOut>().handle); break;
      case FUSE_CREATE:
      case fs::kernel::kTmpfile: {
        const auto made = answer_as<fs::kernel::CreateOut>();
        learn_node(made.entry.nodeid, script);
        script.knows_handle(made.open.handle);
        break;
      }
      default: break;
    }
  }
  // To a newer one libfuse answers which it knows, and waits for another INIT.
  static bool is_of_this_protocol(const ScriptedRequest& request) {
    fuse_init_in init{};
    const std::size_t size = std::min(request.packet.size() - sizeof(fuse_in_header), sizeof(init));
    std::memcpy(&init, request.packet.data() + sizeof(fuse_in_header), size);
    return init.major <= FUSE_KERNEL_VERSION;
  }
  static void learn_node(std::uint64_t node, PacketScript& script) {
    if (node != 0) script.knows_node(node);
  }

  const std::unique_ptr<fs::MountRecord> record_;
  fs::Passthrough passthrough_;
  fs::OpenFiles open_files_;
  fs::WaitingRequests waiting_requests_;
  fs::ListingsUnderWay listings_;
  fs::MountContext context_;
  fs::Dispatchers dispatchers_;
  FileDescriptor kernel_;
  std::unique_ptr<fs::KernelChannel> channel_;
  fs::RequestBuffer buffer_;
  // Not as a vector: nobody needs a megabyte of zeros.
  const std::unique_ptr<std::byte[]> payload_ = std::make_unique_for_overwrite<std::byte[]>(fs::kMostData);
  std::multiset<std::uint64_t> interrupts_;  // not answered yet
  bool initialised_ = false;
  bool ready_ = false;       // a ring would be started
  std::size_t answers_ = 0;  // to the request at hand
  std::string answer_;
};

std::string init(std::uint64_t offers) {
  std::string packet(sizeof(fuse_in_header) + sizeof(fuse_init_in), '\0');
  const fuse_in_header header{
      .len = static_cast<std::uint32_t>(packet.size()), .opcode = FUSE_INIT, .unique = 1, .nodeid = 0};
  const fuse_init_in body{.major = FUSE_KERNEL_VERSION,
                          .minor = FUSE_KERNEL_MINOR_VERSION,
                          .max_readahead = 128 * 1024,
                          .flags = static_cast<std::uint32_t>(offers),
                          .flags2 = static_cast<std::uint32_t>(offers >> 32),
                          .unused = {}};
  std::memcpy(packet.data(), &header, sizeof(header));
  std::memcpy(packet.data() + sizeof(header), &body, sizeof(body));
  return packet;
}

// A store for some inputs, with an account for each.
class Harness {
 public:
  Harness() {
    // Nobody needs to fill a disk for this. The record of a mount takes the most.
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit most{.rlim_cur = 128 << 20, .rlim_max = 128 << 20};
    ::setrlimit(RLIMIT_FSIZE, &most);
    auto logger = std::make_shared<spdlog::logger>("fuzz", std::make_shared<Faults>());
    logger->set_level(spdlog::level::err);
    spdlog::set_default_logger(std::move(logger));
  }
  ~Harness() { close(); }
  Harness(const Harness&) = delete;
  Harness& operator=(const Harness&) = delete;

  void run(std::span<const std::uint8_t> input) {
    if (inputs_++ % kInputsPerStore == 0) open();
    const Account account = make_account("a" + std::to_string(inputs_));
    PacketScript script(input);
    for (const InodeId inode : {account.projects, account.runs, account.trash})
      script.knows_node(static_cast<std::uint64_t>(inode.number()));
    script.knows_node(FUSE_ROOT_ID);
    const std::uint8_t kind = script.byte();
    if ((kind & 8U) != 0) must(files_->quotas().set(account.id, kQuota));
    {
      Mount mount(*files_, account, MountId(inputs_), invalidator_,
                  (kind & 1U) != 0 ? Mount::Outlives::yes : Mount::Outlives::no);
      if ((kind & 2U) == 0) {
        const std::uint64_t offers = (kind & 4U) != 0 ? std::uint64_t{FUSE_BIG_WRITES} : kOffers;
        mount.serve({.opcode = FUSE_INIT, .unique = 1, .packet = init(offers)}, script);
      }
      for (std::size_t i = 0; i < kMostRequests; ++i) {
        const auto request = script.next();
        if (!request) break;
        mount.serve(*request, script);
      }
      mount.settle_interrupts(script);
    }
    if (inputs_ < kInputsPerStore || inputs_ % kInputsPerCheck == 0) check();
  }

 private:
  void open() {
    close();
    const auto store = directory_.path() / "store";
    test::remove_tree(store);
    Settings settings;
    settings.store.path = store;
    files_ = must(FileSystem::open(settings, clock_));
    files_->set_change_listener(&invalidator_);
  }
  void close() {
    if (files_) files_->set_change_listener(nullptr);
    files_.reset();
  }

  // With a project that holds a file, a trashed one beside it.
  Account make_account(const std::string& name) {
    const Account account = must(files_->accounts().ensure(name, 1000, 1000));
    const Caller caller{.uid = 1000, .gid = 1000, .thread = ::getpid(), .mount = {}};
    const NewNode folder{.mode = S_IFDIR | 0755, .device = 0, .symlink_target = {}};
    const Attributes project =
        must(files_->names().create(account, account.projects, EntryName::literal("P"), folder, caller));
    for (const char* const file : {"f", "t"})
      must(files_->content().create(account, project.inode, EntryName::literal(file), 0644, O_RDWR, caller, 0));
    must(files_->names().unlink(account, project.inode, EntryName::literal("t"), caller));
    return account;
  }

  void check() {
    const CheckReport report = must(files_->check(CheckMode::find, Caller{}));
    if (report.found == 0) return;
    const Finding& first = report.findings.front();
    found(first.rule + ": " + first.message + ": " + first.account + ":" + first.path);
  }

  test::TemporaryDirectory directory_;
  KernelClock clock_;
  fs::Invalidator invalidator_;
  std::unique_ptr<FileSystem> files_;
  unsigned inputs_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Harness harness;
  if (size > 0) harness.run({data, size});
  return 0;
}
