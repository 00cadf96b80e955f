#!/bin/bash
# The dracut module of the program afterburn, which is the agent by another name. It
# carries the name and the unit names of Afterburn's.

# Only on request, as the module ignition.
check() {
    return 255
}

depends() {
    echo systemd network ignition
}

units=(
    afterburn-ignition-fragment.service
    afterburn-hostname.service
    afterburn-network-kargs.service
)

install() {
    inst_multiple mkdir
    ln -sf ignition "$initdir/usr/bin/afterburn"
    local unit dir="$initdir/$systemdsystemunitdir/ignition-complete.target.requires"
    mkdir -p "$dir"
    for unit in "${units[@]}"; do
        inst_simple "$moddir/$unit" "$systemdsystemunitdir/$unit"
        ln -sf "../$unit" "$dir/$unit"
    done
}
