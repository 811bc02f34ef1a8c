#!/usr/bin/env bash
# Writes where this repository and its image are published into what names that: Cargo.toml, and so the packages; the charts.
#
#   deploy/published-at.sh https://github.com/OWNER/REPOSITORY ghcr.io/OWNER
#
# The release workflow does this for the repository that it runs in, so that a fork's packages do not point to somebody else.
set -euo pipefail
cd "${DOORKEEPER_SOURCES:-$(dirname "$0")/..}"

url=${1:-}
registry=${2:-}
case "$url $registry" in
    https://?*' '?*) ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
for text in "$url" "$registry"; do
    case "$text" in *[!A-Za-z0-9:/._-]*) echo "published-at.sh: '$text' is no address" >&2; exit 2 ;; esac
done
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)

# What was written before goes.
sed -i -e '/^\(homepage\|repository\) = /d' \
    -e "s|^license = .*|&\nhomepage = \"$url\"\nrepository = \"$url\"|" Cargo.toml
for chart in helm/doorkeeper helm/doorkeeper-lib; do
    sed -i -e '/^\(home\|icon\|sources\): /d' \
        -e "s|^keywords: .*|&\nhome: $url\nsources: [\"$url\"]\nicon: $url/raw/v$version/helm/icon.svg|" "$chart/Chart.yaml"
done
sed -i "s|^\(  repository: \).*|\1\"$registry/doorkeeper\"|" helm/doorkeeper/values.yaml
