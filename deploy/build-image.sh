#!/usr/bin/env bash
# Builds the container image, the same bytes from the same commit wherever it runs.
#
#   deploy/build-image.sh binaries [ARCH...]   static binaries and the rest of the image's context, into target/image
#   deploy/build-image.sh image [ARCH...]      the image from them, into the OCI layout target/image/oci
#
# ARCH is amd64 or arm64; both without one. DOORKEEPER_IMAGE chooses another folder than target/image. `binaries` wants rustup, cargo-zigbuild and zig, which is the C compiler for every
# platform (pip install -r deploy/build-requirements.txt); `image` wants buildah.
set -euo pipefail
cd "$(dirname "$0")/.."

context=${DOORKEEPER_IMAGE:-target/image}
step=${1:-}
shift || true
architectures=("${@:-amd64}")
[ "$#" -gt 0 ] || architectures=(amd64 arm64)

# When the commit was made, so that no clock gets into what is built; outside of git, the epoch.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
DOORKEEPER_REVISION=${DOORKEEPER_REVISION:-$(git describe --always --abbrev=12 --dirty --exclude='*' 2>/dev/null || echo unknown)}
DOORKEEPER_RUSTC=$(rustc --version | cut -d ' ' -f 2)
export SOURCE_DATE_EPOCH DOORKEEPER_REVISION DOORKEEPER_RUSTC

target_of() {
    case "$1" in
        amd64) echo x86_64-unknown-linux-musl ;;
        arm64) echo aarch64-unknown-linux-musl ;;
        *) echo "build-image.sh: '$1' is not an architecture: use amd64 or arm64" >&2; return 2 ;;
    esac
}

# The architecture that a program is for, by the field e_machine of its ELF header.
machine_of() {
    case "$(od -An -tx1 -N 20 "$1" | tr -d ' \n')" in
        7f454c460201*3e00) echo amd64 ;;
        7f454c460201*b700) echo arm64 ;;
    esac
}

binaries() {
    command -v cargo-zigbuild >/dev/null || {
        echo "build-image.sh: cargo-zigbuild is missing: pip install -r deploy/build-requirements.txt" >&2
        exit 1
    }
    # Where the sources and the compiler lie on this machine stays out of the binary.
    local cargo_home=${CARGO_HOME:-$HOME/.cargo}
    export RUSTFLAGS="--remap-path-prefix=$PWD=/src/doorkeeper --remap-path-prefix=$cargo_home=/src/cargo"
    export CARGO_PROFILE_RELEASE_STRIP=symbols
    mkdir -p "$context"
    cp LICENSE NOTICE "$context"
    local architecture target
    for architecture in "${architectures[@]}"; do
        target=$(target_of "$architecture")
        rustup target add "$target"
        cargo zigbuild --locked --release --bin doorkeeper --target "$target"
        install -D -m 0555 "target/$target/release/doorkeeper" "$context/$architecture/doorkeeper"
    done
}

image() {
    local version name architecture layout=$context/oci
    for architecture in "${architectures[@]}"; do
        [ -x "$context/$architecture/doorkeeper" ] || {
            echo "build-image.sh: $context/$architecture/doorkeeper is missing: '$0 binaries $architecture' makes it" >&2
            exit 1
        }
        [ "$(machine_of "$context/$architecture/doorkeeper")" = "$architecture" ] || {
            echo "build-image.sh: $context/$architecture/doorkeeper is no program for linux/$architecture:" \
                "'$0 binaries $architecture' makes one" >&2
            exit 1
        }
    done
    version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
    name=localhost/doorkeeper:$version
    # A storage of its own: nothing of other builds gets in, and nothing is left behind.
    local storage
    storage=$(mktemp -d)
    # shellcheck disable=SC2064 # The name is local: it is gone when the trap runs.
    trap "rm -rf '$storage'" EXIT
    local buildah=(buildah --storage-driver vfs --root "$storage/root" --runroot "$storage/run")
    # A list even of a single platform: whoever pulls it asks by platform. One after another and always in this order, for
    # buildah puts several at once into the list as they come.
    for architecture in $(printf '%s\n' "${architectures[@]}" | sort -u); do
        "${buildah[@]}" bud --isolation chroot --platform "linux/$architecture" \
            --timestamp "$SOURCE_DATE_EPOCH" --identity-label=false \
            --build-arg "VERSION=$version" --build-arg "REVISION=$DOORKEEPER_REVISION" \
            --build-arg "CREATED=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)" \
            --manifest "$name" --target prebuilt -f deploy/Containerfile "$context"
    done
    rm -rf "$layout"
    "${buildah[@]}" manifest push --all "$name" "oci:$layout:$version"
    echo "$layout: $(grep -o 'sha256:[0-9a-f]*' "$layout/index.json")"
}

case "$step" in
    binaries | image) "$step" ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
