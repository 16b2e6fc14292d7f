// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <ctime>

#include "tests/mount/parity/cases.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

constexpr std::size_t kPage = 4096;

// Two pages of a file. Unmapped at the end of the case.
class Mapping {
 public:
  Mapping(Transcript& t, int file, int protection, int flags)
      : memory_(::mmap(nullptr, 2 * kPage, protection, flags, file, 0)) {
    t.note("mmap", memory_ == MAP_FAILED ? -1 : 0);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (*this) ::munmap(memory_, 2 * kPage);
  }
  explicit operator bool() const { return memory_ != MAP_FAILED; }
  [[nodiscard]] char* bytes() const { return static_cast<char*>(memory_); }
  void put(std::size_t at, const std::string& text) const {
    if (*this) std::memcpy(bytes() + at, text.data(), text.size());
  }
  [[nodiscard]] std::string at(std::size_t offset, std::size_t size) const {
    return *this ? std::string(bytes() + offset, size) : std::string("not mapped");
  }
  [[nodiscard]] int sync() const { return ::msync(memory_, 2 * kPage, MS_SYNC); }

 private:
  void* memory_;
};

int two_pages(Transcript& t) {
  const int f = t.open("f", O_CREAT | O_RDWR);
  t.write(f, std::string(2 * kPage, 'a'));
  return f;
}

std::vector<Case> coherence_cases() {
  return {{"shared write is read",
           [](Transcript& t) {
             const int f = two_pages(t);
             const Mapping map(t, f, PROT_READ | PROT_WRITE, MAP_SHARED);
             map.put(4090, "0123456789"), t.pread(f, 12, 4089), t.content("f");
           }},
          {"write is seen in a shared mapping",
           [](Transcript& t) {
             const int f = two_pages(t);
             const Mapping map(t, f, PROT_READ, MAP_SHARED);
             t.note("before", map.at(100, 5)), t.pwrite(f, "XYZ", 101), t.note("after", map.at(100, 5));
           }},
          {"shared mappings of two opens",
           [](Transcript& t) {
             const int f = two_pages(t);
             const Mapping one(t, f, PROT_READ | PROT_WRITE, MAP_SHARED);
             const Mapping two(t, t.open("f", O_RDWR), PROT_READ | PROT_WRITE, MAP_SHARED);
             one.put(10, "one"), t.note("seen", two.at(8, 8)), two.put(20, "two"), t.note("seen", one.at(18, 8));
           }},
          {"private write is not read",
           [](Transcript& t) {
             const int f = two_pages(t);
             const Mapping map(t, f, PROT_READ | PROT_WRITE, MAP_PRIVATE);
             map.put(10, "XYZ"), t.note("mapping", map.at(8, 8)), t.pread(f, 8, 8);
           }},
          {"private mapping of a read-only descriptor",
           [](Transcript& t) {
             two_pages(t);
             const Mapping map(t, t.open("f", O_RDONLY), PROT_READ | PROT_WRITE, MAP_PRIVATE);
             map.put(0, "XYZ"), t.note("mapping", map.at(0, 5)), t.content("f");
           }},
          {"write by a direct descriptor is seen",
           [](Transcript& t) {
             const int f = two_pages(t);
             const Mapping map(t, f, PROT_READ, MAP_SHARED);
             t.note("before", map.at(0, 5));
             alignas(4096) static char buffer[kPage];
             std::memset(buffer, 'D', sizeof buffer);
             t.note("pwrite", ::pwrite(t.open("f", O_WRONLY | O_DIRECT), buffer, sizeof buffer, 0)),
                 t.note("after", map.at(0, 5));
           }},
          {"another process writes", [](Transcript& t) {
             const int f = two_pages(t);
             const Mapping map(t, f, PROT_READ, MAP_SHARED);
             t.note("before", map.at(0, 5)),
                 t.in_child([](Transcript& c) { c.pwrite(c.open("f", O_WRONLY), "child", 0); });
             t.note("after", map.at(0, 5));
           }}};
}

std::vector<Case> life_cases() {
  return {{"mapping outlives the descriptor",
           [](Transcript& t) {
             const int f = two_pages(t);
             const Mapping map(t, f, PROT_READ | PROT_WRITE, MAP_SHARED);
             t.close(f), map.put(0, "later"), t.note("msync", map.sync()), t.content("f");
           }},
          {"mapping outlives the name",
           [](Transcript& t) {
             const int f = two_pages(t);
             const Mapping map(t, f, PROT_READ | PROT_WRITE, MAP_SHARED);
             t.unlink("f"), map.put(0, "later"), t.pread(f, 6, 0), t.note("msync", map.sync());
           }},
          {"mapping outlives a rename",
           [](Transcript& t) {
             const int f = two_pages(t);
             const Mapping map(t, f, PROT_READ | PROT_WRITE, MAP_SHARED);
             t.rename("f", "g"), map.put(0, "later"), t.content("g");
           }},
          {"mapped file can be truncated and grown",
           [](Transcript& t) {
             const int f = two_pages(t);
             const Mapping map(t, f, PROT_READ, MAP_SHARED);
             t.ftruncate(f, 10), t.ftruncate(f, 2 * kPage), t.note("seen", map.at(5, 10)), t.content("f");
           }},
          {"mapping changes times at the latest by msync",
           [](Transcript& t) {
             const int f = two_pages(t);
             const Mapping map(t, f, PROT_READ | PROT_WRITE, MAP_SHARED);
             t.note("fsync", ::fsync(f)), t.watch({"f"}), map.put(0, "x"), t.note("msync", map.sync());
             // Word of it may come a moment later than the answer.
             static_cast<void>(wait_until([&] {
               struct stat now {};
               return ::fstat(f, &now) == 0 && now.st_mtim.tv_sec > ::time(nullptr) - 3600;
             }));
             t.changes(Transcript::Access::no);  // a page that is brought for it is read, or not
           }},
          {"shared writable mapping of a read-only descriptor",
           [](Transcript& t) {
             two_pages(t);
             const Mapping map(t, t.open("f", O_RDONLY), PROT_READ | PROT_WRITE, MAP_SHARED);
           }},
          {"mapping of a write-only descriptor",
           [](Transcript& t) {
             two_pages(t);
             const Mapping map(t, t.open("f", O_WRONLY), PROT_READ, MAP_SHARED);
           }},
          {"mapping of a directory",
           [](Transcript& t) {
             t.mkdir("d");
             const Mapping map(t, t.open("d", O_RDONLY), PROT_READ, MAP_SHARED);
           }},
          {"program code",
           [](Transcript& t) { t.note("copy", ::system("cp /bin/true ./true")), t.note("run", ::system("./true")); }}};
}

}  // namespace

std::vector<CaseGroup> mapping_cases() { return {{"mmap_coherence", coherence_cases()}, {"mmap_life", life_cases()}}; }

}  // namespace reprieve::test
