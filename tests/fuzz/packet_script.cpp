// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/packet_script.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "fs/fuse_api.h"
#include "fs/kernel_abi.h"

namespace reprieve::test {
namespace {

namespace kernel = fs::kernel;

// Bits of a request's form, above the two of its way.
constexpr std::uint8_t kLengthLies = 1U << 2;
constexpr std::uint8_t kUniqueAgain = 1U << 3;
constexpr std::uint8_t kSentAgain = 1U << 4;
constexpr std::uint8_t kOthers = 1U << 5;  // another user's than the account's
constexpr std::uint8_t kRoots = 1U << 6;
constexpr std::uint8_t kNoProcess = 1U << 7;

constexpr std::uint64_t kSymbols = 256;
// Numbers of a byte's range that are given in full instead.
constexpr std::uint8_t kRaw = 255;

struct Field {
  std::size_t at;
  enum class Of : std::uint8_t { nodes, handles, requests } of;
};

std::vector<Field> fields_of(std::uint32_t opcode) {
  using Of = Field::Of;
  switch (opcode) {
    case FUSE_READ:
    case FUSE_WRITE:
    case FUSE_RELEASE:
    case FUSE_FLUSH:
    case FUSE_FSYNC:
    case FUSE_FALLOCATE:
    case FUSE_LSEEK:
    case FUSE_READDIR:
    case FUSE_READDIRPLUS:
    case FUSE_IOCTL:
    case FUSE_POLL: return {{0, Of::handles}};
    case FUSE_GETATTR:
    case FUSE_SETATTR:
    case kernel::kStatx: return {{8, Of::handles}};
    case FUSE_COPY_FILE_RANGE: return {{0, Of::handles}, {16, Of::nodes}, {24, Of::handles}};
    case FUSE_RENAME:
    case FUSE_RENAME2:
    case FUSE_LINK: return {{0, Of::nodes}};
    case FUSE_INTERRUPT: return {{0, Of::requests}};
    default: return {};
  }
}

// Of the first argument, if it has a fixed size; a ring has the others apart.
std::size_t fixed_of(std::uint32_t opcode, std::size_t arguments) {
  switch (opcode) {
    case FUSE_LOOKUP:
    case FUSE_UNLINK:
    case FUSE_RMDIR:
    case FUSE_SYMLINK:
    case FUSE_REMOVEXATTR: return 0;
    case FUSE_MKDIR:
    case FUSE_RENAME:
    case FUSE_LINK:
    case FUSE_SETXATTR:
    case FUSE_GETXATTR:
    case FUSE_BATCH_FORGET: return std::min<std::size_t>(arguments, 8);
    case FUSE_MKNOD:
    case FUSE_CREATE:
    case FUSE_RENAME2:
    case kernel::kTmpfile: return std::min<std::size_t>(arguments, 16);
    case FUSE_WRITE: return std::min(arguments, sizeof(fuse_write_in));
    case FUSE_IOCTL: return std::min(arguments, sizeof(fuse_ioctl_in));
    default: return std::min<std::size_t>(arguments, 128);
  }
}

template <typename Wire>
std::string wire(const Wire& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

// What would be done in earnest, though a disk has no room for it, or only in a long time.
void keep_small(std::uint32_t opcode, std::string& arguments) {
  constexpr std::uint64_t kMuch = std::uint64_t{1} << 20;
  constexpr std::uint64_t kAbsurd = std::uint64_t{1} << 40;
  const std::size_t at =
      opcode == FUSE_COPY_FILE_RANGE ? offsetof(fuse_copy_file_range_in, len) : offsetof(fuse_fallocate_in, length);
  std::uint64_t length = 0;
  const bool has_length = opcode == FUSE_FALLOCATE || opcode == FUSE_COPY_FILE_RANGE;
  if (!has_length || arguments.size() < at + sizeof(length)) return;
  std::memcpy(&length, arguments.data() + at, sizeof(length));
  if (length > kMuch && length < kAbsurd) length %= kMuch;
  std::memcpy(arguments.data() + at, &length, sizeof(length));
}

}  // namespace

std::uint8_t PacketScript::byte() { return static_cast<std::uint8_t>(number(1)); }

std::uint64_t PacketScript::number(std::size_t size) {
  std::uint64_t value = 0;
  const std::size_t got = std::min(size, bytes_.size());
  if (got > 0) std::memcpy(&value, bytes_.data(), got);
  bytes_ = bytes_.subspan(got);
  return value;
}

std::uint64_t PacketScript::node() {
  const std::uint8_t which = byte();
  return which == kRaw ? number(sizeof(std::uint64_t)) : nodes_[which % nodes_.size()];
}

std::uint64_t PacketScript::unique(std::uint32_t opcode, std::uint8_t form) {
  if (opcode == FUSE_INTERRUPT) return last_unique_ | 1U;
  if ((form & kUniqueAgain) == 0) last_unique_ += 2;  // as the kernel counts: odd numbers are for interrupts
  return last_unique_ | ((form & kSentAgain) != 0 ? kernel::kResent : 0);
}

std::string PacketScript::arguments(std::uint32_t opcode) {
  const std::uint8_t given = byte();
  const std::uint64_t wanted = given == kRaw ? number(2) : given;
  const std::size_t size = std::min<std::size_t>(wanted, bytes_.size());
  std::string bytes(reinterpret_cast<const char*>(bytes_.data()), size);
  bytes_ = bytes_.subspan(size);
  for (const Field& field : fields_of(opcode)) {
    std::uint64_t value = 0;
    if (field.at + sizeof(value) > bytes.size()) continue;
    std::memcpy(&value, bytes.data() + field.at, sizeof(value));
    if (value >= kSymbols) continue;
    if (field.of == Field::Of::requests) {
      value = last_unique_ - value;
    } else {
      const auto& known = field.of == Field::Of::nodes ? nodes_ : handles_;
      if (known.empty()) continue;
      value = known[value % known.size()];
    }
    std::memcpy(bytes.data() + field.at, &value, sizeof(value));
  }
  keep_small(opcode, bytes);
  return bytes;
}

std::optional<ScriptedRequest> PacketScript::next() {
  if (bytes_.empty()) return std::nullopt;
  ScriptedRequest request;
  const std::uint8_t operation = byte();
  request.opcode = operation == kRaw ? static_cast<std::uint32_t>(number(sizeof(std::uint32_t))) : operation;
  const std::uint64_t about = node();
  const std::uint8_t form = byte();
  request.way = static_cast<Way>(form & 3U);
  request.unique = unique(request.opcode, form);
  request.carried_out = (form & kSentAgain) != 0;
  const auto length_lie = (form & kLengthLies) != 0 ? static_cast<std::int8_t>(byte()) : std::int8_t{0};
  if (request.way == Way::torn_ring) request.payload = static_cast<std::uint32_t>(number(sizeof(std::uint32_t)));
  const std::string arguments = this->arguments(request.opcode);
  request.fixed = fixed_of(request.opcode, arguments.size());
  const auto uid = (form & kRoots) != 0 ? 0U : (form & kOthers) != 0 ? 2000U : 1000U;
  const std::size_t length = sizeof(fuse_in_header) + arguments.size();
  const fuse_in_header header{.len = static_cast<std::uint32_t>(static_cast<std::int64_t>(length) + length_lie),
                              .opcode = request.opcode,
                              .unique = request.unique,
                              .nodeid = about,
                              .uid = uid,
                              .gid = uid,
                              .pid = (form & kNoProcess) != 0 ? 0U : static_cast<std::uint32_t>(::getpid()),
                              .total_extlen = 0,
                              .padding = 0};
  request.packet = wire(header) + arguments;
  return request;
}

}  // namespace reprieve::test
