// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/table.h"

#include <algorithm>
#include <ostream>

#include "daemon/ctl/screen.h"
#include "daemon/ctl/text.h"

namespace reprieve::ctl {
namespace {

constexpr std::string_view kGap = "  ";

// A longer cell moves what follows it in its own row only.
constexpr std::size_t kWidestColumn = 40;

std::string padding(std::size_t width, std::size_t used) { return std::string(width - std::min(width, used), ' '); }

}  // namespace

void Table::print(std::ostream& out, bool colours) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < head_.size(); ++i) {
    std::size_t width = columns(head_[i].title);
    for (const auto& row : rows_) width = std::max(width, std::min(kWidestColumn, columns(row[i])));
    widths.push_back(width);
  }
  const auto print_cell = [&](std::size_t i, const std::string& cell, bool title) {
    const std::string pad = padding(widths[i], columns(cell));
    const std::string shown = bold(cell, colours && title);
    const bool last = i + 1 == head_.size();
    if (head_[i].align == Align::right) {
      out << pad << shown;
    } else {
      out << shown << (last ? "" : pad);
    }
    out << (last ? "\n" : kGap);
  };
  for (std::size_t i = 0; i < head_.size(); ++i) print_cell(i, head_[i].title, true);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < head_.size(); ++i) print_cell(i, row[i], false);
  }
}

void Sheet::print(std::ostream& out) const {
  std::size_t width = 0;
  for (const Row& row : rows_) width = std::max(width, columns(row.label));
  for (const Row& row : rows_) {
    out << row.label << ':' << padding(width, columns(row.label)) << kGap << row.value << '\n';
  }
}

}  // namespace reprieve::ctl
