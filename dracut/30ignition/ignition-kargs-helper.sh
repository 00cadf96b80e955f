#!/bin/sh
# Changes the entries of a boot loader that follows the Boot Loader Specification, and
# reboots if that was necessary. A distribution with another boot loader replaces this
# helper. It is called as:
#   ignition-kargs-helper [--should-exist ARG]... [--should-not-exist ARG]...
exec firstlight-kargs "$@"
