// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/store_view.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <sstream>

#include "core/upkeep/checker.h"
#include "tests/unit/volume.h"

namespace reprieve::test {
namespace {

constexpr std::size_t kAll = 100'000;

class Viewer {
 public:
  Viewer(FileSystem& core, const Account& account, Exactness exactness)
      : core_(core), account_(account), exact_(exactness == Exactness::exact) {}

  StoreView look() {
    const AccountSummary summary = must(core_.accounts().summary(account_));
    std::ostringstream line;
    line << account_.uid << " " << account_.gid << " quota " << summary.quota.value_or(0) << " owns "
         << summary.projects << "+" << summary.runs << " shared " << summary.shared << " items " << summary.trash_items;
    view_[account_.name] = line.str();
    add_children(account_.name, account_.root);
    for (const Share& share : must(core_.sharing().list(account_))) {
      view_[account_.name + " shares " + share.path + " of " + share.owner + " with " + share.with] =
          std::string(role_name(share.role)) + " " + share.name + " " + std::to_string(static_cast<int>(share.state));
    }
    std::size_t number = 0;
    for (const HistoryEvent& event : must(core_.history().list(account_, {.limit = kAll}))) {
      view_[account_.name + " event " + std::to_string(number++)] =
          std::string(event_name(event.kind)) + " " + event.path + " " + event.detail + (event.undone ? " undone" : "");
    }
    return std::move(view_);
  }

 private:
  void add_children(const std::string& path, InodeId directory) {
    for (const ListedEntry& entry : must(core_.names().list(account_, directory, {}, kAll, Detail::attributes)))
      add(path + "/" + entry.name.bytes(), entry.attributes);
  }

  void add(const std::string& path, const Attributes& attributes) {
    std::ostringstream line;
    if (exact_) line << attributes.inode.number() << " ";
    line << "mode " << std::oct << attributes.mode << std::dec << " links " << attributes.links << " ids "
         << attributes.uid << ":" << attributes.gid;
    if (S_ISLNK(attributes.mode)) line << " -> " << must(core_.names().read_symlink(account_, attributes.inode));
    if (S_ISREG(attributes.mode)) {
      must(core_.content().open(account_, attributes.inode, O_RDONLY));
    } else if (exact_ && attributes.inode != account_.trash) {  // whose time is that of the last change in memory
      line << " modified " << attributes.modified.time_since_epoch().count();
    }
    for (const std::string& name : must(core_.attributes().list_xattrs(account_, attributes.inode, {})))
      add_xattr(line, attributes, name);
    for (const char* own : {"kind", "origin", "role", "status", "derived_from"})
      add_xattr(line, attributes, std::string("user.reprieve.") + own);
    for (const char* own : {"id", "deleted_at", "session"})
      if (exact_) add_xattr(line, attributes, std::string("user.reprieve.") + own);
    view_[path] = line.str();
    if (S_ISDIR(attributes.mode)) add_children(path, attributes.inode);
  }

  void add_xattr(std::ostream& line, const Attributes& attributes, const std::string& name) {
    const auto value = core_.attributes().get_xattr(account_, attributes.inode, name);
    if (value) line << " " << name << "=" << *value;
  }

  FileSystem& core_;
  const Account& account_;
  const bool exact_;
  StoreView view_;
};

}  // namespace

StoreView view_of(FileSystem& core, Exactness exactness) {
  StoreView view;
  for (const Account& account : must(core.accounts().all())) view.merge(Viewer(core, account, exactness).look());
  return view;
}

std::string differences(const StoreView& expected, const StoreView& actual) {
  std::ostringstream text;
  for (const auto& [name, line] : expected) {
    const auto found = actual.find(name);
    if (found == actual.end()) {
      text << "missing: " << name << ": " << line << "\n";
    } else if (found->second != line) {
      text << "differs: " << name << "\n  was " << line << "\n  is  " << found->second << "\n";
    }
  }
  for (const auto& [name, line] : actual) {
    if (!expected.contains(name)) text << "not expected: " << name << ": " << line << "\n";
  }
  return text.str();
}

std::string broken_rules(const std::filesystem::path& store, std::size_t nameless) {
  const auto report = check_closed_store(store, CheckMode::find, SettableClock());
  if (!report) return std::string(reason_of(report.error())) + "\n";
  std::string broken;
  for (const Finding& finding : report->findings) {
    if (finding.rule == "blob-inode" && nameless != 0) {
      --nameless;
      continue;
    }
    broken += finding.rule + ": " + finding.message + ": inode " + std::to_string(finding.subject.inode.number()) +
              ", " + finding.account + ":" + finding.path + "\n";
  }
  if (nameless != 0) broken += "kept blobs of no file that are not told of: " + std::to_string(nameless) + "\n";
  return broken;
}

}  // namespace reprieve::test
