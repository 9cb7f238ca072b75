#!/bin/sh
# Compiles the module to the file named: build.sh OUT. Needs node and npm.
# The compiler is installed beside the output, at the versions and hashes of
# package-lock.json, and not into this directory.
set -eu
case $1 in /*) out=$1 ;; *) out=$PWD/$1 ;; esac
cd "$(dirname "$0")"
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
cp package.json package-lock.json .npmrc "$tools"
npm ci --prefix "$tools" --ignore-scripts --no-audit --no-fund --silent
"$tools/node_modules/.bin/asc" assembly/index.ts -o "$out" -O3 --noAssert --runtime stub --use abort=
