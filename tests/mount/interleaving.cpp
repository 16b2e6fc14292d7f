// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/interleaving.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <set>

#include "tests/control/raw_client.h"
#include "tests/support/tree_snapshot.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongest = 20000;  // over some pages
constexpr std::array kFolders{"", "d/", "e/"};
constexpr int kNames = 4;  // in each
constexpr std::chrono::milliseconds kMoment{2000};

int done(std::int64_t result) { return result < 0 ? errno : 0; }

// The error of a call with a path. What was moved through one mount, the other's kernel moves when it is looked up
// there, unless the directory that it was in is being changed there at that moment: then it is ESTALE (reprieve(7)).
template <typename Call>
int patiently(const Call& call) {
  int error = 0;
  wait_until([&] { return (error = call()) != ESTALE; }, kMoment);
  return error;
}

int look(const fs::path& path) {
  struct stat status {};
  return done(::lstat(path.c_str(), &status));
}

FileDescriptor open_file(const fs::path& path, int flags) {
  FileDescriptor file;
  errno = patiently([&] {
    file = FileDescriptor(::open(path.c_str(), flags | O_CLOEXEC, 0644));
    return file ? 0 : errno;
  });
  return file;
}

// 0 when every byte was written.
int write_all(int file, const std::string& text) {
  const ssize_t written = ::write(file, text.data(), text.size());
  if (written < 0) return errno;
  return static_cast<std::size_t>(written) == text.size() ? 0 : EIO;
}

std::set<std::string> names_in(const fs::path& directory) {
  std::set<std::string> names;
  fs::directory_iterator entries;
  std::error_code error;
  patiently([&] {
    entries = fs::directory_iterator(directory, error);
    return error.value();
  });
  if (error) throw fs::filesystem_error("listing", directory, error);
  for (const auto& entry : entries) names.insert(entry.path().filename());
  return names;
}

std::string head(const std::string& text) {
  constexpr std::size_t kShown = 24;
  return "\"" + text.substr(0, kShown) + "\" of " + std::to_string(text.size());
}

}  // namespace

Interleaving::Interleaving(Places places) : places_(std::move(places)) {
  for (const char* folder : kFolders) {
    fs::create_directories(view(0) / folder);
    for (int i = 0; i < kNames; ++i) {
      slots_.push_back(std::make_unique<Slot>());
      slots_.back()->path = folder + ("n" + std::to_string(i));
    }
  }
}

void Interleaving::complain(const std::string& what) {
  constexpr std::size_t kMost = 4000;
  const std::lock_guard lock(complaints_mutex_);
  if (complaints_.size() < kMost) complaints_ += what + "\n";
}

std::string Interleaving::complaints() const {
  const std::lock_guard lock(complaints_mutex_);
  return complaints_;
}

void Interleaving::expect(int error, int expected, const std::string& what) {
  if (error != expected) complain(what + ": " + std::strerror(error) + ", not " + std::strerror(expected));
}

// No two are the same.
std::string Interleaving::new_text(Random& random) {
  std::string text = std::to_string(++made_) + ":";
  text.append(random() % 4 == 0 ? random() % kLongest : random() % 100, static_cast<char>('a' + random() % 26));
  return text;
}

// --- one name

void Interleaving::change(Random& random) {
  { const std::lock_guard pass(gate_); }
  const std::shared_lock whole(project_);
  if (random() % 5 == 0) return move(random);
  constexpr std::array kActions{
      &Interleaving::write,    &Interleaving::write,        &Interleaving::append, &Interleaving::truncate,
      &Interleaving::set_mode, &Interleaving::write_mapped, &Interleaving::remove, &Interleaving::trash_and_restore};
  Slot& slot = any_slot(random);
  const std::lock_guard lock(slot.mutex);
  std::invoke(kActions[random() % kActions.size()], *this, random, slot, any_view(random));
  check(slot, any_view(random));
}

void Interleaving::write(Random& random, Slot& slot, const fs::path& here) {
  const std::string text = new_text(random);
  const bool is_new = slot.file == nullptr;
  if (is_new) {
    slot.file = std::make_shared<File>();
    slot.file->made_in = here == view(0) ? 0 : 1;
  }
  const std::lock_guard lock(slot.file->mutex);
  const FileDescriptor file = open_file(here / slot.path, O_WRONLY | O_TRUNC | O_CREAT | (is_new ? O_EXCL : 0));
  expect(file ? 0 : errno, 0, "create " + slot.path);
  if (file) expect(write_all(file.get(), text), 0, "write " + slot.path);
  slot.file->content = text;
}

