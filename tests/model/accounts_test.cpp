// SPDX-License-Identifier: Apache-2.0
// Random sequences by two accounts: what one shares, changes and trashes, and what the other sees, makes, deletes and
// leaves, on core and on a plain model side by side.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <stdexcept>

#include "tests/model/accounts_model.h"
#include "tests/support/store_invariants.h"
#include "tests/unit/volume.h"

namespace reprieve::test {
namespace {

enum class Move : std::uint8_t {
  make_project,
  make_file,
  make_sample,
  remove,
  trash_project,
  leave,
  share,
  unshare,
  add_to,
  restore,
  reopen,
};

struct Turn {
  Move move = Move::make_file;
  std::uint8_t a = 0;
  std::uint8_t b = 0;
  std::uint8_t c = 0;
};

std::ostream& operator<<(std::ostream& out, const Turn& turn) {
  return out << '{' << static_cast<int>(turn.move) << ' ' << static_cast<int>(turn.a) << ' ' << static_cast<int>(turn.b)
             << ' ' << static_cast<int>(turn.c) << '}';
}

rc::Gen<Turn> any_turn() {
  const auto move = rc::gen::weightedElement<Move>({{4, Move::make_project},
                                                    {12, Move::make_file},
                                                    {6, Move::make_sample},
                                                    {12, Move::remove},
                                                    {3, Move::trash_project},
                                                    {3, Move::leave},
                                                    {9, Move::share},
                                                    {2, Move::unshare},
                                                    {5, Move::add_to},
                                                    {10, Move::restore},
                                                    {1, Move::reopen}});
  const auto number = rc::gen::inRange<std::uint8_t>(0, 250);
  return rc::gen::build<Turn>(rc::gen::set(&Turn::move, move), rc::gen::set(&Turn::a, number),
                              rc::gen::set(&Turn::b, number), rc::gen::set(&Turn::c, number));
}

constexpr std::uint64_t kMuch = std::uint64_t{1} << 40;

class TwoAccountsRun {
 public:
  TwoAccountsRun() {
    bob_ = must(core().accounts().add("bob", 2000, 2000, process(1)));
    set_quotas();
  }

  void run(const Turn& turn) {
    volume_.clock().advance(std::chrono::seconds(1));
    const Who who = turn.c % 2 == 0 ? Who::lab : Who::bob;
    const std::string project = project_of(who, turn.a);
    const std::string file = "f" + std::to_string(turn.b % 3);
    const std::string sample = "s" + std::to_string(turn.b % 3);
    switch (turn.move) {
      case Move::make_project: return make_project(turn.b % 2 == 0 ? "A" : "B");
      case Move::make_file: return make(who, project, file, false);
      case Move::make_sample: return make(who, project, sample, true);
      case Move::remove: return remove(who, project, turn.c % 4 < 2 ? file : sample);
      case Move::trash_project: return trash_project(project_of(Who::lab, turn.a));
      case Move::leave: return leave(project_of(Who::bob, turn.a));
      case Move::share: return share(project_of(Who::lab, turn.a), turn.b % 3 == 0 ? Role::viewer : Role::editor);
      case Move::unshare: return unshare(project_of(Who::lab, turn.a));
      case Move::add_to:
        return add_to(project_of(Who::lab, turn.c), project_of(Who::lab, turn.a), turn.c % 8 == 0 ? file : sample);
      case Move::restore: return restore(turn.a);
      case Move::reopen: return volume_.reopen();
    }
  }

  void compare() {
    for (const Who who : {Who::lab, Who::bob}) {
      const auto expected = model_.view(who);
      require(names(who, "projects").size() == expected.size(), "projects of " + name(who));
      for (const auto& [project, things] : expected) {
        std::set<std::string> all{"samples", "analyses"};
        std::set<std::string> samples;
        for (const auto& [thing, node] : things) (node.is_sample ? samples : all).insert(thing);
        require(names(who, "projects/" + project) == all, "files of " + name(who) + " in " + project);
        require(names(who, "projects/" + project + "/samples") == samples,
                "samples of " + name(who) + " in " + project);
        for (const auto& [thing, node] : things)
          require(read(who, path_of(project, thing, node.is_sample)) == std::to_string(node.number),
                  "bytes of " + thing);
      }
    }
    for (const Who who : {Who::lab, Who::bob}) {
      std::size_t mine = 0;
      for (const AccountsModel::Item& item : model_.items()) mine += item.whose == who ? 1 : 0;
      require(must(core().trash().list(account(who), {})).total == mine, "the trash of " + name(who));
    }
  }

