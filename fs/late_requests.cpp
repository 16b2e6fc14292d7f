// SPDX-License-Identifier: Apache-2.0
#include "fs/late_requests.h"

#include <cstring>

#include "fs/fuse_api.h"
#include "fs/kernel_abi.h"

namespace reprieve::fs::late {
namespace {

// The name that ends a FUSE_TMPFILE, padded to eight bytes as all of the kernel's names are, becomes kUnnamed.
void make_create(char* request, std::size_t size, fuse_in_header& header) {
  constexpr std::size_t kName = sizeof(fuse_in_header) + sizeof(fuse_create_in);
  if (size < kName + kUnnamed.size() + 1) return;
  std::memcpy(request + kName, kUnnamed.data(), kUnnamed.size());
  request[kName + kUnnamed.size()] = '\0';
  header.opcode = FUSE_CREATE;
}

void make_getattr(char* request, std::size_t size, fuse_in_header& header) {
  static_assert(sizeof(kernel::StatxIn) >= sizeof(fuse_getattr_in));
  if (size < sizeof(fuse_in_header) + sizeof(kernel::StatxIn)) return;
  const fuse_getattr_in body{.getattr_flags = FUSE_GETATTR_FH, .dummy = 0, .fh = kStatxHandle};
  std::memcpy(request + sizeof(fuse_in_header), &body, sizeof(body));
  header.opcode = FUSE_GETATTR;
}

}  // namespace

void translate(void* request, std::size_t size) {
  fuse_in_header header{};
  if (size < sizeof(header)) return;
  std::memcpy(&header, request, sizeof(header));
  switch (header.opcode) {
    case kernel::kTmpfile: make_create(static_cast<char*>(request), size, header); break;
    case kernel::kStatx: make_getattr(static_cast<char*>(request), size, header); break;
    default: return;
  }
  std::memcpy(request, &header, sizeof(header));
}

}  // namespace reprieve::fs::late
