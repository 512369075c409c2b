# What the scripts of this folder share; sourced by them.

pass() { echo "ok: $1"; }
fail() { echo "FAILED: $1" >&2; exit 1; }
skip() { echo "SKIPPED: $(basename "$0"): $1" >&2; }
# equal WHAT IS SHOULD
equal() { [ "$2" = "$3" ] || fail "$1: $(printf '%q instead of %q' "$2" "$3")"; }

# Runs a command in place of this script, where mounts and network are its own: as root, or as root of a
# user namespace. Ends well if the machine allows neither.
apart() {
  local flags=(--mount --net --pid --fork --kill-child)
  [ "$(id -u)" -eq 0 ] || flags+=(--user --map-root-user)
  if ! unshare "${flags[@]}" true 2>/dev/null; then
    skip "this machine allows no namespaces (unshare ${flags[*]})"
    exit 0
  fi
  # A server of the machine that is told of a new unit is not meant: what runs is in /run.
  exec unshare "${flags[@]}" sh -c 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"' sh "$@"
}

# start FOLDER COMMAND...: runs a server, as process $server, until it says where its DNS is.
start() {
  local folder=$1 line=
  shift
  mkfifo "$folder/said"
  "$@" >"$folder/said" 2>"$folder/server.log" &
  server=$!
  exec 3<"$folder/said"
  rm "$folder/said"
  until [[ $line == "DNS on "* ]]; do
    read -r -t 60 line <&3 || { cat "$folder/server.log"; fail "no server came of: $*"; }
  done
  # Read on, or it waits for its reader once the pipe is full.
  cat <&3 >/dev/null &
}

# Asks the server to end, and requires that it does so well.
stop() {
  local outcome=0
  kill -TERM "$server"
  wait "$server" || outcome=$?
  equal "exit code after SIGTERM" "$outcome" 0
}
