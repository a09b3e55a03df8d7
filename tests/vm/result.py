# SPDX-License-Identifier: GPL-2.0-or-later
"""The closing line of a JUnit report, and the names of what failed."""
import sys
import xml.etree.ElementTree


def main():
    """1 unless everything that ran passed and something did."""
    try:
        suite = xml.etree.ElementTree.parse(sys.argv[1]).getroot().find("testsuite")
    except (OSError, xml.etree.ElementTree.ParseError) as error:
        print(f"no report: {error}")
        return 1
    count = {name: int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped")}
    for case in suite.iter("testcase"):
        for kind in ("failure", "error", "skipped"):
            if case.find(kind) is not None:
                print(f"{kind}: {case.get('classname')}.{case.get('name')}")
    failed = count["failures"] + count["errors"]
    passed = count["tests"] - failed - count["skipped"]
    print(f"{passed} passed, {failed} failed, {count['skipped']} skipped")
    return 0 if failed == 0 and passed > 0 else 1


sys.exit(main())
