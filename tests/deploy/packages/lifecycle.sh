# Installs, upgrades and removes the package FILE of the KIND deb or rpm on this machine; tests/deploy/packages.rs runs it in a copy.
#
#   lifecycle.sh KIND FILE NEWER
kind=$1 file=$2 newer=$3
say() { printf '%s: %s\n' "$1" "$2"; }

case "$kind" in
    deb)
        install() { dpkg --install "$1"; }
        remove() { dpkg --remove doorkeeper; }
        ;;
    rpm)
        # Debian's rpm has an empty list of packages, and would rather not be used.
        options=(--nodeps)
        [ ! -e /etc/debian_version ] || options+=(--force-debian)
        install() { rpm --upgrade --verbose "${options[@]}" "$1"; }
        remove() { rpm --erase "${options[@]}" doorkeeper; }
        ;;
esac
permissions() { for path in "$@"; do say "$path" "$(stat --format '%A %U:%G' "$path")"; done; }
as() { setpriv --reuid "$1" --regid "$(id --group "$1")" --clear-groups "${@:2}"; }

! getent passwd doorkeeper || userdel doorkeeper
install "$file" >&2
say user "$(getent passwd doorkeeper | cut -d : -f 1,7)"
permissions /usr/bin/doorkeeper /etc/doorkeeper /etc/doorkeeper/tls /etc/doorkeeper/doorkeeper.yaml /etc/doorkeeper/acls.yaml
say version "$(cd / && doorkeeper version | cut -d ' ' -f 1-2)"
say unit "$(ls /usr/lib/systemd/system/doorkeeper.service /lib/systemd/system/doorkeeper.service 2>/dev/null | head -1 | xargs basename)"
say enabled "$(find /etc/systemd/system -name doorkeeper.service | wc -l)"
say page "$(man --where doorkeeper-acls-explain | xargs basename)"
say own "$(as doorkeeper cat /etc/doorkeeper/acls.yaml | tail -1)"
say nobody "$(as nobody cat /etc/doorkeeper/acls.yaml 2>&1 | sed 's/.*: //' || true)"

# The administrator's own.
echo '# mine' >>/etc/doorkeeper/acls.yaml
echo key >/etc/doorkeeper/tls/tls.key
install "$newer" >&2
say upgraded "$(tail -1 /etc/doorkeeper/acls.yaml)"
permissions /etc/doorkeeper /etc/doorkeeper/tls

remove >&2
say binary "$(command -v doorkeeper || echo gone)"
say key "$(cat /etc/doorkeeper/tls/tls.key)"
say kept "$(cat /etc/doorkeeper/acls.yaml* | grep -c mine)"
say user "$(getent passwd doorkeeper | cut -d : -f 1)"
if [ "$kind" = deb ]; then
    dpkg --purge doorkeeper >&2
    say purged "$(cd /etc/doorkeeper && echo *)"
fi
