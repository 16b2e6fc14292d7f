// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <set>

#include "tests/mount/parity/cases.h"

namespace reprieve::test {
namespace {

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

Directory open_directory(const std::string& path) { return {::opendir(path.c_str()), ::closedir}; }

void fill(Transcript& t, const std::string& directory, int files) {
  t.mkdir(directory);
  for (int i = 0; i < files; ++i) ::close(::creat((directory + "/file" + std::to_string(i)).c_str(), 0644));
}

// Every name that is still listed from the stream's position on, and how often.
void note_rest(Transcript& t, DIR* directory) {
  std::multiset<std::string> names;
  while (const dirent* entry = ::readdir(directory)) names.insert(entry->d_name);
  t.note("distinct names", static_cast<std::int64_t>(std::set<std::string>(names.begin(), names.end()).size()));
  t.note("names", static_cast<std::int64_t>(names.size()));
}

CaseGroup mkdir_cases() {
  return {
      "mkdir",
      {{"fresh", [](Transcript& t) { t.mkdir("d"), t.stat("d"), t.stat("."), t.list("."), t.list("d"); }},
       {"mode is cut by the umask", [](Transcript& t) { t.mkdir("d", 0777), t.stat("d"); }},
       {"set-id and sticky bits", [](Transcript& t) { t.mkdir("d", 07777), t.stat("d"); }},
       {"mode 0", [](Transcript& t) { t.mkdir("d", 0), t.stat("d"), t.mkdir("d/e"); }},
       {"over a directory", [](Transcript& t) { t.mkdir("d"), t.mkdir("d"), t.stat("d"); }},
       {"over a file", [](Transcript& t) { t.create("f"), t.mkdir("f"), t.stat("f"); }},
       {"over a dangling link", [](Transcript& t) { t.symlink("nowhere", "l"), t.mkdir("l"), t.stat("l"); }},
       {"below nothing", [](Transcript& t) { t.mkdir("no/d"); }},
       {"below a file", [](Transcript& t) { t.create("f"), t.mkdir("f/d"); }},
       {"nested", [](Transcript& t) { t.mkdir("a"), t.mkdir("a/b"), t.mkdir("a/b/c"), t.stat("a"), t.stat("a/b"); }},
       {"trailing slash", [](Transcript& t) { t.mkdir("d/"), t.stat("d/"); }},
       {"empty name", [](Transcript& t) { t.mkdir(""); }},
       {"dot and dot-dot", [](Transcript& t) { t.mkdir("."), t.mkdir(".."), t.mkdir("d/."); }},
       {"links of the parent grow",
        [](Transcript& t) { t.mkdir("a"), t.mkdir("b"), t.stat("."), t.create("f"), t.stat("."); }},
       {"group comes from a set-gid parent",
        [](Transcript& t) {
          t.mkdir("g"), t.chown("g", 0, 4321), t.chmod("g", 02775), t.mkdir("g/d"), t.create("g/f");
          t.stat("g/d"), t.stat("g/f");
        }},
       {"through a link to a directory",
        [](Transcript& t) { t.mkdir("d"), t.symlink("d", "l"), t.mkdir("l/e"), t.stat("d/e"), t.list("d"); }}}};
}

CaseGroup rmdir_cases() {
  return {
      "rmdir",
      {{"empty", [](Transcript& t) { t.mkdir("d"), t.rmdir("d"), t.stat("d"), t.stat("."), t.list("."); }},
       {"not there", [](Transcript& t) { t.rmdir("d"); }},
       {"file", [](Transcript& t) { t.create("f"), t.rmdir("f"), t.stat("f"); }},
       {"link to a directory", [](Transcript& t) { t.mkdir("d"), t.symlink("d", "l"), t.rmdir("l"), t.rmdir("l/"); }},
       {"with a file", [](Transcript& t) { t.mkdir("d"), t.create("d/f"), t.rmdir("d"), t.stat("d/f"); }},
       {"with a directory", [](Transcript& t) { t.mkdir("d"), t.mkdir("d/e"), t.rmdir("d"), t.stat("d/e"); }},
       {"emptied", [](Transcript& t) { t.mkdir("d"), t.create("d/f"), t.unlink("d/f"), t.rmdir("d"), t.stat("d"); }},
       {"dot", [](Transcript& t) { t.mkdir("d"), t.rmdir("d/."), t.rmdir("d/.."), t.rmdir("."); }},
       {"name can be used again",
        [](Transcript& t) { t.mkdir("d", 0700), t.rmdir("d"), t.mkdir("d", 0755), t.stat("d"), t.list("d"); }},
       {"emptied by a rename out",
        [](Transcript& t) { t.mkdir("d"), t.create("d/f"), t.rename("d/f", "f"), t.rmdir("d"), t.stat("f"); }},
       {"current directory",
        [](Transcript& t) {
          t.mkdir("d"), t.chdir("d"), t.rmdir("../d"), t.list("."), t.create("f"), t.mkdir("e"), t.chdir("..");
        }},
       {"held open",
        [](Transcript& t) {
          t.mkdir("d");
          const int d = t.open("d", O_RDONLY | O_DIRECTORY);
          t.rmdir("d");
          t.note("openat", ::openat(d, "f", O_CREAT | O_WRONLY | O_CLOEXEC, 0644) >= 0 ? 0 : -1);
          t.note("mkdirat", ::mkdirat(d, "e", 0755));
        }},
       {"below a file", [](Transcript& t) { t.create("f"), t.rmdir("f/d"); }},
       {"unlinkat with AT_REMOVEDIR", [](Transcript& t) { t.mkdir("d"), t.unlinkat("d", AT_REMOVEDIR), t.stat("d"); }},
       {"unlinkat without it", [](Transcript& t) { t.mkdir("d"), t.unlinkat("d", 0), t.stat("d"); }}}};
}

CaseGroup readdir_cases() {
  return {"readdir",
          {{"empty", [](Transcript& t) { t.mkdir("d"), t.list("d"); }},
           {"of every type",
            [](Transcript& t) {
              t.mkdir("d"), t.mkdir("d/dir"), t.create("d/file"), t.symlink("x", "d/link");
              t.mknod("d/fifo", S_IFIFO | 0644), t.mknod("d/socket", S_IFSOCK | 0644), t.list("d");
            }},
           {"after changes",
            [](Transcript& t) {
              t.mkdir("d"), t.list("d"), t.create("d/a"), t.list("d"), t.create("d/b"), t.unlink("d/a"), t.list("d");
              t.rename("d/b", "d/c"), t.list("d"), t.rename("d/c", "c"), t.list("d"), t.list(".");
            }},
           {"file", [](Transcript& t) { t.create("f"), t.list("f"); }},
           {"not there", [](Transcript& t) { t.list("d"); }},
           {"3000 entries",
            [](Transcript& t) {
              fill(t, "d", 3000);
              note_rest(t, open_directory("d").get());
            }},
           {"3000 entries with attributes",
            [](Transcript& t) {
              fill(t, "d", 3000);
              const Directory directory = open_directory("d");
              std::int64_t regular = 0;
              while (const dirent* entry = ::readdir(directory.get())) {
                struct stat status {};
                if (::fstatat(::dirfd(directory.get()), entry->d_name, &status, 0) == 0 && S_ISREG(status.st_mode))
                  ++regular;
              }
              t.note("regular files", regular);
            }},
           {"directory opened for writing",
            [](Transcript& t) { t.mkdir("d"), t.open("d", O_WRONLY), t.open("d", O_RDWR); }},
           {"read of a directory",
            [](Transcript& t) {
              t.mkdir("d");
              t.read(t.open("d", O_RDONLY), 10);
            }},
           {"number of dot and dot-dot",
            [](Transcript& t) {
              t.mkdir("d"), t.mkdir("d/e");
              const Directory directory = open_directory("d/e");
              struct stat self {};
              struct stat parent {};
              ::stat("d/e", &self), ::stat("d", &parent);
              while (const dirent* entry = ::readdir(directory.get())) {
                const std::string name = entry->d_name;
                if (name == ".") t.note(". is itself", entry->d_ino == self.st_ino ? 1 : 0);
                if (name == "..") t.note(".. is the parent", entry->d_ino == parent.st_ino ? 1 : 0);
              }
            }},
           {"number of an entry is its inode's", [](Transcript& t) {
              t.mkdir("d"), t.create("d/f");
              struct stat status {};
              ::stat("d/f", &status);
              const Directory directory = open_directory("d");
              while (const dirent* entry = ::readdir(directory.get())) {
                if (entry->d_name[0] == 'f') t.note("d_ino is st_ino", entry->d_ino == status.st_ino ? 1 : 0);
              }
            }}}};
}

CaseGroup seekdir_cases() {
  return {"seekdir",
          {{"rewind sees what is new",
            [](Transcript& t) {
              fill(t, "d", 5);
              const Directory directory = open_directory("d");
              note_rest(t, directory.get());
              t.create("d/new");
              ::rewinddir(directory.get());
              note_rest(t, directory.get());
            }},
           {"back to every position",
            [](Transcript& t) {
              fill(t, "d", 200);
              const Directory directory = open_directory("d");
              std::vector<long> positions{::telldir(directory.get())};
              std::vector<std::string> names;
              while (const dirent* entry = ::readdir(directory.get())) {
                names.emplace_back(entry->d_name);
                positions.push_back(::telldir(directory.get()));
              }
              std::int64_t right = 0;
              for (std::size_t i = names.size(); i-- > 0;) {
                ::seekdir(directory.get(), positions[i]);
                const dirent* entry = ::readdir(directory.get());
                if (entry != nullptr && names[i] == entry->d_name) ++right;
              }
              t.note("positions that lead back", right);
              ::seekdir(directory.get(), positions.back());
              t.note("end stays the end", ::readdir(directory.get()) == nullptr ? 1 : 0);
            }},
           {"removing while reading sees each once",
            [](Transcript& t) {
              fill(t, "d", 1500);
              const Directory directory = open_directory("d");
              std::int64_t removed = 0;
              while (const dirent* entry = ::readdir(directory.get())) {
                if (entry->d_name[0] == 'f' && ::unlinkat(::dirfd(directory.get()), entry->d_name, 0) == 0) ++removed;
              }
              t.note("removed", removed);
              t.rmdir("d");
            }},
           {"a position outlives the entry before it",
            [](Transcript& t) {
              fill(t, "d", 50);
              const Directory directory = open_directory("d");
              std::set<std::string> seen;
              for (int i = 0; i < 20; ++i) seen.insert(::readdir(directory.get())->d_name);
              const long position = ::telldir(directory.get());
              for (const std::string& name : seen) ::unlinkat(::dirfd(directory.get()), name.c_str(), 0);
              ::seekdir(directory.get(), position);
              note_rest(t, directory.get());
            }},
           {"two streams are independent", [](Transcript& t) {
              fill(t, "d", 10);
              const Directory a = open_directory("d");
              const Directory b = open_directory("d");
              for (int i = 0; i < 4; ++i) static_cast<void>(::readdir(a.get()));
              note_rest(t, b.get());
              note_rest(t, a.get());
            }}}};
}

}  // namespace

std::vector<CaseGroup> directory_cases() { return {mkdir_cases(), rmdir_cases(), readdir_cases(), seekdir_cases()}; }

}  // namespace reprieve::test
