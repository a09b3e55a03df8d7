#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# catalog.sh ID.C CATALOG: every MESSAGE_ID in the source has its catalog entry, and the reverse.
set -eu
ids=$(grep -o '"[0-9a-f]\{32\}"' "$1" | tr -d '"' | sort)
entries=$(sed -n 's/^-- \([0-9a-f]\{32\}\)$/\1/p' "$2" | sort)
[ -n "$ids" ] || { echo "no MESSAGE_ID found in $1"; exit 1; }
[ "$ids" = "$(echo "$ids" | uniq)" ] || { echo "a MESSAGE_ID is used twice"; exit 1; }
[ "$ids" = "$entries" ] || { printf 'source has:\n%s\ncatalog has:\n%s\n' "$ids" "$entries"; exit 1; }
