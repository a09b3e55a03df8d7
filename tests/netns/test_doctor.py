# SPDX-License-Identifier: GPL-2.0-or-later
"""ipmodctl doctor: each finding in a host that is wrong in just that way, and its own mend.

The host is healthy otherwise, so every test also asserts that nothing else is found; where the mend
is a command it is run as it stands, and the finding has to be gone.
"""
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess

import pytest

import daemon as daemon_module
from control import CTL, path_of
from daemon import NO_RULES
from packets import parse
from space import wait_until
from topology import FAR, HOST, PEER
from traffic import udp_socket

SO_BINDTODEVICE = 25
NFTABLES = os.environ.get("IPMODD_NFTABLES", "1") != "0"
needs_nftables = pytest.mark.skipif(not NFTABLES, reason="built without libnftables")
# Notes of a host without a daemon, which are no faults.
QUIET = {"daemon", "offload", "forwarding-ipv6"}
BOTH_WAYS = "[divert]\ndirection = out, forward\n"
# The host of this test run may have such programs; the namespaces share its /run and /etc.
BARE = "mount -t tmpfs none /run; "


class Doctor:
    """Runs ipmodctl doctor in a host, with or without a daemon."""

    def __init__(self, space, directory, daemon=None):
        self.space = space
        self.daemon = daemon
        self.asks = daemon is not None
        self.config = directory / "doctor.conf"
        self.config.write_text(NO_RULES, encoding="utf-8")

    def run(self, *arguments, before="", check=None):
        """The finished process; BEFORE runs first, in a mount namespace of its own."""
        address = path_of(self.daemon) if self.asks else "/nonexistent/control"
        config = str(self.daemon.config if self.daemon else self.config)
        script = f'{BARE if not self.daemon else ""}{before}\nexec "$@"'
        done = self.space.run(["unshare", "--mount", "sh", "-ec", script, "sh", CTL, "-s", address,
                               *arguments, "-c", config], check=False)
        assert check is None or done.returncode == check, done.stdout + done.stderr
        return done

    def findings(self, before=""):
        """{check: finding} of all that is not well, and the exit code."""
        done = self.run("-j", "doctor", before=before)
        document = json.loads(done.stdout)
        found = {one["check"]: one for one in document["findings"] if one["level"] != "ok"}
        grave = [one for one in document["findings"] if one["level"] in ("warning", "error")]
        assert document["schema"] == 1
        assert document["errors"] + document["warnings"] == len(grave)
        assert done.returncode == (1 if grave else 0), done.stdout + done.stderr
        return found

    def finding(self, check, level, before=""):
        """The one that is not a note."""
        found = self.findings(before)
        assert set(found) - QUIET == {check} - QUIET, found
        assert found[check]["level"] == level, found[check]
        return found[check]

    def mend(self, check, level):
        """The finding; its mend is run as a shell would, and it is gone."""
        one = self.finding(check, level)
        done = self.space.run(["sh", "-ec", one["mend"]], check=False)
        assert done.returncode == 0, f"{one['mend']}: {done.stderr}"
        assert check not in self.findings()
        return one


@pytest.fixture
def doctor(wire, tmp_path):
    """For a host without a daemon."""
    return Doctor(wire.host, tmp_path)


@pytest.fixture
def running(wire, daemons, tmp_path):
    """running(config) starts a daemon first."""
    def start(config=NO_RULES):
        made = daemons(wire.host)
        made.start(config)
        return Doctor(wire.host, tmp_path, made)
    return start


def test_a_healthy_host(doctor, running):
    """Nothing to mend before a start and while a daemon runs; -v says what was looked at."""
    assert set(doctor.findings()) <= QUIET
    done = doctor.run("doctor", check=0)
    assert "0 errors, 0 warnings" in done.stdout and "rp-filter" not in done.stdout
    alive = running()
    assert set(alive.findings()) <= QUIET - {"daemon"}
    done = alive.run("doctor", "-v", check=0)
    for check in ("daemon", "capability", "rp-filter", "nat", "sockets", "mtu"):
        assert f"ok       {check} " in done.stdout


