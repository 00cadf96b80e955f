#!/bin/sh
# Distributions that can change their kernel arguments replace this helper. It is
# called as: ignition-kargs-helper [--should-exist ARG]... [--should-not-exist ARG]...
# and has to make it so, and to see to a reboot if anything changed.
echo "this distribution does not support kernelArguments in a config" >&2
exit 1
