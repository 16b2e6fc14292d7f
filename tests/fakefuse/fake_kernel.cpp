// SPDX-License-Identifier: Apache-2.0
#include "tests/fakefuse/fake_kernel.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace reprieve::test {
namespace {

constexpr int kPatience = 10'000;
constexpr std::size_t kMostBytes = std::size_t{256} * 1024;

Notification notification(int code, const char* body, std::size_t size) {
  Notification told{.code = code};
  if (told.code == FUSE_NOTIFY_INVAL_INODE) {
    fuse_notify_inval_inode_out out{};
    std::memcpy(&out, body, std::min(size, sizeof(out)));
    told.node = out.ino;
    told.offset = out.off;
  } else if (told.code == FUSE_NOTIFY_INVAL_ENTRY) {
    fuse_notify_inval_entry_out out{};
    std::memcpy(&out, body, std::min(size, sizeof(out)));
    told.node = out.parent;
    told.name.assign(body + sizeof(out), out.namelen);
  }
  return told;
}

}  // namespace

FakeKernel::FakeKernel() {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    throw std::runtime_error("socketpair failed");
  }
  socket_ = FileDescriptor(pair[0]);
  other_end_ = FileDescriptor(pair[1]);
}

fuse_init_out FakeKernel::init(std::uint64_t offers) {
  const fuse_init_in request{.major = FUSE_KERNEL_VERSION,
                             .minor = FUSE_KERNEL_MINOR_VERSION,
                             .max_readahead = 128 * 1024,
                             .flags = static_cast<std::uint32_t>(offers),
                             .flags2 = static_cast<std::uint32_t>(offers >> 32),
                             .unused = {}};
  return call(FUSE_INIT, 0, wire(request)).as<fuse_init_out>();
}

std::uint64_t FakeKernel::send(fuse_opcode opcode, std::uint64_t node, const std::string& body) {
  last_unique_ += 2;  // as the kernel counts: odd numbers are for interrupts
  const fuse_in_header header{.len = static_cast<std::uint32_t>(sizeof(fuse_in_header) + body.size()),
                              .opcode = static_cast<std::uint32_t>(opcode),
                              .unique = last_unique_,
                              .nodeid = node,
                              .uid = uid_,
                              .gid = uid_,
                              .pid = static_cast<std::uint32_t>(::getpid()),
                              .total_extlen = 0,
                              .padding = 0};
  const std::string packet = wire(header) + body;
  if (opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET) asked_[last_unique_] = std::nullopt;
  if (::send(socket_.get(), packet.data(), packet.size(), MSG_NOSIGNAL) < 0) throw std::runtime_error("send failed");
  return last_unique_;
}

Answer FakeKernel::answer_to(std::uint64_t unique) {
  while (!asked_.at(unique)) {
    if (!receive(kPatience)) throw std::runtime_error("no answer to request " + std::to_string(unique));
  }
  return *asked_.at(unique);
}

Answer FakeKernel::call(fuse_opcode opcode, std::uint64_t node, const std::string& body) {
  return answer_to(send(opcode, node, body));
}

bool FakeKernel::receive(int milliseconds) {
  pollfd waiting{.fd = socket_.get(), .events = POLLIN, .revents = 0};
  if (::poll(&waiting, 1, milliseconds) <= 0) return false;
  std::string packet(kMostBytes, '\0');
  const ssize_t got = ::recv(socket_.get(), packet.data(), packet.size(), 0);
  if (got <= 0) return false;  // the file system closed the connection
  fuse_out_header header{};
  if (got < static_cast<ssize_t>(sizeof(header))) throw std::runtime_error("an answer without a header");
  std::memcpy(&header, packet.data(), sizeof(header));
  packet.resize(static_cast<std::size_t>(got));
  if (header.len != packet.size()) throw std::runtime_error("an answer of another length than it says");

  const std::string body = packet.substr(sizeof(header));
  if (header.unique == 0) {
    told_.push_back(notification(header.error, body.data(), body.size()));
    return true;
  }
  const auto asked = asked_.find(header.unique);
  if (asked == asked_.end() || asked->second) {
    ++unexpected_;
  } else {
    asked->second = Answer{.error = -header.error, .body = body};
  }
  return true;
}

std::vector<Notification> FakeKernel::notifications() {
  while (receive(0)) {
  }
  std::vector<Notification> told(told_.begin(), told_.end());
  told_.clear();
  return told;
}

Notification FakeKernel::next_notification() {
  while (told_.empty()) {
    if (!receive(kPatience)) throw std::runtime_error("no notification came");
  }
  Notification told = told_.front();
  told_.pop_front();
  return told;
}

std::size_t FakeKernel::unexpected_answers() {
  while (receive(0)) {
  }
  return unexpected_;
}

std::vector<Line> lines_of(const Answer& answer, bool plus) {
  std::vector<Line> lines;
  for (std::size_t at = 0; at < answer.body.size();) {
    Line line;
    const std::size_t start = at;
    if (plus) {
      fuse_entry_out entry{};
      std::memcpy(&entry, answer.body.data() + at, sizeof(entry));
      line.node = entry.nodeid;
      at += sizeof(entry);
    }
    fuse_dirent head{};
    std::memcpy(&head, answer.body.data() + at, offsetof(fuse_dirent, name));
    line.inode = head.ino;
    line.offset = head.off;
    line.type = head.type;
    line.name = answer.body.substr(at + offsetof(fuse_dirent, name), head.namelen);
    lines.push_back(line);
    at = start + FUSE_REC_ALIGN(at - start + offsetof(fuse_dirent, name) + head.namelen);
  }
  return lines;
}

}  // namespace reprieve::test
