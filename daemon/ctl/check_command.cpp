// SPDX-License-Identifier: Apache-2.0
#include <future>
#include <ostream>

#include "daemon/control/protocol/check_messages.h"
#include "daemon/control/protocol/resources.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/progress.h"

namespace reprieve::ctl {
namespace {

constexpr std::chrono::milliseconds kPause{200};

// Until the answer is there.
void draw_progress(Session& session, const std::future<Outcome<Answer>>& answer) {
  bool drawn = false;
  while (answer.wait_for(kPause) != std::future_status::ready) {
    const auto asked = session.client.get(protocol::kCheckResource, {});
    if (!asked || asked->refused()) continue;
    const auto state = protocol::CheckState::parse(asked->body);
    if (state.state != protocol::word::kRunning) continue;
    session.screen.err << kEraseLine << progress_bar(share_of(state.done, state.total)) << std::flush;
    drawn = true;
  }
  if (drawn) session.screen.err << kEraseLine << std::flush;
}

}  // namespace

Outcome<ExitCode> run_check(Session& session) {
  const auto body = protocol::CheckRequest{session.options.repair}.to_json();
  auto pending = std::async(std::launch::async, [&] { return session.client.post(protocol::kCheckResource, body); });
  if (session.screen.can_animate) draw_progress(session, pending);
  const auto answer = pending.get();
  if (!answer) return give_up(answer.error());
  if (answer->refused()) return give_up(answer->failure());
  const auto result = protocol::CheckResult::parse(answer->body);
  if (session.options.json) {
    session.screen.out << answer->text << '\n';
  } else {
    session.screen.out << result.text() << "not looked at, because it would hold everybody up: the structure of the "
                       << "database itself; reprieved --check does\n";
  }
  return result.found == result.repaired ? ExitCode::done : ExitCode::refused_or_failed;
}

}  // namespace reprieve::ctl
