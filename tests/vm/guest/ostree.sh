# Sourced by root.sh: a root filesystem that has the system as a deployment of an OSTree,
# with a newer commit in its repository. Systemd gives it a machine ID. The kernel is not in it, since QEMU starts it.
# shellcheck shell=bash
mv root tree
mv tree/etc tree/usr/etc
rm tree/usr/etc/systemd/system/systemd-machine-id-commit.service # it was masked
rm -rf tree/{boot,home,media,mnt,opt,root,srv,tmp,var,usr/local}
mkdir tree/{boot,sysroot,var}
for dir in home mnt opt srv; do ln -s var/$dir tree/$dir; done
ln -s var/roothome tree/root
ln -s sysroot/ostree sysroot/tmp tree
ln -s ../var/usrlocal tree/usr/local
mkdir -p tree/usr/lib/systemd/system/local-fs.target.wants
ln -s ../ostree-remount.service tree/usr/lib/systemd/system/local-fs.target.wants/

commit() { # NUMBER
    echo "kernel $1" > "tree/usr/lib/modules/$kver/vmlinuz"
    echo "initramfs $1" > "tree/usr/lib/modules/$kver/initramfs.img"
    echo "$1" | tee tree/usr/etc/{commit,issue,issue.net,only-in-"$1"} > tree/usr/lib/commit
    ostree commit --repo=root/ostree/repo --branch=debian tree
    rm tree/usr/etc/only-in-"$1"
}
mount -t proc proc /proc
mkdir root
ostree admin init-fs root
ostree admin os-init --sysroot=root debian
commit 1
# An immutable directory could not be removed here; the image has one.
OSTREE_SYSROOT_DEBUG=mutable-deployments ostree admin deploy --sysroot=root --os=debian debian
commit 2
mkdir root/ostree/deploy/debian/var/{home,mnt,opt,srv,usrlocal}
mkdir -m 0700 root/ostree/deploy/debian/var/roothome
finish() { # IMAGE
    debugfs -w -R "set_inode_field /$(cd root && echo ostree/deploy/debian/deploy/*.0) flags 0x80010" "$1"
}
