// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "core/base/clock.h"
#include "core/base/ids.h"

// Values as bytes, one behind the other, for what is written as a whole and read as a whole. Whoever reads knows which
// values follow.
namespace reprieve {

// Numbers are written seven bits a byte, the lowest first, the highest bit set where more follow.
class PackedWriter {
 public:
  void operator()(std::uint64_t number) {
    for (; number >= 0x80; number >>= 7) bytes_ += static_cast<char>(number | 0x80);
    bytes_ += static_cast<char>(number);
  }
  void operator()(const std::string& text) {
    (*this)(text.size());
    bytes_ += text;
  }
  void operator()(Timestamp time) { (*this)(static_cast<std::uint64_t>(time.time_since_epoch().count())); }
  void operator()(bool flag) { (*this)(std::uint64_t{flag}); }
  template <typename Tag>
  void operator()(Id<Tag> id) {
    (*this)(static_cast<std::uint64_t>(id.number()));
  }
  template <typename Number>
  requires std::is_integral_v<Number> || std::is_enum_v<Number>
  void operator()(Number number) { (*this)(static_cast<std::uint64_t>(number)); }

  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// The reverse. What runs over the end reads as nothing and is noted.
class PackedReader {
 public:
  explicit PackedReader(std::string_view bytes) : rest_(bytes) {}

  void operator()(std::uint64_t& number) {
    number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      number |= std::uint64_t{byte & 0x7fU} << shift;
      if ((byte & 0x80) == 0) return;
    }
    broken_ = true;
  }
  void operator()(std::string& text) {
    std::uint64_t size = 0;
    (*this)(size);
    broken_ = broken_ || size > rest_.size();
    text = broken_ ? std::string() : std::string(rest_.substr(0, size));
    rest_.remove_prefix(text.size());
  }
  void operator()(Timestamp& time) {
    std::uint64_t number = 0;
    (*this)(number);
    time = Timestamp(std::chrono::nanoseconds(static_cast<std::int64_t>(number)));
  }
  template <typename Tag>
  void operator()(Id<Tag>& id) {
    std::uint64_t number = 0;
    (*this)(number);
    id = Id<Tag>(static_cast<std::int64_t>(number));
  }
  template <typename Number>
  requires std::is_integral_v<Number> || std::is_enum_v<Number>
  void operator()(Number& value) {
    std::uint64_t number = 0;
    (*this)(number);
    value = static_cast<Number>(number);
  }

  [[nodiscard]] bool broken() const { return broken_; }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  bool broken_ = false;
};

// Calls `each` once for each element of a list, before which its size was written.
template <typename Each>
void read_list(PackedReader& in, const Each& each) {
  std::uint64_t count = 0;
  in(count);
  for (std::uint64_t i = 0; i < count && !in.broken(); ++i) each();
}

}  // namespace reprieve
