# SPDX-License-Identifier: GPL-2.0-or-later
"""Every kind of entry is provoked once, and has its MESSAGE_ID, the fields and a line for people.

tests/service shows that the real journal takes such entries and finds their explanations.
"""
import os
import re
import signal
import socket

import pytest

import daemon as daemon_module
from control import ctl, path_of
from daemon import SLOW
from faults import FAULTY, choose
from journal import IDS, ROOT, Journal
from packets import ip, send, tcp, udp
from space import wait_until
from test_capture import wait_packets
from test_offload import transfer
from test_overload import flood
from topology import FAR, HOST, NOBODY
from traffic import ping

PLAIN = "[rule plain]\nproto = udp\nset-dscp = ef\n"
FLOWS = "[rule followed]\nstate = new\n"
NEEDS_NFTABLES = pytest.mark.skipif(os.environ.get("IPMODD_NFTABLES") == "0",
                                    reason="built without libnftables")


class Logged:
    """A daemon in the host of a network, and what its journal gets."""

    def __init__(self, net, made):
        self.net, self.daemon, self.journal = net, made, Journal(made)

    def start(self, config=PLAIN, **options):
        """Starts the daemon."""
        self.daemon.start(config, **options)

    def ctl(self, *arguments):
        """Runs ipmodctl; its output."""
        done = ctl(self.daemon, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def expect(self, kind, line, timeout=10 * SLOW, **fields):
        """Waits for an entry with FIELDS, in whose line LINE is found; the entry."""
        entry = self.journal.wait(kind, line, timeout, **fields)
        assert entry["SYSLOG_IDENTIFIER"] == "ipmodd" and entry["PRIORITY"] in "34567"
        return entry

    def expect_by(self, kind, line, **fields):
        """The same of a change that this user asked for over the socket."""
        entry = self.expect(kind, line, IPMODD_CLIENT_UID=str(os.getuid()), **fields)
        assert entry["MESSAGE"].endswith(f", asked for by user {os.getuid()} (process "
                                         f"{entry['IPMODD_CLIENT_PID']})")
        return entry


@pytest.fixture
def logged(routed, daemons):
    """A daemon that has not started yet, in a router between two others."""
    made = Logged(routed, daemons(routed.host))
    yield made
    for entry in made.journal.entries():
        assert entry["MESSAGE_ID"] in IDS.values(), entry
    made.journal.close()


@pytest.fixture
def faulty_logged(routed, faulty):
    """The same with a netlink that fails on demand."""
    made = Logged(routed, faulty(routed.host))
    yield made
    made.journal.close()


@pytest.fixture
def binary(monkeypatch):
    """binary(program, NAME=VALUE) chooses what daemons are, and what that is told."""
    def choose_binary(program, **variables):
        monkeypatch.setattr(daemon_module, "BINARY", program)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return choose_binary


def test_started_and_stopped(logged):
    logged.start()
    entry = logged.expect("LOG_ID_STARTED", "^Diverting out through tun0, 1 rule$",
                          IPMODD_DEVICE="tun0", IPMODD_RULES="1")
    assert re.fullmatch(r"\d+\.\d+\.\d+", entry["IPMODD_VERSION"])
    assert logged.daemon.stop() == 0
    logged.expect("LOG_ID_STOPPED", "traffic flows as before", IPMODD_DEVICE="tun0")


def test_stop_incomplete(faulty_logged):
    for number in range(1, 40):  # what fails once is tried again, but for an answer that changes
        faulty_logged.start()
        choose(faulty_logged.daemon, "unstable", number)
        if faulty_logged.daemon.stop() != 0:
            break
        choose(faulty_logged.daemon, "none", 0)
    faulty_logged.expect("LOG_ID_STOP_INCOMPLETE", "not everything could be taken back",
                         ERRNO="11", IPMODD_DEVICE="tun0", PRIORITY="3")


def test_start_failed(logged):
    logged.net.host.ip("tuntap add tun0 mode tun")
    with pytest.raises(AssertionError, match="ended at start"):
        logged.start()
    logged.expect("LOG_ID_START_FAILED", "tun0", IPMODD_STEP="diversion", ERRNO="17", PRIORITY="3")


def test_reloads(logged):
    logged.start()
    logged.daemon.reload()
    by_signal = logged.expect("LOG_ID_RELOADED", "^configuration loaded anew, 1 rule$",
                              IPMODD_GENERATION="2", IPMODD_RULES="1")
    assert by_signal["IPMODD_FILES"].startswith(str(logged.daemon.config))
    assert "IPMODD_CLIENT_UID" not in by_signal and "IPMODD_CONFIRM_SECONDS" not in by_signal
    logged.ctl("reload", "--confirm", "60s")
    entry = logged.expect_by("LOG_ID_RELOADED", "to be confirmed within 60 s",
                             IPMODD_GENERATION="3")
    assert 1 <= int(entry["IPMODD_CONFIRM_SECONDS"]) <= 60
    logged.ctl("confirm")
    logged.expect_by("LOG_ID_CONFIRMED", "^the configuration in force is confirmed",
                     IPMODD_GENERATION="3")
    logged.ctl("rollback")
    logged.expect_by("LOG_ID_ROLLED_BACK", "^the configuration before is in force again, 1 rule",
                     IPMODD_CAUSE="request", IPMODD_GENERATION="4", PRIORITY="4")


def test_refused_reload(logged):
    logged.start()
    logged.daemon.config.write_text("[rule x]\nset-dscp = ef\nverdict = dorp\n", encoding="utf-8")
    done = ctl(logged.daemon, "reload")
    assert done.returncode == 1
    logged.expect("LOG_ID_CONFIG_PROBLEM", "conf:3: .*did you mean 'drop'", CONFIG_LINE="3",
                  CONFIG_FILE=str(logged.daemon.config), IPMODD_SECTION="rule x",
                  IPMODD_KEY="verdict", PRIORITY="3")
    logged.expect("LOG_ID_RELOAD_REFUSED", "^reload refused, nothing changed: .*conf:3: ",
                  IPMODD_GENERATION="1", IPMODD_CLIENT_UID=str(os.getuid()), PRIORITY="3")


def test_nobody_confirms(logged):
    logged.start()
    logged.ctl("reload", "--confirm", "1s")
    logged.expect("LOG_ID_UNCONFIRMED", "^nobody has confirmed", IPMODD_CONFIRM_SECONDS="0")
    entry = logged.expect("LOG_ID_ROLLED_BACK", "in force again, 1 rule$", IPMODD_CAUSE="deadline")
    assert "IPMODD_CLIENT_UID" not in entry
    logged.ctl("reload", "--confirm", "60s")
    assert logged.daemon.stop() == 0
    logged.expect("LOG_ID_UNCONFIRMED", "^stopping with a configuration that nobody",
                  IPMODD_GENERATION="4")


def test_switches_resets_and_flushes(logged):
    logged.start(PLAIN + FLOWS)
    logged.ctl("disable", "plain")
    logged.expect_by("LOG_ID_RULE_SWITCHED", "^rule plain is disabled until the next reload",
                     IPMODD_RULE="plain", IPMODD_ENABLED="0")
    logged.ctl("enable", "plain")
    logged.expect_by("LOG_ID_RULE_SWITCHED", "^rule plain is enabled", IPMODD_ENABLED="1")
    logged.ctl("rules", "--reset")
    logged.expect_by("LOG_ID_COUNTERS_RESET", "^all rules count from nothing")
    assert ping(logged.net.host, FAR[4]) == (1, 1)
    forgotten = int(logged.ctl("flows", "--flush").split()[0])
    logged.expect_by("LOG_ID_FLOWS_FLUSHED", rf"^{forgotten} flows? (was|were) forgotten",
                     IPMODD_FLOWS=str(forgotten))


def test_who_it_was_is_not_who_it_is_said_to_be(logged):
    """The kernel names the process that connected, here this one."""
    logged.start()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path_of(logged.daemon))
        client.sendall(b"reset-rules\n")
        logged.expect_by("LOG_ID_COUNTERS_RESET", "count from", IPMODD_CLIENT_PID=str(os.getpid()))


