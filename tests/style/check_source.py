#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules of the house that a machine can check, one sub-command each. Exit 77: a tool is missing."""
import pathlib
import re
import shutil
import subprocess
import sys

MAX_FUNCTION_LINES = 80
SKIP = 77

# Folder of src/ -> folders whose public headers it may include (DESIGN's arrows), itself left out.
ALLOWED = {
    "base": set(),
    "wire": {"base"},
    "datapath": {"base", "wire"},
    "rules": {"base", "wire", "datapath"},
    "kernel": {"base"},
    "log": {"base"},
    "capture": {"base", "wire", "datapath"},
    "explain": {"base", "wire", "datapath"},
    "watch": {"base", "wire", "datapath", "explain"},
    "ctl": {"base", "wire", "datapath", "explain", "rules", "kernel"},
    "control": {"base", "wire", "datapath", "rules", "watch"},
    "daemon": {"control", "base", "wire", "datapath", "rules", "kernel", "log", "capture", "watch"},
}
# Outside headers that belong to some folders alone.
OWNED_HEADERS = [
    (re.compile(r"^event2/"), {"daemon", "control"}),
    (re.compile(r"^netlink/|^linux/(rtnetlink|netlink|fib_rules|if_link|if_addr|neighbour)\.h"), {"kernel"}),
    (re.compile(r"^ini\.h"), {"rules"}),
    (re.compile(r"^systemd/"), {"log", "daemon"}),
    (re.compile(r"^pcap"), {"ctl"}),
    (re.compile(r"^netinet/(ip|ip6|tcp|udp|ip_icmp|icmp6)\.h"), {"wire"}),
]


def files(root, *patterns):
    """Files of the tree that match, without build directories."""
    found = []
    for pattern in patterns:
        for path in root.glob(pattern):
            if not any(part.startswith("build") for part in path.relative_to(root).parts[:-1]):
                found.append(path)
    return sorted(set(found))


def c_sources(root):
    return files(root, "src/**/*.[ch]", "include/**/*.h", "tests/**/*.[ch]")


def tool(name):
    path = shutil.which(name)
    if path is None:
        print(f"{name} is not installed")
        sys.exit(SKIP)
    return path


def run(command):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout + result.stderr


def check_format(root):
    code, text = run([tool("clang-format"), "--dry-run", "-Werror", *map(str, c_sources(root))])
    return text.splitlines()[:60] if code else []


def function_lengths(path):
    """(name, lines) of every function: from its opening brace at the margin to its closing one."""
    header, start = "", 0
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            yield header, number - start - 1
            start = 0
        elif re.match(r"^[A-Za-z_].*\(", line) and not line.startswith("#"):
            header = line.strip()


def check_functions(root):
    return [f"{path.relative_to(root)}: {name}: {length} lines, at most {MAX_FUNCTION_LINES}"
            for path in files(root, "src/**/*.c", "tests/**/*.c")
            for name, length in function_lengths(path) if length > MAX_FUNCTION_LINES]


def include_problems(root, path, folder):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
        if not match:
            continue
        header = match.group(1)
        where = f"{path.relative_to(root)}:{number}: {header}"
        border = re.match(r"ipmodd/(\w+)/", header)
        if border and border.group(1) != folder and border.group(1) not in ALLOWED[folder]:
            yield f"{where}: src/{folder} may not use {border.group(1)}"
        for pattern, owners in OWNED_HEADERS:
            if pattern.match(header) and folder not in owners:
                yield f"{where}: belongs to {', '.join(sorted(owners))}"
        if ".." in header:
            yield f"{where}: headers of another folder go through include/ipmodd"


def check_includes(root):
    problems = []
    for path in files(root, "src/**/*.[ch]", "include/ipmodd/**/*.h"):
        parts = path.relative_to(root).parts
        folder = parts[2] if parts[0] == "include" else parts[1]
        problems += include_problems(root, path, folder)
    return problems


def check_headers(root):
    """Every header compiles alone, so that nobody depends on the order of includes."""
    problems = []
    libraries = ["libnl-route-3.0", "libevent_core", "libsystemd", "inih"]
    flags = run([tool("pkg-config"), "--cflags", *libraries])[1].split()
    for path in files(root, "include/ipmodd/**/*.h", "src/**/*.h"):
        code, text = run([tool("gcc"), "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
                          f"-I{root}/include", f"-I{root}/src", f"-I{path.parent}", *flags,
                          "-fsyntax-only", "-include", str(path), "-x", "c", "/dev/null"])
        if code:
            problems += [f"{path.relative_to(root)} does not compile alone:", *text.splitlines()[:5]]
    return problems


def check_shell(root):
    code, text = run([tool("shellcheck"), "-x", "-P", str(root), *map(str, files(root, "**/*.sh")),
                      str(root / "conf/wireshark/ipmodd"), str(root / ".ci/run")])
    return text.splitlines() if code else []


def check_manuals(root):
    pages = files(root, "man/*.[1-8]")
    if not pages:
        return ["no manual page found"]
    code, text = run([tool("mandoc"), "-Tlint", "-Wwarning", *map(str, pages)])
    return text.splitlines() if code else []


def check_reasons(root):
    """Every reason that a user can meet in statistics and journal is explained in ipmodd(8)."""
    source = (root / "src/datapath/reason.c").read_text(encoding="utf-8")
    names = set(re.findall(r'\[REASON_\w+\] = "([a-z0-9-]+)"', source)) - {"none"}
    page = (root / "man/ipmodd.8").read_text(encoding="utf-8")
    section = page.partition(".Ss Reasons")[2].partition(".Sh ")[0]
    items = set(re.findall(r"^\.It ([a-z0-9-]+)$", section, re.MULTILINE))
    if not names:
        return ["no reason found in src/datapath/reason.c"]
    return [f"reason {name} is not in man/ipmodd.8" for name in sorted(names - items)] + \
           [f"man/ipmodd.8 explains {name}, which is no reason" for name in sorted(items - names)]


def check_patches(root):
    """What a bench takes out of a copy of the source is found there."""
    patches = files(root, "tests/**/*.patch")
    if not patches:
        return ["no patch found"]
    said = [run([tool("patch"), "--dry-run", "--force", "--fuzz=0", "-p1", "-d", str(root), "-i", str(path)])
            for path in patches]
    return [line for code, text in said if code for line in text.splitlines()]


def check_spdx(root):
    tagged = files(root, "src/**/*.[ch]", "include/**/*.h", "tests/**/*.[ch]", "tests/**/*.py",
                   "**/*.sh", "**/meson.build")
    return [f"{path.relative_to(root)}: no SPDX line among the first two"
            for path in tagged
            if not any("SPDX-License-Identifier: GPL-2.0-or-later" in line
                       for line in path.read_text(encoding="utf-8").splitlines()[:2])]


def main():
    check = globals()["check_" + sys.argv[1]]
    problems = check(pathlib.Path(sys.argv[2]))
    print("\n".join(problems) or "nothing to complain about")
    return 1 if problems else 0


sys.exit(main())
