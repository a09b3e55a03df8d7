#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a packet costs because somebody could watch, while nobody does.

Builds bench_path as it is, and once more with all of watching compiled out (unwatched.patch:
observers, captures of rules, rules that can be disabled); then runs them in turns, the first one
twice a round, so that the noise is known. Instructions are counted too where valgrind(1) is there:
they are the same on a busy machine. Exit code 1 when a cost is above the goal, 3 when the noise is
above half of that and says nothing.
"""
import argparse
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
CASES = ("known flow, 1 rule", "known flow, many rules", "new flow, 1 rule", "new flow, many rules")
GOAL, NOISE = 1.0, 0.5  # percent
BATCHES, BATCH_PACKETS = 255, 64  # of path.c


def run(command, **options):
    """A program to its end; what it printed."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False,
                          **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout + done.stderr


def build(source, directory):
    """bench_path of SOURCE, built as a release."""
    if not (directory / "build.ninja").exists():
        run(["meson", "setup", directory, source, "-Dbuildtype=release", "-Dtests=false",
             "-Dbench=true"])
    run(["ninja", "-C", directory, "tests/bench/bench_path"])
    return directory / "tests" / "bench" / "bench_path"


def build_unwatched(directory):
    """The same of a copy in which nobody can watch; a patch that does not fit any more fails."""
    copy = directory / "source"
    if copy.exists():
        shutil.rmtree(copy)
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("build*", ".git"))
    run(["patch", "-p1", "-d", copy, "-i", HERE / "unwatched.patch"])
    return build(copy, directory / "without")


def nanoseconds(program, case):
    """Of a packet: the median of a few rounds."""
    said = run([program, "--case", case, "--rules", 10000, "--rounds", 5])
    return float(re.search(r"([0-9.]+) ns a packet", said).group(1))


def instructions(program, case):
    """Of a packet in path_run()."""
    with tempfile.NamedTemporaryFile() as out:
        said = run(["valgrind", "--tool=callgrind", "--toggle-collect=path_run",
                    f"--callgrind-out-file={out.name}", program, "--case", case, "--rules", 1000,
                    "--rounds", 1])
    return int(re.search(r"Collected : (\d+)", said).group(1)) / BATCHES / BATCH_PACKETS


def quartiles(values):
    """(lower, median, upper)"""
    return statistics.quantiles(values, n=4) if len(values) > 1 else values * 3


def measure(programs, case, rounds):
    """Ratios within each round: (of the twins, of watched to unwatched), and typical times."""
    times = {name: [] for name in programs}
    for _ in range(rounds):
        for name in random.sample(sorted(programs), len(programs)):
            times[name].append(nanoseconds(programs[name], case))
    twins = [again / watched for again, watched in zip(times["again"], times["watched"])]
    costs = [watched / without for watched, without in zip(times["watched"], times["without"])]
    return twins, costs, {name: statistics.median(each) for name, each in times.items()}


def main():
    """A table; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=15, help="0: count instructions alone")
    parser.add_argument("--out", type=pathlib.Path, default=SOURCE / "build" / "bench")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    watched = build(SOURCE, options.out / "release")
    programs = {"watched": watched, "again": watched, "without": build_unwatched(options.out)}
    code = 0
    timed = f"{'ns':>7} {'without':>8} {'cost %':>22} {'noise %':>8} " if options.rounds else ""
    print(f"{'case':24} {timed}{'instructions %':>15}")
    for case, name in enumerate(CASES):
        columns = [f"{name:24}"]
        if options.rounds:
            twins, costs, times = measure(programs, case, options.rounds)
            lower, middle, upper = (100 * (each - 1) for each in quartiles(costs))
            low, off, high = (100 * (each - 1) for each in quartiles(twins))
            noise = max(abs(off), (high - low) / 2)
            columns.append(f"{times['watched']:7.1f} {times['without']:8.1f} "
                           f"{middle:6.2f} [{lower:5.2f} {upper:5.2f}] {noise:8.2f}")
            code = max(code, 3 if noise > NOISE else int(middle > GOAL))
        if shutil.which("valgrind"):
            cost = 100 * (instructions(watched, case) / instructions(programs["without"], case) - 1)
            columns.append(f"{cost:15.2f}")
            code = max(code, int(cost > GOAL))
        print(" ".join(columns), flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
