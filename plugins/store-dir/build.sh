#!/bin/sh
# Compiles the module to the file named: build.sh OUT. Needs clang-19 and lld-19.
# Compiler and linker one by one: the driver would run whatever optimiser is on PATH.
set -eu
case $1 in /*) out=$1 ;; *) out=$PWD/$1 ;; esac
cd "$(dirname "$0")"
object=$(mktemp)
trap 'rm -f "$object"' EXIT
clang-19 --target=wasm32 -std=c11 -Wall -Wextra -Werror -Wno-initializer-overrides -O2 -ffreestanding -nostdlib -mbulk-memory -c dir.c -o "$object"
wasm-ld-19 --no-entry --strip-all --stack-first -z stack-size=65536 "$object" -o "$out"
