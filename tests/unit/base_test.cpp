// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <string>

#include "core/base/clock.h"
#include "core/base/entry_name.h"
#include "core/base/error.h"
#include "core/base/file_descriptor.h"
#include "core/base/ids.h"

namespace reprieve {
namespace {

using namespace std::chrono_literals;

Errc code_of_name(std::string_view raw) {
  const auto parsed = EntryName::parse(raw);
  EXPECT_FALSE(parsed) << raw;
  return parsed ? Errc::internal : parsed.error().code;
}

TEST(EntryName, KeepsAnyBytesButSlashAndNul) {
  for (const std::string& raw : {std::string("a"), std::string("..."),
                                 std::string(".."
                                             "."),
                                 std::string(" "), std::string("\n\t\x01\xff\xfe"), std::string(kEntryNameMax, 'x')}) {
    const auto parsed = EntryName::parse(raw);
    ASSERT_TRUE(parsed) << raw;
    EXPECT_EQ(parsed->bytes(), raw);
  }
}

TEST(EntryName, RefusesWhatIsNoName) {
  EXPECT_EQ(code_of_name(""), Errc::invalid_argument);
  EXPECT_EQ(code_of_name("."), Errc::invalid_argument);
  EXPECT_EQ(code_of_name(".."), Errc::invalid_argument);
  EXPECT_EQ(code_of_name("a/b"), Errc::invalid_argument);
  EXPECT_EQ(code_of_name(std::string_view("a\0b", 3)), Errc::invalid_argument);
  EXPECT_EQ(code_of_name(std::string(kEntryNameMax + 1, 'x')), Errc::name_too_long);
}

TEST(EntryName, NumbersFromTwoOn) {
  const EntryName name = EntryName::literal("reads.bam");
  EXPECT_EQ(numbered(name, 0), name);
  EXPECT_EQ(numbered(name, 1), name);
  EXPECT_EQ(numbered(name, 2).bytes(), "reads.bam~2");
  EXPECT_EQ(numbered(name, 4294967295U).bytes(), "reads.bam~4294967295");
}

TEST(EntryName, NumberedNeverGrowsOverTheLimit) {
  const EntryName longest = EntryName::literal(std::string(kEntryNameMax, 'x'));
  for (const unsigned number : {2U, 10U, 4294967295U}) {
    const EntryName next = numbered(longest, number);
    EXPECT_EQ(next.bytes().size(), kEntryNameMax);
    EXPECT_TRUE(next.bytes().ends_with("~" + std::to_string(number)));
  }
  EXPECT_EQ(numbered(EntryName::literal(std::string(kEntryNameMax - 2, 'x')), 2).bytes(),
            std::string(kEntryNameMax - 2, 'x') + "~2");
}

TEST(EntryName, NumberedCutsNoCharacterInTwo) {
  std::string characters;
  while (characters.size() + 3 <= kEntryNameMax) characters += "\xe2\x82\xac";  // of three bytes
  EXPECT_EQ(numbered(EntryName::literal(characters), 2).bytes(), characters.substr(0, 252) + "~2");
  EXPECT_EQ(numbered(EntryName::literal(characters), 10).bytes(), characters.substr(0, 252) + "~10");
  EXPECT_EQ(numbered(EntryName::literal(characters), 100).bytes(), characters.substr(0, 249) + "~100");
  const std::string no_characters(kEntryNameMax, '\x80');
  EXPECT_EQ(numbered(EntryName::literal(no_characters), 2).bytes(), no_characters.substr(0, 253) + "~2");
}

// The codes are numbered without gaps from the first to the last.
std::vector<Errc> all_codes() {
  std::vector<Errc> codes;
  for (int code = 0; code <= static_cast<int>(Errc::internal); ++code) codes.push_back(static_cast<Errc>(code));
  return codes;
}

TEST(ErrorTable, EveryCodeHasItsOwnName) {
  std::set<std::string_view> names;
  for (const Errc code : all_codes()) {
    EXPECT_TRUE(names.insert(code_name(code)).second) << code_name(code);
    EXPECT_FALSE(default_reason(code).empty()) << code_name(code);
  }
  EXPECT_EQ(code_name(Errc::not_found), "not_found");
  EXPECT_EQ(code_name(Errc::internal), "internal");
}

TEST(ErrorTable, SymbolsNameTheNumbers) {
  for (const Errc code : all_codes()) {
    const char* name = ::strerrorname_np(to_errno(code));
    ASSERT_NE(name, nullptr) << code_name(code);
    // EOPNOTSUPP and ENOTSUP are one number.
    const std::string_view expected = std::string_view(name) == "ENOTSUP" ? "EOPNOTSUPP" : name;
    EXPECT_EQ(errno_symbol(code), expected) << code_name(code);
  }
}

TEST(ErrorTable, RefusalsOfOurRulesAreEperm) {
  for (const Errc code : {Errc::skeleton, Errc::wrong_place, Errc::in_trash, Errc::reserved_name, Errc::not_owner})
    EXPECT_EQ(to_errno(code), EPERM) << code_name(code);
}

TEST(ErrorTable, NothingIsEverExdev) {
  for (const Errc code : all_codes()) EXPECT_NE(to_errno(code), EXDEV) << code_name(code);
}

TEST(ErrorTable, ErrnoSurvivesTheWayInAndOut) {
  for (const int number :
       {ENOENT, EEXIST, ENOTDIR, EISDIR, ENOTEMPTY, EINVAL, ENAMETOOLONG, E2BIG, EMLINK, EACCES, EOPNOTSUPP,
        ENOSPC, EDQUOT, ENFILE,  EROFS,  ENOMEM,    EINTR,  EFBIG,        ENXIO, EBADF,  EIO}) {
    const Error error = from_errno(number, "blob 17");
    EXPECT_EQ(to_errno(error.code), number);
    EXPECT_EQ(error.reason, std::string("blob 17: ") + std::strerror(number));
  }
}

TEST(ErrorTable, UnknownErrnoIsEioAndNeverEperm) {
  for (const int number : {ELOOP, EPIPE, ESTALE, 4095}) EXPECT_EQ(to_errno(from_errno(number, "x").code), EIO);
}

TEST(ErrorTable, ReasonFallsBackToTheDefault) {
  EXPECT_EQ(reason_of({Errc::exists, {}}), default_reason(Errc::exists));
  EXPECT_EQ(reason_of({Errc::exists, "taken by a project"}), "taken by a project");
}

TEST(Timestamp, ConvertsBothWays) {
  for (const timespec& time : {timespec{0, 0}, timespec{0, 1}, timespec{1'700'000'000, 999'999'999}, timespec{-1, 0},
                               timespec{-1, 999'999'999}, timespec{-2, 1}, timespec{-9'000'000'000, 5}}) {
    const timespec back = to_timespec(to_timestamp(time));
    EXPECT_EQ(back.tv_sec, time.tv_sec);
    EXPECT_EQ(back.tv_nsec, time.tv_nsec);
  }
}

TEST(Timestamp, BeforeTheEpochNanosecondsStayPositive) {
  EXPECT_EQ(to_timestamp({-1, 999'999'999}), Timestamp(-1ns));
  const timespec time = to_timespec(Timestamp(-1ns));
  EXPECT_EQ(time.tv_sec, -1);
  EXPECT_EQ(time.tv_nsec, 999'999'999);
}

TEST(KernelClock, NeverRunsAheadOfTheRealTime) {
  const KernelClock clock;
  timespec real{};
  const Timestamp kernel = clock.now();
  ::clock_gettime(CLOCK_REALTIME, &real);
  EXPECT_LE(kernel, to_timestamp(real));
  EXPECT_GT(kernel + 1s, to_timestamp(real));
}

TEST(Id, NamesNothingByDefault) {
  EXPECT_FALSE(InodeId());
  EXPECT_TRUE(InodeId(1));
  EXPECT_LT(InodeId(1), InodeId(2));
  static_assert(!std::is_convertible_v<InodeId, EntryId>);
  static_assert(!std::is_convertible_v<std::int64_t, InodeId>);
}

TEST(FileDescriptor, MovesAndCloses) {
  int raw = -1;
  {
    FileDescriptor first(::dup(STDERR_FILENO));
    raw = first.get();
    FileDescriptor second(std::move(first));
    EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): emptiness after a move is promised
    EXPECT_EQ(second.get(), raw);
    second = FileDescriptor();
    EXPECT_EQ(::lseek(raw, 0, SEEK_CUR), -1);
    EXPECT_EQ(errno, EBADF);
    second = FileDescriptor(::dup(STDERR_FILENO));
    raw = second.release();
    EXPECT_FALSE(second);
  }
  EXPECT_EQ(::close(raw), 0);
}

}  // namespace
}  // namespace reprieve
