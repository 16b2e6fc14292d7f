// SPDX-License-Identifier: Apache-2.0
#include "core/view/posix_acl.h"

#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/stat.h>

#include <endian.h>
#include <algorithm>
#include <array>
#include <cstring>

namespace reprieve {
namespace {

constexpr mode_t kNineBits = S_IRWXU | S_IRWXG | S_IRWXO;
constexpr std::uint16_t kThreeBits = ACL_READ | ACL_WRITE | ACL_EXECUTE;

constexpr bool is_known(std::uint16_t tag) {
  return tag == ACL_USER_OBJ || tag == ACL_USER || tag == ACL_GROUP_OBJ || tag == ACL_GROUP || tag == ACL_MASK ||
         tag == ACL_OTHER;
}

// Owner, group and others, in the order and at the places that the mode has them.
constexpr unsigned kOwnerShift = 6;
constexpr unsigned kGroupShift = 3;

constexpr std::uint16_t bits_at(mode_t mode, unsigned shift) {
  return static_cast<std::uint16_t>((mode >> shift) & kThreeBits);
}

}  // namespace

Result<PosixAcl> PosixAcl::parse(std::string_view bytes) {
  posix_acl_xattr_header header{};
  if (bytes.size() < sizeof(header)) return fail(Errc::invalid_argument, "an access control list is cut off");
  std::memcpy(&header, bytes.data(), sizeof(header));
  bytes.remove_prefix(sizeof(header));
  if (::le32toh(header.a_version) != POSIX_ACL_XATTR_VERSION)
    return fail(Errc::not_supported, "a list of another version");
  if (bytes.size() % sizeof(posix_acl_xattr_entry) != 0)
    return fail(Errc::invalid_argument, "an access control list is cut off");
  PosixAcl acl;
  std::uint16_t last = 0;
  for (; !bytes.empty(); bytes.remove_prefix(sizeof(posix_acl_xattr_entry))) {
    posix_acl_xattr_entry raw{};
    std::memcpy(&raw, bytes.data(), sizeof(raw));
    const Entry entry{::le16toh(raw.e_tag), ::le16toh(raw.e_perm), ::le32toh(raw.e_id)};
    if (!is_known(entry.tag) || (entry.permissions & ~kThreeBits) != 0)
      return fail(Errc::invalid_argument, "an access control list has an unknown entry");
    // As the kernel has them (posix_acl_valid, fs/posix_acl.c): by tag, and only users and groups more than once.
    const bool repeats = entry.tag == last && entry.tag != ACL_USER && entry.tag != ACL_GROUP;
    if (entry.tag < last || repeats)
      return fail(Errc::invalid_argument, "the entries of an access control list are not in order");
    last = entry.tag;
    acl.entries_.push_back(entry);
  }
  for (const int tag : {ACL_USER_OBJ, ACL_GROUP_OBJ, ACL_OTHER}) {
    if (acl.find(static_cast<std::uint16_t>(tag)) == nullptr)
      return fail(Errc::invalid_argument, "an access control list lacks an entry");
  }
  if (!acl.is_minimal() && acl.find(ACL_MASK) == nullptr)
    return fail(Errc::invalid_argument, "an access control list lacks a mask");
  return acl;
}

std::string PosixAcl::bytes() const {
  std::string bytes(sizeof(posix_acl_xattr_header) + entries_.size() * sizeof(posix_acl_xattr_entry), '\0');
  const posix_acl_xattr_header header{.a_version = ::htole32(POSIX_ACL_XATTR_VERSION)};
  std::memcpy(bytes.data(), &header, sizeof(header));
  char* at = bytes.data() + sizeof(header);
  for (const Entry& entry : entries_) {
    const posix_acl_xattr_entry raw{
        .e_tag = ::htole16(entry.tag), .e_perm = ::htole16(entry.permissions), .e_id = ::htole32(entry.id)};
    std::memcpy(at, &raw, sizeof(raw));
    at += sizeof(raw);
  }
  return bytes;
}

PosixAcl::Entry* PosixAcl::find(std::uint16_t tag) {
  const auto found = std::ranges::find_if(entries_, [tag](const Entry& entry) { return entry.tag == tag; });
  return found == entries_.end() ? nullptr : &*found;
}

PosixAcl::Entry* PosixAcl::group_class() {
  Entry* mask = find(ACL_MASK);
  return mask != nullptr ? mask : find(ACL_GROUP_OBJ);
}

mode_t PosixAcl::permissions() const {
  mode_t mode = 0;
  bool masked = false;
  for (const Entry& entry : entries_) {
    switch (entry.tag) {
      case ACL_USER_OBJ: mode |= mode_t{entry.permissions} << kOwnerShift; break;
      case ACL_OTHER: mode |= entry.permissions; break;
      case ACL_GROUP_OBJ:
        if (!masked) mode |= mode_t{entry.permissions} << kGroupShift;
        break;
      case ACL_MASK:
        mode = (mode & ~mode_t{S_IRWXG}) | mode_t{entry.permissions} << kGroupShift;
        masked = true;
        break;
      default: break;
    }
  }
  return mode;
}

bool PosixAcl::is_minimal() const {
  return std::ranges::all_of(entries_, [](const Entry& entry) {
    return entry.tag == ACL_USER_OBJ || entry.tag == ACL_GROUP_OBJ || entry.tag == ACL_OTHER;
  });
}

void PosixAcl::set_permissions(mode_t mode) {
  find(ACL_USER_OBJ)->permissions = bits_at(mode, kOwnerShift);
  group_class()->permissions = bits_at(mode, kGroupShift);
  find(ACL_OTHER)->permissions = bits_at(mode, 0);
}

void PosixAcl::restrict_to(mode_t mode) {
  const mode_t both = ((permissions() & mode) & kNineBits);
  set_permissions(both);
}

}  // namespace reprieve
