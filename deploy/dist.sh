#!/usr/bin/env bash
# Makes what a release consists of, into target/dist, the same bytes from the same commit wherever it runs: for each platform an
# archive, a .deb and a .rpm around the static binary that is in the image as well; an SBOM; the checksums.
#
#   deploy/dist.sh tools              what it needs, into target/dist-tools, where it is not on the PATH already
#   deploy/dist.sh binaries [ARCH...] the static binaries (deploy/build-image.sh binaries)
#   deploy/dist.sh packages [ARCH...] everything else, from those
#
# ARCH is amd64 or arm64; both without one. DOORKEEPER_DIST chooses another folder than target/dist.
set -euo pipefail
cd "$(dirname "$0")/.."

step=${1:-}
shift || true
architectures=("${@:-amd64}")
[ "$#" -gt 0 ] || architectures=(amd64 arm64)

dist=$(realpath -m "${DOORKEEPER_DIST:-target/dist}")
# What is generated; Cargo.toml names it for the packages.
share=target/dist-share
packagers=(cargo-deb@3.8.0 cargo-generate-rpm@0.21.1 cargo-cyclonedx@0.5.9)
PATH=$PWD/target/dist-tools/bin:$PATH

# When the commit was made, so that no clock gets into what is built; outside of git, the epoch.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)

say() { printf '== %s\n' "$*"; }
die() { echo "dist.sh: $*" >&2; exit 1; }

target_of() {
    case "$1" in
        amd64) echo x86_64-unknown-linux-musl ;;
        arm64) echo aarch64-unknown-linux-musl ;;
        *) echo "dist.sh: '$1' is not an architecture: use amd64 or arm64" >&2; return 2 ;;
    esac
}

tools() {
    if ! command -v cargo-zigbuild >/dev/null; then
        say "cargo-zigbuild and zig, from PyPI"
        python3 -m venv target/dist-tools
        target/dist-tools/bin/pip install --quiet -r deploy/build-requirements.txt
    fi
    local packager
    for packager in "${packagers[@]}"; do
        if ! command -v "${packager%@*}" >/dev/null; then
            say "$packager"
            cargo install --quiet --locked --root target/dist-tools --target-dir target/dist-tools/build "$packager"
        fi
    done
    rm -rf target/dist-tools/build
}

# Man pages and completions, by a build of this commit that runs here: they are the same on every platform.
generated() {
    say "man pages and completions"
    # Without the variable, as the tests are built: with another value of it C is compiled once more.
    env -u SOURCE_DATE_EPOCH cargo build --locked --quiet --bin doorkeeper
    local doorkeeper=target/debug/doorkeeper
    rm -rf "$share"
    mkdir -p "$share/completions"
    # Variables that give options their values here belong into no page.
    env -u DOORKEEPER_CONFIG "$doorkeeper" man --directory "$share/man/man1"
    "$doorkeeper" completions bash >"$share/completions/doorkeeper.bash"
    "$doorkeeper" completions zsh >"$share/completions/_doorkeeper"
    "$doorkeeper" completions fish >"$share/completions/doorkeeper.fish"
}

# For hosts without a package manager of either kind: one folder, named as the archive.
archive() {
    local name=doorkeeper-$version-linux-$1 root
    root=$dist/$name
    install -D -m 0755 "target/image/$1/doorkeeper" "$root/doorkeeper"
    install -m 0644 LICENSE NOTICE README.md CHANGELOG.md deploy/doorkeeper.yaml deploy/gateway.yaml deploy/acls.yaml \
        deploy/systemd/doorkeeper.service deploy/systemd/doorkeeper.sysusers "$root"
    install -d -m 0755 "$root/completions" "$root/man/man1"
    install -m 0644 "$share"/completions/* "$root/completions"
    install -m 0644 "$share"/man/man1/* "$root/man/man1"
    chmod 0755 "$root" "$root/man"
    tar --create --directory "$dist" --sort=name --format=gnu --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner "$name" |
        gzip --best --no-name >"$root.tar.gz"
    rm -rf "$root"
}

packages() {
    local packager architecture target
    for packager in "${packagers[@]}"; do
        command -v "${packager%@*}" >/dev/null || die "${packager%@*} is missing: '$0 tools' installs it"
    done
    for architecture in "${architectures[@]}"; do
        target=$(target_of "$architecture")
        [ -x "target/image/$architecture/doorkeeper" ] ||
            die "target/image/$architecture/doorkeeper is missing: '$0 binaries $architecture' makes it"
    done
    generated
    rm -rf "$dist"
    mkdir -p "$dist"
    for architecture in "${architectures[@]}"; do
        say "archive and packages for $architecture"
        target=$(target_of "$architecture")
        archive "$architecture"
        # The packagers look for the binary where cargo would have left it.
        install -D -m 0755 "target/image/$architecture/doorkeeper" "target/$target/release/doorkeeper"
        cargo deb --locked --quiet --no-build --no-strip --target "$target" --output "$dist/"
        cargo generate-rpm --target "$target" --output "$dist/"
    done
    say "SBOM"
    sbom
    (cd "$dist" && sha256sum -- *.tar.gz *.deb *.rpm *.json >SHA256SUMS && cat SHA256SUMS)
}

# The crates that are linked into the binary, and where they come from; not where they lie on this machine.
sbom() {
    local name=doorkeeper-$version.cdx
    cargo cyclonedx --quiet --format json --spec-version 1.5 --target x86_64-unknown-linux-musl --override-filename "$name"
    sed "s|path+file://$PWD|path+file:///src/doorkeeper|g" "$name.json" >"$dist/$name.json"
    rm "$name.json"
}

case "$step" in
    tools | packages) "$step" ;;
    binaries) deploy/build-image.sh binaries "${architectures[@]}" ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
