// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/core_operations.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "core/base/attributes.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

const Caller kLab{.uid = 1000, .gid = 1000, .thread = 10};
const Caller kBen{.uid = 1001, .gid = 1001, .thread = 20};

template <typename T>
std::string code(const Result<T>& result) {
  return result ? std::string() : std::string(code_name(result.error().code));
}

std::string code(const std::vector<BatchOutcome>& outcomes) {
  for (const BatchOutcome& outcome : outcomes) {
    if (outcome.state == BatchState::failed) return outcome.code;
  }
  return {};
}

template <typename Outcome>
std::string code_of_batch(const Result<Outcome>& result, std::vector<BatchOutcome> Outcome::*items) {
  return result ? code((*result).*items) : code(result);
}

EntryName name(std::string_view text) { return EntryName::literal(std::string(text)); }

std::string make_node(Bench& b, const NewNode& node) {
  return code(b.core().names().create(b.lab(), b.volume().at("projects/p"), name("new"), node, kLab));
}

std::string rename(Bench& b, std::string_view from, std::string_view to, RenameMode mode = RenameMode::replace) {
  return code(b.volume().rename(from, to, mode));
}

std::string change(Bench& b, const AttributeChanges& changes) {
  return code(b.core().attributes().set(b.lab(), b.volume().at("projects/p/f"), changes, kLab));
}

std::string trash(Bench& b, const std::string& path, TrashMode mode) {
  return code(b.core().trash().trash_paths(b.lab(), {path}, kLab, {.mode = mode}));
}

std::string trash_by_key(Bench& b) {
  const auto turn = b.core().idempotency().begin(kLab.uid, "0123456789abcdef", "trash");
  if (!turn) return code(turn);
  Caller caller = kLab;
  caller.part.request = turn->id();
  return code(b.core().trash().trash_paths(b.lab(), {"projects/p/d"}, caller));
}

Result<TrashItemId> item_named(Bench& b, std::string_view item) {
  const InodeId inode = b.volume().at(std::string(".trash/") + std::string(item));
  REPRIEVE_TRY(const std::string id, b.core().attributes().get_xattr(b.lab(), inode, "user.reprieve.id"));
  return TrashItemId(std::stoll(id));
}

std::string restore(Bench& b, std::string_view item, const RestoreOptions& options) {
  const auto id = item_named(b, item);
  return id ? code(b.core().trash().restore(b.lab(), {*id}, options, kLab)) : code(id);
}

// No checksums are kept here, which is all that it says.
std::string list_damaged(Bench& b) {
  const std::string said = code(b.core().damaged({b.lab()}, {}, 100));
  return said == code_name(Errc::not_supported) ? std::string() : said;
}

std::string show(Bench& b) {
  const auto id = item_named(b, "gone");
  return id ? code(b.core().trash().show(b.lab(), *id)) : code(id);
}

std::string purge(Bench& b) {
  const auto id = item_named(b, "gone");
  return id ? code_of_batch(b.core().empty_plans().purge(b.lab(), {*id}, kLab), &PurgeOutcome::items) : code(id);
}

std::string open_and_close(Bench& b, int flags) {
  return code(b.core().content().open(b.lab(), b.volume().at("projects/p/f"), flags));
}

std::string list(Bench& b, Detail detail) {
  return code(b.core().names().list(b.lab(), b.volume().at("projects/p"), {}, 100, detail));
}

std::string sync_file(Bench& b, bool data_only) {
  auto file = b.core().content().open(b.lab(), b.volume().at("projects/p/f"), O_RDWR);
  if (!file) return code(file);
  return code(b.core().content().sync(*file, data_only));
}

std::string set_xattr(Bench& b, const std::string& attribute, const std::string& value) {
  return code(
      b.core().attributes().set_xattr(b.lab(), b.volume().at("projects/p/g"), attribute, value, XattrMode::set, kLab));
}

// An access control list of 7 for the owner, 5 for uid 1001 and the rest (acl(5); posix_acl_xattr.h).
std::string some_list() {
  const auto entry = [](int tag, int permissions, unsigned id) {
    std::string bytes{static_cast<char>(tag), '\0', static_cast<char>(permissions), '\0'};
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>((id >> shift) & 0xff);
    return bytes;
  };
  constexpr unsigned kNone = 0xffffffff;
  return std::string("\2\0\0\0", 4) + entry(1, 7, kNone) + entry(2, 5, 1001) + entry(4, 5, kNone) +
         entry(16, 5, kNone) + entry(32, 5, kNone);
}

