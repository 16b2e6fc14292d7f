#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# git_worktrees.sh FOLDER NATIVE COMMITS FILES: a repository of so many commits and files, made in FOLDER and in NATIVE:
# clones, worktrees, repacking and pruning, and the same tree in both at the end.
set -eu
commits=$3
files=$4
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null HOME=/nonexistent GIT_ADVICE=0
export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t
export GIT_AUTHOR_DATE='1000000000 +0000' GIT_COMMITTER_DATE='1000000000 +0000'

history() {
  awk -v commits="$commits" -v files="$files" 'BEGIN {
    for (commit = 1; commit <= commits; ++commit) {
      print "commit refs/heads/main\ncommitter t <t@t> " 1000000000 + commit " +0000\ndata 1\nc"
      for (file = commit; file <= files; file += commits - commit % 7) {
        text = "commit " commit " file " file "\n" file * commit "\n"
        printf "M 100644 inline d%d/s%d/f%d\ndata %d\n%s\n", file % 30, file % 7, file, length(text), text
      }
    }
  }'
}

work() {
  mkdir "$1"
  cd "$1"
  git init -q -b main origin
  history | git -C origin fast-import --quiet
  git -C origin reset -q --hard
  git clone -q origin linked        # hard links to the objects
  git clone -q --no-local origin copied
  git clone -q --bare origin bare.git
  git clone -q --shared origin shared
  cd copied
  git config gc.auto 0
  git worktree add -q ../tree -b side
  echo main >> d3/main
  git add .
  git commit -qm main
  (
    cd ../tree
    for file in $(git ls-files | head -300); do echo changed >> "$file"; done
    git commit -qam changed
    git mv d1 moved
    git rm -rq d2
    git commit -qm moved
  )
  git merge -q -m merged side
  git rebase -q --force-rebase HEAD~1
  echo stash >> "$(git ls-files | head -1)"
  git stash -q
  git stash pop -q
  git checkout -q -- .
  git tag -a -m tagged tagged
  git branch gone HEAD~10
  git branch -qD gone
  git reflog expire --expire=now --all
  git repack -adq
  git gc -q --aggressive --prune=now
  git fsck --full --strict
  git worktree list | grep -q /tree
  git worktree remove ../tree
  git worktree prune
  git push -q ../bare.git main side tagged
  for clone in ../linked ../shared; do
    git -C "$clone" fetch -q ../copied main
    git -C "$clone" reset -q --hard FETCH_HEAD
    git -C "$clone" clean -qfdx
    test -z "$(git -C "$clone" status --porcelain)"
    git -C "$clone" fsck --full --strict
    diff -r --exclude=.git . "$clone"
  done
  git -C ../bare.git gc -q --prune=now
  git -C ../bare.git fsck --full --strict
  test -z "$(git status --porcelain)"
}

(work "$1/git")
mkdir -p "$2"
(work "$2/git")
test "$(git -C "$1/git/copied" rev-parse 'HEAD^{tree}')" = "$(git -C "$2/git/copied" rev-parse 'HEAD^{tree}')"
diff -r --exclude=.git "$1/git/copied" "$2/git/copied"
