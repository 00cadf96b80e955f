# Sourced by root.sh: the booted system maps disks with several paths, too.
# shellcheck shell=bash
install_modules root virtio_scsi sd_mod dm-multipath dm-service-time
install -m 0644 guest/91firstlight-multipath/multipath.conf root/etc/multipath.conf
ln -s ../multipathd.service root/usr/lib/systemd/system/sysinit.target.wants/
