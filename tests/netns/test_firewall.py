# SPDX-License-Identifier: GPL-2.0-or-later
"""Firewalls of others around the diversion: NAT and stateful rules go on working, the rest is told.

Each cell of the matrix is the same with ipmodd as without: what the peer sees of a packet's source,
and that answers come back, also those that ipmodd forges.
"""
import itertools
import os
import pathlib
import re
import subprocess
import time

import pytest

from daemon import EXIT_CONFIG
from kernel import lacks
from packets import has_payload, parse
from space import SLOW, wait_until
from topology import FAR, GATE, HOST, NOBODY
from traffic import answered, ping, tcp_socket, udp_socket

if os.environ.get("IPMODD_NFTABLES", "1") == "0":
    pytest.skip("built without libnftables", allow_module_level=True)

BOTH_WAYS = "[divert]\ndirection = out, forward\n"
FORGES = """
[rule fake-ping]
proto = icmp
icmp-type = echo-request
dst = {nobody}
reply = echo
[rule no-web]
proto = tcp
dport = 81
verdict = reject
[rule no-udp]
proto = udp
dport = 81
verdict = reject
"""
LAN = {4: "203.0.113.0/26", 6: "2001:db8:3::/64"}

STATEFUL = [
    "{i} -A INPUT -i lo -j ACCEPT",
    "{i} -A INPUT -p ipv6-icmp --icmpv6-type neighbor-solicitation -j ACCEPT",
    "{i} -A INPUT -p ipv6-icmp --icmpv6-type neighbor-advertisement -j ACCEPT",
    "{i} -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
    "{i} -A INPUT -j DROP",
]


def nft_nat(rule):
    """Source NAT in the words of nft(8)."""
    return ["nft add table {family} mine", "nft add chain {family} mine out "
            "{{ type nat hook postrouting priority srcnat; }}",
            "nft add rule {family} mine out " + rule]


FIREWALLS = {
    "none": [],
    "masquerade": ["{i} -t nat -A POSTROUTING -o eth0 -j MASQUERADE"],
    "docker": ["{i} -t nat -A POSTROUTING -s {lan} ! -o lan -j MASQUERADE"],
    "snat": ["{i} -t nat -A POSTROUTING -o eth0 -j SNAT --to-source {host}"],
    "nft masquerade": nft_nat('oifname "eth0" masquerade'),
    "nft docker": nft_nat('{family} saddr {lan} oifname != "lan" masquerade'),
    "nft snat": nft_nat('oifname "eth0" snat to {host}'),
    "stateful": STATEFUL,
    "stateful+masquerade": STATEFUL + ["{i} -t nat -A POSTROUTING -o eth0 -j MASQUERADE"],
}


def shell_words(line):
    """The line for a shell, with what nft reads in one word."""
    return line if not line.startswith("nft ") else f"nft '{line[4:]}'"


def add_firewall(space, name, family):
    """Rules of iptables-nft."""
    tool = "iptables" if family == 4 else "ip6tables"
    for line in FIREWALLS[name]:
        if "ipv6-icmp" in line and family == 4:
            continue
        space.run(["sh", "-c", shell_words(line.format(
            i=tool, lan=LAN[family], host=HOST[family], family="ip" if family == 4 else "ip6"))])


PORTS = itertools.count(20000)  # no two connections have the same one, whatever NAT makes of them


def connect(space, family, address, port):
    """(source address seen by the other side, whether the source port was kept)."""
    with tcp_socket(space, family) as client:
        client.bind(("", next(PORTS)))
        client.connect((address, port))
        own = client.getsockname()
        address, seen = client.recv(200).decode().split()
        return address, int(seen) == own[1]


def refused(space, family, address, port):
    """Whether a connection is refused at once."""
    with tcp_socket(space, family) as client:
        client.settimeout(2 * SLOW)
        try:
            client.connect((address, port))
        except ConnectionRefusedError:
            return True
        except TimeoutError:
            return False
    return False


def start_teller(space, family):
    """A server on port 7000 that tells each client its address and port."""
    kind = "AF_INET" if family == 4 else "AF_INET6"
    server = ("import socket\n"
              f"s = socket.create_server(('', 7000), family=socket.{kind})\n"
              "while True:\n"
              "    c, a = s.accept()\n"
              "    c.sendall(f'{a[0]} {a[1]}'.encode())\n"
              "    c.close()\n")
    space.popen(["/usr/bin/python3", "-c", server])
    wait_until(lambda: space.listening("tcp", 7000), "the server")