def test_configuration_of_the_running_daemon(running):
    """Without -c it is that of the daemon, wherever that has it from."""
    alive = running("[divert]\ninterfaces = eth0, ppp7\n")
    done = alive.space.run([CTL, "-s", path_of(alive.daemon), "-j", "doctor"], check=False)
    found = {one["check"]: one for one in json.loads(done.stdout)["findings"]}
    assert found["configuration"]["level"] == "ok", done.stdout
    assert "ppp7" in found["interfaces"]["text"]
    assert set(alive.findings()) == {check for check in found if found[check]["level"] != "ok"}


def test_configuration_by_a_relative_path(wire, daemons):
    """The daemon was started in another folder than the doctor."""
    daemon = daemons(wire.host)
    daemon.start(prefix=("sh", "-ec", f'cd {daemon.config.parent}; exec "$1" "$2" "${{3##*/}}"', "sh"))
    done = wire.host.run([CTL, "-s", path_of(daemon), "-j", "doctor"], check=False)
    assert {"check": "configuration", "level": "ok", "text": "it can be loaded"} in \
        json.loads(done.stdout)["findings"]


def test_command_line(doctor):
    for arguments, text in ((["doctor", "more"], "one word too many"),
                            (["doctor", "-x"], "wrong option -x"),
                            (["doctor", "-j"], "-j stands in front")):
        done = doctor.run(*arguments, check=2)
        assert text in done.stderr


def test_configuration(doctor):
    doctor.config.write_text("[main]\npolicy = perhaps\n", encoding="utf-8")
    found = doctor.findings()
    assert f"{doctor.config}:2: [main] policy" in found["configuration"]["text"]
    with doctor.config.open("a", encoding="utf-8") as file:
        file.write("[divert]\nfamily = ipv4\n[rule a]\nfamily = ipv6\nttl = 3\n")
    told = json.loads(doctor.run("-j", "doctor").stdout)["findings"]
    assert [one["level"] for one in told if one["check"] == "configuration"] == ["error", "warning"]


def test_capability(doctor):
    """A container without it; for somebody who is not root it is said that root may know."""
    done = doctor.run("-j", "doctor", check=1,
                      before='set -- setpriv --bounding-set -net_admin --inh-caps -net_admin "$@"')
    [one] = [one for one in json.loads(done.stdout)["findings"] if one["check"] == "capability"]
    assert one["level"] == "error" and "CAP_NET_ADMIN" in one["mend"]
    done = doctor.run("-j", "doctor", before='chmod 755 . 2>/dev/null; set -- setpriv --reuid 65534 '
                      '--regid 65534 --clear-groups --inh-caps -all "$@"')
    assert done.returncode in (0, 1), done.stderr
    found = {one["check"]: one for one in json.loads(done.stdout)["findings"]}
    assert found["capability"]["level"] == "unknown"
    if NFTABLES:
        assert found["netfilter-seen"]["level"] == "unknown"


def test_tun_device(doctor):
    """Not there, and there but for nobody."""
    one = doctor.finding("tun-device", "error", before="mount -t tmpfs none /dev/net")
    assert one["mend"].startswith("modprobe tun")
    before = ("mount -t tmpfs none /dev/net; mount -o remount,nodev /dev/net; "
              "mknod /dev/net/tun c 10 200")
    one = doctor.finding("tun-device", "error", before=before)
    assert "--device=/dev/net/tun" in one["mend"]


def test_tun_name(doctor):
    doctor.space.ip("tuntap add dev tun0 mode tun")
    one = doctor.finding("tun-name", "error")
    assert one["mend"].startswith("ip link delete tun0")


def test_table(doctor):
    doctor.space.ip("route add 203.0.113.0/24 dev eth0 table 100")
    assert "203.0.113.0/24" in doctor.finding("table", "error")["text"]
    doctor.space.ip("route flush table 100")
    assert "table" not in doctor.findings()


def test_priority(doctor):
    doctor.space.ip("-6 rule add pref 100 from 2001:db8:9::/64 lookup 7")
    assert "priority 100" in doctor.findings()["priority"]["text"]
    doctor.config.write_text("[divert]\npriority = 90\n", encoding="utf-8")
    assert "priority" not in doctor.findings()


