#!/usr/bin/env bash
# Makes the Debian package: packaging/deb.sh [BINARY [FLAG]...]; the last line is its path.
#
# Without BINARY the release build is made and packaged. FLAGs go to cargo deb (cargo install cargo-deb),
# which takes everything else from [package.metadata.deb] in Cargo.toml. Man pages and completions are
# printed by the binary itself. With SOURCE_DATE_EPOCH the package is the same each time.
set -euo pipefail
cd "$(dirname "$0")/.."

binary=${1:-}
[ $# -eq 0 ] || shift
if [ -z "$binary" ]; then
  cargo build --release --locked
  binary=${CARGO_TARGET_DIR:-target}/release/dullahan
fi

# cargo-deb looks for the binary in the release folder of a target directory: it gets one of its own.
made=target/packaging
rm -rf "$made"
mkdir -p "$made/release" "$made/completions"
cp "$binary" "$made/release/dullahan"
"$binary" man --out "$made/man"
for shell in bash zsh fish; do
  "$binary" completions "$shell" >"$made/completions/$shell"
done

version=$(sed -n '/^\[package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
maintainer=$(sed -n '/^\[package.metadata.deb\]/,/^\[/s/^maintainer = "\(.*\)"/\1/p' Cargo.toml)
cat >"$made/changelog" <<CHANGELOG
dullahan ($version-1) unstable; urgency=medium

  * Version $version; what has changed is in CHANGELOG.md.

 -- $maintainer  $(date -R -u -d "@${SOURCE_DATE_EPOCH:-$(date +%s)}")
CHANGELOG

CARGO_TARGET_DIR=$made cargo deb --quiet --locked --no-build "$@"
