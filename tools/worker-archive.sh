#!/bin/sh
# Packs the Worker's bundle, to be deployed without building it: worker-archive.sh NAME FOLDER makes FOLDER/NAME.tgz.
set -eu
cd "$(dirname "$0")/.."
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir "$stage/$1"
cp -R worker/build LICENSE-APACHE LICENSE-MIT "$stage/$1"
# A deployment from the archive builds nothing.
sed '/^\[build\]$/,/^command = /d' worker/wrangler.toml > "$stage/$1/wrangler.toml"
chmod -R u=rwX,go=rX "$stage/$1"
# The same files give the same bytes. The option --gzip is not used, because its header may have a time.
tar --create --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --directory "$stage" --file "$stage/tar" "$1"
gzip --no-name --best < "$stage/tar" > "$2/$1.tgz"