def test_routing(logged):
    logged.start()
    logged.net.host.ip("rule del pref 32765")
    logged.expect("LOG_ID_ROUTING_REPAIRED", "is right again$", IPMODD_DEVICE="tun0",
                  IPMODD_SUPPRESSED="0", PRIORITY="5")
    logged.net.host.ip("rule add pref 50 lookup 100")
    logged.expect("LOG_ID_GUARDS_MOVED", "moved to 48", IPMODD_PRIORITY="48", PRIORITY="4")
    logged.net.host.ip("rule del pref 50")
    logged.expect("LOG_ID_GUARDS_MOVED", "at priority 99 again", IPMODD_PRIORITY="99", PRIORITY="5")
    logged.net.host.ip("route add 198.51.100.64/26 dev tun0")
    logged.expect("LOG_ID_LOOP_FOUND", "^routing loop: ", IPMODD_DEVICE="tun0", PRIORITY="4")


def test_what_is_kept_back_is_counted(logged):
    """Whoever keeps changing routing does not fill the journal."""
    logged.start()
    for _ in range(8):
        logged.net.host.ip("rule del pref 32765")
        wait_until(lambda: "32765:" in logged.net.host.ip("rule"), "the rule", 10 * SLOW)
    told = logged.journal.entries("LOG_ID_ROUTING_REPAIRED")
    assert 1 <= len(told) <= 5 and {entry["IPMODD_SUPPRESSED"] for entry in told} == {"0"}


