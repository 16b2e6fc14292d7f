// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace reprieve::ctl {

enum class Align : std::uint8_t { left, right };

struct Column {
  std::string title;
  Align align = Align::left;
};

// Text in columns that are as wide as their widest cell, counted as a terminal shows it, but for cells so long that all
// other rows would fall apart.
class Table {
 public:
  explicit Table(std::vector<Column> head) : head_(std::move(head)) {}
  // One cell a column, each printable().
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void print(std::ostream& out, bool colours) const;

 private:
  std::vector<Column> head_;
  std::vector<std::vector<std::string>> rows_;
};

// "Label:  value" lines. Rows without a title above them.
class Sheet {
 public:
  // `value` is printable().
  void add(std::string label, std::string value) { rows_.push_back({std::move(label), std::move(value)}); }
  void print(std::ostream& out) const;

 private:
  struct Row {
    std::string label;
    std::string value;
  };
  std::vector<Row> rows_;
};

}  // namespace reprieve::ctl
