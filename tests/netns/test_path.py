# SPDX-License-Identifier: GPL-2.0-or-later
"""ipmodctl path: where one packet was seen, what changed it, and where it vanished.

Each fault is seeded at one place; the probe has to vanish there and nowhere else.
"""
import json
import os
import signal
import socket
import time

import pytest

from control import CTL, ctl_json, path_of
from kernel import lacks
from packets import parse
from space import SLOW, wait_until
from topology import FAR, HOST, PEER

if os.environ.get("IPMODD_NFTABLES", "1") == "0" or lacks("nft-owner"):
    pytest.skip("no nft tables with an owner", allow_module_level=True)

ORDER = {
    "OUTPUT": [-390, -299, -149, -99, 1, 51],
    "POSTROUTING": [-151, -149, 1, 101],
    "PREROUTING": [-390, -299, -149, -99, 1],
    "FORWARD": [-151, -149, 1, 51],
    "INPUT": [-151, -149, 1, 51, 101],
}
RULES = """
[rule voice]
proto = udp
dport = 5000
set-dscp = ef
[rule no-web]
proto = tcp
dport = 81
verdict = drop
"""
PROBES = {"icmp": [], "udp": ["--dport", "5000"], "tcp": ["--proto", "tcp", "--dport", "80"]}


def way(*hooks):
    """The places of a packet that passes these hooks."""
    return [(hook, priority) for hook in hooks for priority in ORDER[hook]]


THROUGH = way("OUTPUT", "POSTROUTING") + [("ipmodd", None)] + way("PREROUTING", "FORWARD",
                                                                   "POSTROUTING")


def run(host, daemon, *arguments, as_json=True):
    """The finished program."""
    control = path_of(daemon) if daemon else "/nonexistent/control"
    return host.run([CTL, "-s", control, *(["-j"] if as_json else []), "path", *arguments],
                    check=False)