def udp_source(space, family, seen, text):
    """The source address of a datagram at the peer."""
    with udp_socket(space, family) as sender:
        sender.sendto(text.encode(), (FAR[family], 5000))
    packet = parse(seen.wait(1, has_payload(text))[0])
    return packet.src


def unreachable(space, family):
    """Whether a datagram to port 81 is answered by port-unreachable."""
    with udp_socket(space, family) as sender:
        sender.settimeout(2 * SLOW)
        sender.connect((FAR[family], 81))
        sender.send(b"x")
        try:
            sender.recv(10)
        except ConnectionRefusedError:
            return True
        except TimeoutError:
            return False
    return False


def cell(net, family, seen, role, label):
    """What the world sees of a host, and whether answers reach it."""
    space = getattr(net, role)
    return {"tcp": connect(space, family, FAR[family], 7000),
            "again": connect(space, family, FAR[family], 7000),
            "udp": udp_source(space, family, seen, f"{label} {role}"),
            "ping": ping(space, FAR[family], 3)}


def forged(net, family, role):
    """Whether each kind of forged answer reaches a host."""
    space = getattr(net, role)
    return {"echo": ping(space, NOBODY[family], 3), "reset": refused(space, family, FAR[family], 81),
            "unreachable": unreachable(space, family)}


ALL_FORGED = {"echo": (3, 3), "reset": True, "unreachable": True}


def own_table(space):
    """The own nft table as text; "" without one."""
    done = space.run("nft list table inet ipmodd-tun0", check=False)
    return done.stdout if done.returncode == 0 else ""


NEEDS_OWN_TABLE = pytest.mark.skipif(lacks("nft-owner"), reason="a kernel without own tables")


@pytest.mark.parametrize("firewall", ["none", "stateful", *(
    pytest.param(name, marks=NEEDS_OWN_TABLE) for name in FIREWALLS
    if name not in ("none", "stateful"))])
def test_matrix(routed, daemons, captures, family, firewall):
    start_teller(routed.peer, family)
    add_firewall(routed.host, firewall, family)
    seen = captures(routed.peer)
    without = {role: cell(routed, family, seen, role, "without") for role in ("host", "client")}
    daemon = daemons(routed.host)
    daemon.start(BOTH_WAYS + FORGES.format(nobody=NOBODY[family]))
    found = {role: cell(routed, family, seen, role, "with") for role in ("host", "client")}
    if firewall in ("docker", "nft docker") and family == 6:
        # Documented, and warned about: which of the host's addresses is open.
        [line] = daemon.wait_log("may take any IPv6 address")
        assert ("table ip6 mine" if "nft" in firewall else "table ip6 nat") in line
        text = str(found["client"]).replace(GATE[family], HOST[family])
        assert text == str(without["client"])
        found["client"] = without["client"]
    assert found == without
    assert {role: forged(routed, family, role) for role in ("host", "client")} == {
        "host": ALL_FORGED, "client": ALL_FORGED}
    # Nothing is added where nothing needs it.
    assert bool(own_table(routed.host)) == (firewall not in ("none", "stateful"))
    assert daemon.stop() == 0
    assert own_table(routed.host) == ""


def test_keep_makes_no_table(routed, daemons):
    add_firewall(routed.host, "masquerade", 4)
    daemon = daemons(routed.host)
    daemon.start(BOTH_WAYS.replace("[divert]", "[divert]\nconntrack = keep"))
    [line] = daemon.wait_log("chain POSTROUTING of table ip nat")
    assert line.endswith("what helps: [divert] conntrack = auto")
    assert own_table(routed.host) == ""


@NEEDS_OWN_TABLE
def test_the_table_is_ours_alone_and_ends_with_us(routed, daemons):
    add_firewall(routed.host, "masquerade", 4)
    daemon = daemons(routed.host)
    daemon.start(BOTH_WAYS)
    assert "owner" in own_table(routed.host)
    assert routed.host.run("nft delete table inet ipmodd-tun0", check=False).returncode != 0
    routed.host.run("nft flush ruleset")
    assert own_table(routed.host) != ""
    daemon.kill()
    wait_until(lambda: own_table(routed.host) == "", "the table gone with its process")


