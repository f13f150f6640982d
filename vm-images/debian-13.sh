#!/bin/sh
# Turns an unpacked Debian 13 root into a machine image: debian-13.sh ROOT OUTPUT SIZE.
# Writes OUTPUT/kernel, OUTPUT/initrd and OUTPUT/disk.raw. It runs as (fake) root outside the chroot.
set -eu
root=$1 output=$2 size=$3

# Services: the network by networkd, no timers, nothing that waits for what a node does not need.
chroot "$root" systemctl --quiet enable systemd-networkd systemd-resolved ssh chrony
chroot "$root" systemctl --quiet mask \
    apt-daily.timer apt-daily-upgrade.timer apt-daily.service apt-daily-upgrade.service \
    dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer man-db.timer \
    systemd-networkd-wait-online.service systemd-pcrphase.service systemd-pcrphase-sysinit.service \
    ldconfig.service systemd-hwdb-update.service systemd-journal-catalog-update.service \
    systemd-update-done.service systemd-binfmt.service systemd-pstore.service getty@tty1.service \
    systemd-tpm2-setup-early.service systemd-tpm2-setup.service systemd-networkd-persistent-storage.service \
    proc-sys-fs-binfmt_misc.automount sys-fs-fuse-connections.mount sys-kernel-config.mount \
    modprobe@drm.service modprobe@fuse.service modprobe@configfs.service \
    cloud-init-hotplugd.socket cloud-init-hotplugd.service sshd-keygen.service
ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
echo 'LABEL=root / ext4 rw,noatime,x-systemd.growfs 0 0' >"$root/etc/fstab"

# cloud-init: one datasource, and only the modules that a NoCloud seed of seedbed needs.
cat >"$root/etc/cloud/cloud.cfg" <<'CONFIG'
users: []
disable_root: true
preserve_hostname: false
manage_etc_hosts: false
datasource_list: [NoCloud]
datasource: {NoCloud: {fs_label: cidata}}
ssh_deletekeys: true
ssh_genkeytypes: [ed25519]
syslog_fix_perms: root:root
network: {}
cloud_init_modules: [write_files, set_hostname, users_groups, ssh]
cloud_config_modules: [runcmd]
cloud_final_modules: [scripts_user, final_message]
system_info:
  distro: debian
  network: {renderers: [networkd], activators: [networkd]}
  paths: {cloud_dir: /var/lib/cloud, templates_dir: /etc/cloud/templates}
  ssh_svcname: ssh
CONFIG
rm -f "$root"/etc/cloud/cloud.cfg.d/*
cat >"$root/etc/cloud/cloud.cfg.d/05_logging.cfg" <<'CONFIG'
# Warnings go to the console, where a failed boot is read; by default everything does.
output: {all: '>> /var/log/cloud-init-output.log'}
log_cfgs:
  - |
    [loggers]
    keys=root
    [handlers]
    keys=console,file
    [formatters]
    keys=plain
    [logger_root]
    level=INFO
    handlers=console,file
    [handler_console]
    class=StreamHandler
    level=WARNING
    formatter=plain
    args=(sys.stderr,)
    [handler_file]
    class=FileHandler
    level=INFO
    formatter=plain
    args=('/var/log/cloud-init.log', 'a', 'UTF-8')
    [formatter_plain]
    format=%(asctime)s %(filename)s[%(levelname)s]: %(message)s
CONFIG
# ds-identify is not asked: the datasource is known.
echo 'policy: enabled' >"$root/etc/cloud/ds-identify.cfg"

# A journal in memory is enough before somebody asks for more, and a slow disk is not waited for.
mkdir -p "$root/etc/systemd/journald.conf.d"
printf '[Journal]\nStorage=persistent\nSystemMaxUse=64M\nForwardToConsole=no\n' >"$root/etc/systemd/journald.conf.d/seedbed.conf"

# The initrd: a static busybox, the modules that lead to the root file system, and ten lines of shell.
kernel=$(basename "$root"/lib/modules/*)
early=$root/early
mkdir -p "$early/bin" "$early/proc" "$early/sys" "$early/dev" "$early/root"
cp "$root/bin/busybox" "$early/bin/busybox"
ln -s busybox "$early/bin/sh"
for name in virtio_pci virtio_blk ext4; do
    chroot "$root" modprobe --show-depends --set-version "$kernel" "$name"
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r module; do
    name=$(basename "${module%.xz}")
    chroot "$root" busybox sh -c "case $module in *.xz) busybox xz -dc $module ;; *) busybox cat $module ;; esac" >"$early/$name"
    echo "$name" >>"$early/modules"
done
cat >"$early/init" <<'INIT'
#!/bin/busybox sh
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs dev /dev
while read -r module; do busybox insmod "/$module"; done </modules
for try in 1 2 3 4 5 6 7 8 9 10; do
    device=$(busybox findfs LABEL=root) && break
    busybox sleep 1
done
busybox mount -t ext4 -o rw,noatime "$device" /root || exec busybox sh
busybox umount /proc /sys
busybox mount -o move /dev /root/dev
exec busybox switch_root /root /sbin/init
INIT
chmod 755 "$early/init"
chroot "$root" busybox sh -c 'cd /early && busybox find . | busybox sort | busybox cpio -o -H newc' | gzip -1n >"$output/initrd"
rm -rf "$early"
cp "$root/boot/vmlinuz-$kernel" "$output/kernel"

# Nothing of the workstation, nothing that two machines must not share, nothing that a node never reads.
# /boot/config-* stays: kubeadm's preflight reads it.
rm -f "$root"/etc/ssh/ssh_host_* "$root"/boot/[!c]* "$root/var/lib/dbus/machine-id" "$root/etc/hostname"
: >"$root/etc/machine-id"
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/var/cache/debconf/*-old "$root"/var/log/*.log "$root"/tmp/*
rm -rf "$root"/usr/share/man/* "$root"/usr/share/info/* "$root"/usr/share/locale/*
find "$root/usr/share/doc" -type f ! -name copyright -delete

truncate -s "$size" "$output/disk.raw"
# A plain bind mount shows the root without what is mounted on it (proc, sys, dev).
bare=$(mktemp -d)
mount --bind "$root" "$bare"
trap 'umount "$bare"; rmdir "$bare"' EXIT
mke2fs -q -F -t ext4 -L root -d "$bare" -E lazy_itable_init=1,lazy_journal_init=1,nodiscard -O ^metadata_csum_seed "$output/disk.raw"
