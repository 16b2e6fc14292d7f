// SPDX-License-Identifier: Apache-2.0
#include "core/upkeep/comparisons.h"

#include <algorithm>
#include <utility>

#include "core/base/thread.h"
#include "core/trash/sessions.h"
#include "core/upkeep/scrubber.h"

namespace reprieve {
namespace {

// More do not make a disk faster; fewer leave it idle between two parts.
constexpr std::size_t kMostThreads = 4;
// Of a file before it is another's turn: long enough that the disk is not kept from reading, and most files are done.
constexpr std::size_t kPart = std::size_t{16} << 20;
// Each is a request that the kernel waits for. More than programs come to that open files in parallel.
constexpr std::size_t kMostWaitingOfUser = 1024;

}  // namespace

// A file that somebody waits for.
struct Comparisons::Job {
  InodeId inode;
  uid_t uid = 0;  // of who came first
  std::unique_ptr<Scrubber::Look> look;
  std::vector<Waiting> waiters;
};

struct Comparisons::Turn {
  uid_t uid;
  std::deque<std::unique_ptr<Job>> jobs;  // never empty
};

Comparisons::Comparisons(Scrubber& scrubber, ProcessTable& processes) : scrubber_(scrubber), processes_(processes) {}

Comparisons::~Comparisons() { stop(); }

Result<void> Comparisons::start() {
  const MutexLock lock(mutex_);
  REPRIEVE_TRY(std::thread first, start_thread([this] { run(); }));
  threads_.push_back(std::move(first));
  return {};
}

void Comparisons::stop() {
  std::vector<std::thread> threads;
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
  std::deque<Turn> left;
  std::vector<Told> told;
  {
    const MutexLock lock(mutex_);
    left.swap(turns_);
    jobs_.clear();
    for (const Turn& turn : left) {
      for (const auto& job : turn.jobs) take_all(*job, fail(Errc::interrupted), told);
    }
  }
  for (Told& each : told) each.waiting.then(std::move(each.outcome));
}

void Comparisons::ask(InodeId inode, Waiting waiting) {
  Errc refused = Errc::interrupted;
  {
    const MutexLock lock(mutex_);
    std::size_t& of_user = waiting_[waiting.uid];
    if (of_user >= kMostWaitingOfUser) refused = Errc::too_many_open_files;
    if (!stopping_ && of_user < kMostWaitingOfUser) {
      ++of_user;
      if (const auto known = jobs_.find(inode); known != jobs_.end()) {
        known->second->waiters.push_back(std::move(waiting));
        return;
      }
      auto job = std::make_unique<Job>();
      job->inode = inode;
      job->uid = waiting.uid;
      job->waiters.push_back(std::move(waiting));
      jobs_.emplace(inode, job.get());
      put_back(std::move(job));
      add_thread();
      wake_.notify_one();
      return;
    }
  }
  waiting.then(fail(refused));
}

// Where none can be had, those that there are have to do.
void Comparisons::add_thread() {
  std::size_t queued = 0;
  for (const Turn& turn : turns_) queued += turn.jobs.size();
  if (parked_ >= queued || threads_.size() >= kMostThreads) return;
  if (auto started = start_thread([this] { run(); })) threads_.push_back(*std::move(started));
}

void Comparisons::run() {
  while (std::unique_ptr<Job> job = next()) {
    std::vector<Told> told;
    const bool wanted = is_wanted(*job, told);
    const std::optional<Result<void>> outcome = wanted ? read_part(*job) : std::nullopt;
    {
      const MutexLock lock(mutex_);
      if (outcome) {
        take_all(*job, *outcome, told);
        jobs_.erase(job->inode);
      } else if (wanted) {
        put_back(std::move(job));
      }
    }
    job.reset();
    for (Told& each : told) each.waiting.then(std::move(each.outcome));
  }
}

std::unique_ptr<Comparisons::Job> Comparisons::next() {
  const MutexLock lock(mutex_);
  while (turns_.empty() && !stopping_) {
    ++parked_;
    wake_.wait(mutex_);
    --parked_;
  }
  if (stopping_) return nullptr;
  Turn turn = std::move(turns_.front());
  turns_.pop_front();
  std::unique_ptr<Job> job = std::move(turn.jobs.front());
  turn.jobs.pop_front();
  if (!turn.jobs.empty()) turns_.push_back(std::move(turn));
  return job;
}

bool Comparisons::is_wanted(Job& job, std::vector<Told>& told) {
  const MutexLock lock(mutex_);
  const auto is_wanted = [&](const Waiting& each) { return each.wanted() && !processes_.is_being_killed(each.thread); };
  const auto unwanted = std::stable_partition(job.waiters.begin(), job.waiters.end(), is_wanted);
  for (auto each = unwanted; each != job.waiters.end(); ++each) {
    forget(*each);
    told.push_back({std::move(*each), fail(Errc::interrupted)});
  }
  job.waiters.erase(unwanted, job.waiters.end());
  if (job.waiters.empty()) jobs_.erase(job.inode);
  return !job.waiters.empty();
}

std::optional<Result<void>> Comparisons::read_part(Job& job) {
  if (!job.look) job.look = std::make_unique<Scrubber::Look>(scrubber_, job.inode);
  if (job.look->read_on(kPart) >= kPart) return std::nullopt;
  return job.look->judge();
}

void Comparisons::put_back(std::unique_ptr<Job> job) {
  const auto turn = std::ranges::find(turns_, job->uid, &Turn::uid);
  if (turn != turns_.end()) return turn->jobs.push_back(std::move(job));
  turns_.emplace_back(Turn{.uid = job->uid, .jobs = {}}).jobs.push_back(std::move(job));
}

void Comparisons::take_all(Job& job, const Result<void>& outcome, std::vector<Told>& told) {
  for (Waiting& each : job.waiters) {
    forget(each);
    told.push_back({std::move(each), outcome});
  }
  job.waiters.clear();
}

void Comparisons::forget(const Waiting& waiting) {
  const auto of_user = waiting_.find(waiting.uid);
  if (--of_user->second == 0) waiting_.erase(of_user);
}

}  // namespace reprieve
