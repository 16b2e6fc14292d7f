// SPDX-License-Identifier: Apache-2.0
#include "fs/ring_entry.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace reprieve::fs::test {
namespace {

constexpr std::size_t kPayload = 64;

// An entry whose buffers the test fills as the kernel does.
class RingEntryTest : public ::testing::Test {
 protected:
  // `length`: what the header says.
  void put(std::uint32_t opcode, std::uint32_t length, std::size_t payload) {
    const fuse_in_header header{.len = length, .opcode = opcode, .unique = 42, .nodeid = 1};
    std::memcpy(header_.in_out, &header, sizeof(header));
    header_.entry.payload_size = static_cast<std::uint32_t>(payload);
  }
  void carry_out() {
    // Ends where it does, for the sanitizer.
    std::vector<std::byte> scratch(entry_.request_size());
    entry_.carry_out(
        [this](std::span<std::byte> request) {
          served_.emplace(reinterpret_cast<const char*>(request.data()), request.size());
          if (serve_) serve_();
        },
        scratch);
  }
  // As libfuse does it, in two pieces.
  static bool answer(std::uint64_t unique, std::string data) {
    fuse_out_header header{
        .len = static_cast<std::uint32_t>(sizeof(header) + data.size()), .error = 0, .unique = unique};
    const std::array<iovec, 2> parts{iovec{&header, sizeof(header)}, iovec{data.data(), data.size()}};
    return RingEntry::take_answer(parts.data(), 2);
  }
  fuse_out_header answered() const {
    fuse_out_header header{};
    std::memcpy(&header, header_.in_out, sizeof(header));
    return header;
  }

  kernel::RingHeader header_{};
  std::array<std::byte, kPayload> payload_{};
  RingEntry entry_{3, header_, payload_};
  std::function<void()> serve_;
  std::optional<std::string> served_;
};

TEST_F(RingEntryTest, PutsTheThreePartsTogether) {
  std::memcpy(header_.operation, "FIXED---", 8);
  std::memcpy(payload_.data(), "name", 5);
  put(FUSE_MKDIR, sizeof(fuse_in_header) + 8 + 5, 5);
  carry_out();
  ASSERT_TRUE(served_);
  EXPECT_EQ(served_->substr(sizeof(fuse_in_header)), std::string("FIXED---name", 13));
}

TEST_F(RingEntryTest, PartsThatDoNotFitTogetherAreRefused) {
  constexpr std::uint32_t kHeader = sizeof(fuse_in_header);
  struct Parts {
    std::uint32_t length;
    std::size_t payload;
  };
  for (const Parts& parts : {Parts{0, 0},
                             {kHeader - 1, 0},
                             {kHeader, 1},
                             {kHeader + 4, 5},
                             {kHeader + 129, 0},
                             {kHeader + 200, 65},
                             {kHeader, 0xffffffff},
                             {0xffffffff, 0xffffffd0},
                             {0xffffffff, 64}}) {
    put(FUSE_LOOKUP, parts.length, parts.payload);
    carry_out();
    EXPECT_FALSE(served_) << parts.length << " " << parts.payload;
    EXPECT_EQ(answered().error, -EIO);
    EXPECT_EQ(answered().unique, 42U);
    EXPECT_EQ(header_.entry.payload_size, 0U);
  }
}

TEST_F(RingEntryTest, TakesTheAnswerToItsRequestOnce) {
  put(FUSE_LOOKUP, sizeof(fuse_in_header), 0);
  serve_ = [] {
    EXPECT_FALSE(answer(41, "of another"));
    EXPECT_FALSE(answer(42, std::string(kPayload + 1, 'x')));
    EXPECT_TRUE(answer(42, "right"));
    EXPECT_FALSE(answer(42, "again"));
  };
  carry_out();
  EXPECT_EQ(answered().error, 0);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(payload_.data()), header_.entry.payload_size), "right");
  EXPECT_FALSE(answer(42, "late"));
}

TEST_F(RingEntryTest, AnswersWhatNobodyAnswers) {
  put(FUSE_LOOKUP, sizeof(fuse_in_header), 0);
  carry_out();
  EXPECT_EQ(answered().error, -EIO);
  put(FUSE_FORGET, sizeof(fuse_in_header) + 8, 0);
  carry_out();
  EXPECT_EQ(answered().error, 0);
}

TEST_F(RingEntryTest, KnowsWhatIsSlow) {
  const OpenIsSlow open_is_slow = [](int flags) { return flags == O_RDWR; };
  fuse_setattr_in changes{};
  changes.valid = FATTR_MODE;
  std::memcpy(header_.operation, &changes, sizeof(changes));
  put(FUSE_SETATTR, sizeof(fuse_in_header) + sizeof(changes), 0);
  EXPECT_FALSE(entry_.is_slow(open_is_slow));
  changes.valid |= FATTR_SIZE;
  std::memcpy(header_.operation, &changes, sizeof(changes));
  EXPECT_TRUE(entry_.is_slow(open_is_slow));
  for (const auto& [flags, slow] : {std::pair(O_RDONLY, false), std::pair(O_RDWR, true)}) {
    const fuse_open_in open{.flags = static_cast<std::uint32_t>(flags), .open_flags = 0};
    std::memcpy(header_.operation, &open, sizeof(open));
    put(FUSE_OPEN, sizeof(fuse_in_header) + sizeof(open), 0);
    EXPECT_EQ(entry_.is_slow(open_is_slow), slow);
  }
  put(FUSE_FSYNC, sizeof(fuse_in_header) + 16, 0);
  EXPECT_TRUE(entry_.is_slow(open_is_slow));
}

}  // namespace
}  // namespace reprieve::fs::test
