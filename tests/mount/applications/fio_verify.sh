#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fio_verify.sh FOLDER MIB: what fio wrote in FOLDER, in every way that it can write, is what it reads there. MIB is the
# size of each of its files.
set -eu
cd "$1"
size=$2m

verify() {
  name=$1
  shift
  fio --name="$name" --filename="$name" --size="$size" --verify=crc32c --verify_fatal=1 --verify_state_save=0 \
    --randrepeat=0 --output="$name.log" "$@" || {
    cat "$name.log"
    exit 1
  }
  # Each job says how much it read to verify; one that read nothing has shown nothing.
  grep -q '^ *READ: bw=' "$name.log" || {
    echo "$name read nothing"
    exit 1
  }
  rm "$name" "$name.log"
}

verify sequential --rw=write --bs=128k --ioengine=psync
verify random --rw=randwrite --bs=4k --ioengine=psync
verify mixed_sizes --rw=randwrite --bsrange=512-64k --bs_unaligned=1 --ioengine=psync --fsync=200
verify synchronous --rw=randwrite --bs=16k --ioengine=psync --sync=1 --io_size=2m
verify direct --rw=randwrite --bs=4k --ioengine=libaio --iodepth=16 --direct=1
verify direct_rings --rw=randwrite --bs=8k --ioengine=io_uring --iodepth=16 --direct=1
verify asynchronous --rw=randwrite --bs=8k --ioengine=libaio --iodepth=16
verify mapped --rw=randwrite --bs=4k --ioengine=mmap
verify vectors --rw=randwrite --bs=4k --ioengine=pvsync2
verify preallocated --rw=randwrite --bs=4k --ioengine=psync --fallocate=posix
verify sparse --rw=randwrite --bs=4k --ioengine=psync --fallocate=none --file_append=0
verify read_and_write --rw=randrw --bs=4k --ioengine=psync --verify_backlog=32

# fio trims files through fallocate(2) alone, in an engine that cannot read.
fio --name=trimmed --filename=trimmed --size="$size" --rw=write --bs=128k --ioengine=psync --output=log
fio --name=trimmed --filename=trimmed --size="$size" --rw=randtrim --bs=4k --ioengine=falloc --output=log
grep -q '^ *TRIM: bw=' log
test "$(stat -c %s trimmed)" -eq "$(($2 << 20))"
cmp -n "$(($2 << 20))" trimmed /dev/zero
fio --name=trimmed --filename=trimmed --size="$size" --rw=randwrite --bs=4k --ioengine=psync --verify=crc32c \
  --verify_fatal=1 --verify_state_save=0 --output=log
rm trimmed log
