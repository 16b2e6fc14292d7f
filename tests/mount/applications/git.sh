#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# git.sh FOLDER NATIVE: clones a repository made in NATIVE into FOLDER, works in the clone, checks it.
set -eu
folder=$1
native=$2
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null HOME=/nonexistent
export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t

mkdir -p "$native/origin"
cd "$native/origin"
git init -q -b main .
for commit in 1 2 3 4 5; do
  mkdir "d$commit"
  for file in 1 2 3 4 5 6 7 8; do echo "$commit $file" > "d$commit/f$file"; done
  git add .
  git commit -qm "$commit"
done

cd "$folder"
git clone -q "$native/origin" clone
cd clone
git config gc.auto 0
git fsck --full --strict
test -z "$(git status --porcelain)"
diff -r d5 "$native/origin/d5"
git checkout -qb other HEAD~2
echo new > d1/new
git add .
git commit -qm new
git merge -q -m merge origin/main
git gc -q
git fsck --full --strict
test "$(git log --oneline | wc -l)" -eq 7
