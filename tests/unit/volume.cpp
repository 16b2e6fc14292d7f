// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/volume.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "tests/support/wait.h"

namespace reprieve::test {

NumberedProcesses::Ending& NumberedProcesses::ending(pid_t process) {
  Ending& found = endings_[process];
  if (!found.event) found.event = FileDescriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  return found;
}

FileDescriptor NumberedProcesses::watch(const Process& process) {
  const MutexLock lock(mutex_);
  if (gone_.contains(process.id)) return {};
  return FileDescriptor(::dup(ending(process.id).event.get()));
}

ProcessEnd NumberedProcesses::end_of(const Process& process, int /*descriptor*/) {
  const MutexLock lock(mutex_);
  return ending(process.id).how;
}

bool NumberedProcesses::is_being_killed(pid_t thread) {
  const MutexLock lock(mutex_);
  return killed_.contains(thread / 10);
}

void NumberedProcesses::kill(pid_t process) {
  const MutexLock lock(mutex_);
  killed_.insert(process);
}

void NumberedProcesses::forget(pid_t process) {
  const MutexLock lock(mutex_);
  gone_.insert(process);
}

void NumberedProcesses::end(pid_t process, ProcessEnd how) {
  const MutexLock lock(mutex_);
  ending(process).how = how;
  static_cast<void>(::eventfd_write(ending(process).event.get(), 1));
}

Volume::Volume(Settings settings) : settings_(std::move(settings)) {
  if (settings_.store.path.empty()) settings_.store.path = directory_.path() / "store";
  open();
}

void Volume::open() {
  if (core_) return;
  core_ = must(FileSystem::open(settings_, clock_, processes_));
  account_ = must(core_->accounts().ensure("lab", 1000, 1000));
}

void Volume::close() { core_.reset(); }

void Volume::reopen() {
  close();
  open();
}

InodeId Volume::at(std::string_view path) {
  if (path.empty()) return account_.root;
  return must(names().resolve(account_, path)).inode;
}

bool Volume::exists(std::string_view path) { return names().resolve(account_, path).has_value(); }

Attributes Volume::attributes(std::string_view path) { return must(core_->attributes().get(account_, at(path))); }

Volume::Place Volume::place(std::string_view path) {
  tick();
  const std::size_t slash = path.rfind('/');
  const std::string_view parent = slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
  return {at(parent), must(EntryName::parse(path.substr(slash + 1)))};
}

InodeId Volume::mkdir(std::string_view path, mode_t permissions) {
  const auto [parent, name] = place(path);
  return must(names().create(account_, parent, name, {.mode = S_IFDIR | permissions}, process(1))).inode;
}

InodeId Volume::write(std::string_view path, std::string_view bytes) {
  const auto [parent, name] = place(path);
  const CreatedFile made = must(core_->content().create(account_, parent, name, 0644, O_WRONLY, process(1)));
  if (::pwrite(made.file.descriptor(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw std::system_error(errno, std::generic_category(), "pwrite");
  return made.attributes.inode;
}

InodeId Volume::symlink(std::string_view path, const std::string& target) {
  const auto [parent, name] = place(path);
  const NewNode node{.mode = S_IFLNK | 0777, .symlink_target = target};
  return must(names().create(account_, parent, name, node, process(1))).inode;
}

void Volume::link(std::string_view from, std::string_view to) {
  const auto [parent, name] = place(to);
  must(names().link(account_, at(from), parent, name, process(1)));
}

void Volume::set_xattr(std::string_view path, const std::string& name, const std::string& value) {
  tick();
  must(core_->attributes().set_xattr(account_, at(path), name, value, XattrMode::set, process(1)));
}

void Volume::set_modified(std::string_view path, Timestamp modified) {
  tick();
  const AttributeChanges changes{.modified = AttributeChanges::Time{.at = modified}};
  must(core_->attributes().set(account_, at(path), changes, process(1)));
}

OpenFile Volume::open_file(std::string_view path, int flags) {
  tick();
  return must(core_->content().open(account_, at(path), flags));
}

std::string Volume::read(std::string_view path) {
  return read(must(core_->content().open(account_, at(path), O_RDONLY)));
}

std::string Volume::read(const OpenFile& file) {
  struct stat status {};
  if (::fstat(file.descriptor(), &status) != 0) throw std::system_error(errno, std::generic_category(), "fstat");
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  if (::pread(file.descriptor(), bytes.data(), bytes.size(), 0) != status.st_size)
    throw std::system_error(errno, std::generic_category(), "pread");
  return bytes;
}

Result<void> Volume::unlink(std::string_view path, int by) {
  const auto [parent, name] = place(path);
  return names().unlink(account_, parent, name, process(by));
}

Result<void> Volume::rmdir(std::string_view path, int by) {
  const auto [parent, name] = place(path);
  return names().rmdir(account_, parent, name, process(by));
}

Result<void> Volume::rename(std::string_view from, std::string_view to, RenameMode mode, int by) {
  const auto [old_parent, old_name] = place(from);
  const auto [new_parent, new_name] = place(to);
  return names().rename(account_, old_parent, old_name, new_parent, new_name, mode, process(by));
}

void Volume::remove_tree(std::string_view path, int by) {
  if (!S_ISDIR(attributes(path).mode)) return must(unlink(path, by));
  for (const std::string& child : children(path)) remove_tree(std::string(path) + "/" + child, by);
  must(rmdir(path, by));
}

TrashItem Volume::trash(std::string_view path, int by) {
  tick();
  const auto outcomes = core_->trash().trash_paths(account_, {std::string(path)}, process(by));
  if (outcomes.at(0).state != BatchState::done) throw std::runtime_error(outcomes[0].code + ": " + outcomes[0].reason);
  return must(core_->trash().show(account_, outcomes[0].id)).item;
}

std::vector<TrashItem> Volume::items() {
  const TrashQuery query{.direction = SortDirection::ascending, .limit = 100'000};
  return must(core_->trash().list(account_, query)).items;
}

TrashItem Volume::item(std::string_view name) {
  for (TrashItem& item : items()) {
    if (item.name == name) return std::move(item);
  }
  throw std::runtime_error("no item " + std::string(name) + " in the trash");
}

BatchOutcome Volume::restore(std::string_view name, const RestoreOptions& options, int by) {
  tick();
  return core_->trash().restore(account_, {item(name).id}, options, process(by)).at(0);
}

PurgeOutcome Volume::empty() {
  tick();
  const EmptyPlan plan = must(core_->empty_plans().plan(account_, {}, process(1)));
  PurgeOutcome outcome = must(core_->empty_plans().execute(account_, plan.token, process(1)));
  wait_for(outcome.operation);
  return outcome;
}

PurgeOutcome Volume::purge(std::string_view name) {
  tick();
  PurgeOutcome outcome = must(core_->empty_plans().purge(account_, {item(name).id}, process(1)));
  wait_for(outcome.operation);
  return outcome;
}

void Volume::wait_for(OperationId operation) {
  const bool finished = wait_until([&] { return must(core_->operation(operation)).state == OperationState::done; });
  if (!finished) throw std::runtime_error("the operation does not end");
}

}  // namespace reprieve::test
