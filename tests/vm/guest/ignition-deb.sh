#!/bin/bash
# Runs in the Debian tree: gets Debian's package of the reference.
set -eu
cd /work
apt-get -qq update
apt-get -qq -o APT::Sandbox::User=root download ignition
mv ignition_*.deb out