def test_device(logged):
    logged.start()
    logged.net.host.ip("link del tun0")
    logged.expect("LOG_ID_TUN_LOST", "^tun0 is gone", IPMODD_DEVICE="tun0", PRIORITY="4")
    logged.expect("LOG_ID_TUN_RESTORED", "^tun0 is back$", IPMODD_DEVICE="tun0", PRIORITY="5")


def test_routing_incomplete(faulty_logged):
    faulty_logged.start()
    choose(faulty_logged.daemon, "enomem", 1)
    faulty_logged.net.host.ip("rule del pref 32765")
    faulty_logged.expect("LOG_ID_ROUTING_INCOMPLETE", "Cannot allocate memory",
                         IPMODD_DEVICE="tun0", IPMODD_SUPPRESSED="0")


def test_no_place_to_be_asked(logged):
    with pytest.raises(AssertionError, match="ended at start"):
        logged.start("[main]\ncontrol = /proc/control\n" + PLAIN)
    logged.expect("LOG_ID_CONTROL_UNSERVED", "no control socket at /proc/control",
                  IPMODD_SOCKET="/proc/control", PRIORITY="3")
    with pytest.raises(AssertionError, match="ended at start"):
        logged.start("[main]\nmetrics = 192.0.2.77:9469\n" + PLAIN)
    logged.expect("LOG_ID_CONTROL_UNSERVED", r"cannot listen at 192\.0\.2\.77 port 9469",
                  IPMODD_ADDRESS="192.0.2.77", IPMODD_PORT="9469", ERRNO="99")


