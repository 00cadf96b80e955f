#!/bin/bash
# Runs in the Debian tree: size.sh MAKER AGENT makes an initramfs as a distribution
# would, with all drivers and no compression. AGENT is none, ours or reference.
set -eu
unset TMPDIR
cd /work
kver=$(ls /usr/lib/modules)
case $1 in
dracut)
    cp -r /usr/lib/dracut dracut
    add=(--add ignition)
    case $2 in
    none) add=() ;;
    ours) cp -r install/usr/lib/dracut/modules.d/30ignition dracut/modules.d/ ;;
    reference)
        dpkg-deb -x ignition.deb reference
        cp -r reference/usr/lib/dracut/modules.d/30ignition dracut/modules.d/
        ;;
    esac
    mkdir empty
    dracutbasedir=$PWD/dracut dracut --quiet --force --no-hostonly --no-hostonly-cmdline --no-early-microcode --no-compress \
        --confdir "$PWD/empty" --conf /dev/null --kver "$kver" --tmpdir /tmp "${add[@]}" out
    ;;
initramfs-tools)
    cp -r /etc/initramfs-tools conf
    if [ "$2" = ours ]; then
        export FIRSTLIGHT=yes FIRSTLIGHT_SHARE=$PWD/install/usr/share/firstlight/initramfs
        cp -r "$FIRSTLIGHT_SHARE"/initramfs-tools/* conf/
    fi
    printf 'MODULES=most\nCOMPRESS=lz4\nCOMPRESSLEVEL=1\n' >> conf/initramfs.conf
    mkinitramfs -d "$PWD/conf" -o compressed "$kver"
    lz4 -q -d compressed out
    ;;
esac
