#!/usr/bin/env bash
# Makes a container image of a static binary: packaging/image.sh BINARY IMAGE.tar
#
# Needs no registry, no daemon and no root: an image is a tar of tars and of JSON that names them by their
# SHA-256. The result is an OCI image layout with Docker's manifest beside it, for docker load, podman load
# and skopeo (oci-archive:, docker-archive:). What the image runs is written in the second stage of
# packaging/Dockerfile, and only there. With the same binary the same image is made each time; its date is
# SOURCE_DATE_EPOCH, or 1970.
set -euo pipefail
binary=$1 image=$2
here=$(cd "$(dirname "$0")" && pwd)

version=$(sed -n '/^\[package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$here/../Cargo.toml")
# The words after an instruction of the second stage.
said() { sed -n "/^FROM scratch/,\$s/^$1 //p" "$here/Dockerfile"; }
user=$(said USER)
case $(od -An -tx1 -j18 -N1 "$binary" | tr -d ' ') in
  3e) architecture=amd64 ;;
  b7) architecture=arm64 ;;
  *) echo "$binary: neither x86-64 nor arm64" >&2; exit 1 ;;
esac
epoch=${SOURCE_DATE_EPOCH:-0}
created=$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
layout=$made/layout blobs=$made/layout/blobs/sha256
mkdir -p "$blobs" "$made/root/var/lib/dullahan"
pack() { tar --format=gnu --sort=name --mtime="@$epoch" --numeric-owner "$@"; }
# blob FILE: keeps it under its digest, which is printed.
blob() {
  local digest
  digest=$(sha256sum "$1" | cut -d ' ' -f 1)
  mv "$1" "$blobs/$digest"
  echo "$digest"
}
size() { stat -c %s "$blobs/$1"; }

install -m 0755 "$binary" "$made/root/dullahan"
install -m 0644 "$here/../LICENSE" "$made/root/LICENSE"
chmod 0755 "$made/root/var" "$made/root/var/lib"
pack --owner=0 --group=0 --mode=u=rwX,go=rX -C "$made/root" -cf "$made/layer" --exclude=var/lib/dullahan LICENSE dullahan var
# The state is the user's own.
pack --owner="${user%:*}" --group="${user#*:}" --mode=0700 -C "$made/root" -rf "$made/layer" var/lib/dullahan
layer=$(blob "$made/layer")

ports=$(said EXPOSE | sed 's/[^ ][^ ]*/"&":{}/g; s/ /,/g')
volumes=$(said VOLUME | tr -d '[]' | sed 's/"[^"]*"/&:{}/g')
cat >"$made/config" <<JSON
{"architecture":"$architecture","os":"linux","created":"$created",
"config":{"User":"$user","Env":["$(said ENV)"],"Entrypoint":$(said ENTRYPOINT),"Cmd":$(said CMD),
"ExposedPorts":{$ports},"Volumes":{$volumes},
"Labels":{"org.opencontainers.image.title":"dullahan","org.opencontainers.image.version":"$version","org.opencontainers.image.licenses":"Apache-2.0"}},
"rootfs":{"type":"layers","diff_ids":["sha256:$layer"]},
"history":[{"created":"$created","created_by":"packaging/image.sh"}]}
JSON
config=$(blob "$made/config")
cat >"$made/manifest" <<JSON
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:$config","size":$(size "$config")},
"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:$layer","size":$(size "$layer")}]}
JSON
manifest=$(blob "$made/manifest")

echo '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
cat >"$layout/index.json" <<JSON
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{
"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:$manifest","size":$(size "$manifest"),
"platform":{"architecture":"$architecture","os":"linux"},
"annotations":{"io.containerd.image.name":"docker.io/library/dullahan:$version","org.opencontainers.image.ref.name":"$version"}}]}
JSON
cat >"$layout/manifest.json" <<JSON
[{"Config":"blobs/sha256/$config","RepoTags":["dullahan:$version"],"Layers":["blobs/sha256/$layer"]}]
JSON
pack --owner=0 --group=0 --mode=u=rwX,go=rX -C "$layout" -cf "$image" blobs index.json manifest.json oci-layout
echo "$image"