  void finish() {
    compare();
    const auto used = [this](Who who) { return core().quotas().of(account(who).id).value().used; };
    const std::array kept{used(Who::lab), used(Who::bob)};
    set_quotas();
    require(kept == std::array{used(Who::lab), used(Who::bob)}, "what is kept of quotas");
    volume_.close();
    const std::string broken = broken_invariants(volume_.store());
    require(broken.empty(), broken);
  }
  [[nodiscard]] const std::string& transcript() const { return transcript_; }

 private:
  FileSystem& core() { return volume_.core(); }
  const Account& account(Who who) { return who == Who::lab ? volume_.account() : bob_; }
  static std::string name(Who who) { return who == Who::lab ? "lab" : "bob"; }
  static Caller caller(Who who) {
    return who == Who::lab ? process(1) : Caller{.uid = 2000, .gid = 2000, .thread = 20};
  }
  void set_quotas() {
    for (const Who who : {Who::lab, Who::bob}) must(core().quotas().set(account(who).id, kMuch));
  }
  static std::string path_of(const std::string& project, const std::string& thing, bool is_sample) {
    return "projects/" + project + (is_sample ? "/samples/" : "/") + thing + (is_sample ? "/data" : "");
  }
  // One that the account sees, or a name that leads nowhere.
  std::string project_of(Who who, unsigned choice) {
    const auto seen = model_.view(who);
    if (seen.empty() || choice % 16 == 15) return "none";
    return std::next(seen.begin(), static_cast<std::ptrdiff_t>(choice % seen.size()))->first;
  }

  static void require(bool holds, const std::string& what) {
    if (!holds) throw std::runtime_error(what);
  }
  void expect_same(const std::string& what, const std::optional<Errc>& by_core,
                   const AccountsModel::Refused& by_model) {
    const auto text = [](const std::optional<Errc>& code) {
      return code ? std::string(code_name(*code)) : std::string("done");
    };
    transcript_ += what + ": " + text(by_core) + "\n";
    require(by_core == by_model, what + ": core says " + text(by_core) + ", the model " + text(by_model));
  }
  static std::optional<Errc> code_of(const BatchOutcome& outcome) {
    if (outcome.state == BatchState::done) return {};
    for (int code = 0; code <= static_cast<int>(Errc::internal); ++code) {
      if (code_name(static_cast<Errc>(code)) == outcome.code) return static_cast<Errc>(code);
    }
    return Errc::internal;
  }

  std::set<std::string> names(Who who, const std::string& path) {
    std::set<std::string> all;
    const InodeId at = must(core().names().resolve(account(who), path)).inode;
    for (const auto& entry : must(core().names().list(account(who), at, {}, 1000, Detail::types)))
      all.insert(entry.name.bytes());
    return all;
  }
  std::string read(Who who, const std::string& path) {
    const InodeId at = must(core().names().resolve(account(who), path)).inode;
    return Volume::read(must(core().content().open(account(who), at, O_RDONLY)));
  }
  Result<InodeId> make_node(Who who, const std::string& parent, const std::string& name, mode_t mode) {
    REPRIEVE_TRY(const PathTarget target, core().names().resolve(account(who), parent));
    if (S_ISDIR(mode)) {
      REPRIEVE_TRY(const Attributes made, core().names().create(account(who), target.inode, EntryName::literal(name),
                                                                {.mode = mode}, caller(who)));
      return made.inode;
    }
    REPRIEVE_TRY(const CreatedFile made, core().content().create(account(who), target.inode, EntryName::literal(name),
                                                                 mode, O_WRONLY, caller(who)));
    const std::string bytes = std::to_string(model_.last_number() + 1);
    require(::pwrite(made.file.descriptor(), bytes.data(), bytes.size(), 0) > 0, "pwrite");
    return made.attributes.inode;
  }