@NEEDS_OWN_TABLE
def test_reload_looks_again(routed, daemons):
    daemon = daemons(routed.host)
    daemon.start(BOTH_WAYS)
    assert own_table(routed.host) == ""
    add_firewall(routed.host, "masquerade", 4)
    daemon.reload()
    wait_until(lambda: "zone set 213" in own_table(routed.host), "the table after a reload")
    routed.host.run("iptables -P FORWARD DROP")
    for _ in range(3):
        daemon.reload()
    daemon.wait_log("chain FORWARD of table ip filter drops what comes back")
    routed.host.run("iptables -t nat -F POSTROUTING")
    daemon.reload()
    wait_until(lambda: own_table(routed.host) == "", "the table gone after a reload")
    assert len(daemon.log_lines("drops what comes back")) == 1


@NEEDS_OWN_TABLE
def test_the_table_of_the_start_follows_reloads(routed, daemons):
    add_firewall(routed.host, "docker", 4)
    daemon = daemons(routed.host)
    daemon.start(BOTH_WAYS)
    assert "notrack" in own_table(routed.host)
    add_firewall(routed.host, "masquerade", 4)
    daemon.reload()
    wait_until(lambda: "zone set 213" in own_table(routed.host), "another table after a reload")
    routed.host.run("iptables -t nat -F POSTROUTING")
    daemon.reload()
    wait_until(lambda: own_table(routed.host) == "", "the table gone after a reload")
    assert not daemon.log_lines("what mends it failed")


@pytest.mark.skipif(not lacks("nft-owner"), reason="a kernel with own tables")
def test_where_no_table_can_be_owned_it_is_said(routed, daemons):
    """And none that would stay behind is made."""
    add_firewall(routed.host, "masquerade", 4)
    daemon = daemons(routed.host)
    daemon.start(BOTH_WAYS)
    [line] = daemon.wait_log("what mends it failed")
    assert "Could not process rule" in line and "exclude the networks" in line
    assert own_table(routed.host) == ""
    assert ping(routed.host, FAR[4], 3) == (3, 3)


@NEEDS_OWN_TABLE
def test_plan_has_the_table(routed, daemons):
    add_firewall(routed.host, "docker", 4)
    add_firewall(routed.host, "masquerade", 6)
    plan = daemons(routed.host).once("--print-plan", config=BOTH_WAYS).stdout
    lines = [line for line in plan.splitlines() if line.startswith("nft ")]
    assert plan.splitlines()[:len(lines)] == lines
    routed.host.run(["sh", "-ec", "\n".join(lines)])
    by_hand = own_table(routed.host)
    routed.host.run("nft delete table inet ipmodd-tun0")
    daemons(routed.host).start(BOTH_WAYS)
    ours = re.sub(r"\tflags owner\n\n?", "", re.sub(r" # progname.*", "", own_table(routed.host)))
    assert ours == by_hand and "notrack" in by_hand and "zone" in by_hand


# A firewall, what is said about it, and whether a ping fails until the line was followed.
CHAINS = {
    "forward-policy": (["{i} -P FORWARD DROP"],
                       "chain FORWARD of table {f} filter drops what comes back", True),
    "forward-last": (["{i} -A FORWARD -i lan -j ACCEPT", "{i} -A FORWARD -j REJECT"],
                     "chain FORWARD of table {f} filter drops what comes back", True),
    "docker-user": (["{i} -N DOCKER-USER", "{i} -I FORWARD -j DOCKER-USER", "{i} -P FORWARD DROP"],
                    "what helps: {i} -t filter -I DOCKER-USER -i tun0 -j ACCEPT", True),
    "nft-forward": (["nft add table inet fw", "nft add chain inet fw ways "
                     "{{ type filter hook forward priority 0; policy drop; }}"],
                    "what helps: nft insert rule inet fw ways iifname \"tun0\" accept", True),
    "output-oif": (["{i} -A OUTPUT -o eth0 -p tcp --dport 25 -j DROP"],
                   "chain OUTPUT of table {f} filter tests the output interface", False),
    "output-oif-owner": (["{i} -A OUTPUT -o eth0 -m owner --uid-owner 4711 -j DROP"],
                         "chain OUTPUT of table {f} filter tests the output interface", False),
    "output-nat-oif": (["{i} -t nat -A OUTPUT -o eth0 -p tcp --dport 25 -j REDIRECT"],
                       "chain OUTPUT of table {f} nat tests the output interface", False),
    "postrouting-owner": (["{i} -t mangle -A POSTROUTING -m owner --uid-owner 4711 -j DROP"],
                          "chain POSTROUTING of table {f} mangle tests mark, owner", False),
    "postrouting-cgroup": (["nft add table inet fw", "nft add chain inet fw out "
                            "{{ type filter hook postrouting priority 0; }}",
                            "nft add rule inet fw out meta cgroup 4711 drop"],
                           "chain out of table inet fw tests mark, owner, control group", False),
    "postrouting-cgroup-path": (["{i} -t mangle -A POSTROUTING -m cgroup --path / -j ACCEPT"],
                                "chain POSTROUTING of table {f} mangle tests mark, owner, control",
                                False),
    "nat-mark": (["{i} -t nat -A POSTROUTING -o eth0 -m mark --mark 1 -j MASQUERADE"],
                 "chain POSTROUTING of table {f} nat translates sources by output interface", False),
    "nat-owner": (["{i} -t nat -A POSTROUTING -o eth0 -m owner --uid-owner 4711 -j MASQUERADE"],
                  "chain POSTROUTING of table {f} nat translates sources by output interface", False),
    "nat-snat": (["{i} -t nat -A POSTROUTING -o eth0 -j SNAT --to-source {h}"],
                 "chain POSTROUTING of table {f} nat gives this host's packets another source",
                 False),
    "postrouting-mark": (["{i} -t mangle -A POSTROUTING -m mark --mark 1 -j ACCEPT"],
                         "chain POSTROUTING of table {f} mangle tests mark", False),
}


