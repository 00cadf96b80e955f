#!/bin/bash
# Runs in the Debian tree: makes the initramfs with initramfs-tools and our hook.
set -eu
unset TMPDIR
cd /work
# shellcheck source=/dev/null
. guest/modules.sh
cp -r /etc/initramfs-tools conf
export FIRSTLIGHT=yes FIRSTLIGHT_SHARE=$PWD/install/usr/share/firstlight/initramfs
cp -r "$FIRSTLIGHT_SHARE"/initramfs-tools/* conf/
mkdir -p conf/scripts/panic
install -m 0755 guest/initramfs-tools/hook conf/hooks/test
install -m 0755 guest/initramfs-tools/panic conf/scripts/panic/test
printf 'MODULES=list\nCOMPRESS=lz4\nCOMPRESSLEVEL=1\n' >> conf/initramfs.conf
# shellcheck disable=SC2086 # words
printf '%s\n' $devices $filesystems >> conf/modules
mkinitramfs -d "$PWD/conf" -o out "$kver"
