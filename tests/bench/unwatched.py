#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a packet costs because somebody could watch, while nobody does.

Builds bench_path as it is, and once more with all of watching compiled out (unwatched.patch:
observers, captures of rules, rules that can be disabled); then runs them side by side, the first
one twice, so that the noise is known: on one processor they take turns of a few milliseconds, which
other users of the machine disturb all alike. They are started anew for each round, because where
their memory happens to lie makes a difference too. Instructions are counted as well where
valgrind(1) is there: they are the same on a busy machine. Exit code 1 when a cost is above the
goal, 3 when the noise is above half of that and says nothing.
"""
import argparse
import os
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
WARM_UP, TURNS = 5, 100  # of a round


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


class Sampler:
    """A bench_path that measures one case whenever it is asked to."""

    def __init__(self, program, case, processor):
        self.process = subprocess.Popen(
            [program, "--case", str(case), "--rules", "10000", "--on-request"], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1,
            preexec_fn=lambda: os.sched_setaffinity(0, {processor}))

    def sample(self):
        """Nanoseconds of a packet."""
        self.process.stdin.write("\n")
        return float(self.process.stdout.readline())

    def close(self):
        """Lets it end."""
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


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


def measure_round(programs, case, processor):
    """Samples of each, by name, taken in turns of random order."""
    samplers = {name: Sampler(programs[name], case, processor)
                for name in random.sample(sorted(programs), len(programs))}
    samples = {name: [] for name in programs}
    for turn in range(WARM_UP + TURNS):
        for name in random.sample(sorted(programs), len(programs)):
            sample = samplers[name].sample()
            if turn >= WARM_UP:
                samples[name].append(sample)
    for sampler in samplers.values():
        sampler.close()
    return samples


def median_ratio(above, below):
    """Of those of one turn."""
    return statistics.median(one / other for one, other in zip(above, below))


def measure(programs, case, rounds):
    """Ratios, a round each: (of the twins, of watched to unwatched), and typical times."""
    twins, costs = [], []
    times = {name: [] for name in programs}
    processor = max(os.sched_getaffinity(0))
    for _ in range(rounds):
        samples = measure_round(programs, case, processor)
        twins.append(median_ratio(samples["again"], samples["watched"]))
        costs.append(median_ratio(samples["watched"] + samples["again"], 2 * samples["without"]))
        for name, each in samples.items():
            times[name].append(statistics.median(each))
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
