# SPDX-License-Identifier: GPL-2.0-or-later
"""Start, stop, crash and clean-up: nothing foreign is touched and nothing is left behind."""
import math
import re
import shutil
import signal
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import state
from daemon import EXIT_CONFIG, EXIT_NO_PERMISSION, NO_RULES, SLOW
from packets import has_payload, ip, parse, send, tos_of, udp
from space import PATIENCE, wait_until
from topology import (FAR, HOST, NOBODY, PEER, Network, routed_topology, sources_topology,
                      uplinks_topology)
from traffic import Pings, answered, chosen_source, lost, ping, tcp_socket, tun_packets, udp_socket

REFUSED_WITHIN = 1.0 * SLOW
CAP_NET_ADMIN = 1 << 12

CONFIGURATIONS = {
    "plain": NO_RULES,
    "forward": "[divert]\ndirection = out, forward\n",
    "inbound": "[divert]\ndirection = out, forward, in\n",
    "default": "[divert]\nmirror = default\n",
    "exclusions": "[divert]\nexclude = 198.51.100.0/25, 2001:db8:2::/65\n"
                  "exclude-uid = 1000-2000\nexclude-port = tcp/22, udp/53\n",
    "numbers": "[divert]\ntable = 4711\npriority = 50\ndivert-priority = 30000\n",
    "one family": "[divert]\nfamily = ipv4\n",
    "closed": "[divert]\non-exit = closed\n",
    "address": "[tun]\naddress = 203.0.113.129/30, 2001:db8:77::1/64\nmtu = 1400\n",
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
@pytest.mark.parametrize("network", ["routed", "uplinks", "sources"])
def test_stop_leaves_the_state_as_before(network, name, request, daemons):
    host = request.getfixturevalue(network).host
    host.sysctl("net.ipv4.conf.all.rp_filter", 1)
    host.sysctl("net.ipv4.conf.eth0.rp_filter", 1)
    before = state.snapshot(host)
    daemon = daemons(host)
    daemon.start(CONFIGURATIONS[name])
    assert ping(host, FAR[4]) == (1, 1)
    assert ping(host, FAR[6]) == (1, 1)
    assert state.compare(before, state.snapshot(host)) != "", "nothing was diverted at all"
    begin = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - begin <= 1.0 * SLOW
    assert state.compare(before, state.snapshot(host)) == ""


def test_sigint_stops_as_well(wire, daemons):
    before = state.snapshot(wire.host)
    daemon = daemons(wire.host)
    daemon.start()
    daemon.signal(signal.SIGINT)
    assert daemon.wait() == 0
    assert state.compare(before, state.snapshot(wire.host)) == ""


def test_start_and_stop_lose_nothing(wire, daemons, family):
    """200 requests a second: a gap of 5 ms would show, and what a stop leaves in tun0's queue."""
    daemon = daemons(wire.host)
    pings = Pings(wire.host, FAR[family], 0.005)
    for _ in range(3):
        daemon.start()
        wait_until(lambda: tun_packets(wire.host) > 50, "diverted pings")
        assert daemon.stop() == 0
    said = pings.finish()
    assert lost(said) == [] and len(answered(said)) >= 150, f"lost {lost(said)}\n{said[-300:]}"


def test_connections_live_through_start_reload_crash_and_stop(wire, daemons, family):
    daemon = daemons(wire.host)
    listener = tcp_socket(wire.peer, family)
    with listener, tcp_socket(wire.host, family) as client:
        listener.bind((FAR[family], 6000))
        listener.listen()
        client.connect((FAR[family], 6000))
        server, _ = listener.accept()
        # A Python timeout would make MSG_WAITALL return early.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", math.ceil(PATIENCE), 0))

        def talk(when):
            client.sendall(b"question" * 1000)
            assert server.recv(8000, socket.MSG_WAITALL) == b"question" * 1000, when
            server.sendall(b"answer")
            assert client.recv(100) == b"answer", when

        with server:
            talk("before")
            daemon.start()
            before = tun_packets(wire.host)
            talk("diverted")
            assert tun_packets(wire.host) > before, "not diverted"
            daemon.reload("[rule mark]\nset-dscp = ef\n")
            talk("reloaded")
            daemon.kill()
            talk("crashed")
            daemon.start()
            talk("restarted")
            assert daemon.stop() == 0
            talk("stopped")


def test_only_the_needed_capability_is_kept(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start("[tun]\nqueues = 2\n")
    threads = daemon.threads()
    assert len(threads) == 3
    for name, task in threads.items():
        text = (task / "status").read_text(encoding="ascii")
        caps = {key: int(value, 16) for key, value in
                re.findall(r"^Cap(\w+):\s*([0-9a-f]+)$", text, re.MULTILINE)}
        for which in ("Eff", "Prm", "Bnd"):
            assert caps[which] & ~CAP_NET_ADMIN == 0, f"{name}: Cap{which} {caps[which]:x}"
        assert caps["Eff"] == CAP_NET_ADMIN
        assert re.search(r"^NoNewPrivs:\s*1$", text, re.MULTILINE)


def test_a_reload_makes_what_a_fresh_start_makes(uplinks, daemons):
    """From each configuration to each other, rules in the same order too; then a clean stop."""
    host, daemon = uplinks.host, daemons(uplinks.host)
    host.sysctl("net.ipv4.conf.eth0.rp_filter", 1)
    before = state.snapshot(host)
    names = [name for name in CONFIGURATIONS if name != "address"]  # tun0 stays as it is
    fresh = {}
    for name in names:
        daemon.start(CONFIGURATIONS[name])
        fresh[name] = state.snapshot(host)
        assert daemon.stop() == 0
    daemon.start(CONFIGURATIONS[names[0]])
    for first in names:
        for second in names:
            for name in (first, second):
                status = daemon.reload(CONFIGURATIONS[name])
                assert "refused" not in status, f"{first} to {second}: {status}"
            assert state.compare(fresh[second], state.snapshot(host)) == "", f"{first} to {second}"
    assert daemon.stop() == 0
    assert state.compare(before, state.snapshot(host)) == ""


# Life after a crash.

def strict_host(net):
    """Gives the host settings that the daemon has to change and to give back."""
    net.host.sysctl("net.ipv4.conf.eth0.rp_filter", 1)
    return state.snapshot(net.host)


def test_crash_leaves_traffic_flowing(wire, daemons, captures, family):
    daemon = daemons(wire.host)
    daemon.start("[rule mark]\nset-dscp = ef\n")
    daemon.kill()
    wait_until(lambda: "tun0" not in str(wire.host.ip_json("link show")), "tun0 gone")
    assert ping(wire.host, FAR[family], 3) == (3, 3)
    seen = captures(wire.peer)
    send(wire.host, ip(family, HOST[family], FAR[family]) / udp(1, 2, b"unmodified"))
    packet = seen.one(has_payload("unmodified"))
    assert (packet.tc if family == 6 else packet.tos) == 0


def datagrams(space, family, role, more):
    """Sends numbered datagrams to FAR, one a millisecond, while MORE says so; when each was sent."""
    sent = {}
    with udp_socket(space, family) as sender:
        while more():
            text = f"{role} {len(sent)}."
            sent[text] = time.monotonic()
            try:
                sender.sendto(text.encode(), (FAR[family], 9))
            except OSError:
                pass
            time.sleep(0.001)
    return sent


def for_seconds(seconds):
    """A condition that holds that long from now on."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() < end


def longest_silence(sent, arrived):
    """How long nothing of what was sent arrived; a pause of the sender says nothing about that."""
    silence = longest = last = 0.0
    for text, when in sent.items():
        silence += min(when - last, 0.005)
        longest, last = max(longest, silence), when
        if text in arrived:
            silence = 0.0
    return longest


def gap_of_a_crash(net, daemon, seen, family, role):
    """How long nothing of a host's datagrams arrives when the daemon is killed among them."""
    daemon.start(CONFIGURATIONS["forward"])
    threading.Timer(0.3, daemon.kill).start()
    sent = datagrams(getattr(net, role), family, role, for_seconds(0.8))
    seen.wait(len(sent) // 2, has_payload(role))
    time.sleep(0.1)
    arrived = {text.decode() for packet in seen.all(has_payload(role))
               for text in re.findall(rb"(?:host|client) \d+\.", packet)}
    print(f"{role}: {len(arrived)} of {len(sent)} arrived")
    assert len(arrived) >= 200 / SLOW
    return longest_silence(sent, arrived)


@pytest.mark.parametrize("role", ["host", "client"])
def test_crash_interrupts_traffic_for_a_moment(routed, daemons, captures, family, role):
    """A tenth of a second at most; of three crashes one, since a busy machine is slow to end them."""
    daemon = daemons(routed.host)
    gaps = []
    while min(gaps, default=1.0 * SLOW) > 0.1 * SLOW:
        assert len(gaps) < 3, gaps
        with captures(routed.peer) as seen:
            gaps.append(gap_of_a_crash(routed, daemon, seen, family, role))


def test_crash_with_on_exit_closed_holds_a_client(routed, daemons, captures, family):
    """From the crash over --cleanup to the next start nothing of it is forwarded unmodified."""
    daemon = daemons(routed.host)
    config = "[divert]\ndirection = out, forward\non-exit = closed\n[rule mark]\nset-dscp = ef\n"
    daemon.start(config)
    seen = captures(routed.peer)

    def life():
        for _ in range(3):
            wait_until(lambda: tun_packets(routed.host) > 20, "diverted datagrams")
            daemon.kill()
            time.sleep(0.1)
            assert daemon.once("--cleanup").returncode == 0
            time.sleep(0.1)
            daemon.start(config)
        wait_until(lambda: tun_packets(routed.host) > 20, "datagrams diverted again")

    with ThreadPoolExecutor() as pool:
        lives = pool.submit(life)
        sent = datagrams(routed.client, family, "client", lambda: not lives.done())
        lives.result()
    packets = [parse(packet) for packet in seen.all(has_payload("client"))]
    assert 50 <= len(packets) < len(sent), "hardly anything, or all of it, was forwarded"
    assert {tos_of(packet) for packet in packets} == {0xB8}


def test_cleanup_after_a_crash(wire, daemons):
    before = strict_host(wire)
    daemon = daemons(wire.host)
    daemon.start(CONFIGURATIONS["exclusions"])
    daemon.kill()
    wait_until(lambda: "tun0" not in str(wire.host.ip_json("link show")), "tun0 gone")
    assert state.compare(before, state.snapshot(wire.host)) != "", "the crash left nothing"
    done = daemon.once("--cleanup")
    assert done.returncode == 0, done.stderr
    assert state.compare(before, state.snapshot(wire.host)) == ""
    assert daemon.once("--cleanup").returncode == 0, "a second sweep has nothing to do"
    assert state.compare(before, state.snapshot(wire.host)) == ""


def foreign_state(net):
    """What somebody else has on the host, next to everything that is ours."""
    for family, network in ((4, "203.0.113.0/24"), (6, "2001:db8:99::/48")):
        for line in (f"rule add pref 32765 from {FAR[family]} lookup 77",
                     "rule add pref 5270 lookup 52", f"route add {network} via {PEER[family]} table 77",
                     f"route add {network} via {PEER[family]}"):
            net.host.ip(f"-{family} {line}")


def state_files(daemon):
    """What the daemon keeps in /run for who comes after it."""
    return {path.name: path.read_text(encoding="ascii")
            for path in (daemon.run_directory / "ipmodd").iterdir() if path.is_file()}


def test_restarts_after_crashes_know_the_original_state(wire, daemons):
    """Twenty times: one set of rules, the state of others as it was, the originals still known."""
    foreign_state(wire)
    before = strict_host(wire)
    daemon = daemons(wire.host)
    daemon.start()
    running, files = state.snapshot(wire.host), state_files(daemon)
    for _ in range(20):
        daemon.kill()
        daemon.start()
        assert state.compare(running, state.snapshot(wire.host)) == ""
        assert state_files(daemon) == files
        assert ping(wire.host, FAR[4]) == (1, 1)
    assert daemon.stop() == 0
    assert state.compare(before, state.snapshot(wire.host)) == ""


def test_killed_at_every_moment_of_the_start(wire, daemons):
    """The next start makes of what is left what a first start makes."""
    foreign_state(wire)
    before = strict_host(wire)
    daemon = daemons(wire.host)
    took = daemon.start()
    running = state.snapshot(wire.host)
    assert daemon.stop() == 0
    for step in range(20):
        process = wire.host.popen(daemon.command("-c", str(daemon.config)))
        time.sleep(took * (step + 0.5) / 20)
        process.kill()
        process.wait()
        wait_until(lambda: "tun0" not in str(wire.host.ip_json("link show")), "tun0 gone")
        daemon.start()
        assert state.compare(running, state.snapshot(wire.host)) == "", f"step {step}"
        assert daemon.stop() == 0
        assert state.compare(before, state.snapshot(wire.host)) == "", f"step {step}"


def test_killed_in_the_middle_of_a_reload(wire, daemons):
    """That changes table and priorities: what of either is left goes, whoever comes next."""
    before = strict_host(wire)
    daemon = daemons(wire.host)
    names = ["exclusions", "numbers"]
    fresh = {}
    for name in names:
        daemon.start(CONFIGURATIONS[name])
        fresh[name] = state.snapshot(wire.host)
        assert daemon.stop() == 0
    for step in range(16):
        daemon.start(CONFIGURATIONS[names[step % 2]])
        daemon.config.write_text(CONFIGURATIONS[names[1 - step % 2]], encoding="utf-8")
        daemon.signal(signal.SIGHUP)
        time.sleep(0.0007 * step)
        daemon.kill()
        wait_until(lambda: "tun0" not in str(wire.host.ip_json("link show")), "tun0 gone")
        if step % 4 < 2:
            daemon.start(CONFIGURATIONS[names[0]])
            assert state.compare(fresh[names[0]], state.snapshot(wire.host)) == "", step
            assert daemon.stop() == 0
        else:
            assert daemon.once("--cleanup").returncode == 0
        assert state.compare(before, state.snapshot(wire.host)) == "", step


def test_crash_with_on_exit_closed_lets_nothing_out(wire, daemons, captures, family):
    before = strict_host(wire)
    daemon = daemons(wire.host)
    closed = CONFIGURATIONS["closed"]
    daemon.start(closed)
    seen = captures(wire.peer)
    daemon.kill()
    wait_until(lambda: "tun0" not in str(wire.host.ip_json("link show")), "tun0 gone")
    for when in ("after the crash", "after the clean-up"):
        with udp_socket(wire.host, family) as sender, pytest.raises(OSError):
            sender.sendto(b"unmodified", (FAR[family], 9))
        assert seen.all(has_payload("unmodified")) == [], when
        assert daemon.once("--cleanup").returncode == 0
    daemon.start(closed)
    assert ping(wire.host, FAR[family]) == (1, 1)
    assert daemon.stop() == 0, "a clean stop opens"
    assert ping(wire.host, FAR[family]) == (1, 1)
    assert state.compare(before, state.snapshot(wire.host)) == ""


@pytest.mark.parametrize("mirror", ["all", "default"])
def test_closed_means_what_was_diverted(wire, daemons, captures, family, mirror):
    """What was excluded goes on after a crash, what was diverted does not."""
    daemon = daemons(wire.host)
    daemon.start(f"[divert]\non-exit = closed\nmirror = {mirror}\nexclude = {FAR[family]}\n")
    daemon.kill()
    wait_until(lambda: "tun0" not in str(wire.host.ip_json("link show")), "tun0 gone")
    seen = captures(wire.peer)
    with udp_socket(wire.host, family) as sender:
        sender.sendto(b"excluded", (FAR[family], 9))
        with pytest.raises(OSError):
            sender.sendto(b"diverted", (NOBODY[family], 9))
    seen.wait(1, has_payload("excluded"))
    assert seen.all(has_payload("diverted")) == []
    on_link = ping(wire.host, PEER[family], patience=1)
    assert on_link == ((1, 1) if mirror == "default" else (1, 0))


def test_cleanup_never_undoes_a_foreign_change(wire, daemons):
    """A setting that someone changed since is theirs."""
    strict_host(wire)
    daemon = daemons(wire.host)
    daemon.start()
    assert wire.host.sysctl("net.ipv4.conf.eth0.rp_filter") == "2"
    daemon.kill()
    wire.host.sysctl("net.ipv4.conf.eth0.rp_filter", 0)
    assert daemon.once("--cleanup").returncode == 0
    assert wire.host.sysctl("net.ipv4.conf.eth0.rp_filter") == "0"


def test_cleanup_refuses_while_one_runs(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start()
    running = state.snapshot(wire.host)
    done = daemon.once("--cleanup")
    assert done.returncode == 1, done.stderr
    assert "running" in done.stderr or "runs" in done.stderr, done.stderr
    assert state.compare(running, state.snapshot(wire.host)) == ""
    assert ping(wire.host, FAR[4]) == (1, 1)


# Refusals.

def refused(daemon, config=NO_RULES, code=1, prefix=()):
    """What a refused start says; it must come at once."""
    begin = time.monotonic()
    done = daemon.once(config=config, prefix=prefix)
    took = time.monotonic() - begin
    assert done.returncode == code, f"exit {done.returncode}: {done.stderr}"
    assert took <= REFUSED_WITHIN, f"refused after {took:.2f} s"
    return done.stderr


def test_second_instance_is_refused(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start()
    running = state.snapshot(wire.host)
    said = refused(daemon)
    assert "running" in said or "runs" in said or "instance" in said, said
    assert state.compare(running, state.snapshot(wire.host)) == ""
    assert ping(wire.host, FAR[4]) == (1, 1)


@pytest.mark.parametrize("numbers", ["divert-priority = 32763", "table = 101"])
def test_instance_that_shares_a_number_is_refused(wire, daemons, numbers):
    """Another device alone is not enough: table and divert priority have to differ too."""
    first, second = daemons(wire.host), daemons(wire.host)
    second.run_directory = first.run_directory
    first.start()
    running = state.snapshot(wire.host)
    said = refused(second, f"[tun]\nname = tun1\n[divert]\n{numbers}\n")
    assert ("table" if "priority" in numbers else "divert-priority") in said, said
    assert state.compare(running, state.snapshot(wire.host)) == ""


def test_instance_with_a_run_of_its_own_is_refused(wire, daemons):
    """As from a container that shares this host's network: there are no locks to see."""
    daemons(wire.host).start()
    running = state.snapshot(wire.host)
    said = refused(daemons(wire.host), "[tun]\nname = tun1\n")
    assert "another instance" in said and "table 100" in said, said
    assert state.compare(running, state.snapshot(wire.host)) == ""
    assert ping(wire.host, FAR[4]) == (1, 1)


@pytest.mark.parametrize("make", ["tuntap add tun0 mode tun",
                                  "link add tun0 type veth peer name v1"])
def test_foreign_device_is_refused(wire, daemons, make):
    wire.host.ip(make)
    wire.host.ip("link set tun0 up")
    wire.host.ip("addr add 203.0.113.1/24 dev tun0")
    # The kernel notices in its own time that nobody is at the other end.
    wait_until(lambda: "linkdown" in wire.host.ip("route show dev tun0"), "the missing carrier")
    before = state.snapshot(wire.host)
    said = refused(daemons(wire.host))
    assert "tun0" in said, said
    assert state.compare(before, state.snapshot(wire.host)) == ""


@pytest.mark.parametrize("theirs", [
    f"-4 route add 203.0.113.0/24 via {PEER[4]} table 100",
    f"-6 route add 2001:db8:99::/48 via {PEER[6]} table 100"])
def test_foreign_routes_in_the_table_are_refused(wire, daemons, theirs):
    wire.host.ip(theirs)
    before = state.snapshot(wire.host)
    said = refused(daemons(wire.host))
    assert "100" in said and "table" in said, said
    assert state.compare(before, state.snapshot(wire.host)) == ""


@pytest.mark.parametrize("theirs", ["-4 rule add pref 99 from 203.0.113.9 lookup 77",
                                    "-6 rule add pref 100 from 2001:db8:99::9 lookup 77"])
def test_foreign_rules_before_the_guard_are_refused(wire, daemons, theirs):
    """They could send what comes from tun0 elsewhere."""
    wire.host.ip(theirs)
    before = state.snapshot(wire.host)
    said = refused(daemons(wire.host))
    assert "priority" in said, said
    assert state.compare(before, state.snapshot(wire.host)) == ""


@pytest.mark.parametrize("theirs", ["-4 rule add pref 32765 from 203.0.113.9 lookup 77",
                                    "-6 rule add pref 32764 from 2001:db8:99::9 lookup 77"])
def test_foreign_rules_of_the_divert_priority_stay(wire, daemons, theirs):
    """It is somebody else's: there before, while and after we run."""
    wire.host.ip(theirs)
    before = state.snapshot(wire.host)
    daemon = daemons(wire.host)
    daemon.start()
    for number in (4, 6):
        missing = [rule for rule in before[f"rule {number}"]
                   if rule not in state.rules(wire.host, number)]
        assert missing == []
    assert daemon.stop() == 0
    assert state.compare(before, state.snapshot(wire.host)) == ""


def test_without_the_capability(wire, daemons):
    before = state.snapshot(wire.host)
    drop = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"]
    said = refused(daemons(wire.host), code=EXIT_NO_PERMISSION, prefix=drop)
    assert "CAP_NET_ADMIN" in said and "--cap-add=NET_ADMIN" in said, said
    assert len(said.strip().splitlines()) == 1, said
    assert state.compare(before, state.snapshot(wire.host)) == ""


# What stands where /dev/net/tun should be: nothing, a device that no driver serves, a forbidden one.
TUN_DEVICES = {"absent": "true", "no driver": "mknod /dev/net/tun c 10 253",
               "forbidden": "mknod -m 600 /dev/net/tun c 10 200"}


@pytest.mark.parametrize("what", TUN_DEVICES)
def test_without_the_tun_device(wire, daemons, what):
    """One line names it and what helps, in a container too."""
    before = state.snapshot(wire.host)
    hide = ["sh", "-c", f'mount -t tmpfs none /dev/net && {TUN_DEVICES[what]} && exec "$@"', "sh"]
    if what == "forbidden":
        hide += ["setpriv", "--reuid=65534", "--inh-caps=+net_admin", "--ambient-caps=+net_admin"]
    daemon = daemons(wire.host)
    if what == "forbidden":
        daemon.directory.chmod(0o755)
        (daemon.run_directory / "ipmodd").mkdir()
        shutil.chown(daemon.run_directory / "ipmodd", 65534)
    said = refused(daemon, code=EXIT_NO_PERMISSION, prefix=hide)
    assert "/dev/net/tun" in said and "--device=/dev/net/tun" in said, said
    assert len(said.strip().splitlines()) == 1, said
    assert state.compare(before, state.snapshot(wire.host)) == ""


def test_bad_configuration_at_the_start(wire, daemons):
    before = state.snapshot(wire.host)
    daemon = daemons(wire.host)
    said = refused(daemon, "[rule a]\ndport = 80\n\n[rule b]\ndport = 65536\nverdict = maybe\n",
                   code=EXIT_CONFIG)
    for line in (5, 6):
        assert f"{daemon.config}:{line}:" in said, said
    assert state.compare(before, state.snapshot(wire.host)) == ""


@pytest.mark.parametrize("arguments,code", [(["--version"], 0), (["--help"], 0),
                                            (["--no-such-option"], 2), (["stray"], 2),
                                            (["--check", "--cleanup"], 2)])
def test_command_line(wire, daemons, arguments, code):
    done = daemons(wire.host).once(*arguments, config=NO_RULES)
    assert done.returncode == code, done.stderr
    assert done.stdout + done.stderr != ""


# The plan.

def without_link_state(snapshot):
    """Rules and routes without marks of whether someone holds the device open."""
    def clean(entry):
        entry = dict(entry)
        entry["flags"] = [flag for flag in entry.get("flags", [])
                          if flag not in ("linkdown", "dead")]
        return {key: value for key, value in entry.items() if key not in ("iif_detached",)}
    kept = ("rule 4", "rule 6", "route 4", "route 6")
    return {part: [clean(entry) for entry in snapshot[part] if not from_kernel(entry)]
            for part in kept}


def from_kernel(route):
    """Entries that the kernel makes when addresses and links come: not ours, not in the plan."""
    return route.get("protocol") == "2" or str(route.get("dst", "")).startswith("ff00")


TOPOLOGIES = {"routed": routed_topology, "uplinks": uplinks_topology,
              "sources": sources_topology}


@pytest.mark.parametrize("name", CONFIGURATIONS)
@pytest.mark.parametrize("network", TOPOLOGIES)
def test_plan_by_hand_gives_what_the_daemon_makes(network, name, request, daemons):
    """--print-plan, run as a script in a fresh host of the same shape, against the daemon."""
    host = request.getfixturevalue(network).host
    fresh = Network()
    try:
        TOPOLOGIES[network](fresh)
        for each in (host, fresh.host):
            each.sysctl("net.ipv4.conf.eth0.rp_filter", 1)
        planner = daemons(fresh.host)
        plan = planner.once("--print-plan", config=CONFIGURATIONS[name])
        assert plan.returncode == 0, plan.stderr
        done = fresh.host.run(["sh", "-e", "-c", plan.stdout], check=False)
        assert done.returncode == 0, f"{done.stderr}\nin the plan\n{plan.stdout}"
        daemon = daemons(host)
        daemon.start(CONFIGURATIONS[name])
        differ = state.compare(without_link_state(state.snapshot(host)),
                               without_link_state(state.snapshot(fresh.host)))
        assert differ == "", f"{differ}\nwith the plan\n{plan.stdout}"
        for setting in ("net.ipv4.conf.tun0.rp_filter", "net.ipv4.conf.eth0.rp_filter",
                        "net.ipv4.conf.tun0.accept_local", "net.ipv4.conf.tun0.forwarding",
                        "net.ipv6.conf.tun0.accept_ra"):
            assert host.sysctl(setting) == fresh.host.sysctl(setting), setting
    finally:
        fresh.delete()


def test_plan_changes_nothing(wire, daemons):
    before = state.snapshot(wire.host)
    assert daemons(wire.host).once("--print-plan", config=NO_RULES).returncode == 0
    assert state.compare(before, state.snapshot(wire.host)) == ""


def test_sources_survive_a_crash(sources, daemons):
    """The borrowed addresses go with the device: nobody chooses a source that is gone."""
    without = chosen_source(sources.host, 6, FAR[6])
    daemon = daemons(sources.host)
    daemon.start()
    daemon.kill()
    wait_until(lambda: "tun0" not in str(sources.host.ip_json("link show")), "tun0 gone")
    assert chosen_source(sources.host, 6, FAR[6]) == without


def test_host_without_ipv6(daemons):
    """disable_ipv6 everywhere: IPv4 is diverted, nothing is complained about."""
    net = Network()
    try:
        net.add("host")
        net.host.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
        net.host.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
        before = state.snapshot(net.host)
        daemon = daemons(net.host)
        daemon.start()
        assert daemon.stop() == 0
        assert state.compare(before, state.snapshot(net.host)) == ""
    finally:
        net.delete()
