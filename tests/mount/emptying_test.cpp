// SPDX-License-Identifier: Apache-2.0
// Destroying: only through the socket, only what was shown, only when confirmed.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>

#include "core/base/file_descriptor.h"
#include "tests/mount/mount_test.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Emptying : public MountTest {
 protected:
  void trash_file(const std::string& name, const std::string& content = "x") const {
    write_file(project() / name, content);
    succeed({"rm", project() / name});
  }
  // Bytes that files of the store's blobs take.
  [[nodiscard]] std::uintmax_t blob_bytes() const {
    std::uintmax_t sum = 0;
    std::error_code gone;
    std::filesystem::recursive_directory_iterator entries(daemon_->store() / "blobs", gone);
    for (auto at = begin(entries); at != end(entries); ++at) {
      // Beside their folders lie files that are none.
      const bool is_blob = at.depth() > 0 && at->is_regular_file(gone);
      const std::uintmax_t size = is_blob ? at->file_size(gone) : 0;
      if (!gone) sum += size;
    }
    return sum;
  }
  [[nodiscard]] std::string plan_token(const std::string& filter = "{}") const {
    const HttpAnswer plan = http("POST", "/v1/empty/plan", filter);
    EXPECT_EQ(plan.status, 200) << plan.text;
    return plan.status == 200 ? std::string(plan.body.at("token").as_string()) : std::string();
  }
};

TEST_F(Emptying, DestroysExactlyThePlan) {
  for (const char* name : {"a", "b", "c"}) trash_file(name);
  const HttpAnswer plan = http("POST", "/v1/empty/plan", "{}");
  ASSERT_EQ(plan.status, 200) << plan.text;
  EXPECT_EQ(plan.body.at("items").as_array().size(), 3U);
  trash_file("late");
  succeed({"mv", trash() / "b", project() / "b"});
  const HttpAnswer emptied =
      http("POST", "/v1/empty", boost::json::serialize(boost::json::object{{"token", plan.body.at("token")}}));
  ASSERT_LT(emptied.status, 300) << emptied.text;
  EXPECT_THAT(trash_names(), ElementsAre("late"));
  EXPECT_EQ(read_file(project() / "b"), "x");
  int done = 0, skipped = 0;
  for (const auto& result : emptied.body.at("results").as_array()) {
    if (result.at("state") == "done") ++done;
    if (result.at("state") == "skipped") ++skipped;
  }
  EXPECT_EQ(done, 2);
  EXPECT_EQ(skipped, 1);
}

TEST_F(Emptying, AnItemThatWasRestoredAndTrashedAgainIsNotThePlanned) {
  trash_file("a", "planned");
  const std::string token = plan_token();
  succeed({"mv", trash() / "a", project() / "a"});
  succeed({"rm", project() / "a"});
  EXPECT_LT(http("POST", "/v1/empty", R"({"token":")" + token + R"("})").status, 300);
  ASSERT_THAT(trash_names(), ElementsAre("a"));
  EXPECT_EQ(read_file(trash() / "a"), "planned");
}

TEST_F(Emptying, ATokenIsGoodOnce) {
  trash_file("a");
  const std::string body = R"({"token":")" + plan_token() + R"("})";
  EXPECT_LT(http("POST", "/v1/empty", body).status, 300);
  trash_file("b");
  const HttpAnswer again = http("POST", "/v1/empty", body);
  EXPECT_GE(again.status, 400);
  EXPECT_EQ(again.body.at("error").at("code").as_string(), "plan_expired");
  EXPECT_GE(http("POST", "/v1/empty", R"({"token":"invented"})").status, 400);
  EXPECT_THAT(trash_names(), ElementsAre("b"));
}

TEST_F(Emptying, NeedsATerminalOrYes) {
  trash_file("a");
  const CommandResult refused = ctl({"empty"}, 2);
  EXPECT_THAT(refused.err, HasSubstr("--yes"));
  ctl({"purge", id_of("a")}, 2);
  EXPECT_THAT(trash_names(), ElementsAre("a"));
  ctl({"empty", "--yes"});
  EXPECT_THAT(trash_names(), IsEmpty());
}

TEST_F(Emptying, AsksOnATerminal) {
  if (!has_program("script")) GTEST_SKIP() << "script(1) is not installed";
  trash_file("a");
  const auto answer = [this](const std::string& text) {
    const CommandOptions options{.environment = {{"REPRIEVE_SOCKET", daemon_->socket().string()}},
                                 .input = text + "\n"};
    return run({"script", "-qec", std::string(REPRIEVECTL_PATH) + " empty", "/dev/null"}, options);
  };
  const CommandResult no = answer("n");
  EXPECT_THAT(no.out, HasSubstr("a"));
  EXPECT_THAT(trash_names(), ElementsAre("a"));
  EXPECT_EQ(answer("y").exit_code, 0);
  EXPECT_THAT(trash_names(), IsEmpty());
}

TEST_F(Emptying, DryRunDestroysNothing) {
  trash_file("a", "12345");
  const CommandResult shown = ctl({"empty", "--dry-run"});
  EXPECT_THAT(shown.out, HasSubstr("a"));
  EXPECT_THAT(trash_names(), ElementsAre("a"));
}

TEST_F(Emptying, ByFilter) {
  trash_file("a.bam");
  trash_file("b.txt");
  ctl({"empty", "--yes", "--name", "*.bam"});
  EXPECT_THAT(trash_names(), ElementsAre("b.txt"));
}