def follow(host, daemon, *arguments, code=0):
    """The document."""
    done = run(host, daemon, *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == 1
    # Whatever comes of it, nothing of it is left.
    assert "ipmodd_path" not in host.run("nft list tables").stdout
    return document


def places(document):
    return [(step["hook"], step.get("priority")) for step in document["steps"]]


def changes(document):
    """{(hook, priority): {field: after}} of the steps at which something had changed."""
    return {(step["hook"], step.get("priority")): {one["field"]: one["after"]
                                                   for one in step["changes"]}
            for step in document["steps"] if step.get("changes")}


@pytest.mark.parametrize("probe", PROBES)
def test_the_whole_way(wire, daemons, captures, probe, family):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    capture = captures(wire.peer)
    document = follow(wire.host, daemon, *PROBES[probe], FAR[family])
    assert places(document) == THROUGH
    assert document["end"] == "left" and document["text"] == "it left this host by eth0"
    first, last = document["steps"][0], document["steps"][-1]
    assert (first["out"], last["in"], last["out"]) == ("tun0", "tun0", "eth0") and "in" not in first
    assert first["src"] == last["src"] == HOST[family] and last["dst"] == FAR[family]
    assert first["proto"] == probe and first["ttl"] == last["ttl"] == 64
    sent = document["probe"]
    if probe != "icmp":
        assert last["sport"] == sent["sport"] and last["dport"] == sent["dport"]
    [passage] = [step for step in document["steps"] if step["hook"] == "ipmodd"]
    assert passage["fate"] == "out"
    assert [rule["name"] for rule in passage["rules"]] == (["voice"] if probe == "udp" else [])
    # What is given back for forwarding is taken by it.
    changed = changes(document)
    assert set(changed) == {("PREROUTING", -390), ("FORWARD", -151)}
    assert list(changed[("FORWARD", -151)].values()) == ["64"]
    # It was really sent, with what was told of it.
    mine = [parse(data) for data in capture.all() if parse(data).dst == FAR[family]]
    assert len(mine) >= 1 and (family == 6 or mine[0].id == last["id"])


def test_as_a_table(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    done = run(wire.host, daemon, "--dport", "5000", "--sport", "4000", FAR[4], as_json=False)
    lines = done.stdout.splitlines()
    assert lines[0] == f"probe: udp {HOST[4]} port 4000 > {FAR[4]} port 5000"
    assert lines[1].split()[:8] == ["HOOK", "PRIO", "PLACE", "IN", "OUT", "SRC", "DST", "TTL"]
    assert lines[2].split()[:7] == ["OUTPUT", "-390", "before", "raw", "-", "tun0", HOST[4]]
    assert "ipmodd      rule voice: set-dscp = ef, out" in lines
    assert "  changed: dscp cs0 -> ef" in lines
    assert "  changed: ttl 64 -> 65 (one more, which being forwarded takes off again)" in lines
    assert "  changed: ttl 65 -> 64" in lines
    assert lines[-1] == "it left this host by eth0" and done.returncode == 0


def test_what_changes_it(wire, daemons):
    """Marks, addresses and ports, each told at the place behind the one that changed them."""
    wire.host.run(["nft", f"""
        table ip nat {{
            chain out {{ type nat hook output priority -100; udp dport 53 dnat to {FAR[4]}:5353; }}
            chain post {{ type nat hook postrouting priority srcnat;
                          oifname "eth0" udp dport 5353 snat to {HOST[4]}:7777; }}
        }}
        table inet marks {{
            chain out {{ type route hook output priority mangle; udp dport 53 meta mark set 0x20; }}
            chain pre {{ type filter hook prerouting priority mangle; iifname "tun0" ip ttl set 33; }}
        }}"""])
    document = follow(wire.host, None, "--dport", "53", "--sport", "4000", PEER[4])
    # The destination belongs to another host, by the same device.
    assert places(document) == way("OUTPUT", "POSTROUTING")
    changed = changes(document)
    assert changed[("OUTPUT", -99)] == {"dst": FAR[4], "dport": "5353"}
    assert changed[("POSTROUTING", 101)] == {"sport": "7777"}
    marks = {(step["hook"], step["priority"]): step.get("mark") for step in document["steps"]}
    assert marks[("OUTPUT", -299)] is None and marks[("OUTPUT", -149)] == 0x20
    daemon = daemons(wire.host)
    daemon.start(RULES)
    document = follow(wire.host, daemon, FAR[4])
    assert changes(document)[("PREROUTING", -149)] == {"ttl": "33"}
    assert document["steps"][-1]["ttl"] == 32


HOOKS = {"output": "OUTPUT", "postrouting": "POSTROUTING", "prerouting": "PREROUTING",
         "forward": "FORWARD"}


@pytest.mark.parametrize("hook, priority, match, between", [
    ("output", "raw", "", (-390, -299)),
    ("output", "filter", "", (-99, 1)),
    ("postrouting", "mangle", 'oifname "tun0"', (-151, -149)),
    ("prerouting", "raw", 'iifname "tun0"', (-390, -299)),
    ("prerouting", "mangle", 'iifname "tun0"', (-299, -149)),
    ("forward", "filter", 'iifname "tun0"', (-149, 1)),
    ("forward", "security", 'iifname "tun0"', (1, 51)),
    ("postrouting", "filter", 'oifname "eth0"', (-149, 1)),
])
def test_a_chain_drops_it(wire, daemons, hook, priority, match, between):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    wire.host.run(["nft", f"table inet fw {{ chain c {{ type filter hook {hook} priority "
                   f"{priority}; {match} icmp type echo-request drop; }}; }}"])
    document = follow(wire.host, daemon, "-W", "0.1", FAR[4], code=1)
    assert document["end"] == "vanished"
    assert places(document) == THROUGH[:len(document["steps"])]
    assert places(document)[-1] == (HOOKS[hook], between[0])
    assert (f"it vanished in {HOOKS[hook]}, between priority {between[0]} (" in document["text"]
            and f" and {between[1]} (" in document["text"])
    assert ("the kernel refused it" in document["text"]) == (hook == "output" or
                                                             hook == "postrouting" and
                                                             "tun0" in match)


def test_routing_loses_it(wire, daemons):
    """No way on behind PREROUTING, since main has none for what comes from the tun device."""
    daemon = daemons(wire.host)
    daemon.start(RULES)
    wire.host.ip(f"rule add pref 50 iif tun0 to {FAR[4]} blackhole")
    document = follow(wire.host, daemon, "-W", "0.1", FAR[4], code=1)
    assert places(document) == THROUGH[:len(THROUGH) - 8]
    assert "it vanished behind PREROUTING, where it is routed as from tun0" in document["text"]


def test_a_rule_drops_it(wire, daemons, family):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    document = follow(wire.host, daemon, "-W", "0.1", "--proto", "tcp", "--dport", "81",
                      FAR[family], code=1)
    assert places(document) == THROUGH[:11]
    assert document["text"] == "it vanished in ipmodd, which dropped it: rule no-web"
    assert document["steps"][-1]["rules"][0]["name"] == "no-web"


def test_who_drops_it(wire, daemons):
    """The rule that decided is named, and not one that only matched."""
    daemon = daemons(wire.host)
    daemon.start("[main]\npolicy = drop\n[rule seen]\nproto = udp\nset-dscp = ef\n"
                 "[rule no-web]\nproto = tcp\nverdict = reject\n")
    for words, text in ((["--proto", "tcp", "--dport", "81"], "rejected by rule no-web"),
                        (["--dport", "5000"], "policy")):
        document = follow(wire.host, daemon, "-W", "0.1", *words, FAR[4], code=1)
        assert document["text"] == f"it vanished in ipmodd, which dropped it: {text}"


def test_a_rule_answers(wire, daemons):
    """What is seen behind the daemon is the answer then, and is not taken for the packet."""
    daemon = daemons(wire.host)
    daemon.start("[rule fake]\nproto = icmp\nicmp-type = echo-request\nreply = echo\n")
    document = follow(wire.host, daemon, FAR[4])
    assert document["end"] == "delivered" and document["text"] == \
        "rule fake answered it, and the answer was delivered to this host"


def test_a_daemon_that_reads_nothing(wire, daemons):
    """It waits in the device's queue, and that nobody answers for it is said."""
    daemon = daemons(wire.host)
    daemon.start(RULES)
    daemon.signal(signal.SIGSTOP)
    try:
        document = follow(wire.host, daemon, "-W", "0.1", FAR[4], code=1)
    finally:
        daemon.signal(signal.SIGCONT)
    # Nobody says which device is ipmodd's then: what is seen is that the packet left by it.
    assert document["text"].startswith("it left this host by tun0; ipmodd does not answer")
    assert ctl_json(daemon, "status")["packets"]["in"] >= 1


def test_a_daemon_that_tells_of_others_only(wire, tmp_path):
    """An event each 0.2 s is no reason to wait for ever."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "control"))
        listener.listen()
        listener.settimeout(20 * SLOW)
        process = wire.host.popen([CTL, "-s", tmp_path / "control", "path", "-W", "5", FAR[4]])
        try:
            peer = listener.accept()[0]
            peer.sendall(b'{"event":"start","device":"eth0"}\n')
            wait_until(lambda: tell_of_another(peer) or process.poll() is not None, "its end",
                       timeout=20 * SLOW)
        finally:
            process.kill()
        assert "ipmodd      (it does not tell)" in process.communicate()[0]


def tell_of_another(peer):
    """False."""
    try:
        peer.sendall(b'{"event":"packet","data":"4500"}\n')
    except ConnectionError:
        pass
    time.sleep(0.2)
    return False


def test_to_this_host_and_past_ipmodd(wire, daemons, family):
    document = follow(wire.host, None, HOST[family])
    assert places(document) == way("OUTPUT", "POSTROUTING", "PREROUTING", "INPUT")
    assert document["end"] == "delivered"
    daemon = daemons(wire.host)
    daemon.start(f"[divert]\nexclude = {FAR[4]}, {FAR[6]}\n")
    document = follow(wire.host, daemon, "--dport", "9", FAR[family])
    assert places(document) == way("OUTPUT", "POSTROUTING")
    assert document["text"] == "it left this host by eth0"
    wire.host.run(["nft", "table inet fw { chain c { type filter hook input priority filter; "
                   "meta l4proto { icmp, icmpv6 } drop; }; }"])
    document = follow(wire.host, daemon, "-W", "0.1", HOST[family], code=1)
    assert "it vanished in INPUT, between priority -149" in document["text"]


def test_killed_on_the_way(wire):
    """The table goes with the process."""
    wire.host.run(["nft", "table inet fw { chain c { type filter hook output priority filter; "
                   "icmp type echo-request drop; }; }"])
    process = wire.host.popen([CTL, "-s", "/nonexistent", "path", "-W", "20", FAR[4]])
    wait_until(lambda: "ipmodd_path" in wire.host.run("nft list tables").stdout, "the table")
    process.kill()
    process.wait()
    wait_until(lambda: "ipmodd_path" not in wire.host.run("nft list tables").stdout,
               "the table's end")


def test_several_at_once(wire, daemons):
    """Each has a cookie, a table and a log group of its own."""
    daemon = daemons(wire.host)
    daemon.start(RULES)
    running = [wire.host.popen([CTL, "-s", path_of(daemon), "path", FAR[4]]) for _ in range(6)]
    for process in running:
        out = process.communicate(timeout=20 * SLOW)[0]
        assert process.returncode == 0 and out.count("OUTPUT ") == 6, out


@pytest.mark.parametrize("arguments, text", [
    ([], "one destination has to be given"),
    ([FAR[4], FAR[4]], "one destination has to be given"),
    (["far.example"], "'far.example' is not an address"),
    (["--proto", "sctp", FAR[4]], "none of udp, tcp, icmp"),
    (["--proto", "tcp", FAR[4]], "tcp takes --dport"),
    (["--proto", "icmp", "--dport", "1", FAR[4]], "ICMP has no ports"),
    (["--dport", "0", FAR[4]], "no number from 1 to 65535"),
    (["--ttl", "256", FAR[4]], "no number from 1 to 255"),
    (["-s", HOST[6], FAR[4]], "of two families"),
    (["-s", "me", FAR[4]], "'me' is not an address"),
    (["-W", "0", FAR[4]], "is no time"),
    (["-x", FAR[4]], "wrong option -x"),
])
def test_command_lines(wire, arguments, text):
    done = run(wire.host, None, *arguments)
    assert done.returncode == 2 and text in done.stderr, done.stderr


def test_what_this_host_cannot_send(wire):
    """An address that is not its own; a user that may not."""
    done = run(wire.host, None, "-s", PEER[4], FAR[4])
    assert done.returncode == 1 and "no socket for such a packet" in done.stderr
    for ports in [], ["--dport", "9"]:
        done = wire.host.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                              "--inh-caps=-all", CTL, "path", *ports, FAR[4]], check=False)
        assert done.returncode == 4, done.stderr
