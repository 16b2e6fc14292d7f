// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/synced_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "core/base/file_descriptor.h"
#include "tests/support/tree_snapshot.h"

namespace reprieve::test {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFiles = 12;
constexpr std::size_t kLongest = 30000;  // over some pages

bool write_whole(int file, const std::string& text) {
  return ::pwrite(file, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
}

bool write_synced(const fs::path& path, int flags, const std::string& text) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, 0644));
  return file && write_whole(file.get(), text) && ::fsync(file.get()) == 0;
}

std::string describe(const std::optional<std::string>& state) {
  constexpr std::size_t kShown = 16;
  return state ? "\"" + state->substr(0, kShown) + "\" of " + std::to_string(state->size()) : "nothing";
}

std::optional<std::string> content_of(const fs::path& path) {
  if (!fs::exists(fs::symlink_status(path))) return std::nullopt;
  return read_file(path);
}

bool is_mixed(const std::string& text, const std::string& one, const std::string& other) {
  if (text.size() != one.size() || text.size() != other.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != one[i] && text[i] != other[i]) return false;
  }
  return true;
}

}  // namespace

SyncedFiles::SyncedFiles(const fs::path& project, fs::path trash, std::string name,
                         const std::atomic<bool>& power_fails)
    : folder_(project / name), trash_(std::move(trash)), prefix_(std::move(name)), power_fails_(&power_fails) {
  fs::create_directory(folder_);
  static_cast<void>(sync_folder());
}

std::string SyncedFiles::new_content(std::mt19937& random) {
  std::string text = std::to_string(promises_) + ":";
  text.append(1 + random() % (random() % 3 == 0 ? kLongest : 100), static_cast<char>('a' + random() % 26));
  return text;
}

bool SyncedFiles::sync_folder() const {
  const FileDescriptor folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return folder && ::fsync(folder.get()) == 0;
}

bool SyncedFiles::work(std::mt19937& random) {
  const std::string name = prefix_ + std::to_string(random() % kFiles);
  const fs::path path = folder_ / name;
  File& file = files_[name];
  if (!file.synced) return file.item.empty() ? create(file, path, random) : restore(file, path);
  switch (random() % 4) {
    case 0: return overwrite(file, path, random);
    case 1: return discard(file, path);
    default: return replace(file, path, random);
  }
}

bool SyncedFiles::finish(File& file, bool done) {
  if (!done || *power_fails_) return false;
  file.synced = std::exchange(file.next, std::nullopt);
  file.in_flight = file.in_place = false;
  ++promises_;
  return true;
}

bool SyncedFiles::create(File& file, const fs::path& path, std::mt19937& random) {
  file.next = new_content(random);
  // Made, and the bytes not there yet.
  file.in_flight = file.in_place = true;
  return finish(file, write_synced(path, O_CREAT | O_EXCL, *file.next));
}

bool SyncedFiles::overwrite(File& file, const fs::path& path, std::mt19937& random) {
  std::string text = *file.synced;
  for (char& byte : text) byte = static_cast<char>('a' + random() % 26);
  file.next = text;
  file.in_flight = file.in_place = true;
  return finish(file, write_synced(path, 0, text));
}

bool SyncedFiles::replace(File& file, const fs::path& path, std::mt19937& random) {
  file.next = new_content(random);
  file.in_flight = true;
  const fs::path beside = path.native() + "-new";
  return finish(file, write_synced(beside, O_CREAT | O_TRUNC, *file.next) &&
                          ::rename(beside.c_str(), path.c_str()) == 0 && sync_folder());
}

bool SyncedFiles::discard(File& file, const fs::path& path) {
  file.discarded = *file.synced;
  file.item = path.filename().native() + "-" + std::to_string(promises_);
  file.in_flight = true;
  const fs::path item = trash_ / file.item;
  return finish(file, ::rename(path.c_str(), item.c_str()) == 0 && sync_folder());
}

bool SyncedFiles::restore(File& file, const fs::path& path) {
  file.next = file.discarded;
  file.in_flight = true;
  const fs::path item = trash_ / file.item;
  if (!finish(file, ::rename(item.c_str(), path.c_str()) == 0 && sync_folder())) return false;
  file.item.clear();
  return true;
}

std::string SyncedFiles::check() {
  std::string wrong;
  for (auto& [name, file] : files_) wrong += check(name, file);
  return wrong;
}

std::string SyncedFiles::check(const std::string& name, File& file) const {
  const State found = content_of(folder_ / name);
  const State item = file.item.empty() ? std::nullopt : content_of(trash_ / file.item);
  bool is_right = found == file.synced || (file.in_flight && found == file.next);
  if (!is_right && file.in_place && found) {
    // A new file may have come to the disk without some of its bytes; they are zeroes, or not there, as on ext4.
    is_right = !file.synced || is_mixed(*found, *file.synced, *file.next);
  }
  // It is in one of the two places.
  is_right = is_right && (found || file.item.empty() ? !item : item == file.discarded);
  std::string wrong;
  if (!is_right) {
    wrong = name + ": " + describe(found) + " and in the trash " + describe(item) + ", not " + describe(file.synced);
    if (file.in_flight) wrong += " or " + describe(file.next);
    wrong += '\n';
  }
  file = {.synced = found, .item = item ? file.item : "", .discarded = item.value_or(""), .next = {}};
  return wrong;
}

}  // namespace reprieve::test