std::string leave(Bench& b) { return code(b.core().trash().trash_paths(b.ben(), {"projects/shared"}, kBen)); }

std::string hide(Bench& b) {
  const auto directory = b.core().names().resolve(b.ben(), "projects/shared");
  if (!directory) return code(directory);
  return code(b.core().names().unlink(b.ben(), directory->inode, name("file"), kBen));
}

void must_be_done(const std::string& failed) {
  if (!failed.empty()) throw std::runtime_error("the preparation fails: " + failed);
}

constexpr std::array kOperations{
    CoreOperation{"look up", "lookup readdirplus",
                  [](Bench& b) { return code(b.core().names().lookup(b.lab(), b.lab().projects, name("p"))); }},
    CoreOperation{"look up in the trash", "",
                  [](Bench& b) { return code(b.core().names().lookup(b.lab(), b.lab().trash, name("gone"))); }},
    CoreOperation{"find", "getattr", [](Bench& b) { return code(b.core().names().find(b.lab(), b.lab().projects)); }},
    CoreOperation{"get attributes", "getattr",
                  [](Bench& b) { return code(b.core().attributes().get(b.lab(), b.volume().at("projects/p/f"))); }},
    CoreOperation{"list names", "readdir", [](Bench& b) { return list(b, Detail::types); }},
    CoreOperation{"list attributes", "readdirplus", [](Bench& b) { return list(b, Detail::attributes); }},
    CoreOperation{"read a symbolic link", "readlink",
                  [](Bench& b) { return code(b.core().names().read_symlink(b.lab(), b.volume().at("projects/p/l"))); }},
    CoreOperation{"note an access", "readdir readlink",
                  [](Bench& b) { return code(b.core().attributes().note_access(b.volume().at("projects/p"))); }},
    CoreOperation{"mkdir", "mkdir", [](Bench& b) { return make_node(b, {.mode = S_IFDIR | 0755}); }},
    CoreOperation{"mkdir of a project", "mkdir",
                  [](Bench& b) {
                    return code(b.core().names().create(b.lab(), b.lab().projects, name("new"),
                                                        {.mode = S_IFDIR | 0755}, kLab));
                  }},
    CoreOperation{"mknod", "mknod", [](Bench& b) { return make_node(b, {.mode = S_IFREG | 0644}); }},
    CoreOperation{"mkfifo", "mknod", [](Bench& b) { return make_node(b, {.mode = S_IFIFO | 0644}); }},
    CoreOperation{"symlink", "symlink",
                  [](Bench& b) { return make_node(b, {.mode = S_IFLNK | 0777, .symlink_target = "to"}); }},
    CoreOperation{"create", "create",
                  [](Bench& b) {
                    return code(b.core().content().create(b.lab(), b.volume().at("projects/p"), name("new"), 0644,
                                                          O_RDWR, kLab));
                  }},
    CoreOperation{"create without a name", "create",
                  [](Bench& b) {
                    return code(
                        b.core().content().create_unnamed(b.lab(), b.volume().at("projects/p"), 0644, O_RDWR, kLab, 0));
                  }},
    CoreOperation{"name it", "link",
                  [](Bench& b) {
                    return code(b.core().names().link(b.lab(), b.unnamed->file.inode(), b.volume().at("projects/p"),
                                                      name("named"), kLab));
                  },
                  [](Bench& b) {
                    b.unnamed = std::make_unique<CreatedFile>(must(b.core().content().create_unnamed(
                        b.lab(), b.volume().at("projects/p"), 0644, O_RDWR, kLab, 0)));
                  }},
    CoreOperation{"link", "link",
                  [](Bench& b) {
                    return code(b.core().names().link(b.lab(), b.volume().at("projects/p/f"),
                                                      b.volume().at("projects/p/d"), name("linked"), kLab));
                  }},
    CoreOperation{"unlink", "unlink", [](Bench& b) { return code(b.volume().unlink("projects/p/f")); }},
    CoreOperation{"unlink for good", "unlink", [](Bench& b) { return code(b.volume().unlink("projects/p/.nfs1")); }},
    CoreOperation{"hide", "unlink", hide},
    CoreOperation{"rmdir", "rmdir", [](Bench& b) { return code(b.volume().rmdir("projects/p/empty")); }},
    CoreOperation{"rmdir that folds", "rmdir", [](Bench& b) { return code(b.volume().rmdir("projects/p/folded", 5)); }},
    CoreOperation{"rename", "rename", [](Bench& b) { return rename(b, "projects/p/f", "projects/p/d/f"); }},
    CoreOperation{"rename over a file", "rename", [](Bench& b) { return rename(b, "projects/p/f", "projects/p/g"); }},
    CoreOperation{"rename without replacing", "rename",
                  [](Bench& b) { return rename(b, "projects/p/d", "projects/q/d", RenameMode::no_replace); }},
    CoreOperation{"exchange", "rename",
                  [](Bench& b) { return rename(b, "projects/p/f", "projects/p/d", RenameMode::exchange); }},
    CoreOperation{"move to the trash", "rename", [](Bench& b) { return rename(b, "projects/q", ".trash/q"); }},
    CoreOperation{"move from the trash", "rename",
                  [](Bench& b) { return rename(b, ".trash/tree", "projects/p/back"); }},
    CoreOperation{"move a part from the trash", "rename",
                  [](Bench& b) { return rename(b, ".trash/tree/leaf", "projects/p/back"); }},
    CoreOperation{"open", "open read lseek release", [](Bench& b) { return open_and_close(b, O_RDONLY); }},
    CoreOperation{"open for writing", "open write fallocate copy_file_range release",
                  [](Bench& b) { return open_and_close(b, O_RDWR); }},
    CoreOperation{"fsync", "fsync", [](Bench& b) { return sync_file(b, false); }},
    CoreOperation{"fdatasync", "fsync", [](Bench& b) { return sync_file(b, true); }},
    CoreOperation{"fsyncdir", "fsyncdir", [](Bench& b) { return code(b.core().sync()); }},
    CoreOperation{"truncate", "setattr", [](Bench& b) { return change(b, {.size = 2}); }},
    CoreOperation{"chmod", "setattr", [](Bench& b) { return change(b, {.mode = 0600}); }},
    CoreOperation{"chown", "setattr", [](Bench& b) { return change(b, {.uid = 7, .gid = 8}); }},
    CoreOperation{"utimens", "setattr",
                  [](Bench& b) {
                    return change(b, {.modified = AttributeChanges::Time{.at = Timestamp(std::chrono::seconds(5))}});
                  }},
    CoreOperation{"set an extended attribute", "setxattr", [](Bench& b) { return set_xattr(b, "user.b", "new"); }},
    CoreOperation{"set an access control list", "setxattr",
                  [](Bench& b) { return set_xattr(b, std::string(kAccessAcl), some_list()); }},
    CoreOperation{"set a status by attribute", "setxattr",
                  [](Bench& b) {
                    return code(b.core().attributes().set_xattr(
                        b.lab(), b.volume().at("runs/r"), "user.reprieve.status", "failed", XattrMode::set, kLab));
                  }},
    CoreOperation{"remove an extended attribute", "removexattr",
                  [](Bench& b) {
                    return code(
                        b.core().attributes().remove_xattr(b.lab(), b.volume().at("projects/p/g"), "user.a", kLab));
                  }},
    CoreOperation{"get an extended attribute", "getxattr",
                  [](Bench& b) {
                    return code(b.core().attributes().get_xattr(b.lab(), b.volume().at("projects/p/g"), "user.a"));
                  }},
    CoreOperation{"get an attribute of ours", "getxattr",
                  [](Bench& b) {
                    return code(
                        b.core().attributes().get_xattr(b.lab(), b.volume().at("projects/p"), "user.reprieve.kind"));
                  }},
    CoreOperation{
        "list extended attributes", "listxattr",
        [](Bench& b) { return code(b.core().attributes().list_xattrs(b.lab(), b.volume().at("projects/p/g"), kLab)); }},
    CoreOperation{"statfs", "statfs", [](Bench& b) { return code(b.core().attributes().statfs(b.lab())); }},
    CoreOperation{"trash", "trash_paths", [](Bench& b) { return trash(b, "projects/p", TrashMode::item); }},
    CoreOperation{"trash with what is associated", "trash_paths",
                  [](Bench& b) { return trash(b, "runs/r", TrashMode::with_associated); }},
    CoreOperation{"trash the files only", "trash_paths",
                  [](Bench& b) { return trash(b, "runs/r", TrashMode::files_only); }},
    CoreOperation{"trash by key", "trash_paths", trash_by_key},
    CoreOperation{"trash by a key that comes again", "trash_paths", trash_by_key,
                  [](Bench& b) { must_be_done(trash_by_key(b)); }},
    CoreOperation{"leave", "trash_paths", leave},
    CoreOperation{"list the trash", "list_trash", [](Bench& b) { return code(b.core().trash().list(b.lab(), {})); }},
    CoreOperation{"select from the trash", "restore_items purge_items",
                  [](Bench& b) { return code(b.core().trash().select(b.lab(), {}, kLab)); }},
    CoreOperation{"show an item", "show_item", show},
    CoreOperation{"restore", "restore_item restore_items", [](Bench& b) { return restore(b, "gone", {}); }},
    CoreOperation{"restore over what is there", "restore_item",
                  [](Bench& b) { return restore(b, "again", {.on_collision = OnCollision::replace}); }},
    CoreOperation{"restore with its folders", "restore_item",
                  [](Bench& b) { return restore(b, "deep", {.recreate_parents = true}); }},
    CoreOperation{"restore elsewhere", "restore_item",
                  [](Bench& b) { return restore(b, "gone", {.to = "projects/q"}); }},
    CoreOperation{"restore for show", "restore_item restore_items",
                  [](Bench& b) { return restore(b, "deep", {.recreate_parents = true, .rehearse = true}); }},
    CoreOperation{"plan an empty", "plan_empty",
                  [](Bench& b) { return code(b.core().empty_plans().plan(b.lab(), {}, kLab)); }},
    CoreOperation{"empty", "empty_trash",
                  [](Bench& b) {
                    return code_of_batch(b.core().empty_plans().execute(b.lab(), b.token, kLab), &PurgeOutcome::items);
                  },
                  [](Bench& b) { b.token = must(b.core().empty_plans().plan(b.lab(), {}, kLab)).token; }},
    CoreOperation{"purge", "purge_item purge_items", purge},
    CoreOperation{"follow an operation", "show_operation",
                  [](Bench& b) {
                    const auto shown = b.core().operation(OperationId(1));
                    return shown || shown.error().code == Errc::not_found ? std::string() : code(shown);
                  }},
    CoreOperation{"undo a deletion", "undo_last",
                  [](Bench& b) { return code_of_batch(b.core().undo().last(b.lab(), kLab), &UndoReport::results); },
                  [](Bench& b) { must_be_done(trash(b, "projects/p/d", TrashMode::item)); }},
    CoreOperation{"undo a restore", "undo_last",
                  [](Bench& b) { return code_of_batch(b.core().undo().last(b.lab(), kLab), &UndoReport::results); },
                  [](Bench& b) { must_be_done(restore(b, "gone", {})); }},
    CoreOperation{"undo a leave", "undo_last",
                  [](Bench& b) { return code_of_batch(b.core().undo().last(b.ben(), kBen), &UndoReport::results); },
                  [](Bench& b) { must_be_done(leave(b)); }},
    CoreOperation{"undo a hide", "undo_last",
                  [](Bench& b) { return code_of_batch(b.core().undo().last(b.ben(), kBen), &UndoReport::results); },
                  [](Bench& b) {
                    // What is hidden can be taken back when the process that hid it has ended.
                    must_be_done(hide(b));
                    b.volume().processes().end(2, ProcessEnd::well);
                    const auto is_settled = [&] {
                      const HistoryQuery hidden{.kind = EventKind::hide, .limit = 1};
                      return !must(b.core().history().list(b.ben(), hidden)).empty();
                    };
                    if (!wait_until(is_settled)) throw std::runtime_error("the hide is not settled");
                  }},
    CoreOperation{"show a status", "show_status",
                  [](Bench& b) { return code(b.core().items().describe(b.lab(), "runs/r")); }},
    CoreOperation{
        "set a status", "set_status",
        [](Bench& b) { return code(b.core().items().set_status(b.lab(), "runs/r", ItemStatus::complete, kLab)); }},
    CoreOperation{"associate", "associate",
                  [](Bench& b) {
                    return code(b.core().items().associate(b.lab(), "projects/p/samples/other", {"runs/r"}, kLab));
                  }},
    CoreOperation{
        "dissociate", "dissociate",
        [](Bench& b) { return code(b.core().items().dissociate(b.lab(), "projects/p/samples/s", {"runs/r"}, kLab)); }},
    CoreOperation{
        "add a sample to another project", "add_to",
        [](Bench& b) { return code(b.core().items().add_to(b.lab(), "projects/q", "projects/p/samples/s", kLab)); }},
    CoreOperation{"explain", "explain", [](Bench& b) { return code(b.core().items().explain(b.lab(), "projects/p")); }},
    CoreOperation{
        "explain a group", "explain",
        [](Bench& b) { return code(b.core().items().explain(b.lab(), "runs/r", TrashMode::with_associated)); }},
    CoreOperation{"list accounts", "list_accounts", [](Bench& b) { return code(b.core().accounts().all()); }},
    CoreOperation{"show an account", "show_account",
                  [](Bench& b) { return code(b.core().accounts().summary(b.lab())); }},
    CoreOperation{"ensure an account", "",
                  [](Bench& b) { return code(b.core().accounts().ensure("cleo", 1002, 1002)); }},
    CoreOperation{"add an account", "add_account",
                  [](Bench& b) { return code(b.core().accounts().add("cleo", 1002, 1002, kLab)); }},
    CoreOperation{"change an account", "set_account",
                  [](Bench& b) {
                    return code(b.core().accounts().set("ben", {.uid = 1005, .gid = 1005, .quota = 1 << 20}, kLab));
                  }},
    CoreOperation{"remove an account", "remove_account",
                  [](Bench& b) { return code(b.core().accounts().remove("ben", kLab)); }},
    CoreOperation{"list shares", "list_shares", [](Bench& b) { return code(b.core().sharing().list(b.lab())); }},
    CoreOperation{
        "share", "share_item",
        [](Bench& b) { return code(b.core().sharing().share(b.lab(), "projects/q", "ben", Role::viewer, kLab)); }},
    CoreOperation{
        "change a role", "share_item",
        [](Bench& b) { return code(b.core().sharing().share(b.lab(), "projects/shared", "ben", Role::viewer, kLab)); }},
    CoreOperation{"unshare", "unshare_item",
                  [](Bench& b) { return code(b.core().sharing().unshare(b.lab(), "projects/shared", "ben", kLab)); }},
    CoreOperation{"history", "list_history",
                  [](Bench& b) { return code(b.core().history().list(std::nullopt, {.limit = 100})); }},
    CoreOperation{"tell events", "tell_events",
                  [](Bench& b) { return code(b.core().history().after(std::nullopt, {}, 100)); }},
    CoreOperation{"check", "check_store", [](Bench& b) { return code(b.core().check(CheckMode::find, kLab)); }},
    CoreOperation{"back up", "make_backup", [](Bench& b) { return code(b.core().backups().make(kLab)); }},
    CoreOperation{"list backups", "list_backups",
                  [](Bench& b) {
                    static_cast<void>(b.core().backups().list());
                    return std::string();
                  }},
    CoreOperation{"list what is damaged", "list_damaged", list_damaged},
    CoreOperation{"figures", "show_stats", [](Bench& b) { return code(b.core().figures()); }},
    CoreOperation{"figures of an account", "show_stats", [](Bench& b) { return code(b.core().figures(b.lab())); }},
};

}  // namespace