def test_rule_log_and_statistics(logged, family):
    logged.start("[rule noted]\nproto = tcp\nlog = info\ncapture = noted\nverdict = reject\n")
    send(logged.net.host, ip(family, HOST[family], FAR[family]) / tcp(4000, 81, "S"))
    logged.expect("LOG_ID_RULE_LOG", "^rule noted: reject out ", IPMODD_RULE="noted",
                  IPMODD_VERDICT="reject", IPMODD_REASON="rejected", IPMODD_DIRECTION="out",
                  IPMODD_SUPPRESSED="0", SRC=HOST[family], DST=FAR[family], PROTO="tcp",
                  SPT="4000", DPT="81", TTL="64", IPMODD_PACKETS="1", PRIORITY="6",
                  CONFIG_FILE=str(logged.daemon.config), CONFIG_LINE="1")
    wait_packets(logged.daemon.state_directory / "noted.pcapng", 1)  # another thread's work
    logged.daemon.signal(signal.SIGUSR1)
    totals = logged.expect("LOG_ID_STATISTICS", "^in 1 packets", IPMODD_IN_PACKETS="1")
    assert totals["IPMODD_GENERATED"] == "1"
    logged.expect("LOG_ID_STATISTICS", "^rule noted: 1 packets", IPMODD_RULE="noted",
                  IPMODD_PACKETS="1")
    logged.expect("LOG_ID_STATISTICS", "^dropped rejected: 1 packets", IPMODD_REASON="rejected")
    logged.expect("LOG_ID_STATISTICS", "^capture noted: ", IPMODD_CAPTURE="noted", IPMODD_LOST="0")
    logged.expect("LOG_ID_STATISTICS", "^captures: lost 0 packets", IPMODD_LOST="0")


def test_more_entries_than_there_is_room_for(logged):
    """A packet that forty rules log, in batches of many."""
    logged.start("".join(f"[rule r{number}]\nproto = udp\nlog = debug 1000000/s burst 1000000\n"
                         for number in range(40)))
    sender = flood(logged.net.host, NOBODY[4], 30)
    entry = logged.expect("LOG_ID_EVENTS_LOST", "^no room for", 20 * SLOW, PRIORITY="4")
    sender.kill()
    sender.wait()
    assert int(entry["IPMODD_LOST"]) > 0 and entry["IPMODD_LOST"] in entry["MESSAGE"]


def test_losses(logged):
    logged.start()
    with logged.net.host:
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
    with raw:
        raw.sendto(b"\x45\0\0\x14", ("tun0", 0x0800))
    logged.expect("LOG_ID_MALFORMED", "^a malformed packet was dropped: ", IPMODD_PACKETS="1",
                  IPMODD_SUPPRESSED="0", PRIORITY="4")
    logged.daemon.signal(signal.SIGSTOP)
    flood(logged.net.host, NOBODY[4], 0.3, nice=0).wait()
    logged.daemon.signal(signal.SIGCONT)
    entry = logged.expect("LOG_ID_TUN_OVERRUN", "the queue of tun0 was full", IPMODD_DEVICE="tun0")
    assert entry["MESSAGE"].startswith(entry["IPMODD_PACKETS"])


def test_captures_that_cannot_be_written(logged):
    logged.daemon.state_directory.write_text("not a directory", encoding="ascii")
    logged.start("[rule all]\nproto = udp\ncapture = nowhere\n")
    send(logged.net.host, ip(4, HOST[4], FAR[4]) / udp(1, 2, b"x"))
    logged.expect("LOG_ID_CAPTURE_LOST", r"cannot write nowhere\.pcapng: Not a directory",
                  IPMODD_CAPTURE="nowhere", IPMODD_PACKETS="1", ERRNO="20", PRIORITY="4")


def test_offload_that_is_refused(logged, binary, family):
    if daemon_module.TUN["offload"] == "off":
        pytest.skip("no super-packets")
    binary(FAULTY, IPMODD_REFUSED_GSO="1:2" if family == 4 else "4:2")
    logged.start()
    transfer(logged.net, family, 300_000)
    logged.expect("LOG_ID_OFFLOAD_GIVEN_UP", "going on without", IPMODD_DEVICE="tun0",
                  IPMODD_OFFLOAD=f"TCP over IPv{family}", PRIORITY="4")


