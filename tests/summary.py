#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""summary.py UNTIL LOG...: sums the tests of several meson runs up: what failed, what was skipped and
why, and one line of counts.

A program counts for the tests that it reports itself (cmocka, pytest), any other one for one test. A
program that ends badly counts as at least one failure, whatever it reported.

What failed in a log called beside.json or alone.json depends on real time; on a busy machine the fault
may be that of other tests, or of others on this machine. If they are few, each is run once more by itself,
before the time UNTIL (in seconds since 1970), and what counts is that run. It is named in any case. What
only computes is not repeated: some of it has another seed each time.
"""
import json
import pathlib
import re
import subprocess
import sys
import time

CMOCKA_RAN = re.compile(r"\[==========\] .*?: (\d+) test\(s\) run\.|\[==========\] (\d+) test\(s\) run\.")
CMOCKA_FAILED = re.compile(r"\[  FAILED  \] .*?: (\d+) test\(s\)|\[  FAILED  \] (\d+) test\(s\)")
CMOCKA_SKIPPED = re.compile(r"\[  SKIPPED \] .*?: (\d+) test\(s\)|\[  SKIPPED \] (\d+) test\(s\)")
PYTEST_END = re.compile(r"^=*\s*((?:\d+ (?:passed|failed|skipped|errors?|xfailed|deselected|warnings?)(?:, )?)+) in ",
                        re.MULTILINE)
PYTEST_SKIP = re.compile(r"^SKIPPED \[\d+\] (.*)$", re.MULTILINE)
PYTEST_FAILED = re.compile(r"^(?:FAILED|ERROR) \S*?::(\S+)", re.MULTILINE)
REAL_TIME = ("beside", "alone")
REPEATED_AT_MOST = 8  # more of them are a breakage


def first_number(pattern, text):
    found = [int(group) for match in pattern.finditer(text) for group in match.groups() if group]
    return sum(found)


def count(result, text):
    """(passed, failed, skipped) of one program."""
    pytest_end = PYTEST_END.search(text)
    if pytest_end:
        numbers = {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", pytest_end.group(1))}
        passed = numbers.get("passed", 0)
        failed = numbers.get("failed", 0) + numbers.get("error", 0) + numbers.get("errors", 0)
        skipped = numbers.get("skipped", 0)
    elif CMOCKA_RAN.search(text):
        failed = first_number(CMOCKA_FAILED, text)
        skipped = first_number(CMOCKA_SKIPPED, text)
        passed = first_number(CMOCKA_RAN, text) - failed - skipped
    else:
        passed, failed, skipped = int(result == "OK"), 0, int(result == "SKIP")
    if result not in ("OK", "SKIP", "EXPECTEDFAIL") and failed == 0:
        failed = 1
    if result == "SKIP" and skipped == 0:
        passed, skipped = 0, 1
    return passed, failed, skipped


class Program:
    """What became of one program of a log."""

    def __init__(self, log, entry):
        self.log = pathlib.Path(log)
        self.build = self.log.parts[-3]
        self.name, self.result, self.seconds = entry["name"], entry["result"], entry["duration"]
        self.text = entry.get("stdout", "") + entry.get("stderr", "")
        self.passed, self.failed, self.skipped = count(self.result, self.text)

    def failed_tests(self):
        """The names of its tests that failed, as far as it told them."""
        return " ".join(PYTEST_FAILED.findall(self.text)) or self.result

    def skip_reasons(self):
        """What it said about its skips; its last line where it has no form of its own."""
        reasons = PYTEST_SKIP.findall(self.text)
        lines = [line for line in self.text.splitlines() if line.strip()]
        return reasons or lines[-1:] or ["no reason given"]


def read(log):
    """The programs of a log."""
    with open(log, encoding="utf-8") as lines:
        return [Program(log, json.loads(line)) for line in lines]


def run_alone(program, until):
    """The program again, with nothing beside it; None where the time does not suffice."""
    left = until - time.time()
    if left < 1.2 * program.seconds:
        return None
    log = program.log.with_name("repeated.json")
    log.unlink(missing_ok=True)
    command = ["meson", "test", "-C", str(program.log.parent.parent), "--no-rebuild", "--print-errorlogs",
               "--num-processes", "1", "--logbase", log.stem, program.name.rsplit(" / ", 1)[-1]]
    with subprocess.Popen(command) as meson:
        try:
            meson.wait(left)
        except subprocess.TimeoutExpired:
            meson.terminate()  # it ends its tests, and waits for them
            return None
    return read(log)[0]


def repeat_unsteady(programs, until):
    """Replaces those that failed and depend on real time by what they did alone."""
    unsteady = [one for one in programs if one.failed and one.log.stem in REAL_TIME]
    if len(unsteady) > REPEATED_AT_MOST:
        print(f"{len(unsteady)} files that depend on real time failed, so none of them is repeated")
        return
    for first in unsteady:
        print(f"repeating {first.build}: {first.name} alone, for {first.failed_tests()} failed", flush=True)
        second = run_alone(first, until)
        if second is None:
            print(f"not repeated in the time that is left: {first.build}: {first.name}")
            continue
        outcome = ("failed once more: " + second.failed_tests() if second.failed
                   else "passed then: " + first.failed_tests())
        print(f"unsteady: {first.build}: {first.name} failed {first.log.stem}, was repeated alone, and {outcome}")
        programs[programs.index(first)] = second


def main():
    until, *logs = sys.argv[1:]
    programs = [program for log in logs for program in read(log)]
    repeat_unsteady(programs, float(until))
    for program in programs:
        if program.failed:
            print(f"failed: {program.build}: {program.name} ({program.result}, {program.failed} tests)")
        if program.skipped:
            for reason in program.skip_reasons():
                print(f"skipped: {program.build}: {program.name}: {reason}")
    passed, failed, skipped = (sum(getattr(program, what) for program in programs)
                               for what in ("passed", "failed", "skipped"))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if passed and not failed else 1


sys.exit(main())
