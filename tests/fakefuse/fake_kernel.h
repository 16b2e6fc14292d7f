// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/base/file_descriptor.h"
#include "fs/kernel_abi.h"

namespace reprieve::test {

// The bytes of a kernel structure.
template <typename Wire>
std::string wire(const Wire& value) {
  static_assert(std::is_trivially_copyable_v<Wire>);
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

// A name as requests carry it.
inline std::string name(std::string_view text) { return std::string(text) + '\0'; }

// What a request was answered with.
struct Answer {
  int error = 0;  // a positive errno
  std::string body;

  template <typename Wire>
  [[nodiscard]] Wire as() const {
    Wire value{};
    std::memcpy(&value, body.data(), std::min(body.size(), sizeof(value)));
    return value;
  }
};

// One line of a READDIR or READDIRPLUS.
struct Line {
  std::string name;
  std::uint64_t node = 0;  // READDIRPLUS alone
  std::uint64_t inode = 0;
  std::uint64_t offset = 0;
  std::uint32_t type = 0;
};

// What the file system told without being asked.
struct Notification {
  int code = 0;  // FUSE_NOTIFY_*
  std::uint64_t node = 0;
  std::int64_t offset = 0;  // FUSE_NOTIFY_INVAL_INODE
  std::string name;         // FUSE_NOTIFY_INVAL_ENTRY

  friend bool operator==(const Notification&, const Notification&) = default;
};

// The kernel's side of a FUSE connection. One thread uses it. Waiting for an answer ends the test after a few seconds.
class FakeKernel {
 public:
  FakeKernel();

  // The descriptor for the file system, once.
  FileDescriptor other_end() { return std::move(other_end_); }
  // As when the file system is unmounted.
  void close() { socket_.reset(); }

  // What the kernel offers in INIT by default: all that Linux 6.9 does.
  static constexpr std::uint64_t kOffers = 0x30'7FFF'FFFF;
  fuse_init_out init(std::uint64_t offers = kOffers);

  // Sends a request and returns its answer. Every answer and notification that comes meanwhile is kept.
  Answer call(fuse_opcode opcode, std::uint64_t node, const std::string& body = {});
  // The same in two steps; FORGET has no answer.
  std::uint64_t send(fuse_opcode opcode, std::uint64_t node, const std::string& body = {});
  Answer answer_to(std::uint64_t unique);

  // Who the following requests come from.
  void act_as(std::uint32_t uid) { uid_ = uid; }

  // What was told up to now, in order, taken out.
  std::vector<Notification> notifications();
  // Waits for one that was not told yet, too.
  Notification next_notification();
  // Answers that nothing was asked for, ever: a second one to the same request among them.
  [[nodiscard]] std::size_t unexpected_answers();

 private:
  // False when nothing came within `milliseconds`.
  bool receive(int milliseconds);

  FileDescriptor socket_;
  FileDescriptor other_end_;
  std::uint64_t last_unique_ = 0;
  std::uint32_t uid_ = 0;
  std::map<std::uint64_t, std::optional<Answer>> asked_;  // empty: not answered yet
  std::deque<Notification> told_;
  std::size_t unexpected_ = 0;
};

// The lines of an answer to READDIR (or, with `plus`, READDIRPLUS).
std::vector<Line> lines_of(const Answer& answer, bool plus);

}  // namespace reprieve::test