@pytest.mark.parametrize("case", CHAINS)
def test_each_chain_is_named_with_the_line_that_helps(wire, daemons, family, case):
    commands, says, blocks = CHAINS[case]
    words = {"i": "iptables" if family == 4 else "ip6tables", "f": "ip" if family == 4 else "ip6",
             "h": HOST[family]}
    for line in commands:
        wire.host.run(line.format(**words).replace("\\", ""))
    daemon = daemons(wire.host)
    daemon.start()
    lines = daemon.wait_log("warning: netfilter:")
    assert len(lines) == 1 and says.format(**words) in lines[0]
    if blocks:
        assert ping(wire.host, FAR[family], 2, patience=1)[1] == 0
    wire.host.run(["sh", "-ec", lines[0].split("what helps: ")[1]])
    assert ping(wire.host, FAR[family], 2) == (2, 2)
    daemon.stop()
    daemon.start()
    # The line repeats a masquerade for tun0, which has more than one IPv6 address to choose from.
    # NAT of others asks for an own table as well, which an old kernel can't have.
    expected = (["may take any IPv6 address"] if family == 6 else []) + \
        (["making the nft table"] if lacks("nft-owner") else [])
    later = [line for line in daemon.log_lines("warning: netfilter:")[1:]
             if not any(text in line for text in expected)]
    assert later == []


def test_output_rule_on_the_device_works_again(wire, daemons, family):
    words = {"i": "iptables" if family == 4 else "ip6tables"}
    wire.host.run("{i} -A OUTPUT -o eth0 -p tcp --dport 7000 -j REJECT".format(**words))
    start_teller(wire.peer, family)
    assert refused(wire.host, family, FAR[family], 7000)
    daemon = daemons(wire.host)
    daemon.start()
    assert not refused(wire.host, family, FAR[family], 7000)
    [line] = daemon.wait_log("warning: netfilter:")
    wire.host.run(["sh", "-ec", line.split("what helps: ")[1]])
    assert refused(wire.host, family, FAR[family], 7000)


# nft, and ipmodd by its library, look the names of control groups up here; not every host has them
# here, so they get a mount of their own.
CGROUPS = "/sys/fs/cgroup"
WITH_CGROUPS = ["sh", "-c", f'[ -e {CGROUPS}/cgroup.procs ] || mount -t cgroup2 none {CGROUPS} && '
                'exec "$@"', "sh"]


def cgroup_root():
    """Where the host has cgroup v2, beside version 1 on some; None without."""
    with open("/proc/mounts", encoding="ascii") as mounts:
        places = [words[1] for words in map(str.split, mounts) if words[2] == "cgroup2"]
    return pathlib.Path(places[0]) if places else None


@pytest.fixture
def control_group():
    """A control group right below the root of cgroup v2; it is gone after the test."""
    root = cgroup_root()
    if root is None:
        pytest.skip("no cgroup v2 is mounted")
    path = root / f"ipmt-{os.getpid()}"
    path.mkdir()
    yield path
    wait_until(lambda: (path / "cgroup.procs").read_text(encoding="ascii") == "", "an empty group")
    path.rmdir()


