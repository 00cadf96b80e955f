#!/bin/bash
# What a distribution would have: it pulls in our module, brings the network up
# when fetch-offline has asked for it, and, being one for tests, reports.

check() {
    return 255
}

depends() {
    echo ignition
}

install() {
    inst_multiple ip sed sleep cat
    inst_simple "$moddir/../../../guest/inspect" /usr/bin/inspect
    inst_simple "$moddir/network.service" "$systemdsystemunitdir/test-network.service"
    mkdir -p "$initdir/$systemdsystemunitdir/ignition-complete.target.requires"
    ln -sf ../test-network.service "$initdir/$systemdsystemunitdir/ignition-complete.target.requires/"
    # A base config, as distributions ship one.
    inst_simple "$moddir/base.ign" /usr/lib/ignition/base.d/10-test.ign
    # A distribution's helper in the place of the module's: the arguments are those that
    # QEMU was given.
    cp "$moddir/kargs-helper.sh" "$initdir/usr/sbin/ignition-kargs-helper"
    # After the hook of our module, which is the last to print.
    inst_hook emergency 99 "$moddir/zz-emergency.sh"
    inst_hook shutdown-emergency 99 "$moddir/zz-emergency.sh"
}

installkernel() {
    hostonly='' instmods virtio_console virtio_net
}
