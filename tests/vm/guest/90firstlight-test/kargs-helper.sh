#!/bin/sh
# Machines with a boot loader are left to the module's own helper.
[ ! -e /dev/disk/by-label/boot ] || exec firstlight-kargs "$@"
# To others nothing has to happen if the kernel was started with the arguments already.
while [ $# -gt 1 ]; do
    case " $(cat /proc/cmdline) " in
        *" $2 "*) found=--should-exist ;;
        *) found=--should-not-exist ;;
    esac
    [ "$1" = "$found" ] || { echo "the kernel argument $2 would have to change" >&2; exit 1; }
    shift 2
done
