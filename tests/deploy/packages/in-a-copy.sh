#!/usr/bin/env bash
# Runs a script as root on what looks like this machine and is not: an overlay that is gone afterwards.
#
#   in-a-copy.sh SCRIPT [ARGUMENT...]
set -euo pipefail
exec unshare --mount --propagation private --fork bash -euc '
    work=$(mktemp -d)
    trap "umount --lazy \"$work\"; rmdir \"$work\"" EXIT
    mount -t tmpfs copy "$work"
    mkdir "$work/upper" "$work/work" "$work/root"
    mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" "$work/root"
    mount --bind /dev "$work/root/dev"
    mount -t proc proc "$work/root/proc"
    chroot "$work/root" bash -euo pipefail "$@"
' bash "$@"
