#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Measures ipmodd beside its alternatives, in turns, in namespaces of its own; see README.md.

Exit code: 0, or with --check 1 when a goal was missed by more than the noise or could not be
measured; 1 when a measurement failed; 2 for a wrong command line; 77 without the rights; 130 when
interrupted, after the tables of what was measured until then.
"""
import argparse
import os
import pathlib
import platform
import random
import re
import signal
import subprocess
import sys
import time

import report
from contenders import CONTENDERS, TWINS
from loads import LOADS, round_trips, takes_part
from machine import Watch, wait_for_quiet
from network import SERVER_4, SERVER_6, BenchError, Network
from results import Results, read_goals

HERE = pathlib.Path(__file__).resolve().parent


def say(text):
    """Progress, apart from the tables."""
    print(text, file=sys.stderr, flush=True)


def process_ns(pid):
    """CPU time of all threads of a process."""
    return sum(int(each.read_text(encoding="ascii").split()[0])
               for each in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"))


def process_peak_mb(pid):
    """The most memory that the process has had."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)[1]) * 1024 / 1e6


def read_counters(running):
    """What a contender has counted so far: packets, drops, nanoseconds; None where it cannot."""
    if running.process:
        running.process.require_running()
    return (running.handled() if running.handled else None,
            running.dropped() if running.dropped else None,
            process_ns(running.process.pid) if running.process else None)


def measure(network, running, load, seconds):
    """One load through a contender that runs, and what it cost the contender's process."""
    before = read_counters(running)
    figures = load.run(network, running, seconds)
    packets, dropped, used = (None if now is None else now - then
                              for now, then in zip(read_counters(running), before))
    if packets == 0 and load.traffic:
        raise BenchError("the traffic did not pass the contender")
    if dropped is not None:
        figures["dropped"] = dropped
    if used is not None and figures.get("bytes"):
        figures["cpu_s_per_gb"] = used / figures["bytes"]
    if used is not None and packets and load.traffic:
        figures["cpu_us_per_packet"] = used / 1e3 / packets
    if running.process:
        figures["rss_mb"] = process_peak_mb(running.process.pid)
    return figures


def measure_contender(network, contender, load, seconds):
    """Sets a contender up, measures once, takes it down."""
    with CONTENDERS[contender].start(network) as running:
        if LOADS[load].wire:
            with network.as_wire():
                return measure(network, running, LOADS[load], seconds)
        return measure(network, running, LOADS[load], seconds)


def take_sample(network, contender, load, options):
    """The first undisturbed measurement, or the least disturbed of those that were allowed."""
    attempts = []
    while len(attempts) <= options.retakes:
        wait_for_quiet(options.others / 100, options.patience)
        watch = Watch()
        figures = measure_contender(network, contender, load, options.seconds)
        figures["others"] = 100 * watch.share()
        attempts.append(figures)
        if figures["others"] <= options.others or not LOADS[load].traffic:
            break
    return min(attempts, key=lambda figures: figures["others"])


def require_edit(network, name):
    """Starts a contender; all requests of both families have to arrive with its TTL."""
    with CONTENDERS[name].start(network) as running, \
            network.count_ttl(CONTENDERS[name].ttl) as came:
        trips = sum(round_trips(network, running, 0.1, address=address)["trips"]
                    for address in (SERVER_4, SERVER_6))
        if came() < trips:
            raise BenchError(f"{came()} of {trips} packets came with TTL {CONTENDERS[name].ttl}")


def available(network, names):
    """Those contenders that do here what they are for; says why the others do not."""
    found = []
    for name in names:
        try:
            require_edit(network, name)
            found.append(name)
        except BenchError as error:
            say(f"{name} is not available: {error}")
    if not found:
        raise BenchError("no contender is available")
    if not set(TWINS) <= set(found):
        say(f"without both {' and '.join(TWINS)} the noise is unknown")
    return found


def run_rounds(network, results, options, contenders):
    """All loads, all contenders in turn, round after round; each time in another order."""
    dice = random.Random(1)
    for number in range(options.rounds):
        for load in options.load:
            for contender in dice.sample(contenders, len(contenders)):
                if not takes_part(contender, load):
                    continue
                try:
                    figures = take_sample(network, contender, load, options)
                except BenchError as error:
                    results.add_failure(load, contender, number, str(error))
                    say(f"round {number + 1} {load} {contender}: FAILED: {error}")
                    continue
                results.add(load, contender, number, figures)
                main = LOADS[load].main[0]
                say(f"round {number + 1}/{options.rounds} {load} {contender}: "
                    f"{figures.get(main, float('nan')):.2f} {main}, "
                    f"others {figures['others']:.0f} %")


