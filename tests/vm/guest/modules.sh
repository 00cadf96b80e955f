# Kernel modules for an image. Sourced in the Debian tree by the other scripts.
# shellcheck shell=bash disable=SC2034

kver=$(cd /usr/lib/modules && printf '%s\n' * | sort -t- -k3 | head -n 1) # that of a variant is before the usual cloud-amd64

# What the machines need: their devices, and what the tests build on them.
devices="virtio_pci virtio_blk virtio_net virtio_console virtio_rng qemu_fw_cfg"
layers="md-mod raid0 raid1 raid10 raid456 linear dm-mod dm-crypt dm-integrity xts aes_generic aesni_intel ecb cbc essiv
    sha256_generic sha512_generic algif_skcipher algif_hash af_alg cryptd"
filesystems="ext4 xfs btrfs vfat nls_ascii nls_cp437 nls_iso8859_1 crc32c_generic"

# install_modules DIR MODULE... installs modules, with those that they depend on,
# below DIR as below /.
install_modules() {
    local dir=$1 module file
    shift
    mkdir -p "$dir/lib/modules/$kver"
    cp /usr/lib/modules/"$kver"/modules.{order,builtin,builtin.modinfo} "$dir/lib/modules/$kver/"
    for module in "$@"; do
        modprobe -S "$kver" --show-depends "$module" 2> /dev/null | sed -n 's/^insmod \([^ ]*\).*/\1/p'
    done | sort -u | while read -r file; do
        install -D -m 0644 "$file" "$dir/lib/modules/$kver/${file#*/modules/"$kver"/}"
    done
    depmod -b "$dir" "$kver"
}
