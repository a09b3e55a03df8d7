#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""check_clang.py BUILD: clang, too, takes each file of a build by gcc without a warning.

It reads them and makes no code, which is enough for its warnings. Exit 77: clang is missing.
"""
import concurrent.futures
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

SKIP = 77
# Options of a compilation that only reads: without where the result goes.
WITH_VALUE = ("-o", "-MF", "-MQ")
UNNEEDED = ("-c", "-MD", "-g", "-O2")


def commands(build):
    """(directory, command of clang) for each source file, once however often it is compiled."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        words = iter(shlex.split(entry["command"])[1:])
        kept = ["clang", "-fsyntax-only"]
        for word in words:
            if word in WITH_VALUE:
                next(words)
            elif word not in UNNEEDED:
                kept.append(word)
        found.setdefault(entry["file"], (entry["directory"], kept))
    return found.values()


def check(command):
    """What clang says, without a word where all is well."""
    directory, words = command
    done = subprocess.run(words, cwd=directory, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def main():
    if shutil.which("clang") is None:
        print("clang is not installed")
        return SKIP
    found = commands(pathlib.Path(sys.argv[1]))
    if not found:
        print("nothing is compiled here")
        return 1
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        said = [text for text in pool.map(check, found) if text]
    print("\n".join(said) or f"{len(found)} files, nothing to complain about")
    return 1 if said else 0


sys.exit(main())
