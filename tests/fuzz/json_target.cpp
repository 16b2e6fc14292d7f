// SPDX-License-Identifier: Apache-2.0
// JSON: bodies of requests as the daemon decodes them, and answers as reprievectl does, past HTTP. The first byte says
// which message.
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "daemon/control/protocol/account_messages.h"
#include "daemon/control/protocol/bytes.h"
#include "daemon/control/protocol/check_messages.h"
#include "daemon/control/protocol/item_requests.h"
#include "daemon/control/protocol/printable.h"
#include "daemon/control/protocol/requests.h"
#include "daemon/control/protocol/responses.h"
#include "daemon/control/protocol/time_text.h"

namespace {

using namespace reprieve;
namespace json = boost::json;

void must(bool holds) {
  if (!holds) std::abort();
}

// What is taken means the same when it is said again, and what is refused has words.
template <typename Request>
void request(const json::object& body) {
  const auto first = Request::parse(body);
  if (!first) return must(!reason_of(first.error()).empty());
  const json::object again = first->to_json();
  const auto second = Request::parse(again);
  must(second && second->to_json() == again);
}

// Answers are read whatever they are, and read again as what was read.
template <typename Answer>
void answer(const json::value& value) {
  const auto again = Answer::parse(value).to_json();
  must(Answer::parse(again).to_json() == again);
}

using Try = void (*)(const json::value&);
template <typename Request>
void body(const json::value& value) {
  if (const auto* object = value.if_object()) request<Request>(*object);
}

void bytes(const json::value& value) {
  const auto given = protocol::parse_bytes_value(value);
  if (!given) return must(!reason_of(given.error()).empty());
  const auto same = protocol::parse_bytes_value(protocol::bytes_value(*given));
  must(same && *same == *given);
  json::object object;
  protocol::put_bytes(object, "name", *given);
  must(protocol::get_bytes(object, "name") == *given);
  must(protocol::is_utf8(protocol::printable(*given)) && protocol::is_utf8(protocol::lossy_utf8(*given)));
}

constexpr std::array<Try, 22> kMessages{body<protocol::TrashRequest>,
                                        body<protocol::RestoreRequest>,
                                        body<protocol::EmptyPlanRequest>,
                                        body<protocol::EmptyRequest>,
                                        body<protocol::PurgeRequest>,
                                        body<protocol::AssociateRequest>,
                                        body<protocol::AddToRequest>,
                                        body<protocol::ExplainRequest>,
                                        body<protocol::AccountAddRequest>,
                                        body<protocol::AccountSetRequest>,
                                        body<protocol::ShareRequest>,
                                        body<protocol::CheckRequest>,
                                        answer<protocol::Item>,
                                        answer<protocol::ErrorReport>,
                                        answer<protocol::ResultList>,
                                        answer<protocol::Plan>,
                                        answer<protocol::Page>,
                                        answer<protocol::Progress>,
                                        answer<protocol::AccountInfo>,
                                        answer<protocol::EventInfo>,
                                        answer<protocol::CheckResult>,
                                        bytes};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto now = Timestamp(std::chrono::seconds(1'700'000'000));
  if (const auto time = protocol::parse_time(text, now)) must(!rfc3339(*time).empty());
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (!error) kMessages.at (*data % kMessages.size())(value);
  return 0;
}