def about(options):
    """Where and how this was measured."""
    commit = subprocess.run(["git", "-C", HERE, "describe", "--always", "--dirty"],
                            capture_output=True, text=True, check=False).stdout.strip()
    cpu = re.search(r"^model name\s*: (.*)$",
                    pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return {"date": time.strftime("%Y-%m-%d %H:%M:%S %z"), "commit": commit,
            "kernel": platform.release(), "cpu": cpu[1] if cpu else platform.machine(),
            "cpus": os.cpu_count(), "rounds": options.rounds, "seconds": options.seconds,
            "others_limit": options.others, "load_average_before": os.getloadavg()[0]}


def name_list(known):
    """A type for argparse: names separated by commas, in KNOWN's order."""
    def parse(text):
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"no {name}; there are {', '.join(known)}")
        return [name for name in known if name in names]
    return parse


def parse_options():
    """The command line."""
    parser = argparse.ArgumentParser(prog="run.sh", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=7, help="default 7")
    parser.add_argument("--seconds", type=float, default=2, help="of each measurement, default 2")
    parser.add_argument("--others", type=float, default=10, metavar="PERCENT",
                        help="a sample counts if nobody else had more of the machine, default 10")
    parser.add_argument("--patience", type=float, default=10, metavar="SECONDS",
                        help="how long to wait for that before each sample, default 10")
    parser.add_argument("--retakes", type=int, default=2,
                        help="how often a sample that does not count is taken anew, default 2")
    parser.add_argument("--only", type=name_list(CONTENDERS), default=list(CONTENDERS),
                        metavar="CONTENDER,…", help=", ".join(CONTENDERS))
    parser.add_argument("--load", type=name_list(LOADS), default=list(LOADS), metavar="LOAD,…",
                        help=", ".join(LOADS))
    parser.add_argument("--check", action="store_true",
                        help="fail when a goal is missed by more than the noise")
    parser.add_argument("--goals", type=pathlib.Path, default=HERE / "goals.ini")
    parser.add_argument("--programs", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.rounds < 1 or options.seconds <= 0:
        parser.error("there is nothing to measure in no rounds or no seconds")
    return options


def publish(options, results, goals, facts):
    """Tables on stdout, the rest in the directory."""
    print(f"\n{facts['date']}, {facts['commit']}, Linux {facts['kernel']}, {facts['cpus']} x "
          f"{facts['cpu']}\n{facts['rounds']} rounds of {facts['seconds']:g} s; "
          "median [lower upper quartile]\n")
    for load in options.load:
        if results.contenders(load):
            print("\n".join(report.load_lines(results, load)))
    print("\n".join(report.goal_lines(results, goals)))
    report.write_json(options.out / "result.json", results, goals, facts)
    plots = report.write_plots(options.out, results)
    print(f"\n{options.out / 'result.json'}" + (", plots beside it" if plots else ""))


def verdict(options, results, goals):
    """The exit code."""
    code = 1 if results.failures else 0
    if results.failures:
        print(f"{len(results.failures)} measurements failed")
    if options.check:
        bad = [goal.name for goal in goals
               if goal.judge(results) not in ("met", "within noise")]
        print(f"check: {len(goals) - len(bad)} goals met, {len(bad)} not"
              + "".join(f"\n  {name}" for name in bad))
        code = 1 if bad else code
    return code


def main():
    """Measure, then tell."""
    options = parse_options()
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
        print("the bench needs root and /dev/net/tun")
        return 77
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    options.out.mkdir(parents=True, exist_ok=True)
    goals = [goal for goal in read_goals(options.goals) if goal.load in options.load]
    facts = about(options)
    if facts["load_average_before"] > 0.5:
        say(f"this machine is not quiet: its load average is {facts['load_average_before']}")
    results = Results(options.others)
    interrupted = False
    try:
        with Network(options.programs) as network:
            contenders = available(network, options.only)
            run_rounds(network, results, options, contenders)
    except KeyboardInterrupt:
        interrupted = True
        say("interrupted: this is what there is so far")
    except BenchError as error:
        print(error)
        return 1
    publish(options, results, goals, facts)
    return 130 if interrupted else verdict(options, results, goals)


if __name__ == "__main__":
    sys.exit(main())