void Interleaving::append(Random& random, Slot& slot, const fs::path& here) {
  const FileDescriptor file = open_file(here / slot.path, O_WRONLY | O_APPEND);
  expect(file ? 0 : errno, slot.file ? 0 : ENOENT, "open " + slot.path);
  if (!file || !slot.file) return;
  const std::lock_guard lock(slot.file->mutex);
  const std::string text = new_text(random);
  expect(write_all(file.get(), text), 0, "append to " + slot.path);
  slot.file->content += text;
}

void Interleaving::write_mapped(Random& random, Slot& slot, const fs::path& here) {
  const FileDescriptor file = open_file(here / slot.path, O_RDWR);
  expect(file ? 0 : errno, slot.file ? 0 : ENOENT, "open " + slot.path);
  if (!file || !slot.file) return;
  const std::lock_guard lock(slot.file->mutex);
  std::string& content = slot.file->content;
  if (content.empty()) return;
  void* mapped = ::mmap(nullptr, content.size(), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  expect(mapped == MAP_FAILED ? errno : 0, 0, "map " + slot.path);
  if (mapped == MAP_FAILED) return;
  if (std::memcmp(mapped, content.data(), content.size()) != 0) complain(slot.path + " is mapped with old bytes");
  const std::size_t at = random() % content.size();
  content[at] = static_cast<char>('A' + random() % 26);
  static_cast<char*>(mapped)[at] = content[at];
  ::munmap(mapped, content.size());
}

void Interleaving::truncate(Random& random, Slot& slot, const fs::path& here) {
  const std::size_t size = random() % kLongest;
  const fs::path path = here / slot.path;
  const auto cut = [&](off_t to) { return patiently([&] { return done(::truncate(path.c_str(), to)); }); };
  if (!slot.file) return expect(cut(0), ENOENT, "truncate " + slot.path);
  const std::lock_guard lock(slot.file->mutex);
  expect(cut(static_cast<off_t>(size)), 0, "truncate " + slot.path);
  slot.file->content.resize(size);
}

void Interleaving::set_mode(Random& random, Slot& slot, const fs::path& here) {
  const unsigned mode = 0600U | (random() & 077U);
  const fs::path path = here / slot.path;
  const auto chmod = [&] { return patiently([&] { return done(::chmod(path.c_str(), mode)); }); };
  if (!slot.file) return expect(chmod(), ENOENT, "chmod " + slot.path);
  const std::lock_guard lock(slot.file->mutex);
  expect(chmod(), 0, "chmod " + slot.path);
  slot.file->mode = mode;
}

// An editor deletes for all what it has made; everything else it would only hide.
void Interleaving::remove(Random& random, Slot& slot, const fs::path& /*here*/) {
  const std::size_t mount = slot.file && slot.file->made_in == 1 ? random() % 2 : 0;
  const fs::path path = view(mount) / slot.path;
  const int error = patiently([&] { return done(::unlink(path.c_str())); });
  expect(error, slot.file ? 0 : ENOENT, "unlink " + slot.path);
  slot.file = nullptr;
}

void Interleaving::trash_and_restore(Random& random, Slot& slot, const fs::path& here) {
  if (!slot.file) return;
  Handle held{open_file(here / slot.path, O_RDWR), slot.file};
  expect(held.descriptor ? 0 : errno, 0, "open " + slot.path);
  away_and_back(random, view(0) / slot.path, [&] {
    for (std::size_t mount : {0U, 1U}) {
      const fs::path path = view(mount) / slot.path;
      expect(patiently([&] { return look(path); }), ENOENT, slot.path + " in the trash");
      if (!wait_until([&] { return !names_in(path.parent_path()).contains(path.filename()); }, kMoment))
        complain(slot.path + " is listed while it is in the trash");
    }
    // What is written to it there comes back with it.
    if (held.descriptor) write_held(random, held);
  });
}

void Interleaving::move(Random& random) {
  std::size_t from = random() % slots_.size();
  std::size_t to = random() % slots_.size();
  if (from == to) return;
  const std::scoped_lock lock(slots_[std::min(from, to)]->mutex, slots_[std::max(from, to)]->mutex);
  Slot& source = *slots_[from];
  Slot& target = *slots_[to];
  const fs::path here = any_view(random);
  const bool exchange = random() % 3 == 0;
  const int error = patiently([&] {
    return done(::renameat2(AT_FDCWD, (here / source.path).c_str(), AT_FDCWD, (here / target.path).c_str(),
                            exchange ? RENAME_EXCHANGE : 0));
  });
  const bool possible = source.file && (!exchange || target.file);
  expect(error, possible ? 0 : ENOENT, (exchange ? "exchange " : "rename ") + source.path + " " + target.path);
  if (possible) {
    std::swap(source.file, target.file);
    if (!exchange) source.file = nullptr;
  }
  const fs::path there = any_view(random);
  check(source, there);
  check(target, there);
}

// --- the whole

void Interleaving::turn_over(Random& random) {
  const std::lock_guard first(gate_);
  const std::unique_lock whole(project_);
  switch (random() % 5) {
    case 0:
    case 1: trash_project(random); break;
    case 2: move_directory(random); break;
    case 3: unshare_and_share(); break;
    default: empty_trash(); break;
  }
  const fs::path there = any_view(random);
  for (const auto& slot : slots_) {
    const std::lock_guard lock(slot->mutex);
    check(*slot, there);
  }
}

void Interleaving::trash_project(Random& random) {
  away_and_back(random, view(0), [&] {
    for (std::size_t mount : {0U, 1U}) {
      expect(look(view(mount)), ENOENT, "the project in the trash");
      expect(look(view(mount) / slots_.front()->path), ENOENT, "a file in it");
      if (!wait_until([&] { return !names_in(places_.projects[mount]).contains(places_.name); }, kMoment))
        complain("the project is listed while it is in the trash");
    }
  });
}

void Interleaving::move_directory(Random& random) {
  const fs::path here = any_view(random);
  const fs::path there = any_view(random);
  expect(done(::rename((here / "d").c_str(), (here / "e/d").c_str())), 0, "move a directory");
  for (const fs::path& each : {view(0), view(1)}) {
    expect(patiently([&] { return look(each / "d"); }), ENOENT, "the directory where it was");
    for (const auto& slot : slots_) {
      if (!slot->path.starts_with("d/")) continue;
      const int error = patiently([&] { return look(each / "e" / slot->path); });
      expect(error, slot->file ? 0 : ENOENT, slot->path + " in the moved directory");
    }
  }
  expect(done(::rename((there / "e/d").c_str(), (there / "d").c_str())), 0, "move a directory back");
}

// In between the owner's kernel may remember all that it sees, for itself and for what is held open here.
void Interleaving::unshare_and_share() {
  const std::unique_lock alone(sharing_);
  const std::string project = R"({"account":"ada","with":"bob","path":")" + view(0).native() + '"';
  request("POST", "/v1/unshare", project + "}");
  std::vector<FileDescriptor> remembered;
  for (const char* folder : kFolders) remembered.push_back(open_file(view(0) / folder, O_RDONLY | O_DIRECTORY));
  for (const auto& slot : slots_) {
    expect(look(view(1) / slot->path), ENOENT, slot->path + " that is shared no more");
    check(*slot, view(0));
    remembered.push_back(open_file(view(0) / slot->path, O_RDONLY));
  }
  request("POST", "/v1/share", project + R"(,"role":"editor"})");
  for (const auto& slot : slots_) {
    const std::string other = (view(1) / slot->path).native() + "-moved";
    expect(done(::rename((view(1) / slot->path).c_str(), other.c_str())), slot->file ? 0 : ENOENT, "rename");
    expect(look(view(0) / slot->path), ENOENT, slot->path + " that the editor has renamed");
    if (slot->file) expect(done(::rename(other.c_str(), (view(1) / slot->path).c_str())), 0, "rename back");
    check(*slot, view(0));
  }
}

