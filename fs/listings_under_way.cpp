// SPDX-License-Identifier: Apache-2.0
#include "fs/listings_under_way.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace reprieve::fs {

ListingsUnderWay::Answer::~Answer() { listings_.prepared(*this); }

ListingsUnderWay::Answer ListingsUnderWay::asked(InodeId directory, off_t offset) {
  const MutexLock lock(mutex_);
  const auto before = offset > 0 ? find(directory, offset) : groups_.end();
  if (before != groups_.end()) {
    if (++before->second.gone_on_behind == before->second.given) dealt_with(before);
  }
  const Moment moment = ++last_;
  groups_.emplace(directory, Group{.newest = moment});
  return {*this, directory, moment};
}

void ListingsUnderWay::prepared(const Answer& answer) {
  const MutexLock lock(mutex_);
  const auto [first, last] = groups_.equal_range(answer.directory_);
  const auto own = std::find_if(first, last, [&](const auto& entry) {
    return entry.second.end == kUnknown && entry.second.newest == answer.moment_;
  });
  if (own == last) return;  // the directory was somebody's alone meanwhile, so its reader is gone
  const auto same = answer.end_ == kUnknown ? groups_.end() : find(answer.directory_, answer.end_);
  if (same != groups_.end()) {
    Group& group = same->second;
    ++group.given;
    group.newest = std::max(group.newest, answer.moment_);
    if (own->second.doubtful && !group.doubtful) {
      group.doubtful = true;
      ++doubtful_;
    }
  } else if (answer.end_ != kUnknown) {
    own->second.end = answer.end_;
    return;
  }
  if (own->second.doubtful) --doubtful_;
  groups_.erase(own);
  fewer_.notify_all();
}

void ListingsUnderWay::doubt() {
  const MutexLock lock(mutex_);
  for (auto& [directory, group] : groups_) {
    group.doubtful = true;
    group.given_up = false;
  }
  doubtful_ = groups_.size();
}

bool ListingsUnderWay::has_become_crowded() {
  const MutexLock lock(mutex_);
  return groups_.size() >= kMany && !std::exchange(crowd_is_known_, true);
}

std::vector<InodeId> ListingsUnderWay::directories() {
  const MutexLock lock(mutex_);
  const bool all = groups_.size() >= kMany;
  crowd_is_known_ = false;
  std::set<InodeId> found;
  for (const auto& [directory, group] : groups_) {
    if (all || group.doubtful) found.insert(directory);
  }
  return {found.begin(), found.end()};
}

void ListingsUnderWay::locked_alone(InodeId directory, Moment moment) {
  const MutexLock lock(mutex_);
  auto [group, last] = groups_.equal_range(directory);
  while (group != last) group = group->second.newest <= moment ? dealt_with(group) : std::next(group);
}

bool ListingsUnderWay::is_certain(InodeId directory) {
  if (doubtful_ == 0) return true;
  const MutexLock lock(mutex_);
  return !has_to_wait(directory);
}

bool ListingsUnderWay::wait_until_certain(InodeId directory, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  const MutexLock lock(mutex_);
  while (has_to_wait(directory)) {
    const auto left = end - std::chrono::steady_clock::now();
    if (left <= left.zero()) {
      const auto [first, last] = groups_.equal_range(directory);
      std::for_each(first, last, [](auto& entry) { entry.second.given_up = entry.second.doubtful; });
      return false;
    }
    fewer_.wait_for(mutex_, left);
  }
  return true;
}

ListingsUnderWay::Groups::iterator ListingsUnderWay::find(InodeId directory, off_t end) {
  const auto [first, last] = groups_.equal_range(directory);
  const auto found = std::find_if(first, last, [end](const auto& entry) { return entry.second.end == end; });
  return found == last ? groups_.end() : found;
}

bool ListingsUnderWay::has_to_wait(InodeId directory) {
  const auto [first, last] = groups_.equal_range(directory);
  return std::any_of(first, last, [](const auto& entry) { return entry.second.doubtful && !entry.second.given_up; });
}

// The names first: who waits goes on to believe that nothing old is left.
ListingsUnderWay::Groups::iterator ListingsUnderWay::dealt_with(Groups::iterator group) {
  if (group->second.doubtful) {
    doubt_names_();
    --doubtful_;
  }
  const auto next = groups_.erase(group);
  fewer_.notify_all();
  return next;
}

}  // namespace reprieve::fs
