// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace reprieve::test {

// How a request gets to the file system.
enum class Way : std::uint8_t {
  device,        // read from the channel
  in_one_piece,  // handed over in memory that ends where it does
  ring,          // in the buffers of a ring's entry
  torn_ring      // the same, with sizes that say something else
};

struct ScriptedRequest {
  std::uint32_t opcode = 0;
  std::uint64_t unique = 0;
  Way way = Way::device;
  std::string packet;         // header and arguments
  std::size_t fixed = 0;      // of the arguments, what a ring's entry has beside the payload
  std::uint32_t payload = 0;  // torn_ring: the payload's size as it is told
  bool carried_out = false;   // what was carried out by then is known, as to a daemon that takes over
};

// Reads a file as a sequence of requests. Its bytes are the kernel's own structures, with little before each, so that a
// mutation of a byte is one of a field. Numbers below 256 in fields that hold a node or a handle stand for one that the
// file system gave out.
class PacketScript {
 public:
  explicit PacketScript(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::uint8_t byte();
  // None when the file is at its end.
  std::optional<ScriptedRequest> next();

  void knows_node(std::uint64_t node) { nodes_.push_back(node); }
  void knows_handle(std::uint64_t handle) { handles_.push_back(handle); }

 private:
  std::uint64_t number(std::size_t size);
  std::uint64_t node();
  std::string arguments(std::uint32_t opcode);
  std::uint64_t unique(std::uint32_t opcode, std::uint8_t form);

  std::span<const std::uint8_t> bytes_;
  std::vector<std::uint64_t> nodes_;
  std::vector<std::uint64_t> handles_;
  std::uint64_t last_unique_ = 2;
};

}  // namespace reprieve::test
