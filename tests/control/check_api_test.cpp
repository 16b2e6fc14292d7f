// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <boost/json/array.hpp>

#include "tests/control/control_fixture.h"

namespace reprieve::test {
namespace {

using ::testing::HasSubstr;

namespace fs = std::filesystem;

class Check : public ControlTest {
 protected:
  Check() {
    make_file("projects/P/a", "bytes of a");
    make_file("projects/P/b", "bytes of b");
  }
  // Somebody deletes the bytes of a file out of the store.
  void lose(const std::string& path) {
    const InodeId inode = files_->names().resolve(lab_, path).value().inode;
    std::string text(16, '\0');
    std::snprintf(text.data(), text.size() + 1, "%016llx", static_cast<unsigned long long>(inode.number()));
    for (const auto& entry : fs::recursive_directory_iterator(directory_.path() / "store/blobs")) {
      if (entry.path().filename() == text) lost_ = entry.path();
    }
    ASSERT_TRUE(fs::remove(lost_));
  }
  fs::path lost_;
};

TEST_F(Check, OfASoundStoreFindsNothing) {
  start();
  const RawResponse response = ask("POST", "/v1/check");
  ASSERT_EQ(response.status, 200) << response.body;
  const auto body = response.json();
  EXPECT_EQ(body.at("found"), 0);
  EXPECT_EQ(body.at("repaired"), 0);
  EXPECT_TRUE(body.at("findings").as_array().empty());
  EXPECT_EQ(body.at("checked").at("inodes"), files_->figures().value().inodes);
  EXPECT_GE(body.at("checked").at("blobs").to_number<int>(), 2);
  EXPECT_EQ(ask("GET", "/v1/check").json().at("state"), "idle");

  const auto result = ctl({"check"});
  EXPECT_EQ(result.exit_code, 0) << result.describe();
  EXPECT_THAT(result.out, HasSubstr("nothing is wrong"));
  EXPECT_THAT(result.out, HasSubstr("reprieved --check"));
}

TEST_F(Check, TellsWhatIsWrongAndWhere) {
  start();
  lose("projects/P/a");
  const RawResponse response = ask("POST", "/v1/check", R"({"repair":false})");
  ASSERT_EQ(response.status, 200) << response.body;
  const auto body = response.json();
  const auto& findings = body.at("findings").as_array();
  ASSERT_EQ(findings.size(), 1U) << response.body;
  const auto& finding = findings.at(0);
  EXPECT_EQ(finding.at("rule"), "file-blob");
  EXPECT_EQ(finding.at("account"), "lab");
  EXPECT_EQ(finding.at("path"), "projects/P/a");
  EXPECT_FALSE(finding.as_object().contains("repaired"));

  const auto told = ctl({"check"});
  EXPECT_EQ(told.exit_code, 1) << told.describe();
  EXPECT_THAT(told.out, HasSubstr("file-blob  lab:projects/P/a (inode "));
  const auto json = ctl({"check", "--json"});
  EXPECT_EQ(json.exit_code, 1) << json.describe();
  EXPECT_THAT(json.out, HasSubstr(R"("rule":"file-blob")"));
}

TEST_F(Check, RepairsAndTellsOfIt) {
  start();
  lose("projects/P/a");
  const auto repaired = ctl({"check", "--repair"});
  EXPECT_EQ(repaired.exit_code, 0) << repaired.describe();
  EXPECT_THAT(repaired.out, HasSubstr("; repaired: it is marked as lost"));
  EXPECT_THAT(repaired.out, HasSubstr("1 found, 1 repaired"));
  EXPECT_EQ(ctl({"check"}).exit_code, 0);
  const auto history = ctl({"history", "--event", "repair"});
  EXPECT_THAT(history.out, HasSubstr("projects/P/a")) << history.describe();

  // The bytes come back from a backup.
  FILE* blob = std::fopen(lost_.c_str(), "w");
  ASSERT_NE(blob, nullptr);
  std::fclose(blob);
  EXPECT_THAT(ctl({"check"}).out, HasSubstr("lost-mark"));
  EXPECT_EQ(ctl({"check", "--repair"}).exit_code, 0);
  EXPECT_EQ(ctl({"check"}).exit_code, 0);
}

TEST_F(Check, IsForAdministrators) {
  start();
  for (const char* method : {"POST", "GET"}) {
    const RawResponse response = RawClient(socket(), 30001, 30001).ask(method, "/v1/check", {});
    EXPECT_EQ(response.status, 403) << response.body;
  }
}

TEST_F(Check, RefusesWhatItDoesNotKnow) {
  start();
  EXPECT_EQ(ask("POST", "/v1/check", R"({"repiar":true})").status, 400);
  EXPECT_EQ(ask("POST", "/v1/check", R"({"repair":"yes"})").status, 400);
}

TEST_F(Check, EndsWithTheDaemon) {
  files_->interrupt_check();
  start();
  const RawResponse response = ask("POST", "/v1/check");
  EXPECT_EQ(response.status, 503) << response.body;
  EXPECT_EQ(response.error_code(), "interrupted");
}

}  // namespace
}  // namespace reprieve::test
