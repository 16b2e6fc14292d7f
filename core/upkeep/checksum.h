// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/base/result.h"

struct XXH3_state_s;

namespace reprieve {

// Whether nobody has the file open for writing or mapped so, in this process or another, or through a mount whose
// daemon is gone: a lease is refused otherwise (fcntl(2), "Leases"; check_conflicting_open, fs/locks.c). The descriptor
// is open for reading only. False also where the file system below knows no leases.
bool is_at_rest(int descriptor);

// The sum of what a file holds, read a part at a time: XXH3 of 128 bits over its size and each piece that is not all
// zeros with its place, so that holes cost nothing. Reads past the page cache where the file system below allows it
// (O_DIRECT), since bytes that are remembered tell nothing of those on the disk.
class FileSum {
 public:
  // Of a descriptor that is lent for as long as this lives and used by nobody else. io.
  static Result<FileSum> begin(int descriptor);
  // Reads on by about so many bytes; how many that was, 0 where nothing is left to be read. io.
  Result<std::size_t> read_on(std::size_t about);
  // Once nothing is left to be read, and once only: its canonical form of 16 bytes.
  [[nodiscard]] std::string finish();
  // Whether everything so far was read past the page cache.
  [[nodiscard]] bool is_direct() const { return direct_; }

 private:
  struct FreeState {
    void operator()(XXH3_state_s* state) const;
  };
  FileSum() = default;
  void add(const void* bytes, std::size_t size);
  // The piece at offset_, whole, up to where the file ends.
  Result<std::size_t> read_piece(char* piece);
  void read_through_cache();

  std::unique_ptr<XXH3_state_s, FreeState> state_;
  int descriptor_ = -1;
  std::int64_t size_ = 0;
  std::int64_t offset_ = 0;
  bool direct_ = true;
};

}  // namespace reprieve
