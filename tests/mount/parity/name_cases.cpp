// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include "tests/mount/parity/cases.h"

namespace reprieve::test {
namespace {

// As long as a name may be, and longer by one.
const std::string longest_name(255, 'n');
const std::string too_long_name(256, 'n');

CaseGroup long_name_cases() {
  return {"long_names",
          {{"255 bytes",
            [](Transcript& t) {
              t.create(longest_name, "abc"), t.stat(longest_name), t.list("."), t.unlink(longest_name),
                  t.mkdir(longest_name), t.rmdir(longest_name);
            }},
           {"256 bytes",
            [](Transcript& t) {
              t.create(too_long_name), t.mkdir(too_long_name), t.symlink("x", too_long_name),
                  t.mknod(too_long_name, S_IFIFO | 0644), t.stat(too_long_name);
              t.unlink(too_long_name), t.rmdir(too_long_name), t.create("f"), t.rename("f", too_long_name),
                  t.link("f", too_long_name), t.open(too_long_name, O_RDONLY);
            }},
           {"rename to 255 bytes",
            [](Transcript& t) { t.create("f", "abc"), t.rename("f", longest_name), t.content(longest_name); }},
           {"path of 4095 bytes",
            [](Transcript& t) {
              // 20 components of 200 bytes with their slashes make 4020; the last name fills up.
              const std::string part(200, 'p');
              std::string path;
              for (int i = 0; i < 20; ++i) {
                path += part;
                if (::mkdir(path.c_str(), 0755) != 0) t.note("mkdir", -1);
                path += "/";
              }
              const std::string last(4095 - path.size(), 'l');
              t.create(path + last, "deep"), t.stat(path + last), t.content(path + last), t.list(path);
              t.create(path + last + "x"), t.rename(path + last, "up"), t.content("up");
            }},
           {"deeper than any path", [](Transcript& t) {
              const std::string part(250, 'p');
              const int top = t.open(".", O_RDONLY | O_DIRECTORY);
              int failures = 0;
              for (int i = 0; i < 40; ++i)
                failures += ::mkdir(part.c_str(), 0755) != 0 || ::chdir(part.c_str()) != 0 ? 1 : 0;
              t.note("failures", failures), t.create("f", "deep"), t.content("f"), t.stat("f");
              t.note("fchdir", ::fchdir(top));
            }}}};
}

// Every call that takes a name, with this one.
void all_calls(Transcript& t, const std::string& name) {
  t.create(name, "abc"), t.stat(name), t.content(name), t.list("."), t.link(name, name + "2"),
      t.rename(name + "2", name + "3");
  t.unlink(name), t.mkdir(name), t.create(name + "/" + name), t.list(name), t.symlink(name, name + "l"),
      t.readlink(name + "l");
  t.unlink(name + "/" + name), t.rmdir(name), t.list(".");
}

CaseGroup odd_name_cases() {
  return {"odd_names",
          {{"not UTF-8", [](Transcript& t) { all_calls(t, "caf\xe9\xff\xfe"); }},
           {"UTF-8", [](Transcript& t) { all_calls(t, "caf\xc3\xa9 \xe2\x98\x83"); }},
           {"composed and decomposed are two",
            [](Transcript& t) {
              t.create("\xc3\xa9", "1"), t.create("e\xcc\x81", "2"), t.content("\xc3\xa9"), t.list(".");
            }},
           {"newline, tab, escape", [](Transcript& t) { all_calls(t, "a\nb\tc\x1b[31m"); }},
           {"blanks", [](Transcript& t) { all_calls(t, "  a  b "); }},
           {"single bytes",
            [](Transcript& t) {
              for (int byte = 1; byte < 256; ++byte) {
                if (byte != '/' && byte != '.') ::close(::creat(std::string(1, static_cast<char>(byte)).c_str(), 0644));
              }
              t.list(".");
            }},
           {"quotes, glob and shell characters", [](Transcript& t) { all_calls(t, "'\"$*?[x]\\&;|"); }},
           {"minus in front", [](Transcript& t) { all_calls(t, "-rf"); }},
           {"dots", [](Transcript& t) { all_calls(t, "..."), all_calls(t, "..a"); }},
           {"case matters",
            [](Transcript& t) { t.create("a", "1"), t.create("A", "2"), t.content("a"), t.content("A"), t.list("."); }},
           {"looks like a numbered trash name", [](Transcript& t) { all_calls(t, "x~2"); }},
           {"SQL", [](Transcript& t) {
              all_calls(t, "'; DROP TABLE entries; --"), all_calls(t, "0123"), all_calls(t, "%_");
            }}}};
}

CaseGroup path_cases() {
  return {
      "paths",
      {{"repeated slashes", [](Transcript& t) { t.mkdir("d"), t.create("d/f"), t.stat("d//f"), t.stat(".//d///f"); }},
       {"dot and dot-dot",
        [](Transcript& t) {
          t.mkdir("d"), t.create("f"), t.stat("d/../f"), t.stat("d/./../d/."), t.stat("f/.."), t.stat("no/../f");
        }},
       {"negative look-up becomes positive",
        [](Transcript& t) { t.stat("f"), t.stat("f"), t.create("f"), t.stat("f"); }},
       {"positive look-up becomes negative",
        [](Transcript& t) { t.create("f"), t.stat("f"), t.unlink("f"), t.stat("f"), t.open("f", O_RDONLY); }},
       {"negative look-up and a rename",
        [](Transcript& t) { t.create("a"), t.stat("b"), t.rename("a", "b"), t.stat("b"), t.stat("a"); }},
       {"negative look-up and a link",
        [](Transcript& t) { t.create("a"), t.stat("b"), t.link("a", "b"), t.stat("b"), t.stat("a"); }},
       {"negative look-up and a directory",
        [](Transcript& t) { t.stat("d/f"), t.mkdir("d"), t.stat("d/f"), t.create("d/f"), t.stat("d/f"); }},
       {"40 links in a row", [](Transcript& t) {
          t.create("l0");
          for (int i = 1; i <= 41; ++i)
            ::symlink(("l" + std::to_string(i - 1)).c_str(), ("l" + std::to_string(i)).c_str());
          t.stat("l40", 0), t.stat("l41", 0);
        }}}};
}

}  // namespace

std::vector<CaseGroup> name_cases() { return {long_name_cases(), odd_name_cases(), path_cases()}; }

}  // namespace reprieve::test
