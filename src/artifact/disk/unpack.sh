# Has containerd unpack the image archives of a disk of bits, so that no node needs to: containerd's own directory, less
# what it makes itself, becomes ROOT/containerd. Runs as root, in namespaces of its own for mounts, processes and network.
#
#   unpack ROOT ARCHIVE...    ROOT has bin/containerd, bin/ctr and IMAGES
set -eu
root=$1
shift
mount -t tmpfs -o mode=0700 seedbed /run
mkdir /run/state /run/root "$root/unpacking"
mount --bind "$root/unpacking" /run/root
cat >/run/config.toml <<'CONFIG'
version = 3
root = '/run/root'
state = '/run/state'
disabled_plugins = ['io.containerd.grpc.v1.cri', 'io.containerd.cri.v1.images', 'io.containerd.cri.v1.runtime']
[grpc]
  address = '/run/containerd.sock'
[ttrpc]
  address = '/run/containerd.sock.ttrpc'
CONFIG

"$root/bin/containerd" --config /run/config.toml >/run/log 2>&1 &
daemon=$!
ctr() { "$root/bin/ctr" --address /run/containerd.sock --namespace k8s.io "$@"; }
give_up() {
    tail -n 20 /run/log >&2
    echo "$1" >&2
    exit 1
}
tries=0
until ctr version >/dev/null 2>&1; do
    kill -0 $daemon 2>/dev/null || give_up "containerd ended"
    tries=$((tries + 1))
    [ $tries -lt 300 ] || give_up "containerd does not answer"
    sleep 0.1
done

# Pinned, as nodes import them. Once unpacked, nobody reads the layers again.
for archive in "$@"; do
    ctr images import --local --discard-unpacked-layers --label io.cri-containerd.pinned=pinned "$archive" >/dev/null ||
        give_up "containerd does not import $archive"
done
ctr images list --quiet | sort >/run/there
sed 's/^[^ ]* //' "$root/IMAGES" | sort | comm -13 /run/there - >/run/lacking
[ ! -s /run/lacking ] || give_up "these images are in no archive: $(tr '\n' ' ' </run/lacking)"
# Collects the layers now rather than some time.
read -r any </run/there
ctr images tag "$any" seedbed.invalid/collect:1 >/dev/null
ctr images remove --sync seedbed.invalid/collect:1 >/dev/null

kill $daemon
wait $daemon || give_up "containerd did not end well"
umount /run/root
mkdir "$root/containerd"
for directory in content.v1.content metadata.v1.bolt snapshotter.v1.overlayfs; do
    mv "$root/unpacking/io.containerd.$directory" "$root/containerd"
done
rm -rf "$root/unpacking"