  void make_project(const std::string& made) {
    const auto by_core = refusal(make_node(Who::lab, "projects", made, S_IFDIR | 0755));
    expect_same("project " + made, by_core, model_.make_project(made));
  }
  void make(Who who, const std::string& project, const std::string& made, bool is_sample) {
    const std::string top = "projects/" + project;
    auto result =
        is_sample ? make_node(who, top + "/samples", made, S_IFDIR | 0755) : make_node(who, top, made, S_IFREG | 0644);
    if (result && is_sample) result = make_node(who, top + "/samples/" + made, "data", S_IFREG | 0644);
    expect_same(name(who) + " makes " + project + "/" + made, refusal(result),
                model_.make(who, project, made, is_sample));
  }
  BatchOutcome trash(Who who, const std::string& path) {
    BatchOutcome outcome = core().trash().trash_paths(account(who), {path}, caller(who)).at(0);
    if (outcome.id) ids_.push_back(outcome.id);
    return outcome;
  }
  void remove(Who who, const std::string& project, const std::string& gone) {
    const std::string path = "projects/" + project + (gone[0] == 's' ? "/samples/" : "/") + gone;
    const auto by_core = code_of(trash(who, path));
    expect_same(name(who) + " removes " + project + "/" + gone, by_core, model_.remove(who, project, gone));
    require(ids_.size() == model_.items().size(), "items after that");
  }
  void trash_project(const std::string& project) {
    expect_same("lab trashes " + project, code_of(trash(Who::lab, "projects/" + project)),
                model_.trash_project(project));
  }
  void leave(const std::string& project) {
    expect_same("bob leaves " + project, code_of(trash(Who::bob, "projects/" + project)), model_.leave(project));
  }
  void share(const std::string& project, Role role) {
    expect_same("share " + project + " as " + std::string(role_name(role)),
                refusal(core().sharing().share(account(Who::lab), "projects/" + project, "bob", role, process(1))),
                model_.share(project, role));
  }
  void unshare(const std::string& project) {
    expect_same("unshare " + project,
                refusal(core().sharing().unshare(account(Who::lab), "projects/" + project, "bob", process(1))),
                model_.unshare(project));
  }
  void add_to(const std::string& target, const std::string& project, const std::string& thing) {
    const std::string path = "projects/" + project + (thing[0] == 's' ? "/samples/" : "/") + thing;
    expect_same("add " + project + "/" + thing + " to " + target,
                refusal(core().items().add_to(account(Who::lab), "projects/" + target, path, process(1))),
                model_.add_to(target, project, thing));
  }
  void restore(unsigned choice) {
    if (model_.items().empty()) return;
    const std::size_t index = choice % model_.items().size();
    const Who who = model_.items()[index].whose;
    const TrashItemId id = ids_.at(index);
    const auto by_core = code_of(core().trash().restore(account(who), {id}, {}, caller(who)).at(0));
    const auto by_model = model_.restore(index);
    if (!by_model) ids_.erase(ids_.begin() + static_cast<std::ptrdiff_t>(index));
    expect_same(name(who) + " restores " + std::to_string(id.number()), by_core, by_model);
  }

  Volume volume_;
  Account bob_;
  AccountsModel model_;
  std::vector<TrashItemId> ids_;  // of the model's items, in their order
  std::string transcript_;
};

void check_case(const std::vector<Turn>& turns) {
  TwoAccountsRun run;
  try {
    constexpr std::size_t kBetweenComparisons = 5;
    for (std::size_t i = 0; i < turns.size(); ++i) {
      run.run(turns[i]);
      if (i % kBetweenComparisons == kBetweenComparisons - 1) run.compare();
    }
    run.finish();
  } catch (const std::exception& difference) {
    RC_FAIL(std::string(difference.what()) + "\nafter:\n" + run.transcript());
  }
}

TEST(Model, TwoAccountsSeeWhatAPlainModelSays) {
  ::setenv("RC_PARAMS", "max_success=100", 0);
  if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", 0);
  EXPECT_TRUE(rc::check("two accounts see what a plain model says",
                        [] { check_case(*rc::gen::container<std::vector<Turn>>(any_turn())); }));
}

}  // namespace
}  // namespace reprieve::test
