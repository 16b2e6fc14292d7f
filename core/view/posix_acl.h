// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/attributes.h"
#include "core/base/result.h"

namespace reprieve {

// A POSIX access control list. The kernel enforces it, here it is only kept in step with the mode bits: the entries of
// owner, others and mask (of the group, where there is no mask) are the nine bits seen another way. A value.
class PosixAcl {
 public:
  // From the form that setxattr(2) takes: include/uapi/linux/posix_acl_xattr.h. invalid_argument: malformed.
  static Result<PosixAcl> parse(std::string_view bytes);
  [[nodiscard]] std::string bytes() const;

  // The nine bits that say what the list says, as far as they can.
  [[nodiscard]] mode_t permissions() const;
  // Whether they say all of it, so that there is nothing to store.
  [[nodiscard]] bool is_minimal() const;
  // What chmod(2) makes of it.
  void set_permissions(mode_t mode);
  // As the list of something that is created with `mode` in a directory whose default it is: allows what both allow.
  void restrict_to(mode_t mode);

 private:
  struct Entry {
    std::uint16_t tag;
    std::uint16_t permissions;
    std::uint32_t id;
  };
  // The entry of this tag, of which there is one at most.
  [[nodiscard]] Entry* find(std::uint16_t tag);
  // What stands for the group bits.
  [[nodiscard]] Entry* group_class();

  std::vector<Entry> entries_;
};

}  // namespace reprieve
