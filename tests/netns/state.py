# SPDX-License-Identifier: GPL-2.0-or-later
"""Snapshots of a namespace's kernel state, and how two of them differ."""
import os

LIFETIMES = ("valid_life_time", "preferred_life_time")
# Counters and the like that change by themselves.
VOLATILE = ("expires", "cache", "age", "used", "error")
SYSCTL_ROOTS = ("ipv4/conf", "ipv6/conf", "ipv4/ip_forward")


def rules(space, family):
    """`ip -j rule` of family 4 or 6."""
    return space.ip_json(f"-{family} rule show")


def routes(space, family, table="all"):
    """`ip -j route show table TABLE`, without what ages."""
    if table != "all" and not space.has_table(family, table):
        return []
    found = space.ip_json(f"-d -N -{family} route show table {table}")
    return sorted(({key: value for key, value in route.items() if key not in VOLATILE}
                   for route in found), key=str)


def _addresses_of(links):
    found = []
    for link in links:
        for address in link.get("addr_info", []):
            for name in LIFETIMES:
                if name in address:
                    address[name] = "forever" if address[name] == 0xFFFFFFFF else "limited"
            found.append({"dev": link["ifname"], **address})
    return sorted(found, key=str)


def addresses(space):
    """`ip -j addr`, lifetimes masked to whether they are for ever."""
    return _addresses_of(space.ip_json("addr show"))


def _settings():
    """The paths of all settings that are looked at."""
    for root in SYSCTL_ROOTS:
        top = os.path.join("/proc/sys/net", root)
        if os.path.isfile(top):
            yield top
        for folder, folders, names in os.walk(top):
            folders.sort()
            yield from (os.path.join(folder, name) for name in sorted(names)
                        if name != "stable_secret")


def sysctls(space):
    """Every setting of the devices' conf folders, by path."""
    found = {}
    with space:
        for path in _settings():
            try:
                with open(path, "rb", buffering=0) as setting:
                    found[path] = setting.read().decode("ascii").strip()
            except OSError:
                pass
    return found


def snapshot(space):
    """All that ipmodd may touch and must give back."""
    links = space.ip_json("addr show")
    return {
        "rule 4": rules(space, 4), "rule 6": rules(space, 6),
        "route 4": routes(space, 4), "route 6": routes(space, 6),
        "addr": _addresses_of(links), "sysctl": sysctls(space),
        "link": sorted(link["ifname"] for link in links),
    }


def compare(before, after):
    """What differs between two snapshots, as text; "" if nothing does."""
    lines = []
    for part, old in before.items():
        new = after[part]
        if old == new:
            continue
        if isinstance(old, dict):
            old, new = list(old.items()), list(new.items())
        lines += [f"{part}: gone: {item}" for item in old if item not in new]
        lines += [f"{part}: new: {item}" for item in new if item not in old]
        if sorted(map(str, old)) == sorted(map(str, new)):
            lines.append(f"{part}: other order: {old} / {new}")
    return "\n".join(lines)
