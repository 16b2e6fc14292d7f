// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace reprieve::protocol {

// Names and messages come from whoever made them. What could move the cursor, recolour, hide or reorder text on a
// terminal is escaped: control characters and invalid UTF-8 as \n, \t, \r and \xNN, invisible and bidirectional
// controls as \u{NNNN}, a blank at either end as \x20, and the backslash itself as \\. The result is valid UTF-8 on one
// line.
[[nodiscard]] std::string printable(std::string_view bytes);

}  // namespace reprieve::protocol
