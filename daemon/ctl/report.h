// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "daemon/control/protocol/account_messages.h"
#include "daemon/control/protocol/responses.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/failure.h"
#include "daemon/ctl/screen.h"

// How commands tell what became of their work.
namespace reprieve::ctl {

struct Session;

// The answer, or a failure where the request was refused; printed already where JSON was asked for.
Outcome<Answer> accepted(Session& session, Outcome<Answer> answer);

// Names what went wrong, and exits with.
ExitCode report(Screen& screen, const Failure& failure);

// What the daemon says, with the option that helps.
[[nodiscard]] std::string told(const protocol::ErrorReport& error);
// What a refusal exits with.
[[nodiscard]] ExitCode exit_code_of(const protocol::ErrorReport& error);
// To be put behind a refusal of this path, which the daemon was given as it stands here: where it looked for it.
[[nodiscard]] std::string_view place_hint(std::string_view path, std::string_view code);

// What was wrong with `subject`, once where the reason names it too.
[[nodiscard]] std::string complaint(std::string_view subject, std::string_view reason);
// "17 (NAME)", or the path.
[[nodiscard]] std::string subject_of(const protocol::ItemResult& result);
// A line on `err` for everything that was skipped or failed. 0 where nothing failed, 4 where a part did, 1 where all
// did.
ExitCode report_results(Screen& screen, const protocol::ResultList& list);
// The same with a line on `out` for everything that was done.
ExitCode report_results(Screen& screen, const protocol::ResultList& list,
                        const std::function<std::string(const protocol::ItemResult&)>& done_line);

// What an event tells of, for people.
[[nodiscard]] std::string told(const protocol::EventInfo& event);

// A batch's results, also of a request for one thing that was refused; a failure where the request was refused as a
// whole.
Outcome<protocol::ResultList> results_of(const Answer& answer);

}  // namespace reprieve::ctl
