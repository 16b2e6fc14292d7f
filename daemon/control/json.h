// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "core/accounts/storage_figures.h"
#include "core/trash/empty_plan.h"
#include "core/trash/history.h"
#include "core/trash/trash_item.h"
#include "daemon/control/message.h"
#include "daemon/control/protocol/account_messages.h"
#include "daemon/control/protocol/responses.h"

// Core's answers as responses.
namespace reprieve::control {

[[nodiscard]] protocol::Item to_item(const TrashItem& item);
[[nodiscard]] protocol::Item to_item(const TrashItemDetail& detail);
[[nodiscard]] protocol::Plan to_plan(const EmptyPlan& plan);
[[nodiscard]] protocol::Progress to_progress(OperationId id, const OperationProgress& progress);
[[nodiscard]] protocol::EventInfo to_info(const HistoryEvent& event);

// What `subject` of an outcome is: the name of an item, or a path that was to be trashed.
enum class Subject : std::uint8_t { item, path };
[[nodiscard]] protocol::ItemResult to_result(const BatchOutcome& outcome, Subject subject);
// The same for a path that did not get as far as core.
[[nodiscard]] protocol::ItemResult failed_path(const std::string& path, const Error& error);

// 200 when all is done, 207 when not; a request for one thing that failed has the status of its error and the error
// beside the results.
[[nodiscard]] Response to_response(const protocol::ResultList& list);

}  // namespace reprieve::control