std::span<const CoreOperation> core_operations() { return kOperations; }

void Bench::make(const std::filesystem::path& store) {
  Volume v(Settings{.store = {.path = store}});
  FileSystem& core = v.core();
  const Account& lab = v.account();
  must(core.accounts().ensure("ben", 1001, 1001));
  for (const char* path : {"projects/p", "projects/q", "projects/shared", "runs/r", "projects/p/d", "projects/p/empty",
                           "projects/p/folded", "projects/p/tree", "projects/p/lost", "projects/p/samples/s",
                           "projects/p/samples/other", "projects/p/analyses/a"})
    v.mkdir(path);
  for (const char* path : {"projects/p/f", "projects/p/g", "projects/p/.nfs1", "projects/p/gone", "projects/p/again",
                           "projects/p/folded/leaf", "projects/p/tree/leaf", "projects/p/tree/other",
                           "projects/p/lost/deep", "projects/shared/file", "runs/r/data"})
    v.write(path, path);
  v.symlink("projects/p/l", "f");
  v.link("projects/p/f", "projects/p/h");
  v.set_xattr("projects/p/g", "user.a", "old");
  must(core.items().associate(lab, "projects/p/samples/s", {"runs/r"}, kLab));
  must(core.items().associate(lab, "projects/p/analyses/a", {"projects/p/samples/s"}, kLab));
  must(core.sharing().share(lab, "projects/shared", "ben", Role::editor, kLab));
  v.trash("projects/p/gone", 3);
  v.trash("projects/p/tree", 3);
  v.trash("projects/p/again", 3);
  v.write("projects/p/again", "in its place");
  v.trash("projects/p/lost/deep", 3);
  v.purge(v.trash("projects/p/lost", 3).name);
  must(v.unlink("projects/p/folded/leaf", 5));
}

Bench::Bench(const std::filesystem::path& store)
    : volume_(Settings{.store = {.path = store}}), ben_(must(volume_.core().accounts().find("ben"))) {
  // Behind everything that make() did.
  volume_.clock().advance(std::chrono::hours(1));
}

}  // namespace reprieve::test
