#!/usr/bin/env bash
# What somebody does who meets the program: install it, the quick start, wrong input, a second server, a
# kill, and remove everything again. Run in a network namespace of its own, from anywhere:
#   new-user.sh CHECKOUT TARGET_FOLDER
# The last line is "N passed, N failed".
set -uo pipefail
checkout=$1 export_target=$2
home=$(mktemp -d)
passed=0 failed=0 pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null; done
  rm -rf "$home"
}
trap cleanup EXIT
cargo_home=${CARGO_HOME:-$HOME/.cargo} rustup_home=${RUSTUP_HOME:-$HOME/.rustup}
export HOME=$home CARGO_HOME=$cargo_home RUSTUP_HOME=$rustup_home CARGO_TARGET_DIR=$export_target
unset XDG_STATE_HOME XDG_CONFIG_HOME KUBECONFIG
cp -r "$checkout/examples" "$home/examples"
cd "$home"

pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "FAILED: $*"; }
# says PATTERN COMMAND...: its output has a line that matches.
says() {
  local pattern=$1 output
  shift
  output=$("$@" 2>&1)
  if grep -Eq -- "$pattern" <<<"$output"; then pass; else fail "$* does not say /$pattern/ but: $output"; fi
}
# exits CODE COMMAND...
exits() {
  local wanted=$1 code=0
  shift
  "$@" >last 2>&1 || code=$?
  if [ "$code" -eq "$wanted" ]; then pass; else fail "$* exits with $code, not $wanted: $(cat last)"; fi
}
# until_says PATTERN COMMAND...: within a while.
until_says() {
  local pattern=$1 end=$((SECONDS + 60)) output
  shift
  while :; do
    output=$("$@" 2>&1)
    if grep -Eq -- "$pattern" <<<"$output"; then pass; return; fi
    if [ "$SECONDS" -ge "$end" ]; then fail "$* does not come to say /$pattern/ but: $output"; return; fi
    read -rt 0.1 <> <(:)
  done
}
ask() { dig +short +time=1 +tries=1 @127.0.0.1 -p "$1" "${@:2}"; }
untouched() { cmp -s "$1" "$2" && pass || fail "$1 has changed"; }

# --- install ---
exits 0 cargo install --quiet --debug --locked --offline --path "$checkout" --root "$home/usr"
export PATH=$home/usr/bin:$PATH
says '^dullahan [0-9]' dullahan --version
says 'serve' dullahan help

# --- quick start ---
dullahan serve -f examples/web.yaml >serve.log 2>&1 & pids+=($!)
until_says '2 of 2 pods Ready' cat serve.log
says '^10\.244\.' ask 1053 web-0.nginx.default.svc.cluster.local
says 'web-1\.nginx' ask 1053 SRV nginx.default.svc.cluster.local
says 'EDE' dig @127.0.0.1 -p 1053 web-7.nginx.default.svc.cluster.local
kubeconfig=$home/.local/state/dullahan/default/kubeconfig
says "KUBECONFIG=$kubeconfig" cat serve.log
says 'web-0 +1/1 +Running' kubectl --kubeconfig "$kubeconfig" get pods
exits 0 kubectl --kubeconfig "$kubeconfig" scale sts web --replicas=3
until_says '^10\.244\.' ask 1053 web-2.nginx.default.svc.cluster.local
exits 0 kubectl --kubeconfig "$kubeconfig" rollout status sts web --timeout=60s
sed -i 's/replicas: 2/replicas: 1/' examples/web.yaml
until_says '1 of 1 pods Ready' cat serve.log
says '^$' ask 1053 web-1.nginx.default.svc.cluster.local

# --- wrong input: nothing of what runs is disturbed ---
sed 's/replicas: 1/replicas: one/' examples/web.yaml >wrong.yaml
says 'wrong.yaml:[0-9]+: .*replicas' dullahan check -f wrong.yaml
exits 1 dullahan check -f wrong.yaml
exits 1 dullahan serve --name wrong -f wrong.yaml --dns-listen 127.0.0.1:0 --api-listen 127.0.0.1:0
exits 1 dullahan serve --name wrong -f missing.yaml --dns-listen 127.0.0.1:0 --api-listen 127.0.0.1:0
says 'missing.yaml' cat last
mkdir empty
exits 1 dullahan check -f empty
says 'empty' cat last
exits 2 dullahan serve --dns-port 53
says 'dns-listen' cat last
exits 2 dullahan serve --dns-listen 127.0.0.1
says '127\.0\.0\.1:1053' cat last
exits 2 dullahan sreve
says 'serve' cat last
printf 'apiVersion: v1\nkind: Service\nmetadata: {name: {{ .Release.Name }}}\n' >chart.yaml
exits 1 dullahan check -f chart.yaml
says '[Hh]elm' cat last
cp "$kubeconfig" kubeconfig.before
exits 1 dullahan serve -f examples/web.yaml --dns-listen 127.0.0.1:2053 --api-listen 127.0.0.1:8443
says "${pids[0]}" cat last
exits 1 dullahan serve --name second --dns-listen 127.0.0.1:1053 --api-listen 127.0.0.1:8443
says '127\.0\.0\.1:1053' cat last
untouched "$kubeconfig" kubeconfig.before

# --- a second server, killed and started again ---
second() { dullahan serve --name second -f examples/headless.yaml --dns-listen 127.0.0.1:2053 --api-listen 127.0.0.1:8443 >"$1" 2>&1 & pids[1]=$!; }
second second.log
until_says '^10\.' ask 2053 myapp.default.svc.cluster.local
says '^default +.*127\.0\.0\.1:1053' dullahan list
says '^second +.*127\.0\.0\.1:2053' dullahan list
says 'myapp' kubectl --kubeconfig "$home/.local/state/dullahan/second/kubeconfig" get services
cp "$home/.local/state/dullahan/second/kubeconfig" second.before
kill -9 "${pids[1]}" && wait "${pids[1]}" 2>/dev/null
says '^10\.244\.' ask 1053 web-0.nginx.default.svc.cluster.local
says 'web-0 +1/1 +Running' kubectl --kubeconfig "$kubeconfig" get pods
second again.log
until_says '^10\.' ask 2053 myapp.default.svc.cluster.local
says 'myapp' kubectl --kubeconfig second.before get services
untouched "$kubeconfig" kubeconfig.before

# --- into the user's kubeconfig and out of it ---
mkdir -p .kube && printf 'apiVersion: v1\nkind: Config\nclusters:\n- name: work\n  cluster: {server: https://work.example:6443}\n' >.kube/config
exits 0 dullahan kubeconfig --merge
says 'web-0' kubectl --context dullahan get pods
says 'work.example' cat .kube/config

# --- stop, and remove everything ---
for pid in "${pids[@]}"; do
  kill -TERM "$pid"
  exits 0 wait "$pid"
done
pids=()
says 'refused|timed out' ask 1053 web-0.nginx.default.svc.cluster.local
exits 0 cargo uninstall --quiet --root "$home/usr" dullahan
[ -e usr/bin/dullahan ] && fail "the program is still there" || pass
left=$(find "$home" -newer "$home/examples/book.yaml" -path '*dullahan*' -prune ! -path "$home/.local/state/dullahan" ! -path "$home/usr/*" -print)
[ -z "$left" ] && pass || fail "something is left beside the state folder: $left"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