def test_policy_rules(doctor):
    """Of a VPN: nothing to mend, but good to know."""
    doctor.space.ip("rule add pref 5270 lookup 52")
    assert "5270: lookup 52" in doctor.finding("policy-rules", "note")["text"]


def test_sockets(running):
    alive = running()
    with udp_socket(alive.space, 4) as bound:
        bound.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, b"eth0\0")
        bound.bind((HOST[4], 5353))
        text = alive.finding("sockets", "warning")["text"]
        assert text.startswith("1 sockets") and f"udp {HOST[4]} port 5353 of user 0 to eth0" in text
    with udp_socket(alive.space, 4) as client:
        client.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, b"eth0\0")
        client.bind(("0.0.0.0", 68))
        assert "sockets" not in alive.findings()


def test_mtu(doctor, running):
    doctor.config.write_text("[tun]\nmtu = 1400\n", encoding="utf-8")
    one = doctor.finding("mtu", "warning")
    assert "1400" in one["text"] and one["mend"] == "[tun] mtu = auto"
    doctor.config.write_text("[tun]\nmtu = 1500\n", encoding="utf-8")
    assert "mtu" not in doctor.findings()
    alive = running()
    with stopped(alive):
        alive.space.ip("link set tun0 mtu 1300")
        alive.mend("mtu", "warning")


@contextlib.contextmanager
def stopped(doctor):
    """The daemon can't repair what is done meanwhile."""
    doctor.daemon.signal(signal.SIGSTOP)
    # One thread takes the signal, when it runs, and stops the others.
    wait_until(lambda: all(" (stopped)" in (task / "status").read_text(encoding="ascii")
                           for task in doctor.daemon.threads().values()), "a stopped daemon")
    doctor.asks = False
    try:
        yield
    finally:
        doctor.asks = True
        doctor.daemon.signal(signal.SIGCONT)


def test_a_daemon_that_does_not_answer(running):
    """It is a fault of its own, since what it has diverted goes nowhere."""
    alive = running()
    with stopped(alive):
        alive.asks = True
        one = alive.finding("daemon", "error")
        assert "does not answer" in one["text"] and one["mend"] == "systemctl restart ipmodd"


def test_rp_filter(running):
    """Strict on a device, by its own value or that of all, or with an unnumbered tun device."""
    alive = running()
    with stopped(alive):
        alive.space.sysctl("net.ipv4.conf.eth0.rp_filter", 1)
        alive.mend("rp-filter", "error")
        alive.space.sysctl("net.ipv4.conf.all.rp_filter", 1)
        alive.space.sysctl("net.ipv4.conf.eth0.rp_filter", 2)
        one = alive.findings()["rp-filter"]
        assert "rp_filter of tun0" in one["text"] or "filter of tun0 is strict" in one["text"]
        alive.space.sysctl("net.ipv4.conf.tun0.rp_filter", 2)
        assert "rp-filter" not in alive.findings()
        alive.space.ip("-4 addr flush dev tun0")
        assert "no IPv4 address" in alive.findings()["rp-filter"]["text"]


def test_forwarding_from_tun(running):
    alive = running()
    with stopped(alive):
        alive.space.sysctl("net.ipv4.conf.tun0.forwarding", 0)
        alive.mend("forwarding", "error")
        force = pathlib.Path("/proc/sys/net/ipv6/conf/tun0/force_forwarding")
        with alive.space:
            name = "tun0.force_forwarding" if force.exists() else "all.forwarding"
        alive.space.sysctl(f"net.ipv6.conf.{name}", 0)
        alive.mend("forwarding", "error")


def test_forwarding_of_a_router(doctor):
    doctor.config.write_text(BOTH_WAYS, encoding="utf-8")
    document = json.loads(doctor.run("-j", "doctor", check=1).stdout)
    mends = [one["mend"] for one in document["findings"] if one["check"] == "forwarding"]
    assert mends == ["sysctl -w net.ipv4.ip_forward=1", "sysctl -w net.ipv6.conf.all.forwarding=1"]
    for line in mends:
        doctor.space.run(line)
    assert "forwarding" not in doctor.findings()


