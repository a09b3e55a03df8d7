#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The tick list of ipmodd-nat(7) and the tests named after its rows: neither without the other.

    check_tick_list.py ROOT
"""
import pathlib
import re
import sys

# Rows that are about what is not there, or about rules: nothing of their own to run.
BY_NATURE = {("4787", 10), ("5382", 6), ("5508", 9), ("5508", 11), ("6888", 12)}


def rows(manual):
    """{(RFC, number): verdict} of the manual page."""
    found, rfc = {}, None
    for line in manual.splitlines():
        if heading := re.match(r"\.Ss RFC (\d+)", line):
            rfc = heading[1]
        elif row := re.match(r"\.It REQ-(\d+) Sy (\w+)", line):
            found[rfc, int(row[1])] = row[2]
    return found


def tested(root):
    """All (RFC, number) that a test is named after."""
    found = set()
    for path in sorted(root.glob("tests/unit/ctl/test_rfc*.py")):
        for rfc, rest in re.findall(r"^def test_rfc(\d+)_req_(\w+)", path.read_text(), re.M):
            numbers = re.match(r"\d+[a-z]?(_and_\d+[a-z]?)*", rest)[0]
            found |= {(rfc, int(number)) for number in re.findall(r"\d+", numbers)}
    return found


def main():
    """0 when both agree."""
    root = pathlib.Path(sys.argv[1])
    listed = rows((root / "man/ipmodd-nat.7").read_text())
    tests = tested(root)
    wrong = [f"RFC {rfc} REQ-{number} says yes without a test"
             for (rfc, number), verdict in listed.items()
             if verdict == "yes" and (rfc, number) not in tests | BY_NATURE]
    wrong += [f"RFC {rfc} REQ-{number} has a test and no row"
              for rfc, number in sorted(tests - set(listed))]
    if len(listed) < 40:
        wrong.append(f"only {len(listed)} rows were found")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
