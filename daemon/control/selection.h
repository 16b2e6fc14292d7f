// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/event_kind.h"
#include "core/base/result.h"
#include "core/trash/trash_item.h"
#include "daemon/control/protocol/requests.h"

// What requests ask for, in core's terms. Every error is invalid_argument and names the field.
namespace reprieve::control {

Result<TrashFilter> to_filter(const protocol::Filter& filter, Timestamp now);
Result<TrashQuery> to_query(const protocol::ListRequest& request, Timestamp now);
Result<OnCollision> to_collision(const std::optional<std::string>& word);

Result<TrashMode> to_mode(const std::string& word);
[[nodiscard]] std::string_view mode_name(TrashMode mode);
Result<EventKind> to_event_kind(const std::string& word);
Result<std::optional<Timestamp>> to_since(const std::optional<std::string>& text, Timestamp now);

// The words of sortBy and sortDir.
[[nodiscard]] std::string_view sort_name(TrashSort sort);
[[nodiscard]] std::string_view direction_name(SortDirection direction);

}  // namespace reprieve::control
