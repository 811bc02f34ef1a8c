#!/usr/bin/env bash
# Makes an authority, a certificate for `localhost`, and one for each of admin, alice and bob. For playing: the keys are
# readable by everybody on this machine, and so by the user of the containers.
#
#   deploy/compose/certificates.sh [FOLDER]     into FOLDER/tls and FOLDER/clients; the folder `doorkeeper` beside this without one
set -euo pipefail
folder=${1:-$(dirname "$0")/doorkeeper}
mkdir -p "$folder/tls" "$folder/clients"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

key() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1"; }

# What key and issuer say: a certificate FILE.crt and a key FILE.key for the common name.
issue() {
    local file=$1 name=$2 extensions=$3
    key "$file.key"
    openssl req -new -key "$file.key" -subj "/CN=$name" -out "$work/request"
    openssl x509 -req -in "$work/request" -CA "$work/ca.crt" -CAkey "$work/ca.key" -CAcreateserial -days 365 \
        -extfile <(printf '%s\n' "$extensions") -out "$file.crt" 2>"$work/said" || { cat "$work/said" >&2; exit 1; }
    chmod 0644 "$file.crt" "$file.key"
}

key "$work/ca.key"
openssl req -x509 -new -key "$work/ca.key" -subj '/CN=A laptop' -days 365 -addext 'keyUsage=critical,keyCertSign' \
    -out "$work/ca.crt"
issue "$folder/tls/tls" localhost $'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth'
for name in admin alice bob; do
    issue "$folder/clients/$name" "$name" 'extendedKeyUsage=clientAuth'
done
for to in tls clients; do
    install -m 0644 "$work/ca.crt" "$folder/$to/ca.crt"
done
echo "certificates for localhost, admin, alice and bob are in $folder"
