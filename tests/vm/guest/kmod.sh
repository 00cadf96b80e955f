#!/bin/bash
# Runs in the Debian tree: makes an archive of the kernel modules that the machines need, for
# an initramfs that has none.
set -eu
cd /work
# shellcheck source=/dev/null
. guest/modules.sh
# shellcheck disable=SC2086 # words
install_modules more $devices $filesystems autofs4
mkdir -p tree/usr
mv more/lib tree/usr/lib
cd tree
find . | cpio --quiet -o -H newc > /work/out
