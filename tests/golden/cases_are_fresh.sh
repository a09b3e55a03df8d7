#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The committed cases are what the generators write. Skipped (77) without scapy.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=/usr/bin/python3
"$python" -c 'import scapy' 2>/dev/null || { echo "no scapy: skipped"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/cases" "$folder/segments"
"$python" "$here/make_cases.py" "$folder/cases"
"$python" "$here/make_segments.py" "$folder/segments"
diff -r "$here/cases" "$folder/cases"
diff -r "$here/segments" "$folder/segments"
