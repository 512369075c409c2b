#!/usr/bin/env bash
# Makes a binary that needs no file but itself: packaging/static.sh [PROFILE]; the last line is its path.
#
# PROFILE is release unless another is given. It is linked with glibc's static library (Debian's libc6-dev
# has it). The target is named although it is the machine's own: then RUSTFLAGS are for it alone and not for
# the procedural macros, which the compiler has to load. No host name is ever looked up by way of glibc,
# which could not do so without its shared parts: addresses are given as addresses, and names are asked of
# upstreams.
set -euo pipefail
cd "$(dirname "$0")/.."

profile=${1:-release}
target=${DULLAHAN_TARGET:-$(rustc -vV | sed -n 's/^host: //p')}
RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=+crt-static" \
  cargo build --locked --bin dullahan --profile "$profile" --target "$target" >&2
folder=${profile/#dev/debug}
echo "${CARGO_TARGET_DIR:-target}/$target/$folder/dullahan"
