// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/mount_test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "core/base/file_descriptor.h"

namespace reprieve::test {
namespace {

std::string text_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::int64_t number_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_number() ? value->to_number<std::int64_t>() : -1;
}

ListedItem parse_item(const boost::json::value& value) {
  const boost::json::object& object = value.as_object();
  ListedItem item{.id = number_of(object, "id"),
                  .name = text_of(object, "name"),
                  .kind = text_of(object, "kind"),
                  .origin = text_of(object, "origin"),
                  .account = text_of(object, "account"),
                  .session = text_of(object, "session"),
                  .deleted_at = text_of(object, "dateDeleted"),
                  .files = number_of(object, "files"),
                  .folders = number_of(object, "folders"),
                  .bytes = number_of(object, "bytes"),
                  .exclusive_bytes = number_of(object, "exclusiveBytes")};
  if (const auto* by = object.if_contains("deletedBy"); by != nullptr && by->is_object())
    item.deleted_by_uid = number_of(by->get_object(), "uid");
  return item;
}

void check(int result, const std::string& what) {
  if (result != 0) throw std::system_error(errno, std::generic_category(), what);
}

void set_old_times(const std::filesystem::path& path, int seed) {
  const std::array<timespec, 2> times{timespec{1'100'000'000 + seed, 1 + seed},
                                      timespec{1'000'000'000 + seed * 1000, 123'456'789 + seed}};
  check(::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW), "utimensat");
}

void make_holes(const std::filesystem::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644));
  check(::ftruncate(file.get(), 3 << 20), "ftruncate");
  if (::pwrite(file.get(), "in the middle", 13, 1 << 20) != 13) check(-1, "pwrite");
}

void make_files(const std::filesystem::path& top) {
  write_file(top / "plain", "plain text\n");
  write_file(top / "empty", "");
  write_file(top / "sub/deeper/big", std::string(700'000, 'b'));
  write_file(top / "sub/read-only", "only to be read\n");
  write_file(top / "sub/program", "#!/bin/sh\n");
  write_file(top / "locked/inside", "in a folder that cannot be written\n");
  make_holes(top / "sparse");
  for (const char* name : {"caf\xe9\xff", "new\nline", " blanks ", "-rf", "~2", "q'\"$*?\\"})
    write_file(top / "odd" / name, name);
  write_file(top / "odd" / std::string(255, 'n'), "long");
  std::filesystem::create_hard_link(top / "plain", top / "sub/hard");
  std::filesystem::create_hard_link(top / "plain", top / "sub/deeper/hard");
  std::filesystem::create_symlink("plain", top / "link");
  std::filesystem::create_symlink("no/where", top / "sub/dangling");
  check(::mkfifo((top / "sub/fifo").c_str(), 0640), "mkfifo");
}

void make_attributes(const std::filesystem::path& top) {
  check(::setxattr((top / "plain").c_str(), "user.note", "kept", 4, 0), "setxattr");
  check(::setxattr((top / "sub").c_str(), "user.folder", "\0\xff", 2, 0), "setxattr");
  check(::lsetxattr((top / "link").c_str(), "trusted.link", "t", 1, 0), "lsetxattr");
  check(::chown((top / "sub/deeper/big").c_str(), 1234, 4321), "chown");
  check(::lchown((top / "sub/dangling").c_str(), 77, 78), "lchown");
  check(::chmod((top / "sub/read-only").c_str(), 0400), "chmod");
  check(::chmod((top / "sub/program").c_str(), 06755), "chmod");
  check(::chmod((top / "odd").c_str(), 03777), "chmod");
  check(::chmod((top / "locked").c_str(), 0555), "chmod");
}

}  // namespace

int errno_of(std::int64_t result) { return result < 0 ? errno : 0; }

void make_rich_tree(const std::filesystem::path& top) {
  for (const char* folder : {"sub/deeper/bottom", "odd", "locked", "empty folder"})
    std::filesystem::create_directories(top / folder);
  make_files(top);
  make_attributes(top);
  std::vector<std::filesystem::path> all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(top)) all.push_back(entry.path());
  all.push_back(top);
  int seed = 0;
  for (const auto& path : all) set_old_times(path, ++seed);
}

void MountTest::SetUp() {
  if (const std::string reason = why_no_mounts(); !reason.empty()) GTEST_SKIP() << reason;
  daemon_ = std::make_unique<DaemonProcess>(directory_.path(), options());
  ASSERT_TRUE(daemon_->start()) << daemon_->log();
  std::filesystem::create_directory(project());
  std::filesystem::create_directory(run_folder());
}

void MountTest::TearDown() {
  if (!daemon_) return;
  EXPECT_TRUE(daemon_->running()) << daemon_->log();
  if (daemon_->running()) {
    EXPECT_EQ(daemon_->stop(), 0) << daemon_->log();
    EXPECT_FALSE(is_mount_point(daemon_->mount()));
  }
}

std::vector<std::string> MountTest::names_in(const std::filesystem::path& directory) const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

std::vector<ListedItem> MountTest::items(std::vector<std::string> filters) const {
  filters.insert(filters.begin(), {"list", "--json", "--asc"});
  const CommandResult listed = daemon_->ctl(filters);
  EXPECT_EQ(listed.exit_code, 0) << listed.describe();
  std::vector<ListedItem> all;
  if (listed.exit_code != 0) return all;
  const boost::json::value parsed = boost::json::parse(listed.out);
  for (const boost::json::value& value : parsed.as_array()) all.push_back(parse_item(value));
  return all;
}

ListedItem MountTest::item(const std::string& name) const {
  ListedItem found;
  int count = 0;
  for (const ListedItem& candidate : items()) {
    if (candidate.name != name) continue;
    found = candidate;
    ++count;
  }
  EXPECT_EQ(count, 1) << "items of the name " << name;
  return found;
}

HttpAnswer MountTest::http(const std::string& method, const std::string& resource, const std::string& body) const {
  std::vector<std::string> command{"curl", "-sS", "--unix-socket", daemon_->socket(), "-X",
                                   method, "-w",  "\n%{http_code}"};
  if (!body.empty()) command.insert(command.end(), {"-H", "Content-Type: application/json", "--data-binary", body});
  command.push_back("http://reprieve" + resource);
  const CommandResult result = run(command);
  EXPECT_EQ(result.exit_code, 0) << result.describe();
  const std::size_t end = result.out.rfind('\n');
  if (end == std::string::npos) return {};
  HttpAnswer answer{.status = std::stoi(result.out.substr(end + 1)), .body = {}, .text = result.out.substr(0, end)};
  boost::system::error_code ignored;
  answer.body = boost::json::parse(answer.text, ignored);
  return answer;
}

CommandResult MountTest::ctl(const std::vector<std::string>& arguments, int code) const {
  CommandResult result = daemon_->ctl(arguments);
  EXPECT_EQ(result.exit_code, code) << "reprievectl " << arguments.front() << "\n" << result.describe();
  return result;
}

CommandResult MountTest::succeed(const std::vector<std::string>& arguments) const {
  CommandResult result = run(arguments);
  EXPECT_EQ(result.exit_code, 0) << arguments.front() << "\n" << result.describe();
  return result;
}

}  // namespace reprieve::test
