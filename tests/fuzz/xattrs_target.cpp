// SPDX-License-Identifier: Apache-2.0
// Names and values of extended attributes, the project's own among them, down to a real store. The first byte says who
// sets one, on what, and how; then come pairs of a name and a value, each ended by a zero byte or the input.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/file_system.h"
#include "core/tree/own_attributes.h"
#include "core/view/posix_acl.h"
#include "tests/support/temporary_directory.h"

namespace {

using namespace reprieve;

template <typename T>
T must(Result<T> result) {
  if (!result) std::abort();
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

void must(bool holds) {
  if (!holds) std::abort();
}

std::string_view take_until_zero(std::string_view& text) {
  const std::string_view taken = text.substr(0, text.find('\0'));
  text.remove_prefix(std::min(taken.size() + 1, text.size()));
  return taken;
}

// One store for all inputs.
class Harness {
 public:
  Harness() {
    Settings settings;
    settings.store.path = directory_.path() / "store";
    files_ = must(FileSystem::open(settings, clock_));
    lab_ = must(files_->accounts().ensure("lab", 1000, 1000));
    const Caller caller{.uid = 1000, .gid = 1000, .thread = ::getpid(), .mount = {}};
    const NewNode folder{.mode = S_IFDIR | 0755, .device = 0, .symlink_target = {}};
    const auto make = [&](InodeId parent, const char* name) {
      return must(files_->names().create(lab_, parent, EntryName::literal(name), folder, caller)).inode;
    };
    const InodeId project = make(lab_.projects, "P");
    const InodeId sample = must(files_->names().lookup(lab_, project, EntryName::literal("samples"))).inode;
    const InodeId file = must(files_->content().create(lab_, project, EntryName::literal("f"), 0644, O_RDWR, caller, 0))
                             .attributes.inode;
    inodes_ = {project,   file,       make(lab_.runs, "R"), sample, make(project, "trashed"),
               lab_.root, lab_.trash, InodeId(9999)};
    must(files_->names().rmdir(lab_, project, EntryName::literal("trashed"), caller));
  }

  void run(std::uint8_t how, std::string_view pairs) {
    const uid_t uid = (how & 1U) != 0 ? 0 : 1000;
    const Caller caller{.uid = uid, .gid = uid, .thread = ::getpid(), .mount = {}};
    const InodeId inode = inodes_.at((how >> 1U) % inodes_.size());
    const auto mode = static_cast<XattrMode>((how >> 4U) % 4U);
    while (!pairs.empty()) {
      const std::string name(take_until_zero(pairs));
      set(inode, name, std::string(take_until_zero(pairs)), mode, caller);
    }
    // A check gives way to others often, and so takes longer than most inputs do.
    if (++inputs_ < 64 || inputs_ % 16 == 0) must(must(files_->check(CheckMode::find, caller)).found == 0);
    for (const std::string& name : must(files_->attributes().list_xattrs(lab_, inodes_.front(), {.uid = 0})))
      static_cast<void>(files_->attributes().remove_xattr(lab_, inodes_.front(), name, caller));
  }

 private:
  void set(InodeId inode, const std::string& name, const std::string& value, XattrMode mode, const Caller& caller) {
    AttributeService& attributes = files_->attributes();
    const auto before = attributes.get_xattr(lab_, inode, name);
    const auto set = attributes.set_xattr(lab_, inode, name, value, mode, caller);
    const auto after = attributes.get_xattr(lab_, inode, name);
    const auto listed = attributes.list_xattrs(lab_, inode, caller);
    const bool is_listed = listed && std::ranges::find(*listed, name) != listed->end();
    must(!listed || std::ranges::none_of(*listed, is_own_attribute));
    if (!set) {
      must(before.has_value() == after.has_value() && (!before || *before == *after));
      return;
    }
    must(!name.empty() && name.size() <= 255 && name.find('.') != std::string::npos);
    if (is_own_attribute(name)) {
      must(name == "user.reprieve.status" || name == "user.reprieve.derived_from");
      must(!is_listed);
    } else if (!name.starts_with("system.")) {
      must(after && *after == value);
      must(!name.starts_with("trusted.reprieve."));
      must(is_listed == (caller.uid == 0 || !name.starts_with("trusted.")));
    }
    if (attributes.remove_xattr(lab_, inode, name, caller)) must(!attributes.get_xattr(lab_, inode, name));
  }

  test::TemporaryDirectory directory_;
  KernelClock clock_;
  std::unique_ptr<FileSystem> files_;
  Account lab_;
  std::array<InodeId, 8> inodes_;
  unsigned inputs_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Harness harness;
  if (size > 1) harness.run(*data, {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