def test_accept_ra(doctor):
    """A device that got its address from a router, on a host that became one itself."""
    doctor.space.ip("-6 addr add 2001:db8:77::1/64 dev eth0 valid_lft 3000 preferred_lft 3000")
    doctor.space.sysctl("net.ipv6.conf.eth0.accept_ra", 1)
    assert "accept-ra" not in doctor.findings()
    doctor.space.sysctl("net.ipv6.conf.all.forwarding", 1)
    assert "eth0" in doctor.mend("accept-ra", "warning")["text"]


@needs_nftables
def test_forward_chains(doctor):
    """Of nft and of iptables-nft."""
    doctor.space.run(["nft", "table inet fw { chain ways { type filter hook forward priority 0; "
                      "policy drop; }; }"])
    assert "chain ways of table inet fw" in doctor.mend("forward-chains", "error")["text"]
    doctor.space.run("nft delete table inet fw")
    doctor.space.run("iptables-nft -P FORWARD DROP")
    one = doctor.mend("forward-chains", "error")
    assert one["mend"] == "iptables -t filter -I FORWARD -i tun0 -j ACCEPT"


@needs_nftables
def test_output_rules(doctor):
    doctor.space.run(["nft", "table inet fw { chain out { type filter hook output priority 0; "
                      'oifname "eth0" tcp dport 25 drop; }; }'])
    one = doctor.mend("output-rules", "warning")
    assert 'oifname "tun0" tcp dport 25 drop' in one["mend"]


@needs_nftables
def test_nat(doctor):
    """A host's own source NAT by device does not see diverted packets' first pass."""
    doctor.space.run(["nft", "table ip mine { chain out { type nat hook postrouting priority 100; "
                      f'oifname "eth0" snat to {HOST[4]}; }}; }}'])
    one = doctor.mend("nat", "warning")
    assert 'oifname "tun0" snat to' in one["mend"]


@pytest.mark.parametrize("chain, rule, level, mend", [
    ("forward", "-P FORWARD DROP", "error", "iptables-legacy -I FORWARD -i tun0 -j ACCEPT"),
    ("reject", "-A FORWARD -j REJECT", "error", "iptables-legacy -I FORWARD -i tun0 -j ACCEPT"),
    ("output", "-A OUTPUT -o eth0 -p tcp -m tcp --dport 25 -j DROP", "warning",
     "iptables-legacy -A OUTPUT -o tun0 -p tcp -m tcp --dport 25 -j DROP"),
    ("nat", "-t nat -A POSTROUTING -o eth0 -j MASQUERADE", "warning",
     "iptables-legacy-save -t nat | iptables-nft-restore -n && iptables-legacy -t nat -F"),
])
def test_iptables_legacy(doctor, chain, rule, level, mend):
    del chain
    doctor.space.run("iptables-legacy " + rule)
    assert doctor.mend("iptables-legacy", level)["mend"] == mend


def test_xfrm(doctor):
    made = doctor.space.run("ip xfrm policy add src 192.0.2.1/32 dst 203.0.113.9/32 dir out "
                            "tmpl src 192.0.2.1 dst 203.0.113.9 proto esp mode transport",
                            check=False)
    if made.returncode != 0:
        pytest.skip(f"this kernel has no IPsec: {made.stderr}")
    assert "1 policies" in doctor.finding("xfrm", "warning")["text"]


NETWORKD = "mkdir -p /run/systemd/netif && touch /run/systemd/netif/state; "
NETWORKD_CONF = "mkdir -p /run/systemd/networkd.conf.d; printf '[Network]\\n{}' >/run/systemd/networkd.conf.d/5.conf"


def test_networkd(doctor):
    """Half of the keys is not enough; a later file wins."""
    one = doctor.finding("networkd", "warning", before=NETWORKD)
    assert "policy rules and routes" in one["text"]
    before = NETWORKD + NETWORKD_CONF.format("ManageForeignRoutingPolicyRules=no\\n")
    assert "takes out routes of others" in doctor.finding("networkd", "warning", before)["text"]
    before = NETWORKD + NETWORKD_CONF.format("ManageForeignRoutingPolicyRules = no\\n"
                                             "ManageForeignRoutes=false\\n")
    assert "networkd" not in doctor.findings(before)
    mend = one["mend"].split(" && systemctl")[0]
    covered = "mkdir -p /etc/systemd && mount -t tmpfs none /etc/systemd; "
    assert "networkd" not in doctor.findings(NETWORKD + covered + mend)


