// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/base/clock.h"
#include "core/base/ids.h"

// The few things that row classes need of SQLiteCpp, typed for this domain. Failures leave as SQLite::Exception; the
// store turns them into an Error where the transaction ends (Store::write, Store::read).
namespace reprieve {

[[nodiscard]] constexpr std::int64_t to_column(Timestamp time) { return time.time_since_epoch().count(); }
[[nodiscard]] constexpr Timestamp to_time(std::int64_t column) { return Timestamp(std::chrono::nanoseconds(column)); }

// One execution of a prepared statement: binds from the left, steps, reads columns, and resets when it dies.
// Bytes are lent to SQLite, so what is bound must outlive the Query.
class Query {
 public:
  template <typename... Values>
  explicit Query(SQLite::Statement& statement, const Values&... values) : statement_(statement) {
    int position = 0;
    (bind(++position, values), ...);
  }
  ~Query() { statement_.tryReset(); }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  // True while there is a row to read.
  bool step() { return statement_.executeStep(); }
  // Runs to the end; for statements that return no rows.
  void run() {
    while (statement_.executeStep()) {
    }
  }

  // Rows that run() inserted, updated or deleted.
  [[nodiscard]] int changed() const { return statement_.getChanges(); }

  [[nodiscard]] bool is_null(int column) { return statement_.isColumnNull(column); }
  [[nodiscard]] std::int64_t integer(int column) { return statement_.getColumn(column).getInt64(); }
  [[nodiscard]] std::string bytes(int column) {
    const auto value = statement_.getColumn(column);
    const int size = value.getBytes();
    return size == 0 ? std::string() : std::string(static_cast<const char*>(value.getBlob()), std::size_t(size));
  }
  [[nodiscard]] std::string text(int column) { return statement_.getColumn(column).getString(); }
  [[nodiscard]] Timestamp time(int column) { return to_time(integer(column)); }
  template <typename IdType>
  [[nodiscard]] IdType id(int column) {
    return IdType(integer(column));
  }

 private:
  template <typename Tag>
  void bind(int position, Id<Tag> id) {
    statement_.bind(position, id.number());
  }
  void bind(int position, Timestamp time) { statement_.bind(position, to_column(time)); }
  void bind(int position, const std::string& bytes) {
    statement_.bindNoCopy(position, static_cast<const void*>(bytes.data()), static_cast<int>(bytes.size()));
  }
  void bind(int position, std::nullptr_t) { statement_.bind(position); }
  template <typename Integer>
  requires std::is_integral_v<Integer>
  void bind(int position, Integer value) { statement_.bind(position, static_cast<std::int64_t>(value)); }

  SQLite::Statement& statement_;
};

}  // namespace reprieve
