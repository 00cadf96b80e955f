#!/bin/bash
# The dracut module of Firstlight. It carries the name and the unit names of
# Ignition's, which distributions order their own units by.

# Only on request: a distribution's module depends on this one.
check() {
    return 255
}

depends() {
    echo qemu systemd network
}

# Helper programs of the disks and files stages. What is not on the build host
# cannot be needed by the configs that the image is made for; a config that
# does need it gets an error that names the program.
helpers=(
    groupadd groupdel groupmod useradd userdel usermod chpasswd chgpasswd
    mkfs.btrfs mkfs.ext4 mkfs.fat mkfs.xfs mkswap
    mdadm cryptsetup dmsetup setfiles
    clevis clevis-encrypt-sss clevis-encrypt-tang clevis-encrypt-tpm2
    clevis-decrypt clevis-decrypt-sss clevis-decrypt-tang clevis-decrypt-tpm2
    clevis-luks-bind clevis-luks-common-functions clevis-luks-unlock
    pwmake jose curl
    # Of which the scripts of clevis are made.
    basename cut grep mktemp mkdir rm sed sort tail touch tr
    tpm2_create tpm2_createpolicy tpm2_createprimary tpm2_flushcontext
    tpm2_load tpm2_pcrread tpm2_unseal
    systemd-creds
)

# Rules that name arrays and volumes in /dev. Without the last one of the device
# mapper cryptsetup would wait for udev forever.
rules=(
    10-dm.rules 13-dm-disk.rules 55-dm.rules 60-persistent-storage-dm.rules
    95-dm-notify.rules 63-md-raid-arrays.rules
)

units=(
    ignition-firstboot.service
    ignition-fetch-offline.service
    ignition-fetch.service
    ignition-kargs.service
    ignition-disks.service
    ignition-mount.service
    ignition-files.service
    ignition-finish.service
    ignition-remount-sysroot.service
    ignition-complete.target
    ignition-diskful.target
    ignition-subsequent.target
    ignition-diskful-subsequent.target
)

# Where distributions keep the certificate authorities that they trust, in the
# order in which Go looks.
authorities=(
    /etc/ssl/certs/ca-certificates.crt
    /etc/pki/tls/certs/ca-bundle.crt
    /etc/ssl/ca-bundle.pem
    /etc/pki/tls/cacert.pem
    /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem
    /etc/ssl/cert.pem
)

# require TARGET UNIT... makes starting the target start the units.
require() {
    local unit dir="$initdir/$systemdsystemunitdir/$1.requires"
    shift
    mkdir -p "$dir"
    for unit in "$@"; do
        ln -sf "../$unit" "$dir/$unit"
    done
}

install() {
    inst_multiple mount modprobe udevadm
    inst_multiple -o "${helpers[@]}"
    # What the distribution has set for all its machines.
    inst_multiple -o /usr/lib/ignition/distribution.conf
    # The keys that configs have to be signed with. Without them nothing has to be.
    local key
    for key in "$dracutsysrootdir"/usr/lib/firstlight/trusted.d/*; do
        if [[ -e $key ]]; then
            inst "${key#"$dracutsysrootdir"}"
        fi
    done

    inst_simple "$moddir/ignition" /usr/bin/ignition
    ln -sf ignition "$initdir/usr/bin/firstlight"
    ln -sf ignition "$initdir/usr/bin/firstlight-kargs"
    ln -sf ignition "$initdir/usr/bin/firstlight-firstboot"

    inst_script "$moddir/ignition-kargs-helper.sh" /usr/sbin/ignition-kargs-helper
    inst_script "$moddir/ignition-generator" "$systemdutildir/system-generators/ignition-generator"

    local unit
    for unit in "${units[@]}"; do
        inst_simple "$moddir/$unit" "$systemdsystemunitdir/$unit"
    done
    require ignition-complete.target ignition-{fetch-offline,fetch,kargs,disks,mount,files}.service
    require ignition-diskful.target ignition-remount-sysroot.service
    require initrd-switch-root.target ignition-finish.service

    local bundle
    for bundle in "${authorities[@]}"; do
        # shellcheck disable=SC2154
        if [[ -e $dracutsysrootdir$bundle ]]; then
            inst "$bundle"
            break
        fi
    done

    inst_rules 60-cdrom_id.rules "${rules[@]}"
    # What programs load only when they need it: the key derivation of
    # cryptsetup ends its threads with the first one, tpm2 and systemd-creds talk
    # to the TPM through the others.
    inst_libdir_file 'libgcc_s.so*' 'libtss2-tcti-device.so*' 'libtss2-esys.so*' 'libtss2-mu.so*' 'libtss2-rc.so*'
    inst_simple "$moddir/99-xx-ignition-systemd-cryptsetup.rules" /usr/lib/udev/rules.d/99-xx-ignition-systemd-cryptsetup.rules
    inst_simple "$moddir/ignition-luks.conf" /etc/security/pwquality.conf.d/ignition-luks.conf

    # The failure report is the last thing on the console, whether the boot
    # ends in a shell or in a halt.
    inst_hook emergency 99 "$moddir/ignition-report.sh"
    inst_hook shutdown-emergency 99 "$moddir/ignition-report.sh"

    if [[ ${DRACUT_ARCH:-$(uname -m)} == s390x ]]; then
        inst_multiple -o chccwdev cio_ignore vmur zkey zkey-cryptsetup
        # cryptsetup wants a passphrase also where the key is in the card. It is the
        # one that machines were made with: a distribution puts that of its earlier
        # images into the module.
        if [[ -e $moddir/cex.key ]]; then
            inst_simple "$moddir/cex.key" /etc/luks/cex.key
        else
            mkdir -p "$initdir/etc/luks"
            printf 'ignition-cex' > "$initdir/etc/luks/cex.key"
        fi
    fi
}

# Kernel modules that hand over the configs of platforms, and those of the buses
# that config drives are attached to. An image is made for other machines than the
# one that builds it, and a kernel may lack some of them or have them built in.
# platforms, by go generate
platform_modules=(
    ahci
    ata_piix
    cdrom
    hv_storvsc
    hv_utils
    ibmvscsi
    mlxbf_bootctl
    qemu_fw_cfg
    spapr-vscsi
    sr_mod
    uas
    usb_storage
    vboxguest
    virtio_blk
    virtio_ccw
    virtio_pci
    virtio_scsi
    vmcp
    vmur
    vmw_vsock_virtio_transport
    vmw_vsock_virtio_transport_common
    vsock
    xen-blkfront
)
# end

installkernel() {
    hostonly='' instmods "${platform_modules[@]}"
    if [[ ${DRACUT_ARCH:-$(uname -m)} == s390x ]]; then
        hostonly='' instmods zcrypt_cex4 pkey_cca
    fi
    # The port that the record of the boot is written to.
    hostonly='' instmods virtio_console
    # What the formats and the config drives need; filesystems of other
    # formats come with dracut's own modules.
    # EFI variables tell of first boots and of the boot loader's disk.
    hostonly='' instmods efivarfs ext4 xfs btrfs vfat nls_ascii nls_cp437 nls_iso8859-1 nls_utf8 isofs udf
    # Arrays, TPMs, and LUKS volumes with the ciphers of cryptsetup's defaults.
    hostonly='' instmods md_mod linear raid0 raid1 raid10 raid456 '=drivers/char/tpm' \
        dm_mod dm_crypt xts ecb cbc essiv aes_generic aesni_intel aes_arm64 aes_s390 \
        sha256_generic sha512_generic algif_skcipher algif_hash
}
