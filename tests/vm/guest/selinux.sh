# Sourced by root.sh: a root with Debian's policy, labelled by it. /home is a link, as it is
# where / is read-only; that the policy knows of it is up to the distribution.
# shellcheck shell=bash
policy=$PWD/root/etc/selinux/default/contexts/files
sed -i 's/^SELINUX=.*/SELINUX=enforcing/' root/etc/selinux/config
echo '/var/home /home' >> "$policy/file_contexts.subs_dist"
mkdir -p root/var/home
rmdir root/home
ln -s var/home root/home
# setfiles writes by way of /proc.
mount -t proc proc /proc
setfiles -F -r "$PWD/root" "$policy/file_contexts" "$PWD/root"