TEST_F(Emptying, PurgeTakesSingleItems) {
  for (const char* name : {"a", "b"}) trash_file(name);
  ctl({"purge", "--yes", id_of("a")});
  EXPECT_THAT(trash_names(), ElementsAre("b"));
  ctl({"purge", "--yes", "424242"}, 1);
  ctl({"purge", "--yes", id_of("b"), "424242"}, 4);
  EXPECT_THAT(trash_names(), IsEmpty());
}

TEST_F(Emptying, GivesTheBytesBack) {
  make_rich_tree(project() / "tree");
  write_file(project() / "tree/large", std::string(20 << 20, 'l'));
  const std::uintmax_t before = blob_bytes();
  succeed({"rm", "-r", project() / "tree"});
  EXPECT_EQ(blob_bytes(), before);
  ctl({"empty", "--yes"});
  EXPECT_TRUE(wait_until([&] { return blob_bytes() == 0; })) << blob_bytes();
}

TEST_F(Emptying, BytesThatALiveNameSharesStay) {
  std::filesystem::create_directory(project() / "d");
  write_file(project() / "d/inside", std::string(1000, 's'));
  std::filesystem::create_hard_link(project() / "d/inside", project() / "outside");
  write_file(project() / "d/own", std::string(500, 'o'));
  succeed({"rm", "-r", project() / "d"});
  const HttpAnswer plan = http("POST", "/v1/empty/plan", "{}");
  EXPECT_EQ(plan.body.at("total").at("bytes").to_number<int>(), 1500);
  EXPECT_EQ(plan.body.at("total").at("exclusiveBytes").to_number<int>(), 500);
  ctl({"empty", "--yes"});
  EXPECT_TRUE(wait_until([&] { return blob_bytes() == 1000; }));
  EXPECT_EQ(read_file(project() / "outside"), std::string(1000, 's'));
  EXPECT_EQ(std::filesystem::hard_link_count(project() / "outside"), 1U);
}

TEST_F(Emptying, SharedBytesGoWithTheirLastPlace) {
  std::filesystem::create_directory(project() / "d");
  write_file(project() / "d/inside", std::string(1000, 's'));
  std::filesystem::create_hard_link(project() / "d/inside", project() / "outside");
  succeed({"rm", "-r", project() / "d"});
  succeed({"rm", project() / "outside"});
  ctl({"purge", "--yes", id_of("outside")});
  EXPECT_EQ(read_file(trash() / "d/inside"), std::string(1000, 's'));
  ctl({"purge", "--yes", id_of("d")});
  EXPECT_TRUE(wait_until([&] { return blob_bytes() == 0; }));
}

TEST_F(Emptying, AnOpenFileKeepsItsBytesUntilItIsClosed) {
  write_file(project() / "f", std::string(100'000, 'f'));
  FileDescriptor file(::open((project() / "f").c_str(), O_RDWR | O_CLOEXEC));
  succeed({"rm", project() / "f"});
  ctl({"empty", "--yes"});
  EXPECT_THAT(trash_names(), IsEmpty());
  std::string read(100'000, '\0');
  EXPECT_EQ(::pread(file.get(), read.data(), read.size(), 0), 100'000);
  EXPECT_EQ(read, std::string(100'000, 'f'));
  EXPECT_EQ(::pwrite(file.get(), "more", 4, 100'000), 4);
  EXPECT_EQ(::pread(file.get(), read.data(), 4, 100'000), 4);
  EXPECT_EQ(read.substr(0, 4), "more");
  EXPECT_GE(blob_bytes(), 100'004U);
  file.reset();
  EXPECT_TRUE(wait_until([&] { return blob_bytes() == 0; })) << blob_bytes();
}

TEST_F(Emptying, WhatAHeldDirectoryLeadsToIsGone) {
  std::filesystem::create_directory(project() / "d");
  write_file(project() / "d/f", "f");
  const FileDescriptor held(::open((project() / "d").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  succeed({"rm", "-r", project() / "d"});
  ctl({"empty", "--yes"});
  EXPECT_LT(::openat(held.get(), "f", O_RDONLY | O_CLOEXEC), 0);
  EXPECT_LT(::openat(held.get(), "new", O_CREAT | O_WRONLY | O_CLOEXEC, 0644), 0);
}

TEST_F(Emptying, GoesOnAfterACrash) {
  for (int i = 0; i < 300; ++i) {
    std::filesystem::create_directories(project() / "d" / std::to_string(i % 7));
    write_file(project() / "d" / std::to_string(i % 7) / std::to_string(i), std::string(5000, 'x'));
  }
  succeed({"rm", "-r", project() / "d"});
  ctl({"empty", "--yes"});
  ASSERT_TRUE(daemon_->restart()) << daemon_->log();
  EXPECT_THAT(trash_names(), IsEmpty());
  EXPECT_TRUE(wait_until([&] { return blob_bytes() == 0; })) << blob_bytes();
}

TEST_F(Emptying, TellsItsProgress) {
  trash_file("a", "12345");
  const HttpAnswer emptied = http("POST", "/v1/empty", R"({"token":")" + plan_token() + R"("})");
  ASSERT_LT(emptied.status, 300) << emptied.text;
  const std::string operation = boost::json::serialize(emptied.body.at("operation"));
  HttpAnswer progress;
  EXPECT_TRUE(wait_until([&] {
    progress = http("GET", "/v1/operations/" + operation);
    return progress.status == 200 && progress.body.at("state") == "done";
  })) << progress.text;
  EXPECT_EQ(progress.body.at("done"), progress.body.at("total")) << progress.text;
}

}  // namespace
}  // namespace reprieve::test
