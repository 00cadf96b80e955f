#!/bin/sh
# Emergency hook: shows the failure report of Firstlight on every console, after
# systemd has said what it has to say about the failed unit.
if [ -s /run/ignition/report.txt ]; then
    while read -r console _; do
        { echo; cat /run/ignition/report.txt; } > "/dev/$console"
    done < /proc/consoles
fi
