#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every key of the tables stands in ipmodd.conf(5) under its section, and the reverse."""

import re
import subprocess
import sys


def keys_of_tables(program):
    text = subprocess.run([program], check=True, capture_output=True, text=True, timeout=10).stdout
    return {tuple(line.split()) for line in text.splitlines()}


def keys_of_manual(page):
    """(section, key) for each item of the sections "MAIN SECTION" … "RULE SECTIONS"."""
    found = set()
    for heading, body in re.findall(r"^\.Sh (\w+) SECTIONS?$(.*?)(?=^\.Sh )", page, re.M | re.S):
        for key in re.findall(r"^\.It Ic (\S+)$", body, re.M):
            found.add((heading.lower(), key))
    return found


def main():
    program, manual = sys.argv[1:]
    tables = keys_of_tables(program)
    with open(manual, encoding="utf-8") as file:
        documented = keys_of_manual(file.read())
    if not tables or not documented:
        sys.exit("no keys found")
    problems = [f"[{section}] {key} is not in the manual" for section, key in
                sorted(tables - documented)]
    problems += [f"the manual has [{section}] {key}, which is no key" for section, key in
                 sorted(documented - tables)]
    print("\n".join(problems) or f"{len(tables)} keys, all documented")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