void Interleaving::empty_trash() {
  for (const std::string account : {"ada", "bob"}) {
    const std::string plan = request("POST", "/v1/empty/plan", R"({"account":")" + account + R"("})");
    const auto body = boost::json::parse(plan).as_object();
    if (!body.contains("token") || body.at("items").as_array().empty()) continue;
    const std::string token(body.at("token").as_string());
    request("POST", "/v1/empty", R"({"account":")" + account + R"(","token":")" + token + R"("})");
  }
}

void Interleaving::away_and_back(Random& random, const fs::path& path, const std::function<void()>& gone) {
  if (random() % 2 == 0) {
    const fs::path item = places_.trash / ("t" + std::to_string(++made_));
    expect(patiently([&] { return done(::rename(path.c_str(), item.c_str())); }), 0, "mv to the trash");
    gone();
    expect(patiently([&] { return done(::rename(item.c_str(), path.c_str())); }), 0, "mv out of the trash");
    return;
  }
  const std::string answer = request("POST", "/v1/trash", R"({"paths":[")" + path.native() + R"("]})");
  gone();
  const auto body = boost::json::parse(answer);
  const auto& id = body.at("results").at(0).at("id");
  request("POST", "/v1/restore", R"({"account":"ada","ids":[)" + std::to_string(id.to_number<std::int64_t>()) + "]}");
}

