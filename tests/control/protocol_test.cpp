// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/control/protocol/bytes.h"
#include "daemon/control/protocol/requests.h"
#include "daemon/control/protocol/resources.h"
#include "daemon/control/protocol/responses.h"
#include "daemon/control/protocol/time_text.h"

namespace reprieve::protocol {
namespace {

using namespace std::chrono_literals;

TEST(ProtocolBytes, TellsUtf8FromOtherBytes) {
  EXPECT_TRUE(is_utf8("plain"));
  EXPECT_TRUE(is_utf8("Grün 細胞 \xF0\x9F\xA7\xAC"));
  EXPECT_FALSE(is_utf8("\xFF"));
  EXPECT_FALSE(is_utf8("caf\xE9"));   // Latin-1
  EXPECT_FALSE(is_utf8("\xC0\xAF"));  // overlong slash
  EXPECT_FALSE(is_utf8("\xE0\x80\xAF"));
  EXPECT_FALSE(is_utf8("\xED\xA0\x80"));      // surrogate
  EXPECT_FALSE(is_utf8("\xF4\x90\x80\x80"));  // over U+10FFFF
  EXPECT_FALSE(is_utf8("\xE7\xB4"));          // cut short
}

TEST(ProtocolBytes, InvalidBytesTravelInASecondField) {
  boost::json::object object;
  put_bytes(object, "name", "caf\xE9.txt");
  EXPECT_EQ(object.at("name").as_string(), "caf\xEF\xBF\xBD.txt");
  EXPECT_EQ(object.at("nameHex").as_string(), "636166e92e747874");
  EXPECT_EQ(get_bytes(object, "name"), "caf\xE9.txt");
  // What comes out is JSON that a strict parser takes.
  EXPECT_EQ(boost::json::parse(boost::json::serialize(object)), boost::json::value(object));
}

TEST(ProtocolBytes, ValidNamesHaveOneField) {
  boost::json::object object;
  put_bytes(object, "origin", "projects/Zürich");
  EXPECT_EQ(object.size(), 1U);
  EXPECT_EQ(get_bytes(object, "origin"), "projects/Zürich");
}

TEST(ProtocolBytes, RequestPathsRoundTrip) {
  for (const std::string path : {"projects/P", "caf\xE9", "\xFF\xFE", "a b\"c"}) {
    EXPECT_EQ(parse_bytes_value(bytes_value(path)).value(), path);
  }
  for (const char* text :
       {R"({"hex":"0"})", R"({"hex":"zz"})", R"({"hex":1})", R"({"hex":"00","more":1})", "17", "[]"}) {
    EXPECT_FALSE(parse_bytes_value(boost::json::parse(text))) << text;
  }
}

TEST(ProtocolTime, WritesRfc3339) {
  EXPECT_EQ(rfc3339(Timestamp()), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(rfc3339(Timestamp(1714565100s + 250ms)), "2024-05-01T12:05:00.250Z");
}

TEST(ProtocolTime, ReadsRfc3339DatesAndAges) {
  const Timestamp now(1714565100s);
  EXPECT_EQ(parse_time("2024-05-01T12:05:00Z", now).value(), now);
  EXPECT_EQ(parse_time("2024-05-01T14:05:00+02:00", now).value(), now);
  EXPECT_EQ(parse_time("2024-05-01T14:05:00 02:00", now).value(), now);  // '+' of an unencoded query
  EXPECT_EQ(parse_time("2024-05-01t12:05:00.5z", now).value(), now + 500ms);
  EXPECT_EQ(parse_time("2024-05-01", now).value(), now - 12h - 5min);
  EXPECT_EQ(parse_time("7d", now).value(), now - 7 * 24h);
  EXPECT_EQ(parse_time("12h", now).value(), now - 12h);
  EXPECT_EQ(parse_time("2w", now).value(), now - 14 * 24h);
  EXPECT_EQ(parse_time(rfc3339(now + 123ms), now).value(), now + 123ms);
}

TEST(ProtocolTime, RefusesWhatIsNoTime) {
  for (const char* text : {"", "yesterday", "7", "d", "-7d", "7y", "2024-13-01", "2024-02-30", "2024-05-01T25:00:00Z",
                           "2024-05-01T12:05:00", "2024-05-01T12:05:00Zx", "0000-01-01", "9999-01-01T00:00:00Z",
                           "2024-05-01T12:05:00.Z", "99999999999d"}) {
    EXPECT_FALSE(parse_time(text, Timestamp(1714565100s))) << text;
  }
}

TEST(ProtocolRequests, RoundTrip) {
  Filter filter;
  filter.kind = "run";
  filter.name = "caf\xE9*";
  filter.min_bytes = 10;
  filter.session = 3;
  RestoreRequest restore;
  restore.filter = filter;
  restore.how = {.on_collision = "rename", .recreate_parents = true, .to = "projects/\xFF"};
  const auto parsed = RestoreRequest::parse(restore.to_json());
  ASSERT_TRUE(parsed) << parsed.error().reason;
  EXPECT_EQ(parsed->to_json(), restore.to_json());
  EXPECT_EQ(parsed->filter->name, "caf\xE9*");
  EXPECT_EQ(parsed->how.to, "projects/\xFF");

  EXPECT_TRUE(EmptyRequest::parse(EmptyRequest{"abc"}.to_json()));
  EXPECT_TRUE(PurgeRequest::parse(PurgeRequest{{1, 2}}.to_json()));
  EXPECT_TRUE(EmptyPlanRequest::parse(EmptyPlanRequest{filter}.to_json()));
  EXPECT_TRUE(TrashRequest::parse(TrashRequest{{"a"}, {}}.to_json()));
}

std::string complaint(const Result<RestoreRequest>& result) { return result ? "" : result.error().reason; }

TEST(ProtocolRequests, ComplaintsNameTheField) {
  const auto parse = [](const char* text) {
    return complaint(RestoreRequest::parse(boost::json::parse(text).as_object()));
  };
  EXPECT_NE(parse(R"({"ids":[1],"colour":"red"})").find("\"colour\""), std::string::npos);
  EXPECT_NE(parse(R"({"ids":[0]})").find("\"ids\""), std::string::npos);
  EXPECT_NE(parse(R"({"ids":[]})").find("\"ids\""), std::string::npos);
  EXPECT_NE(parse(R"({"filter":{"minBytes":"many"}})").find("\"filter.minBytes\""), std::string::npos);
  EXPECT_NE(parse(R"({"filter":{"what":1}})").find("\"filter.what\""), std::string::npos);
  EXPECT_NE(parse(R"({"ids":[1],"all":true})").find("exactly one"), std::string::npos);
  EXPECT_NE(parse("{}").find("exactly one"), std::string::npos);
  EXPECT_NE(parse(R"({"all":"yes"})").find("\"all\""), std::string::npos);
}

TEST(ProtocolResponses, ItemsRoundTrip) {
  Item item;
  item.id = 17;
  item.name = "R\xE9sum\xE9";
  item.kind = "project";
  item.origin = "projects/R\xE9sum\xE9";
  item.account = "lab";
  item.deleted_by = "lab";
  item.deleted_by_uid = 1000;
  item.deleted_at = Timestamp(1714565100s);
  item.figures = Figures{.files = 123, .folders = 4, .bytes = 456, .exclusive_bytes = 400};
  item.session = "5";
  const auto json = item.to_json();
  EXPECT_TRUE(json.at("expiresAt").is_null());
  EXPECT_EQ(boost::json::serialize(json.at("includes")), R"(["FILEDATA","METADATA"])");
  EXPECT_EQ(boost::json::serialize(json.at("deletedBy")), R"({"account":"lab","uid":1000})");
  EXPECT_EQ(Item::parse(json).to_json(), json);
}

TEST(ProtocolResponses, ClientsBearStrangeAnswers) {
  for (const char* text : {"null", "[]", "{}", R"({"items":1,"paging":[]})", R"({"items":[null,{"id":"x"}]})"}) {
    const auto value = boost::json::parse(text);
    (void)Page::parse(value);
    (void)Plan::parse(value);
    (void)ResultList::parse(value);
    (void)Progress::parse(value);
  }
}

}  // namespace
}  // namespace reprieve::protocol
