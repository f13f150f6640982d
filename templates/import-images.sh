#!/bin/sh
# Rendered by seedbed. Imports archives from the disk of bits, in the order given.
#   import-images ARCHIVE...               imports what containerd lacks
#   import-images --begin UNIT ARCHIVE...  the same as a service in the background; says whether it began
#   import-images --wait ARCHIVE...        waits until `seedbed-images.service` has brought them
set -eu
bits={{ bits }}
PATH=/usr/local/bin:$PATH
{% if emulated %}
# As for containerd itself.
export GOGC=400
{% endif %}

reference_of() {
    reference=$(sed -n "s|^images/$1 ||p" "$bits/IMAGES")
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
--begin)
    unit=$2
    shift 2
    case $(systemctl show --property=ActiveState --value "$unit.service") in active | activating) exit 0 ;; esac
    [ -n "$(missing "$@")" ] || exit 0
    systemctl reset-failed "$unit.service" 2>/dev/null || true
    systemd-run --quiet --unit="$unit" --description='Import container images' "$0" "$@"
    echo began
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
    [ -n "$lacking" ] || exit 0
    # Pinned, or the kubelet would collect them, and they cannot be pulled again. Two at a time: unpacking one uses one
    # processor. Imported by ctr itself (--local): through the transfer service it costs twice the processor time.
    printf '%s\n' "$lacking" | xargs -P 2 -I '{}' ctr --namespace k8s.io images import --local \
        --label io.cri-containerd.pinned=pinned "$bits/images/{}" >/dev/null
    lacking=$(missing "$@")
    [ -z "$lacking" ] || { echo "these archives do not hold what the bits say:" $lacking >&2; exit 1; }
    ;;
esac
