#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cmake.sh FOLDER: a small project configured, built, run, changed and built again in FOLDER.
set -eu
mkdir "$1/source"
cd "$1/source"
cat > CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.20)
project(t C)
add_library(l STATIC a.c b.c)
add_executable(t main.c)
target_link_libraries(t l)
END
echo 'int a(void) { return 1; }' > a.c
echo 'int b(void) { return 2; }' > b.c
echo 'int a(void); int b(void); int main(void) { return a() + b() - 3; }' > main.c
cmake -G Ninja -S . -B build > log 2>&1 || { cat log; exit 1; }
ninja -C build > log || { cat log; exit 1; }
./build/t
ninja -C build | grep -q 'no work to do'
echo 'int b(void) { return 5; }' > b.c
ninja -C build > log || { cat log; exit 1; }
if ./build/t; then exit 1; fi
rm -r build
