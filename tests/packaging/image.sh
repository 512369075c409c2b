#!/usr/bin/env bash
# The static binary and the container image of it, tried: tests/packaging/image.sh BINARY FOLDER
#
# The image's parts are held against their digests, programs that read images read it, and its root, in
# which there is nothing else, runs it as the image says: as its user, with its command.
set -euo pipefail
repository=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/packaging/shared.sh
. "$repository/tests/packaging/shared.sh"

binary=$1 folder=$2
image=$folder/image.tar layout=$folder/layout root=$folder/root
blob() { echo "$layout/blobs/sha256/${1#sha256:}"; }

if [ "${3:-}" != inside ]; then
  # ldd ends badly where there is nothing to list.
  linked=$(ldd "$binary" 2>&1) || true
  [[ $linked == *"statically linked"* || $linked == *"not a dynamic executable"* ]] || fail "not static: $linked"
  pass "the binary is static"

  "$repository/packaging/image.sh" "$binary" "$image" >/dev/null
  "$repository/packaging/image.sh" "$binary" "$folder/again.tar" >/dev/null
  cmp "$image" "$folder/again.tar" || fail "the same binary makes another image"
  rm "$folder/again.tar"
  mkdir "$layout" "$root"
  tar -xf "$image" -C "$layout"
  (cd "$layout/blobs/sha256" && for file in *; do echo "$file  $file"; done | sha256sum --check --quiet) ||
    fail "a digest is wrong"
  manifest=$(blob "$(jq -re '.manifests[0].digest' "$layout/index.json")")
  config=$(blob "$(jq -re .config.digest "$manifest")")
  layer=$(jq -re '.layers[0].digest' "$manifest")
  equal "size of the layer" "$(jq -r '.layers[0].size' "$manifest")" "$(stat -c %s "$(blob "$layer")")"
  equal "layer in the configuration" "$(jq -r '.rootfs.diff_ids[]' "$config")" "$layer"
  equal "Docker's manifest" "$(jq -r '.[0] | .Config, .Layers[]' "$layout/manifest.json")" \
    "$(printf '%s\n' "${config#"$layout/"}" "blobs/sha256/${layer#sha256:}")"
  pass "the image is whole, and the same each time"

  n_readers=0
  if command -v skopeo >/dev/null; then
    skopeo inspect "docker-archive:$image" >/dev/null && skopeo inspect "oci-archive:$image" >/dev/null ||
      fail "skopeo cannot read the image"
    n_readers=$((n_readers + 1))
  fi
  for engine in docker podman; do
    # Only where it can be reached; the image is taken away again.
    if command -v "$engine" >/dev/null && "$engine" info >/dev/null 2>&1; then
      loaded=$("$engine" load --input "$image" | sed -n 's/^Loaded image[^:]*: *//p')
      equal "version in $engine" "$("$engine" run --rm --network none "$loaded" --version)" "$("$binary" --version)"
      "$engine" image rm "$loaded" >/dev/null
      n_readers=$((n_readers + 1))
    fi
  done
  if [ "$n_readers" -gt 0 ]; then
    pass "$n_readers of skopeo, docker and podman read it"
  else
    skip "neither skopeo nor a running docker or podman reads the image (apt-get install skopeo)"
  fi
  tar -xf "$(blob "$layer")" -C "$root"
  cp "$config" "$folder/config.json"
  apart "$0" "$binary" "$folder" inside
fi

equal "files" "$(cd "$root" && find . | sort | tr '\n' ' ')" \
  ". ./LICENSE ./dullahan ./var ./var/lib ./var/lib/dullahan "
config=$folder/config.json
user=$(jq -r .config.User "$config")
mapfile -t words < <(jq -r '.config.Env[], (.config | .Entrypoint[], .Cmd[])' "$config")
# The image's user where there is one: root in a user namespace has only itself.
enter=(chroot)
if [ "$(awk '{print $3; exit}' /proc/self/uid_map)" -gt 65534 ]; then
  equal "owner of the state" "$(stat -c %u:%g "$root/var/lib/dullahan")" "$user"
  enter+=("--userspec=$user" --groups=)
fi
equal "version" "$("${enter[@]}" "$root" /dullahan --version)" "$("$binary" --version)"
start "$folder" env -i "${words[0]}" "$(command -v "${enter[0]}")" "${enter[@]:1}" "$root" "${words[@]:1}"
equal "answer" "$(dig @127.0.0.1 -p 1053 +short +tries=1 A kubernetes.default.svc.cluster.local)" 10.96.0.1
[ -n "$(find "$root/var/lib/dullahan" -name kubeconfig)" ] || fail "there is no kubeconfig in the volume"
stop
pass "it runs in a root with nothing else, as the image says"
