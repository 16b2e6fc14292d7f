// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/protocol/check_messages.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <cstdio>

#include "daemon/control/protocol/bytes.h"
#include "daemon/control/protocol/field_reader.h"
#include "daemon/control/protocol/lenient_json.h"
#include "daemon/control/protocol/printable.h"
#include "daemon/control/protocol/resources.h"

namespace reprieve::protocol {
namespace {

double seconds_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_double() ? value->get_double()
                                                : static_cast<double>(number_of(object, name).value_or(0));
}

void put(boost::json::object& object, std::string_view name, const std::optional<std::uint64_t>& number) {
  if (number) object[name] = *number;
}

// "lab:projects/P/a (inode 12)", with whatever is known of it.
std::string subject_of(const CheckFinding& finding) {
  std::string numbers;
  const auto add = [&numbers](std::string_view what, const std::optional<std::uint64_t>& number) {
    if (number) numbers += (numbers.empty() ? "" : ", ") + std::string(what) + " " + std::to_string(*number);
  };
  add("inode", finding.inode);
  add("entry", finding.entry);
  add("of inode", finding.parent);
  add("item", finding.item);
  const std::string place =
      finding.path.empty() ? printable(finding.account) : printable(finding.account + ":" + finding.path);
  if (place.empty() || numbers.empty()) return place + numbers;
  return place + " (" + numbers + ")";
}

}  // namespace

Result<CheckRequest> CheckRequest::parse(const boost::json::object& body) {
  FieldReader reader(body, FieldReader::Source::body);
  const CheckRequest request{.repair = reader.flag(field::kRepair).value_or(false)};
  REPRIEVE_TRY_VOID(reader.finish());
  return request;
}

boost::json::object CheckRequest::to_json() const { return {{field::kRepair, repair}}; }

boost::json::object CheckFinding::to_json() const {
  boost::json::object object{{field::kRule, rule}, {field::kMessage, lossy_utf8(message)}};
  put(object, field::kInode, inode);
  put(object, field::kParent, parent);
  put(object, field::kEntry, entry);
  put(object, field::kItem, item);
  if (!account.empty()) object[field::kAccount] = account;
  if (!path.empty()) put_bytes(object, field::kPath, path);
  if (!repaired.empty()) object[field::kRepaired] = lossy_utf8(repaired);
  return object;
}

CheckFinding CheckFinding::parse(const boost::json::value& value) {
  const auto& object = object_of(value);
  return {.rule = text_of(object, field::kRule),
          .message = text_of(object, field::kMessage),
          .inode = number_of(object, field::kInode),
          .parent = number_of(object, field::kParent),
          .entry = number_of(object, field::kEntry),
          .item = number_of(object, field::kItem),
          .account = text_of(object, field::kAccount),
          .path = get_bytes(object, field::kPath),
          .repaired = text_of(object, field::kRepaired)};
}

boost::json::object CheckResult::to_json() const {
  boost::json::array list;
  for (const CheckFinding& finding : findings) list.push_back(finding.to_json());
  return {{field::kFindings, std::move(list)},
          {field::kFound, found},
          {field::kRepaired, repaired},
          {field::kChecked,
           {{field::kInodes, inodes},
            {field::kEntries, entries},
            {field::kTrashItems, trash_items},
            {field::kBlobs, blobs}}},
          {field::kSeconds, seconds},
          {field::kLongestPause, longest_pause}};
}

CheckResult CheckResult::parse(const boost::json::value& value) {
  const auto& object = object_of(value);
  CheckResult result;
  if (const auto* list = object.if_contains(field::kFindings); list != nullptr && list->is_array()) {
    for (const auto& finding : list->get_array()) result.findings.push_back(CheckFinding::parse(finding));
  }
  result.found = number_of(object, field::kFound).value_or(0);
  result.repaired = number_of(object, field::kRepaired).value_or(0);
  if (const auto* checked = object.if_contains(field::kChecked)) {
    const auto& counts = object_of(*checked);
    result.inodes = number_of(counts, field::kInodes).value_or(0);
    result.entries = number_of(counts, field::kEntries).value_or(0);
    result.trash_items = number_of(counts, field::kTrashItems).value_or(0);
    result.blobs = number_of(counts, field::kBlobs).value_or(0);
  }
  result.seconds = seconds_of(object, field::kSeconds);
  result.longest_pause = seconds_of(object, field::kLongestPause);
  return result;
}

std::string CheckResult::text() const {
  std::size_t width = 0;
  for (const CheckFinding& finding : findings) width = std::max(width, finding.rule.size());
  std::string lines;
  for (const CheckFinding& finding : findings) {
    std::string rule = printable(finding.rule);
    rule.resize(std::max(rule.size(), width), ' ');
    const std::string subject = subject_of(finding);
    lines += rule + "  ";
    if (!subject.empty()) lines += subject + ": ";
    lines += printable(finding.message);
    lines += (finding.repaired.empty() ? "" : "; repaired: " + printable(finding.repaired)) + "\n";
  }
  if (found > findings.size()) lines += "and " + std::to_string(found - findings.size()) + " more\n";
  std::string verdict = found == 0 ? "nothing is wrong" : std::to_string(found) + " found";
  if (repaired > 0) verdict += ", " + std::to_string(repaired) + " repaired";
  std::array<char, 32> took{};
  std::snprintf(took.data(), took.size(), "%.1f", seconds);
  return lines + "checked " + std::to_string(inodes) + " inodes, " + std::to_string(entries) + " entries, " +
         std::to_string(trash_items) + " trash items and " + std::to_string(blobs) + " blobs in " + took.data() +
         " seconds: " + verdict + "\n";
}

boost::json::object CheckState::to_json() const {
  return {{field::kState, state}, {field::kDone, done}, {field::kTotal, total}};
}

CheckState CheckState::parse(const boost::json::value& value) {
  const auto& object = object_of(value);
  return {.state = text_of(object, field::kState),
          .done = number_of(object, field::kDone).value_or(0),
          .total = number_of(object, field::kTotal).value_or(0)};
}

}  // namespace reprieve::protocol
