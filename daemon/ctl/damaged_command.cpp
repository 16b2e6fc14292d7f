// SPDX-License-Identifier: Apache-2.0
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <ostream>
#include <utility>

#include "daemon/control/protocol/integrity_messages.h"
#include "daemon/control/protocol/lenient_json.h"
#include "daemon/control/protocol/resources.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/request_parts.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/text.h"

namespace reprieve::ctl {
namespace {

namespace field = protocol::field;

// The items as the daemon sent them, from as many answers as it takes.
Outcome<boost::json::array> fetch_damaged(Session& session) {
  boost::json::array items;
  for (protocol::DamagedRequest request; true;) {
    auto query = request.to_query();
    for (auto& parameter : account_query(session.options)) query.push_back(std::move(parameter));
    const auto answer = session.client.get(protocol::kDamagedResource, query);
    if (!answer) return give_up(answer.error());
    if (answer->refused()) return give_up(answer->failure());
    const auto list = protocol::DamagedList::parse(answer->body);
    if (!list.kept) return give_up(ExitCode::refused_or_failed, "no checksums of files are kept; see reprieve.toml(5)");
    const auto& body = protocol::object_of(answer->body);
    const auto* page = body.if_contains(field::kItems);
    if (page != nullptr && page->is_array()) {
      for (const auto& item : page->get_array()) items.push_back(item);
    }
    if (!list.more || *list.more <= request.after) return items;
    request.after = *list.more;
  }
}

}  // namespace

Outcome<ExitCode> run_damaged(Session& session) {
  const auto items = fetch_damaged(session);
  if (!items) return give_up(items.error());
  if (session.options.json) {
    session.screen.out << boost::json::serialize(*items) << '\n';
    return ExitCode::done;
  }
  if (items->empty()) {
    session.screen.err << "no file is known to be damaged\n";
    return ExitCode::done;
  }
  Table table({{"ACCOUNT"}, {"COMPARED"}, {"PATH"}});
  const auto now = Timestamp(std::chrono::system_clock::now());
  for (const auto& item : *items) {
    const auto file = protocol::DamagedInfo::parse(item);
    const std::string path = file.path.empty() ? "inode " + std::to_string(file.inode) + ", without a name" : file.path;
    table.add({printable(file.account), human_age(file.compared, now), printable(path)});
  }
  table.print(session.screen.out, session.screen.colours_out);
  session.screen.err
      << "each is good again when a copy is written over it, as cp COPY PATH does, or put in its place by mv\n";
  return ExitCode::done;
}

}  // namespace reprieve::ctl
