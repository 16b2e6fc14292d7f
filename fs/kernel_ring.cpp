// SPDX-License-Identifier: Apache-2.0
#include "fs/kernel_ring.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <future>
#include <string>
#include <string_view>

#include "core/base/file_descriptor.h"

namespace reprieve::fs {
namespace {

constexpr const char* kParameter = "/sys/module/fuse/parameters/enable_uring";
// A thread and some memory each: beyond this it is a machine that nobody has tried it on.
constexpr unsigned kMostProcessors = 1024;

Result<std::string> read_line(const char* path) {
  const FileDescriptor file(::open(path, O_RDONLY | O_CLOEXEC));
  if (!file) return fail(from_errno(errno, path));
  std::array<char, 4096> text{};
  const ssize_t size = ::read(file.get(), text.data(), text.size());
  if (size < 0) return fail(from_errno(errno, path));
  std::string line(text.data(), static_cast<std::size_t>(size));
  line.erase(std::min(line.find('\n'), line.size()));
  return line;
}

// Calls `each` with every number of a list as "0-3,8" (cpulist, Documentation/admin-guide/cputopology.rst).
template <typename Each>
void for_each_in_list(std::string_view list, const Each& each) {
  while (!list.empty()) {
    unsigned first = 0;
    auto [at, failed] = std::from_chars(list.data(), list.data() + list.size(), first);
    if (failed != std::errc()) return;
    unsigned last = first;
    const char* const end = list.data() + list.size();
    if (at != end && *at == '-') at = std::from_chars(at + 1, end, last).ptr;
    for (unsigned number = first; number <= last; ++number) each(number);
    list.remove_prefix(std::min(static_cast<std::size_t>(at - list.data()) + 1, list.size()));
  }
}

}  // namespace

Result<void> KernelRing::allow() {
  REPRIEVE_TRY(const std::string now, read_line(kParameter));
  if (now == "Y") return {};
  const FileDescriptor parameter(::open(kParameter, O_WRONLY | O_CLOEXEC));
  if (!parameter || ::write(parameter.get(), "Y", 1) != 1) return fail(from_errno(errno, kParameter));
  return {};
}

Result<std::unique_ptr<KernelRing>> KernelRing::make(std::size_t payload_size, unsigned slow_threads,
                                                     const RequestServer& server) {
  std::unique_ptr<KernelRing> ring(new KernelRing(slow_threads));
  REPRIEVE_TRY(const std::string online, read_line("/sys/devices/system/cpu/online"));
  REPRIEVE_TRY(const std::string possible, read_line("/sys/devices/system/cpu/possible"));
  std::vector<bool> served;
  Result<void> made;
  for_each_in_list(online, [&](unsigned processor) {
    if (!made || processor >= kMostProcessors) return;
    auto queue = RingQueue::make(processor, payload_size, server, ring->slow_);
    if (!queue) return void(made = fail(std::move(queue).error()));
    ring->queues_.push_back(*std::move(queue));
    served.resize(std::max<std::size_t>(served.size(), processor + 1));
    served[processor] = true;
  });
  REPRIEVE_TRY_VOID(made);
  if (ring->queues_.empty()) return fail(Errc::not_supported, "no processor is known to be online");
  // The kernel waits until every processor that could ever be there has a queue (is_ring_ready, fs/fuse/dev_uring.c).
  for_each_in_list(possible, [&](unsigned processor) {
    if (processor >= kMostProcessors) made = fail(Errc::not_supported, "the machine may get too many processors");
    if (processor >= served.size() || !served[processor]) ring->queues_.front()->adopt(processor);
  });
  REPRIEVE_TRY_VOID(made);
  for (const auto& queue : ring->queues_) REPRIEVE_TRY_VOID(queue->map_entries());
  return ring;
}

Result<void> KernelRing::start(int device) {
  std::vector<std::future<Result<void>>> outcomes;
  outcomes.reserve(queues_.size());
  Result<void> all;
  for (const auto& queue : queues_) {
    auto started = queue->start(device);
    if (!started) {
      all = fail(std::move(started).error());
      break;
    }
    outcomes.push_back(*std::move(started));
  }
  for (auto& outcome : outcomes) {
    if (auto registered = outcome.get(); !registered && all) all = std::move(registered);
  }
  return all;
}

void KernelRing::stop() {
  // First the slow lane: its answers go out through the queues' threads.
  slow_.stop();
  for (const auto& queue : queues_) queue->stop();
}

}  // namespace reprieve::fs
