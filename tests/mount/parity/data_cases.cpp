// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "tests/mount/parity/cases.h"

namespace reprieve::test {
namespace {

constexpr off_t kBlock = 65536;  // a multiple of every block size that matters here

// Text whose every part differs.
std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
  return text;
}

CaseGroup read_write_cases() {
  return {"read_write",
          {{"read beyond the end",
            [](Transcript& t) {
              t.create("f", "abc"), t.pread(t.open("f", O_RDONLY), 10, 3), t.pread(t.open("f", O_RDONLY), 10, 100);
            }},
           {"write beyond the end",
            [](Transcript& t) {
              t.create("f", "abc"), t.pwrite(t.open("f", O_WRONLY), "x", 10), t.stat("f"), t.content("f");
            }},
           {"overwrite in the middle",
            [](Transcript& t) {
              t.create("f", "abcdef"), t.pwrite(t.open("f", O_WRONLY), "XY", 2), t.content("f"), t.stat("f");
            }},
           {"5 MiB, odd pieces",
            [](Transcript& t) {
              const int f = t.open("f", O_CREAT | O_RDWR);
              const std::string text = pattern(5 << 20);
              for (std::size_t at = 0; at < text.size(); at += 77777) {
                if (::write(f, text.data() + at, std::min<std::size_t>(77777, text.size() - at)) < 0)
                  t.note("write", -1);
              }
              t.stat("f"), t.content("f"), t.pread(f, 100, 77770);
            }},
           {"vectors",
            [](Transcript& t) {
              const int f = t.open("f", O_CREAT | O_RDWR);
              std::string a = "abc", b = "defgh";
              const iovec out[2] = {{a.data(), a.size()}, {b.data(), b.size()}};
              t.note("writev", ::writev(f, out, 2)), t.note("pwritev", ::pwritev(f, out, 2, 4)), t.content("f");
              std::string c(4, '-'), d(6, '-');
              const iovec in[2] = {{c.data(), c.size()}, {d.data(), d.size()}};
              t.note("preadv", ::preadv(f, in, 2, 1)), t.note("bytes", c + d);
            }},
           {"zero bytes",
            [](Transcript& t) {
              const int f = t.open("f", O_CREAT | O_RDWR);
              t.write(f, ""), t.read(f, 0), t.stat("f");
            }},
           {"negative offset",
            [](Transcript& t) {
              t.create("f", "abc"), t.pread(t.open("f", O_RDWR), 3, -1), t.pwrite(t.open("f", O_RDWR), "x", -1);
            }},
           {"two descriptors see each other",
            [](Transcript& t) {
              const int a = t.open("f", O_CREAT | O_RDWR);
              const int b = t.open("f", O_RDWR);
              t.write(a, "abc"), t.read(b, 10), t.fstat(b), t.pwrite(b, "X", 1), t.pread(a, 10, 0);
            }},
           {"another process sees it",
            [](Transcript& t) {
              const int f = t.open("f", O_CREAT | O_RDWR);
              t.write(f, "abc"), t.in_child([](Transcript& c) { c.content("f"), c.stat("f"); });
            }},
           {"size grows while open",
            [](Transcript& t) {
              const int f = t.open("f", O_CREAT | O_RDWR);
              for (int i = 0; i < 3; ++i) t.write(f, "abc"), t.stat("f"), t.fstat(f);
            }},
           {"O_APPEND from two writers",
            [](Transcript& t) {
              const int a = t.open("f", O_CREAT | O_WRONLY | O_APPEND);
              const int b = t.open("f", O_WRONLY | O_APPEND);
              for (int i = 0; i < 10; ++i) t.write(i % 2 == 0 ? a : b, "line " + std::to_string(i) + "\n");
              t.stat("f"), t.content("f");
            }},
           {"O_APPEND from two processes loses nothing",
            [](Transcript& t) {
              const auto append = [](Transcript& c) {
                const int f = c.open("f", O_CREAT | O_WRONLY | O_APPEND);
                for (int i = 0; i < 200; ++i) {
                  if (::write(f, "0123456789abcde\n", 16) != 16) c.note("write", -1);
                }
              };
              const int f = t.open("f", O_CREAT | O_WRONLY | O_APPEND);
              t.in_child(append), t.write(f, "x"), t.in_child(append), t.stat("f");
            }},
           {"O_APPEND ignores where the descriptor stands",
            [](Transcript& t) {
              const int f = t.open("f", O_CREAT | O_RDWR | O_APPEND);
              t.write(f, "abc"), t.lseek(f, 0, SEEK_SET), t.write(f, "def"), t.content("f"), t.lseek(f, 0, SEEK_CUR);
            }},
           {"sendfile",
            [](Transcript& t) {
              t.create("f", pattern(100000));
              const int in = t.open("f", O_RDONLY);
              const int out = t.open("g", O_CREAT | O_WRONLY);
              t.note("sendfile", ::sendfile(out, in, nullptr, 100000)), t.content("g");
            }},
           {"splice", [](Transcript& t) {
              t.create("f", pattern(5000));
              int ends[2];
              if (::pipe2(ends, O_CLOEXEC) != 0) return;
              t.note("in", ::splice(t.open("f", O_RDONLY), nullptr, ends[1], nullptr, 5000, 0));
              t.note("out", ::splice(ends[0], nullptr, t.open("g", O_CREAT | O_WRONLY), nullptr, 5000, 0));
              ::close(ends[0]), ::close(ends[1]), t.content("g");
            }}}};
}

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

CaseGroup direct_cases() {
  const auto aligned = [] { return std::unique_ptr<void, Free>(std::aligned_alloc(4096, 8192)); };
  return {"o_direct",
          {{"write and read",
            [aligned](Transcript& t) {
              const auto buffer = aligned();
              std::fill_n(static_cast<char*>(buffer.get()), 8192, 'd');
              const int f = t.open("f", O_CREAT | O_RDWR | O_DIRECT);
              t.note("pwrite", ::pwrite(f, buffer.get(), 8192, 4096)), t.stat("f"), t.content("f");
              t.note("pread", ::pread(f, buffer.get(), 8192, 0)), t.note("zero", static_cast<char*>(buffer.get())[0]);
            }},
           {"seen by buffered readers",
            [aligned](Transcript& t) {
              const auto buffer = aligned();
              t.create("f", pattern(8192));
              const int buffered = t.open("f", O_RDWR);
              t.pread(buffered, 50, 4096);
              std::fill_n(static_cast<char*>(buffer.get()), 4096, 'D');
              t.note("pwrite", ::pwrite(t.open("f", O_WRONLY | O_DIRECT), buffer.get(), 4096, 4096)),
                  t.pread(buffered, 50, 4090);
            }},
           {"sees what buffered writers wrote",
            [aligned](Transcript& t) {
              const auto buffer = aligned();
              t.create("f", pattern(8192)), t.pwrite(t.open("f", O_WRONLY), "XYZ", 10);
              t.note("pread", ::pread(t.open("f", O_RDONLY | O_DIRECT), buffer.get(), 4096, 0));
              t.note("bytes", std::string(static_cast<char*>(buffer.get()), 30));
            }},
           {"at the end of the file", [aligned](Transcript& t) {
              const auto buffer = aligned();
              t.create("f", pattern(5000));
              t.note("pread", ::pread(t.open("f", O_RDONLY | O_DIRECT), buffer.get(), 8192, 4096));
            }}}};
}

CaseGroup fallocate_cases() {
  const auto open_filled = [](Transcript& t) {
    const int f = t.open("f", O_CREAT | O_RDWR);
    t.write(f, pattern(4 * kBlock));
    return f;
  };
  return {
      "fallocate",
      {{"grows",
        [](Transcript& t) {
          t.fallocate(t.open("f", O_CREAT | O_RDWR), 0, 0, 10000), t.stat("f"), t.content("f"), t.sparseness("f");
        }},
       {"keeps the size",
        [](Transcript& t) { t.fallocate(t.open("f", O_CREAT | O_RDWR), FALLOC_FL_KEEP_SIZE, 0, 10000), t.stat("f"); }},
       {"within the file",
        [=](Transcript& t) { t.fallocate(open_filled(t), 0, 10, 100), t.stat("f"), t.content("f"); }},
       {"punches a hole",
        [=](Transcript& t) {
          t.fallocate(open_filled(t), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, kBlock, kBlock), t.stat("f"),
              t.content("f"), t.sparseness("f");
        }},
       {"punching changes the size never",
        [=](Transcript& t) { t.fallocate(open_filled(t), FALLOC_FL_PUNCH_HOLE, kBlock, kBlock), t.stat("f"); }},
       {"zeroes a range",
        [=](Transcript& t) {
          t.fallocate(open_filled(t), FALLOC_FL_ZERO_RANGE, 100, 5000), t.stat("f"), t.content("f");
        }},
       {"zeroes beyond the end",
        [=](Transcript& t) { t.fallocate(open_filled(t), FALLOC_FL_ZERO_RANGE, 4 * kBlock, kBlock), t.stat("f"); }},
       {"descriptor that only reads",
        [](Transcript& t) { t.create("f"), t.fallocate(t.open("f", O_RDONLY), 0, 0, 100); }},
       {"nothing",
        [](Transcript& t) {
          t.fallocate(t.open("f", O_CREAT | O_RDWR), 0, 0, 0), t.fallocate(t.open("f", O_RDWR), 0, -1, 10);
        }},
       {"unknown mode", [](Transcript& t) { t.fallocate(t.open("f", O_CREAT | O_RDWR), 0x4000, 0, 10); }},
       {"too much",
        [](Transcript& t) { t.fallocate(t.open("f", O_CREAT | O_RDWR), 0, INT64_MAX - 10, 5), t.stat("f"); }},
       {"posix_fallocate", [](Transcript& t) {
          t.note("result", ::posix_fallocate(t.open("f", O_CREAT | O_RDWR), 5, 100)), t.stat("f");
        }}}};
}

CaseGroup lseek_cases() {
  // Data at block 2 of 8, holes elsewhere.
  const auto sparse = [](Transcript& t) {
    const int f = t.open("f", O_CREAT | O_RDWR);
    t.ftruncate(f, 8 * kBlock), t.pwrite(f, pattern(kBlock), 2 * kBlock), t.note("fsync", ::fsync(f));
    return f;
  };
  return {"lseek",
          {{"SET, CUR, END",
            [](Transcript& t) {
              t.create("f", "abcdef");
              const int f = t.open("f", O_RDONLY);
              t.lseek(f, 2, SEEK_SET), t.lseek(f, 2, SEEK_CUR), t.read(f, 10), t.lseek(f, -3, SEEK_END), t.read(f, 10),
                  t.lseek(f, 100, SEEK_END);
            }},
           {"before the start",
            [](Transcript& t) {
              t.create("f", "abc"), t.lseek(t.open("f", O_RDONLY), -1, SEEK_SET),
                  t.lseek(t.open("f", O_RDONLY), -4, SEEK_END);
            }},
           {"DATA",
            [=](Transcript& t) {
              const int f = sparse(t);
              t.lseek(f, 0, SEEK_DATA), t.lseek(f, 2 * kBlock + 5, SEEK_DATA), t.lseek(f, 3 * kBlock, SEEK_DATA);
            }},
           {"HOLE",
            [=](Transcript& t) {
              const int f = sparse(t);
              t.lseek(f, 0, SEEK_HOLE), t.lseek(f, 2 * kBlock, SEEK_HOLE), t.lseek(f, 5 * kBlock, SEEK_HOLE);
            }},
           {"DATA and HOLE at the end",
            [=](Transcript& t) {
              const int f = sparse(t);
              t.lseek(f, 8 * kBlock, SEEK_DATA), t.lseek(f, 8 * kBlock, SEEK_HOLE), t.lseek(f, 9 * kBlock, SEEK_HOLE);
            }},
           {"DATA and HOLE of a full file",
            [](Transcript& t) {
              t.create("f", pattern(kBlock));
              const int f = t.open("f", O_RDONLY);
              t.lseek(f, 0, SEEK_DATA), t.lseek(f, 0, SEEK_HOLE);
            }},
           {"DATA and HOLE of an empty file",
            [](Transcript& t) {
              t.create("f"), t.lseek(t.open("f", O_RDONLY), 0, SEEK_DATA), t.lseek(t.open("f", O_RDONLY), 0, SEEK_HOLE);
            }},
           {"unknown whence", [](Transcript& t) { t.create("f", "abc"), t.lseek(t.open("f", O_RDONLY), 0, 77); }},
           {"sparse file has few blocks",
            [=](Transcript& t) { sparse(t), t.stat("f"), t.sparseness("f"), t.content("f"); }}}};
}

CaseGroup copy_cases() {
  const auto copy = [](Transcript& t, int in, off_t from, int out, off_t to, std::size_t size, unsigned flags = 0) {
    off64_t read_at = from;
    off64_t write_at = to;
    t.note("copy_file_range " + std::to_string(size), ::copy_file_range(in, &read_at, out, &write_at, size, flags));
  };
  return {
      "copy_file_range",
      {{"whole file",
        [=](Transcript& t) {
          t.create("f", pattern(300000)), copy(t, t.open("f", O_RDONLY), 0, t.open("g", O_CREAT | O_WRONLY), 0, 300000),
              t.stat("g"), t.content("g");
        }},
       {"part to an offset",
        [=](Transcript& t) {
          t.create("f", pattern(1000)), copy(t, t.open("f", O_RDONLY), 100, t.open("g", O_CREAT | O_WRONLY), 50, 200),
              t.stat("g"), t.content("g");
        }},
       {"beyond the end",
        [=](Transcript& t) {
          t.create("f", "abc"), copy(t, t.open("f", O_RDONLY), 1, t.open("g", O_CREAT | O_WRONLY), 0, 100),
              copy(t, t.open("f", O_RDONLY), 3, t.open("g", O_WRONLY), 0, 100), t.content("g");
        }},
       {"within one file",
        [=](Transcript& t) {
          t.create("f", pattern(100)), copy(t, t.open("f", O_RDONLY), 0, t.open("f", O_WRONLY), 100, 100),
              t.content("f");
        }},
       {"overlapping",
        [=](Transcript& t) {
          t.create("f", pattern(100)), copy(t, t.open("f", O_RDONLY), 0, t.open("f", O_WRONLY), 50, 100),
              t.content("f");
        }},
       {"target that only reads",
        [=](Transcript& t) {
          t.create("f", "abc"), t.create("g"), copy(t, t.open("f", O_RDONLY), 0, t.open("g", O_RDONLY), 0, 3);
        }},
       {"source that only writes",
        [=](Transcript& t) {
          t.create("f", "abc"), t.create("g"), copy(t, t.open("f", O_WRONLY), 0, t.open("g", O_WRONLY), 0, 3);
        }},
       {"target that appends",
        [=](Transcript& t) {
          t.create("f", "abc"), t.create("g"),
              copy(t, t.open("f", O_RDONLY), 0, t.open("g", O_WRONLY | O_APPEND), 0, 3);
        }},
       {"directory",
        [=](Transcript& t) { t.mkdir("d"), copy(t, t.open("d", O_RDONLY), 0, t.open("g", O_CREAT | O_WRONLY), 0, 3); }},
       {"flags",
        [=](Transcript& t) {
          t.create("f", "abc"), copy(t, t.open("f", O_RDONLY), 0, t.open("g", O_CREAT | O_WRONLY), 0, 3, 1);
        }},
       {"grown source", [=](Transcript& t) {
          const int f = t.open("f", O_CREAT | O_RDWR);
          t.write(f, "abc"), copy(t, f, 0, t.open("g", O_CREAT | O_WRONLY), 0, 3), t.write(f, "def"),
              copy(t, f, 0, t.open("g", O_WRONLY), 0, 6), t.content("g");
        }}}};
}

}  // namespace

std::vector<CaseGroup> data_cases() {
  return {read_write_cases(), direct_cases(), fallocate_cases(), lseek_cases(), copy_cases()};
}

}  // namespace reprieve::test
