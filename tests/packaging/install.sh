#!/usr/bin/env bash
# cargo install, tried: tests/packaging/install.sh FOLDER
#
# With the flags of packaging/static.sh and its profile dev, so that what that has built is not built again.
set -euo pipefail
repository=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/packaging/shared.sh
. "$repository/tests/packaging/shared.sh"

folder=$1
cd "$repository"
RUSTFLAGS="-C target-feature=+crt-static" cargo install --quiet --offline --locked --debug --path . \
  --target "$(rustc -vV | sed -n 's/^host: //p')" --root "$folder"
equal "installed programs" "$(ls "$folder/bin")" dullahan
"$folder/bin/dullahan" --version
cargo uninstall --quiet --root "$folder" dullahan
equal "programs after uninstall" "$(ls "$folder/bin")" ""
pass "cargo install installs the program alone"
