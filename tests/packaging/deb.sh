#!/usr/bin/env bash
# The Debian package, made of a binary and tried: tests/packaging/deb.sh BINARY FOLDER
#
# It is installed into a root of its own, its unit is checked, what the unit runs is run there as the unit
# says (an ordinary user with one capability, port 53), and it is removed again without a trace. Mounts and
# network are private; nothing of the machine changes. What the machine forbids is printed as SKIPPED.
set -euo pipefail
repository=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/packaging/shared.sh
. "$repository/tests/packaging/shared.sh"

binary=$1 folder=$2
if [ "${3:-}" != inside ]; then
  deb=$("$repository/packaging/deb.sh" "$binary" --fast | tail -n 1)
  mv "$deb" "$folder/dullahan.deb"
  # The deb's own folder is full of files as large as the binary.
  rm -rf "$repository/target/packaging"
  apart "$0" "$binary" "$folder" inside
fi

deb=$folder/dullahan.deb root=$folder/root

# What dpkg needs of a system, and what Debian's own scripts need of it.
mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates" "$root/etc" "$root/usr/bin"
touch "$root/var/lib/dpkg/status" "$root/var/lib/dpkg/available"
# All files, and what is called after the program; Debian's own scripts leave empty folders of theirs.
files() { (cd "$root" && find . -path ./var/lib/dpkg -prune -o \( ! -type d -o -name '*dullahan*' \) -print | sort); }
dpkg_root() {
  dpkg --root="$root" --log=/dev/null --force-script-chrootless --force-depends --force-not-root "$@" \
    >>"$folder/dpkg.log" 2>&1 || { cat "$folder/dpkg.log"; fail "dpkg $*"; }
}

before=$(files)
dpkg_root --install "$deb"
for file in usr/bin/dullahan etc/dullahan/config.yaml usr/lib/systemd/system/dullahan.service \
  usr/share/man/man1/dullahan.1.gz usr/share/man/man1/dullahan-serve.1.gz \
  usr/share/bash-completion/completions/dullahan usr/share/zsh/vendor-completions/_dullahan \
  usr/share/fish/vendor_completions.d/dullahan.fish usr/share/doc/dullahan/copyright \
  usr/share/doc/dullahan/README.md usr/share/doc/dullahan/changelog.gz \
  usr/share/doc/dullahan/examples/web.yaml; do
  [ -s "$root/$file" ] || fail "$file is not in the package"
done
equal "conffiles" "$(dpkg-deb --info "$deb" conffiles)" /etc/dullahan/config.yaml
installed=$("$root/usr/bin/dullahan" --version)
equal "version" "$installed" "dullahan $(dpkg-deb --field "$deb" Version | sed 's/-1$//')"
pass "it is installed"

unit=$root/usr/lib/systemd/system/dullahan.service
mkdir "$folder/unit"
sed "s|/usr/bin/dullahan|$root&|" "$unit" >"$folder/unit/dullahan.service"
systemd-analyze verify --man=no "$folder/unit/dullahan.service" >"$folder/verify.log" 2>&1 || true
# It also speaks of other units of the machine.
if grep dullahan "$folder/verify.log"; then fail "systemd-analyze verify"; fi
# From 0 to 100 in tenths: what is left is the network, and a port below 1024.
systemd-analyze security --offline=yes --threshold=20 --no-pager "$folder/unit/dullahan.service" \
  >"$folder/security.log" || { cat "$folder/security.log"; fail "systemd-analyze security"; }
pass "the unit is right, and exposes little"

# What the unit starts, as an ordinary user (as far as a user namespace has one).
command=$(sed -n 's/^ExecStart=//p' "$unit" | sed "s|/usr/|$root&|; s|/etc/|$root&|")
state=$root/var/lib/dullahan
mkdir -p "$state"
user=()
if [ "$(awk '{print $3; exit}' /proc/self/uid_map)" -gt 65534 ]; then
  chown 65534:65534 "$state"
  user=(--reuid=65534 --regid=65534 --clear-groups)
fi
chmod 0700 "$state"
# with CAPABILITIES COMMAND...: these, and no others. In place of the shell, so that signals reach the command.
with() {
  local capabilities=$1
  shift
  exec env XDG_STATE_HOME="$root/var/lib" setpriv "${user[@]}" --bounding-set="$capabilities" \
    --inh-caps="$capabilities" --ambient-caps="$capabilities" "$@"
}
capability=$(sed -n 's/^AmbientCapabilities=CAP_//p' "$unit" | tr '[:upper:]' '[:lower:]')
ask() { dig @127.0.0.1 -p 53 +short +tries=1 A ns.dns.cluster.local; }

outcome=0
# shellcheck disable=SC2086 # the words of the command, here and below
(with -all timeout 60 $command >"$folder/refused.log" 2>&1) || outcome=$?
equal "exit code without the capability" "$outcome" 1
grep -q ':53' "$folder/refused.log" || { cat "$folder/refused.log"; fail "nothing is said of port 53"; }
# shellcheck disable=SC2086
start "$folder" with "-all,+$capability" $command
equal "answer" "$(ask)" 127.0.0.1
equal "kubeconfigs that only the user reads" "$(find "$state" -name kubeconfig -perm 600 | wc -l)" 1
kill -"$(sed -n 's|^ExecReload=/bin/kill -\([A-Z]*\) .*|\1|p' "$unit")" "$server"
equal "answer after a reload" "$(ask)" 127.0.0.1
stop
pass "the service runs on port 53, reloads and stops"

if [ "$(id -u)" -eq 0 ] && command -v lintian >/dev/null; then
  lintian --allow-root --fail-on error "$deb" >"$folder/lintian.log" 2>&1 || { cat "$folder/lintian.log"; fail "lintian"; }
  pass "lintian has no error"
else
  skip "lintian is not installed (apt-get install lintian)"
fi

echo "# of mine" >>"$root/etc/dullahan/config.yaml"
dpkg_root --remove dullahan
[ -e "$root/etc/dullahan/config.yaml" ] || fail "the configuration did not stay until the purge"
[ ! -e "$root/usr/bin/dullahan" ] || fail "the binary is still there"
dpkg_root --purge dullahan
equal "files after the purge" "$(files)" "$before"
pass "it is removed without a trace"