@NEEDS_NFTABLES
def test_remarks_about_netfilter(logged):
    logged.net.host.run("iptables -P FORWARD DROP")
    logged.net.host.run("ip6tables -t nat -A POSTROUTING ! -o lan -j MASQUERADE")
    logged.start("[divert]\ndirection = out, forward\n" + PLAIN)
    logged.expect("LOG_ID_FOREIGN_NETFILTER", "chain FORWARD", IPMODD_REMARK="forward",
                  PRIORITY="4")
    logged.expect("LOG_ID_CONNTRACK", "may take any IPv6 address", IPMODD_REMARK="conntrack",
                  PRIORITY="4")


def test_netfilter_that_cannot_be_seen(logged):
    if logged.net.host.run("iptables-legacy -A OUTPUT -j ACCEPT", check=False).returncode != 0:
        pytest.skip("this kernel has no iptables-legacy")
    logged.start()
    logged.expect("LOG_ID_NETFILTER_UNSEEN", "iptables-legacy has tables", IPMODD_REMARK="legacy",
                  PRIORITY="4")


def test_remark_about_the_device(logged):
    logged.start("[tun]\nrps = 8191\n" + PLAIN)
    logged.expect("LOG_ID_RPS", "this machine has not all of these CPUs running",
                  IPMODD_REMARK="rps", PRIORITY="4")


def test_remarks_about_routing(logged, binary):
    binary(os.environ["IPMODD_OLD"], IPMODD_HIDE="force_forwarding")
    logged.net.host.sysctl("net.ipv6.conf.all.forwarding", 0)
    logged.net.host.ip("xfrm policy add src 203.0.113.7 dst 203.0.113.8 dir out action block")
    logged.net.host.ip("rule add pref 5270 lookup 52")
    names = ", ".join(f"ppp{number}" for number in range(70))
    logged.start(f"[divert]\ninterfaces = eth0, {names}\n" + PLAIN)
    logged.expect("LOG_ID_XFRM", "IPsec: there are 1 policies", IPMODD_REMARK="xfrm", PRIORITY="4")
    logged.expect("LOG_ID_FORWARDING", "this kernel can't forward", IPMODD_REMARK="forwarding",
                  PRIORITY="5")
    logged.expect("LOG_ID_INTERFACES", "there is no ppp0 yet", IPMODD_REMARK="interfaces")
    entry = logged.expect("LOG_ID_REMARKS_LEFT_OUT", "more remarks about this host")
    assert f"and {entry['IPMODD_LEFT_OUT']} more" in entry["MESSAGE"]
    logged.daemon.reload(PLAIN)
    logged.expect("LOG_ID_FOREIGN_RULES", "-4 5270: lookup 52", IPMODD_REMARK="rules",
                  PRIORITY="5")


def test_every_kind_is_here():
    """What is new in id.c is provoked above."""
    text = (ROOT / "tests" / "netns" / "test_journal.py").read_text(encoding="utf-8")
    provoked = set(re.findall(r'expect(?:_by)?\("(LOG_ID_\w+)"', text))
    assert provoked == set(IDS)


def test_every_field_is_in_the_manual():
    """ipmodd(8) lists each kind by its MESSAGE_ID, and names each field."""
    manual = (ROOT / "man" / "ipmodd.8").read_text(encoding="utf-8")
    assert set(re.findall(r"\b[0-9a-f]{32}\b", manual)) == set(IDS.values())
    fields = {name for source in (ROOT / "src" / "daemon").glob("*.c") for name in
              re.findall(r'log_fields_add\(\S+ "(\w+)"', source.read_text(encoding="utf-8"))}
    named = {name for line in re.findall(r"^\.Va (.*)$", manual, re.MULTILINE)
             for name in re.findall(r"[A-Z][A-Z0-9_]+", line)}
    assert len(fields) > 40 and fields <= named, sorted(fields - named)
