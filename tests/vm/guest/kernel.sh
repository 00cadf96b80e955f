#!/bin/bash
# Runs in the Debian tree: takes the kernel out of its compressed image. QEMU
# starts such a kernel directly (PVH), which saves the firmware, and unpacking
# under emulation.
set -eu
image=$(printf '%s\n' /boot/vmlinuz-* | sort -t- -k4 | head -n 1) # that of a variant is before the usual cloud-amd64
unpack() { # MAGIC PROGRAM...
    local offset
    offset=$(LC_ALL=C grep -abom1 -P "$1" "$image" | head -n 1 | cut -d: -f1)
    shift
    [ -n "$offset" ] || return 1
    tail -c +$((offset + 1)) "$image" | "$@" > /work/out 2> /dev/null || true
    [ "$(head -c 4 /work/out | tail -c 3)" = ELF ]
}
unpack '\x02\x21\x4C\x18' lz4 -dc || unpack '\xFD7zXZ\x00' xz -dc || unpack '\x28\xB5\x2F\xFD' zstd -dc || unpack '\x1F\x8B\x08' gzip -dc || cp "$image" /work/out
