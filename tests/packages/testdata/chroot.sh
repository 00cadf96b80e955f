#!/bin/bash
# Runs in a Debian that is thrown away, as the life of the packages on a system. The
# directories /old and /new have those of two versions; /images gets an initramfs of each
# maker. What it prints last is "done".
set -euo pipefail
module=/usr/lib/dracut/modules.d/30ignition

# What is there, but for what dpkg itself keeps and caches of other programs.
snapshot() {
    find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /work -o -path /old -o -path /new -o -path /images \
        -o -path /var/lib/dpkg -o -path /var/cache -o -path /var/log \) -prune -o -printf '%y %m %p %l\n' | sort
}
fail() {
    echo "$*" >&2
    exit 1
}

# plain NAME: an initramfs of initramfs-tools, the same bytes for the same contents.
kver=$(basename /usr/lib/modules/*)
plain() {
    cp -r /etc/initramfs-tools "/tmp/conf-$1"
    echo MODULES=list >> "/tmp/conf-$1/initramfs.conf"
    SOURCE_DATE_EPOCH=1 mkinitramfs -c gzip -l 1 -d "/tmp/conf-$1" -o "/tmp/$1" "$kver"
}

plain without
snapshot > /tmp/before
dpkg -i /old/*.deb
# Nobody has asked for it yet.
plain installed
cmp /tmp/without /tmp/installed || fail "the package alone changes images"
[ "$(firstlightctl version)" = "firstlightctl 2.98.0" ] || fail "version: $(firstlightctl version)"
printf 'variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /etc/a, contents: {inline: a}}]}\n' > /tmp/a.bu
butane --strict /tmp/a.bu > /tmp/a.ign
ignition-validate /tmp/a.ign
dpkg -L firstlight firstlightctl firstlight-butane firstlight-afterburn | while read -r file; do
    [ -z "$file" ] || [ -e "$file" ] || fail "$file is not there, or is a link to nothing"
done

# Images, as docs/distributors.md says.
echo 'add_dracutmodules+=" ignition "' > /etc/dracut.conf.d/firstlight.conf
dracut --quiet --force --no-hostonly --kver "$kver" --omit clevis --compress lz4 /images/dracut
! FIRSTLIGHT=1 mkinitramfs -o /tmp/image "$kver" 2> /tmp/log || fail "FIRSTLIGHT=1 is taken for yes"
grep -q 'FIRSTLIGHT=1.*want yes or no' /tmp/log || fail "$(cat /tmp/log)"
echo 'export FIRSTLIGHT=yes' > /etc/initramfs-tools/conf.d/firstlight
echo virtio_console >> /etc/initramfs-tools/modules # by which the machine reports
echo 'COMPRESS=lz4' > /etc/initramfs-tools/conf.d/fast
mkinitramfs -o /images/initramfs-tools "$kver"
for maker in dracut initramfs-tools; do
    unmkinitramfs /images/$maker /tmp/image-$maker
    chroot /tmp/image-$maker /usr/bin/ignition -version
    cmp $module/ignition /tmp/image-$maker/usr/bin/ignition
done

# A first boot that is interrupted: the second file does not fit. Then comes an upgrade,
# and the run after it knows what the first one made: it would refuse /etc/first otherwise.
mkdir /small
mount -t tmpfs -o size=64k tmpfs /small
large=$(head -c 200000 /dev/zero | tr '\0' x)
printf '{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/etc/first", "contents": {"source": "data:,1"}},
    {"path": "/small/second", "contents": {"source": "data:,%s"}}]}}' "$large" > /tmp/boot.ign
stage() {
    IGNITION_CONFIG_FILE=/tmp/boot.ign IGNITION_KERNEL_CMDLINE_PATH=/dev/null \
        $module/ignition --platform=file --stage="$1" --root=/ --log-to-stdout > /tmp/log 2>&1
}
stage fetch-offline || fail "fetch-offline: $(cat /tmp/log)"
! stage files || fail "the large file fits"
[ -e /etc/first ] || fail "the first file is not there: $(cat /tmp/log)"
ledger=$(sha256sum /etc/.provisioning-ledger.json)
dpkg -i /new/*.deb
[ "$(firstlightctl version)" = "firstlightctl 2.99.0" ] || fail "version: $(firstlightctl version)"
[ "$(sha256sum /etc/.provisioning-ledger.json)" = "$ledger" ] || fail "the upgrade has changed the ledger"
mount -o remount,size=1m /small
stage files || fail "after the upgrade: $(cat /tmp/log)"
[ "$(stat -c %s /small/second)" = 200000 ] || fail "the second file is not whole"

# Nothing is left but what the config asked for, and what the agent says it leaves.
umount /small
rm -r /small /etc/first /etc/.provisioning-ledger.json /etc/.ignition-result.json
rm /etc/dracut.conf.d/firstlight.conf /etc/initramfs-tools/conf.d/fast
dpkg --remove firstlight-afterburn firstlight-butane firstlightctl firstlight
# What asks for it is the administrator's, and harmless without the package.
plain removed
mkdir /tmp/image-removed
unmkinitramfs /tmp/removed /tmp/image-removed
[ ! -e /tmp/image-removed/usr/bin/ignition ] || fail "an image has the agent after its removal"
rm /etc/initramfs-tools/conf.d/firstlight
dpkg --purge firstlight-afterburn firstlight-butane firstlightctl firstlight
snapshot > /tmp/after
diff /tmp/before /tmp/after || fail "that is left, or missing"
echo "done"
