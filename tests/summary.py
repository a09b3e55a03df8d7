#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sums the tests of several meson runs up: what failed, what was skipped and why, and one line of counts.

A program counts for the tests that it reports itself (cmocka, pytest), any other one for one test. A
program that ends badly counts as at least one failure, whatever it reported.
"""
import json
import re
import sys

CMOCKA_RAN = re.compile(r"\[==========\] .*?: (\d+) test\(s\) run\.|\[==========\] (\d+) test\(s\) run\.")
CMOCKA_FAILED = re.compile(r"\[  FAILED  \] .*?: (\d+) test\(s\)|\[  FAILED  \] (\d+) test\(s\)")
CMOCKA_SKIPPED = re.compile(r"\[  SKIPPED \] .*?: (\d+) test\(s\)|\[  SKIPPED \] (\d+) test\(s\)")
PYTEST_END = re.compile(r"^=*\s*((?:\d+ (?:passed|failed|skipped|errors?|xfailed|deselected|warnings?)(?:, )?)+) in ",
                        re.MULTILINE)
PYTEST_SKIP = re.compile(r"^SKIPPED \[\d+\] (.*)$", re.MULTILINE)


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


def skip_reasons(text):
    """What the program said about its skips; its last line where it has no form of its own."""
    reasons = PYTEST_SKIP.findall(text)
    lines = [line for line in text.splitlines() if line.strip()]
    return reasons or lines[-1:] or ["no reason given"]


def main():
    total = [0, 0, 0]
    for path in sys.argv[1:]:
        build = path.split("/")[-3]
        with open(path, encoding="utf-8") as log:
            for line in log:
                test = json.loads(line)
                text = test.get("stdout", "") + test.get("stderr", "")
                numbers = count(test["result"], text)
                total = [a + b for a, b in zip(total, numbers)]
                if numbers[1]:
                    print(f"failed: {build}: {test['name']} ({test['result']}, {numbers[1]} tests)")
                if numbers[2]:
                    for reason in skip_reasons(text):
                        print(f"skipped: {build}: {test['name']}: {reason}")
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 0 if total[0] and not total[1] else 1


sys.exit(main())
