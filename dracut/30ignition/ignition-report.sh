#!/bin/sh
# Emergency hook: shows the failure report of Firstlight on every console, after
# systemd has said what it has to say about the failed unit. Where the consoles are to be
# quiet, there is a file that says so.
# What another unit has stopped is sent before; a stage has sent its own failure.
# A console that is stopped (Ctrl-S, flow control) must not hold the emergency shell.
if [ -e /run/ignition/record.json ]; then
    ignition --send-record --root=/sysroot < /dev/null > /dev/null 2>&1 || :
fi
if [ -s /run/ignition/report.txt ] && [ ! -e /run/ignition/quiet ]; then
    writers=
    while read -r console _; do
        { echo; cat /run/ignition/report.txt; } > "/dev/$console" &
        writers="$writers $!"
    done < /proc/consoles
    seconds=0
    for writer in $writers; do
        while [ $seconds -lt 5 ] && kill -0 "$writer" 2> /dev/null; do
            sleep 1
            seconds=$((seconds + 1))
        done
    done
fi