def test_rules_for_a_control_group_by_path(wire, daemons, family, control_group):
    """On the way out they hold as before; those for a device as well hold again by the line."""
    def run(*command, check=True):
        return wire.host.run(["unshare", "--mount", *WITH_CGROUPS, *command], check=check)

    def add_rule(text, check=True):
        return run("nft", f'add rule inet fw out {text}socket cgroupv2 level 1 '
                   f'"{control_group.name}" drop', check=check)

    def ping_from_group():
        enter = f"echo $$ >{control_group}/cgroup.procs"
        return answered(wire.host.run(["sh", "-c", f"{enter}; exec ping -n -c 2 -i 0.2 -W 1 "
                                       f"{FAR[family]}"], check=False).stdout)

    wire.host.run("nft add table inet fw")
    wire.host.run(["nft", "add chain inet fw out { type filter hook output priority 0; }"])
    added = add_rule("", check=False)
    if added.returncode != 0:
        pytest.skip(f"this kernel's nft knows no sockets' control groups: {added.stderr.strip()}")
    assert ping_from_group() == set() and ping(wire.host, FAR[family]) == (1, 1)
    daemon = daemons(wire.host)
    daemon.start(prefix=WITH_CGROUPS)
    assert ping_from_group() == set() and ping(wire.host, FAR[family]) == (1, 1)
    assert daemon.log_lines("netfilter") == []
    assert daemon.stop() == 0

    wire.host.run("nft flush chain inet fw out")
    add_rule('oifname "eth0" ')
    daemon.start(prefix=WITH_CGROUPS)
    assert ping_from_group() == {1, 2}, "the rule is for a device that is tun0 now"
    [line] = daemon.wait_log("chain out of table inet fw tests the output interface")
    assert f'oifname "tun0" socket cgroupv2 level 1 "{control_group.name}"' in line
    run("sh", "-ec", line.split("what helps: ")[1])
    assert ping_from_group() == set() and ping(wire.host, FAR[family]) == (1, 1)


def test_refuse(wire, daemons):
    config = "[divert]\nforeign-netfilter = refuse\n"
    daemon = daemons(wire.host)
    daemon.start(config)
    assert daemon.stop() == 0
    wire.host.run("iptables -P FORWARD DROP")
    done = daemon.once(config=config)
    assert done.returncode == EXIT_CONFIG
    assert "refuse" in done.stderr and "chain FORWARD of table ip filter" in done.stderr
    assert "tun0" not in str(wire.host.ip_json("link show"))


def test_chains_that_diverted_packets_do_not_meet(wire, daemons):
    for line in ("iptables -A INPUT -i eth0 -m mark --mark 1 -j DROP",
                 "iptables -A OUTPUT -m owner --uid-owner 1 -j DROP",
                 "iptables -A OUTPUT -o lo -j ACCEPT", "iptables -P INPUT ACCEPT",
                 "iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE"):
        wire.host.run(line)
    daemon = daemons(wire.host)
    daemon.start()
    assert daemon.log_lines("netfilter") == []


def test_legacy_tables_are_noticed(wire, daemons):
    if wire.host.run("iptables-legacy -A OUTPUT -j ACCEPT", check=False).returncode != 0:
        pytest.skip("this kernel has no iptables-legacy")
    daemon = daemons(wire.host)
    daemon.start()
    [line] = daemon.wait_log("iptables-legacy has tables")
    assert "filter" in line


def test_a_huge_ruleset_delays_no_start(wire, daemons):
    rules = "\n".join(f"add rule ip big c ip saddr 192.0.2.1 tcp dport {n % 65535} counter accept"
                      for n in range(100000))
    with wire.host:
        subprocess.run(["nft", "-f", "-"], check=True, text=True, timeout=60,
                       input=f"add table ip big\nadd chain ip big c\n{rules}\n")
    daemon = daemons(wire.host)
    before = time.monotonic()
    daemon.start(timeout=15)
    assert time.monotonic() - before < 6
    size = int(re.search(r"VmHWM:\s*(\d+)", open(f"/proc/{daemon.process.pid}/status",
                                                 encoding="ascii").read()).group(1))
    assert size < 64 * 1024
    assert ping(wire.host, FAR[4], 2) == (2, 2)
    assert daemon.stop() == 0
