// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace reprieve::protocol {

// Reads a request's fields strictly. Remembers the first complaint, so that a decoder is one line a field and asks
// finish() once; every read after a complaint gives nothing. A field that is null counts as not given.
class FieldReader {
 public:
  // What complaints call the fields. Numbers may be strings of digits in both; in a query they always are.
  enum class Source : std::uint8_t { body, query };

  // `object` must outlive the reader. `prefix` ("filter.") stands before field names in complaints.
  FieldReader(const boost::json::object& object, Source source, std::string prefix = {});

  std::optional<std::string> text(std::string_view name);
  // A name or path: never empty, no NUL.
  std::optional<std::string> bytes(std::string_view name);
  std::optional<std::uint64_t> number(std::string_view name, std::uint64_t least = 0,
                                      std::uint64_t most = std::numeric_limits<std::int64_t>::max());
  std::optional<bool> flag(std::string_view name);
  // Lists are never empty, and have at most kMostInList elements: what is answered for each takes more memory than its
  // few bytes of the request.
  static constexpr std::size_t kMostInList = 10'000;
  std::optional<std::vector<std::int64_t>> id_list(std::string_view name);
  std::optional<std::vector<std::string>> bytes_list(std::string_view name);
  const boost::json::object* object(std::string_view name);

  [[nodiscard]] Source source() const { return source_; }
  // Records what is wrong with a field.
  void complain(std::string_view name, std::string_view what);
  // For a complaint about the request as a whole.
  void complain(std::string what);
  // The first complaint, or one about a field that nobody asked for. invalid_argument.
  Result<void> finish();

 private:
  const boost::json::value* find(std::string_view name);
  // The elements; null, and a complaint, where that is no such list.
  const boost::json::array* elements(std::string_view name, const boost::json::value& value, std::string_view of_what);

  const boost::json::object& object_;
  Source source_;
  std::string prefix_;
  std::set<std::string, std::less<>> known_;
  std::string complaint_;
};

}  // namespace reprieve::protocol
