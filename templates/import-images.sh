#!/bin/sh
# Rendered by seedbed. Imports archives from the disk of bits, in the order given.
#   import-images ARCHIVE...            imports what containerd lacks
#   import-images --missing ARCHIVE...  prints what it lacks
#   import-images --wait ARCHIVE...     waits until the import under way has brought them
set -eu
bits={{ bits }}
PATH=/usr/local/bin:$PATH

reference_of() {
    reference=$(awk -v file="images/$1" '$1 == file { print $2 }' "$bits/IMAGES")
    [ -n "$reference" ] || { echo "images/$1 is not among the bits" >&2; exit 1; }
}

missing() {
    known=$(ctr --namespace k8s.io images list --quiet)
    for archive in "$@"; do
        reference_of "$archive"
        printf '%s\n' "$known" | grep -qxF "$reference" || echo "$archive"
    done
}

case $1 in
--missing)
    shift
    missing "$@"
    ;;
--wait)
    shift
    while :; do
        # Before the look, or what the import brought last would count as missing.
        state=$(systemctl show --property=ActiveState --value seedbed-images.service)
        lacking=$(missing "$@")
        [ -n "$lacking" ] || exit 0
        case $state in
        active | activating) sleep 2 ;;
        *)
            echo "these image archives were not imported:" $lacking >&2
            journalctl --unit=seedbed-images.service --no-pager --lines=10 --output=cat >&2
            exit 1
            ;;
        esac
    done
    ;;
*)
    lacking=$(missing "$@")
    for archive in $lacking; do
        reference_of "$archive"
        # Pinned, or the kubelet would collect it, and it cannot be pulled again.
        ctr --namespace k8s.io images import --label io.cri-containerd.pinned=pinned "$bits/images/$archive" >/dev/null
        [ -z "$(missing "$archive")" ] || { echo "images/$archive does not hold $reference" >&2; exit 1; }
        echo "imported $reference"
    done
    ;;
esac
