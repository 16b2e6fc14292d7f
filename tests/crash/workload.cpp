// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/workload.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <thread>

namespace reprieve::test {
namespace {}  // namespace

const std::vector<Workload::Choice>& Workload::choices() {
  static const std::vector<Choice> all{
      {"create", 8, &Workload::make_file},
      {"create and fsync", 10, &Workload::make_file_and_sync},
      {"create with O_SYNC", 4, &Workload::make_file_for_synced_writes},
      {"O_TMPFILE and link", 2, &Workload::make_unnamed},
      {"write and fsync", 8, &Workload::write_and_sync},
      {"write", 4, &Workload::write},
      {"truncate", 4, &Workload::truncate},
      {"mkdir", 8, &Workload::make_directory},
      {"symlink", 4, &Workload::make_symlink},
      {"link", 4, &Workload::make_link},
      {"unlink or rmdir", 10, &Workload::remove},
      {"trash", 4, &Workload::trash_path},
      {"rename", 8, &Workload::move},
      {"mv to .trash", 4, &Workload::move_to_trash},
      {"mv from .trash", 4, &Workload::move_from_trash},
      {"exchange", 2, &Workload::exchange},
      {"restore", 5, &Workload::restore},
      {"purge", 4, &Workload::purge},
      {"empty", 2, &Workload::empty},
      {"chmod", 3, &Workload::change_mode},
      {"setxattr", 3, &Workload::set_xattr},
      {"removexattr", 1, &Workload::remove_xattr},
      {"share", 2, &Workload::share},
      {"unshare", 1, &Workload::unshare},
      {"leave", 1, &Workload::leave},
      {"status", 1, &Workload::set_status},
      {"associate", 1, &Workload::associate},
      {"account", 1, &Workload::add_account},
      {"fsyncdir", 4, &Workload::sync},
      {"write back", 6, &Workload::write_back},
      {"stop and start", 2, &Workload::reopen},
  };
  return all;
}

Workload::Workload(DiskLog& log, const std::filesystem::path& top, unsigned seed, Blobs blobs)
    : log_(log), random_(seed) {
  journal_.names.emplace_back("nothing");
  journal_.views.emplace_back();
  journal_.lasting.push_back(0);
  journal_.contents.emplace_back();
  log_.refuse = [this, blobs, main = std::this_thread::get_id()](const DiskRequest& request) {
    const bool ahead = request.call == DiskCall::make && std::this_thread::get_id() != main;
    if (ahead && blobs == Blobs::on_demand) return ENOSPC;
    return request.call == DiskCall::allocate && disk_is_full_ ? ENOSPC : 0;
  };
  operation("a new store", [&] { volume_ = std::make_unique<Volume>(Settings{.store = {.path = top / "store"}}); });
  operation("another account", [&] { must(volume_->core().accounts().ensure("ben", 1001, 1001)); });
  for (const char* path : {"projects/p", "projects/q", "runs/r", "projects/p/d"})
    operation(path, [&] { volume_->mkdir(path); });
}

void Workload::run(std::size_t operations, const std::set<std::string>& only) {
  const auto& all = choices();
  std::vector<unsigned> weights;
  for (const Choice& choice : all) weights.push_back(only.empty() || only.contains(choice.name) ? choice.weight : 0);
  std::discrete_distribution<std::size_t> draw(weights.begin(), weights.end());
  for (std::size_t i = 0; i < operations; ++i) {
    const Choice& choice = all[draw(random_)];
    try {
      (this->*choice.action)();
    } catch (const std::runtime_error&) {
      // Refused before it began: there is nothing of the kind to work on.
    }
  }
}

template <typename Body>
void Workload::operation(const std::string& name, Body body) {
  const std::size_t number = journal_.views.size();
  journal_.names.push_back(name);
  journal_.contents.push_back(journal_.contents.back());
  synced_ = false;
  log_.mark(2 * number);
  try {
    body();
  } catch (const std::runtime_error&) {
    journal_.names.back() += " (refused)";
  }
  log_.mark(2 * number + 1);
  journal_.views.push_back(view_of(volume_->core()));
  journal_.lasting.push_back(synced_ ? number : journal_.lasting.back());
}

void Workload::promise(InodeId file, const std::string& bytes) {
  journal_.contents.back()[file.number()] = bytes;
  synced_ = true;
}

void Workload::forget(InodeId file) { journal_.contents.back().erase(file.number()); }

std::string Workload::directory() {
  static const std::vector<std::string> all{"projects/p",         "projects/p/d",        "projects/q",    "runs/r",
                                            "projects/p/samples", "projects/p/analyses", "projects/p/d/e"};
  for (int tries = 0; tries < 10; ++tries) {
    const std::string& path = all[pick(static_cast<unsigned>(all.size()))];
    if (volume_->exists(path) && S_ISDIR(volume_->attributes(path).mode)) return path;
  }
  return "projects";
}

std::string Workload::new_path() {
  return directory() + "/" + std::string(1, static_cast<char>('a' + pick(6))) +
         (pick(8) == 0 ? "" : std::to_string(count_++ % 4));
}

std::string Workload::existing() {
  for (int tries = 0; tries < 10; ++tries) {
    const std::string parent = directory();
    const auto names = volume_->children(parent);
    if (!names.empty()) return parent + "/" + names[pick(static_cast<unsigned>(names.size()))];
  }
  throw std::runtime_error("nothing is there");
}

std::string Workload::existing_file() {
  for (int tries = 0; tries < 20; ++tries) {
    const std::string path = existing();
    if (S_ISREG(volume_->attributes(path).mode)) return path;
  }
  throw std::runtime_error("no file is there");
}

std::string Workload::item() {
  const auto names = volume_->children(".trash");
  if (names.empty()) throw std::runtime_error("nothing is in the trash");
  return names[pick(static_cast<unsigned>(names.size()))];
}

std::string Workload::bytes() { return std::string(1 + pick(3000), static_cast<char>('A' + count_++ % 26)); }

void Workload::put(const OpenFile& file, const std::string& bytes) {
  if (::pwrite(file.descriptor(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw std::logic_error("pwrite");
}

void Workload::make_file() {
  operation("create", [&] { forget(volume_->write(new_path(), bytes())); });
}

void Workload::make_file_and_sync() {
  operation("create and fsync", [&] {
    const std::string path = new_path();
    const std::string content = pick(4) == 0 ? std::string() : bytes();
    volume_->write(path, content);
    const OpenFile file = volume_->open_file(path, O_RDONLY);
    must(volume_->core().content().sync(file, pick(2) == 0));
    promise(file.inode(), content);
  });
}

// The kernel writes through to the blob itself, with what O_SYNC asks for (backing_file_write_iter, fs/backing-file.c).
void Workload::make_file_for_synced_writes() {
  const std::string path = new_path();
  const InodeId parent = volume_->at(path.substr(0, path.rfind('/')));
  operation("create with O_SYNC", [&] {
    const EntryName name = EntryName::literal(path.substr(path.rfind('/') + 1));
    const CreatedFile made =
        must(volume_->core().content().create(volume_->account(), parent, name, 0644, O_RDWR | O_SYNC, process(1)));
    const std::string content = bytes();
    put(made.file, content);
    ::fdatasync(made.file.descriptor());
    promise(made.file.inode(), content);
  });
}

void Workload::make_unnamed() {
  const std::string path = new_path();
  const InodeId parent = volume_->at(path.substr(0, path.rfind('/')));
  std::unique_ptr<CreatedFile> made;
  operation("O_TMPFILE", [&] {
    made = std::make_unique<CreatedFile>(
        must(volume_->core().content().create_unnamed(volume_->account(), parent, 0644, O_RDWR, process(1), 0)));
  });
  if (!made) return;
  operation("link it", [&] {
    const EntryName name = EntryName::literal(path.substr(path.rfind('/') + 1));
    must(volume_->names().link(volume_->account(), made->file.inode(), parent, name, process(1)));
  });
}

void Workload::write_and_sync() {
  const std::string path = existing_file();
  operation("write and fsync", [&] {
    const OpenFile file = volume_->open_file(path, O_RDWR);
    forget(file.inode());
    put(file, bytes());
    must(volume_->core().content().sync(file, pick(2) == 0));
    promise(file.inode(), Volume::read(file));
  });
}

void Workload::write() {
  const std::string path = existing_file();
  operation("write", [&] {
    const OpenFile file = volume_->open_file(path, O_RDWR);
    forget(file.inode());
    put(file, bytes());
  });
}

void Workload::truncate() {
  const std::string path = existing_file();
  operation("truncate", [&] {
    const InodeId file = volume_->at(path);
    forget(file);
    must(volume_->core().attributes().set(volume_->account(), file, {.size = pick(2000)}, process(1)));
  });
}

void Workload::make_directory() {
  const char* fixed[] = {"projects/p", "projects/q", "projects/p/d", "projects/p/d/e"};
  operation("mkdir", [&] { volume_->mkdir(pick(3) == 0 ? fixed[pick(4)] : new_path()); });
}

void Workload::make_symlink() {
  operation("symlink", [&] { volume_->symlink(new_path(), "to/" + std::to_string(count_++)); });
}

void Workload::make_link() {
  const std::string from = existing_file();
  operation("link", [&] { volume_->link(from, new_path()); });
}

void Workload::remove() {
  const std::string path = existing();
  const bool is_directory = S_ISDIR(volume_->attributes(path).mode);
  operation("remove " + path, [&] { must(is_directory ? volume_->rmdir(path, who()) : volume_->unlink(path, who())); });
}

void Workload::trash_path() {
  const std::string path = existing();
  operation("trash " + path, [&] { volume_->core().trash().trash_paths(volume_->account(), {path}, process(who())); });
}

void Workload::move() {
  const std::string from = existing();
  operation("rename " + from, [&] { must(volume_->rename(from, new_path(), RenameMode::replace, who())); });
}

void Workload::move_to_trash() {
  const std::string from = existing();
  operation("mv to .trash " + from,
            [&] { must(volume_->rename(from, ".trash" + from.substr(from.rfind('/')), RenameMode::replace, who())); });
}

void Workload::move_from_trash() {
  const std::string from = item();
  operation("mv from .trash " + from, [&] { must(volume_->rename(".trash/" + from, new_path())); });
}

void Workload::exchange() {
  const std::string from = existing();
  const std::string to = existing();
  operation("exchange " + from + " " + to, [&] { must(volume_->rename(from, to, RenameMode::exchange)); });
}

void Workload::restore() {
  const std::string name = item();
  static constexpr OnCollision kWays[] = {OnCollision::fail, OnCollision::rename, OnCollision::replace};
  const RestoreOptions options{.on_collision = kWays[pick(3)], .recreate_parents = pick(2) == 0};
  operation("restore " + name, [&] { volume_->restore(name, options, who()); });
}

void Workload::purge() {
  const std::string name = item();
  operation("purge " + name, [&] { volume_->purge(name); });
}

void Workload::empty() {
  operation("empty", [&] { volume_->empty(); });
}

void Workload::change_mode() {
  const std::string path = existing();
  operation("chmod", [&] {
    const AttributeChanges changes{.mode = pick(2) == 0 ? 0700 : 0755};
    must(volume_->core().attributes().set(volume_->account(), volume_->at(path), changes, process(1)));
  });
}

void Workload::set_xattr() {
  const std::string path = existing();
  operation("setxattr", [&] { volume_->set_xattr(path, "user.a", bytes()); });
}

void Workload::remove_xattr() {
  const std::string path = existing();
  operation("removexattr", [&] {
    must(volume_->core().attributes().remove_xattr(volume_->account(), volume_->at(path), "user.a", process(1)));
  });
}

void Workload::share() {
  const std::string path = pick(2) == 0 ? "projects/p" : "runs/r";
  operation("share", [&] {
    must(volume_->core().sharing().share(volume_->account(), path, "ben", pick(2) == 0 ? Role::viewer : Role::editor,
                                         process(1)));
  });
}

void Workload::unshare() {
  operation("unshare",
            [&] { must(volume_->core().sharing().unshare(volume_->account(), "projects/p", "ben", process(1))); });
}

void Workload::leave() {
  operation("leave", [&] {
    const Account ben = must(volume_->core().accounts().find("ben"));
    volume_->core().trash().trash_paths(ben, {"projects/p"}, {.uid = 1001, .gid = 1001, .thread = 20});
  });
}

void Workload::set_status() {
  operation("status", [&] {
    must(volume_->core().items().set_status(volume_->account(), "runs/r", ItemStatus::complete, process(1)));
  });
}

void Workload::associate() {
  const std::string sample = "projects/p/samples/s";
  if (!volume_->exists(sample)) {
    operation("a sample", [&] { volume_->mkdir(sample); });
    return;
  }
  operation("associate",
            [&] { must(volume_->core().items().associate(volume_->account(), sample, {"runs/r"}, process(1))); });
}

void Workload::add_account() {
  operation("account",
            [&] { must(volume_->core().accounts().add("u" + std::to_string(count_++), 2000, 2000, process(1))); });
}

void Workload::sync() {
  operation("fsyncdir", [&] {
    must(volume_->core().sync());
    synced_ = true;
  });
}

// On a full disk the log is written back before each operation.
void Workload::write_back() {
  const std::string path = existing();
  disk_is_full_ = true;
  operation("on a full disk", [&] {
    const AttributeChanges changes{.mode = pick(2) == 0 ? 0711 : 0751};
    must(volume_->core().attributes().set(volume_->account(), volume_->at(path), changes, process(1)));
  });
  disk_is_full_ = false;
}

void Workload::reopen() {
  operation("stop and start", [&] {
    volume_->reopen();
    synced_ = true;
  });
}

}  // namespace reprieve::test