std::string Interleaving::request(const std::string& method, const std::string& target, const std::string& body) {
  RawClient client(places_.socket);
  const RawResponse answer = client.ask(method, target, body);
  if (answer.status != 200) complain(target + ": " + std::to_string(answer.status) + " " + answer.body);
  return answer.body;
}

// --- looking

void Interleaving::check(const Slot& slot, const fs::path& there) {
  const fs::path path = there / slot.path;
  struct stat status {};
  const int error = patiently([&] { return done(::lstat(path.c_str(), &status)); });
  expect(error, slot.file ? 0 : ENOENT, "stat " + slot.path);
  const FileDescriptor file = open_file(path, O_RDONLY);
  expect(file ? 0 : errno, slot.file ? 0 : ENOENT, "open " + slot.path);
  // One that another thread of this mount had under way may be remembered for a moment (decision 27).
  const auto is_listed_right = [&] {
    return names_in(path.parent_path()).contains(path.filename()) == (slot.file != nullptr);
  };
  if (!wait_until(is_listed_right, kMoment)) complain(slot.path + (slot.file ? " is not listed" : " is still listed"));
  if (!file || !slot.file) return;
  // Held open, what is in no tree any more is shown as to a viewer; this has a name.
  if ((status.st_mode & 07777U) != slot.file->mode)
    complain(slot.path + " has the mode " + std::to_string(status.st_mode) + ", not " +
             std::to_string(slot.file->mode));
  check_held({FileDescriptor(::fcntl(file.get(), F_DUPFD_CLOEXEC, 3)), slot.file});
}

void Interleaving::check_held(const Handle& handle) {
  const std::lock_guard lock(handle.file->mutex);
  const std::string& content = handle.file->content;
  struct stat status {};
  expect(done(::fstat(handle.descriptor.get(), &status)), 0, "fstat");
  if (static_cast<std::size_t>(status.st_size) != content.size())
    complain("size " + std::to_string(status.st_size) + ", not " + std::to_string(content.size()));
  std::string found(content.size() + 1, '\0');
  const ssize_t got = ::pread(handle.descriptor.get(), found.data(), found.size(), 0);
  expect(done(got), 0, "read");
  found.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (found != content) complain("holds " + head(found) + ", not " + head(content));
}

void Interleaving::write_held(Random& random, const Handle& handle) {
  const std::lock_guard lock(handle.file->mutex);
  const std::string text = new_text(random);
  const ssize_t written = ::pwrite(handle.descriptor.get(), text.data(), text.size(), 0);
  expect(written == static_cast<ssize_t>(text.size()) ? 0 : errno, 0, "write to what is held open");
  std::string& content = handle.file->content;
  content.replace(0, std::min(text.size(), content.size()), text);
}

void Interleaving::hold(Random& random, Handle& handle) {
  if (handle.file && random() % 8 != 0) {
    const std::shared_lock shared(sharing_);
    if (random() % 2 == 0) write_held(random, handle);
    return check_held(handle);
  }
  { const std::lock_guard pass(gate_); }
  const std::shared_lock whole(project_);
  Slot& slot = any_slot(random);
  const std::lock_guard lock(slot.mutex);
  handle = {open_file(any_view(random) / slot.path, O_RDWR), slot.file};
  expect(handle.descriptor ? 0 : errno, slot.file ? 0 : ENOENT, "open " + slot.path);
}

void Interleaving::wander(Random& random) {
  const fs::path there = any_view(random);
  const Slot& slot = any_slot(random);
  const auto may_be_gone = [&](int error, const char* what) {
    if (error != 0 && error != ENOENT) complain(std::string(what) + " " + slot.path + ": " + std::strerror(error));
  };
  const FileDescriptor file = open_file(there / slot.path, O_RDONLY);
  may_be_gone(file ? 0 : errno, "open");
  if (file) {
    std::array<char, 64> text{};
    struct stat status {};
    expect(done(::read(file.get(), text.data(), text.size())), 0, "read");
    expect(done(::fstat(file.get(), &status)), 0, "fstat");
  }
  may_be_gone(patiently([&] { return look(there / slot.path); }), "stat");
  std::error_code error;
  for (fs::recursive_directory_iterator at(there, error), end; !error && at != end; at.increment(error)) {
  }
  // Through a directory that is open: its share may have been taken away since.
  if (error.value() != ESTALE) may_be_gone(error.value(), "list");
}

void Interleaving::check_all() {
  for (const auto& slot : slots_) {
    const std::lock_guard lock(slot->mutex);
    for (std::size_t mount : {0U, 1U}) check(*slot, view(mount));
  }
}

}  // namespace reprieve::test
