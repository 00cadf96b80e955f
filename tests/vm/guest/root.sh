#!/bin/bash
# Runs in the Debian tree: makes the root disk, without its partition table. What
# is only for building stays out, and so does every unit that a machine under
# test does not need. The argument is the variant, if it is one.
set -eu
cd /work
# shellcheck source=/dev/null
. guest/modules.sh
mkdir root
tar -C / --one-file-system --exclude=./work --exclude=./boot/* --exclude=./usr/lib/modules --exclude=./usr/lib/firmware \
    --exclude=./usr/share/doc/* --exclude=./usr/share/man/* --exclude=./usr/share/locale/* --exclude=./usr/lib/dracut \
    --exclude=./var/lib/apt/* --exclude=./var/cache/* --exclude=./var/log/* --exclude=./proc/* --exclude=./sys/* \
    --exclude=./dev/* --exclude=./run/* --exclude=./tmp/* -cf - . | tar -C root -xf -

# shellcheck disable=SC2086 # words
install_modules root $layers $filesystems efivarfs autofs4

systemd=root/etc/systemd/system
rm -rf root/etc/machine-id root/var/lib/dbus/machine-id "$systemd"/*.wants
for unit in getty.target systemd-logind.service systemd-update-utmp.service systemd-update-utmp-runlevel.service \
    systemd-random-seed.service systemd-tmpfiles-clean.timer systemd-firstboot.service systemd-hwdb-update.service \
    systemd-journal-catalog-update.service systemd-journal-flush.service systemd-binfmt.service systemd-udev-settle.service \
    systemd-update-done.service systemd-sysusers.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
    e2scrub_reap.service remote-fs.target systemd-machine-id-commit.service modprobe@.service systemd-sysctl.service \
    dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount \
    sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount systemd-user-sessions.service \
    systemd-ask-password-console.path systemd-ask-password-wall.path; do
    ln -sf /dev/null "$systemd/$unit"
done
echo 'disable *' > root/usr/lib/systemd/system-preset/99-default.preset
rm -f root/usr/lib/systemd/system-preset/90-systemd.preset
# A first boot reads every unit to apply the presets, which is slow where there
# are many.
rm -rf root/usr/lib/systemd/system/{apt,dbus-org,dpkg,dracut,initrd,runlevel,cryptdisks,container-getty,console-getty}* \
    root/usr/lib/systemd/system/systemd-{boot,growfs,pcr,pstore,repart,fsck,quota,network,rfkill,backlight,sysext}* \
    root/usr/lib/systemd/system/systemd-{hibernate,hybrid,suspend,hostnamed,localed,timedated,time-wait,volatile,ask}*
mkdir -p root/etc/systemd/journald.conf.d root/usr/libexec
printf '[Journal]\nStorage=volatile\n' > root/etc/systemd/journald.conf.d/volatile.conf
echo firstlight > root/etc/hostname
install -m 0755 guest/inspect root/usr/libexec/inspect
install -m 0644 guest/report.service guest/emergency.service root/usr/lib/systemd/system/
mkdir -p root/usr/lib/systemd/system/multi-user.target.wants
ln -s ../report.service root/usr/lib/systemd/system/multi-user.target.wants/report.service

# shellcheck source=/dev/null
[ ! -e "guest/${1:-}.sh" ] || . "guest/$1.sh"
[ "$(type -t finish)" ] || finish() { :; }

truncate -s 1G out
mkfs.ext4 -q -F -L root -U 1b0e9a5c-6f0d-4f5e-8c56-0f35a5b0a003 -d root -E offset=1048576 out $((1022 * 1024))
finish "out?offset=1048576"