def test_network_manager(doctor):
    before = "mkdir -p /run/NetworkManager; "
    one = doctor.finding("network-manager", "warning", before)
    mend = one["mend"].split(" && nmcli")[0]
    made = ("mkdir -p /run/e/NetworkManager/conf.d /run/w; cp -a /etc/. /run/e; "
            "mount --bind /run/e /etc; ")
    assert "network-manager" not in doctor.findings(before + made + mend)
    other = "mkdir -p /run/NetworkManager/conf.d; echo unmanaged-devices=interface-name:tun01 " \
            ">/run/NetworkManager/conf.d/a.conf; "
    assert "network-manager" in doctor.findings(before + other)


def test_resolved(doctor):
    """It is not seen in the list of sockets, so its presence is told."""
    before = "mkdir -p /run/systemd/resolve/netif"
    assert "systemd-resolved" in doctor.finding("sockets", "note", before)["text"]


def test_early_demux(running):
    """The daemon switches it off for packets to this host; somebody switches it on."""
    alive = running("[divert]\ndirection = out, in\n")
    assert "early-demux" not in alive.findings()
    with stopped(alive):
        alive.space.sysctl("net.ipv4.udp_early_demux", 1)
        assert alive.mend("early-demux", "error")["mend"] == "sysctl -w net/ipv4/udp_early_demux=0"


def test_interfaces(doctor):
    doctor.config.write_text("[divert]\ninterfaces = eth0, wan7\n", encoding="utf-8")
    assert "wan7" in doctor.finding("interfaces", "warning")["text"]


def test_table_of_what_comes_in(doctor):
    doctor.config.write_text("[divert]\ndirection = in\n", encoding="utf-8")
    doctor.space.ip("route add 203.0.113.0/24 dev eth0 table 101")
    assert "table 101" in doctor.finding("table", "error")["text"]


def test_ttl_255(running):
    alive = running()
    with udp_socket(alive.space, 4) as sender:
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 255)
        for _ in range(3):
            sender.sendto(b"gtsm", (FAR[4], 5000))
    wait_until(lambda: "ttl-255" in alive.findings(), "the packets' finding")
    assert alive.finding("ttl-255", "warning")["text"].startswith("3 packets")


def test_offload(running, monkeypatch):
    """A kernel without super-packets of UDP; and all of them switched off."""
    alive = running("[tun]\noffload = off\n")
    if daemon_module.TUN["offload"] != "":
        pytest.skip("the offload of all daemons is chosen for this run")
    assert alive.finding("offload", "note")["mend"] == "[tun] offload = auto"
    assert alive.daemon.stop() == 0
    monkeypatch.setattr(daemon_module, "BINARY", os.environ["IPMODD_OLD"])
    monkeypatch.setenv("IPMODD_HIDE", "6.1")
    alive.daemon.start()
    assert "UDP" in alive.finding("offload", "note")["text"]


def test_queue(running):
    """A stopped daemon reads nothing while more comes than the queue of the device holds."""
    alive = running()
    with stopped(alive), udp_socket(alive.space, 4) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)
        for _ in range(1400):
            sender.sendto(b"more", (FAR[4], 5000))
    wait_until(lambda: "queue" in alive.findings(), "the queue's finding")
    assert alive.finding("queue", "warning")["mend"] == "[tun] queues = 2"


def test_nobody_can_see_the_socket(running):
    """Who may not ask the daemon is told so, and the rest is looked at."""
    alive = running()
    done = alive.run("-j", "doctor", before='set -- setpriv --reuid 65534 --regid 65534 '
                     '--clear-groups --inh-caps -all "$@"')
    found = {one["check"]: one for one in json.loads(done.stdout)["findings"]}
    assert found["daemon"]["level"] == "unknown" and found["capability"]["level"] == "ok"
