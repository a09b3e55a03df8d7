# SPDX-License-Identifier: GPL-2.0-or-later
"""A configuration that goes again unless somebody confirms it, and the way back to the one before."""
import math
import time

import pytest

import state
from control import Client, ctl, ctl_json
from daemon import SLOW, Daemon
from faults import choose
from packets import has_payload, ip, send, tos_of, udp
from space import PATIENCE, wait_until
from topology import FAR, HOST, Network, wire_topology

OLD = "[rule old]\nset-dscp = cs1\n"
NEW = "[divert]\nexclude = 203.0.113.0/24\n[rule new]\nset-dscp = cs2\n"
THIRD = "[rule third]\nset-dscp = cs3\n"
OLD_TOS, NEW_TOS, THIRD_TOS = 0x20, 0x40, 0x60
# Seconds of a trial that is to end by itself, and in which something is looked at before.
SHORT = math.ceil(min(2 * SLOW, 6))


@pytest.fixture(scope="module", name="quiet_daemon")
def quiet_daemon_fixture():
    """One for all tests that change nothing."""
    net = Network()
    wire_topology(net)
    daemon = Daemon(net.host)
    daemon.start(OLD)
    yield daemon
    daemon.close()
    net.delete()


def mark(net, captures, text):
    """The TOS value that a datagram arrives with: which rules are in force."""
    with captures(net.peer) as seen:
        send(net.host, ip(4, HOST[4], FAR[4]) / udp(1, 2, text.encode()))
        return tos_of(seen.one(has_payload(text)))


def configuration(daemon):
    """What `status` says about the configuration."""
    return ctl_json(daemon, "status")["configuration"]


def wait_for_rule(daemon, name, timeout=SHORT + PATIENCE):
    """Waits until the first rule is NAME."""
    wait_until(lambda: ctl_json(daemon, "rules")["rules"][0]["name"] == name,
               lambda: f"rule {name} in force:\n{daemon.log()}", timeout)


def test_comes_back_by_itself(wire, daemons, captures):
    """Rules, routes and status; the caller and the files are gone."""
    daemon = daemons(wire.host)
    daemon.start(OLD)
    before = state.snapshot(wire.host)
    daemon.config.write_text(NEW)
    with Client(daemon) as client:
        answer = client.ask(f"reload confirm={SHORT}s")
        assert answer == {"schema": 1, "generation": 2, "rules": 1, "confirm_seconds": SHORT}
    assert mark(wire, captures, "on trial") == NEW_TOS
    assert state.compare(before, state.snapshot(wire.host)) != ""
    assert daemon.notification(f"to be confirmed within {SHORT} s") is not None
    daemon.config.unlink()
    wait_for_rule(daemon, "old")
    assert mark(wire, captures, "back") == OLD_TOS
    assert state.compare(before, state.snapshot(wire.host)) == ""
    assert "confirm_seconds" not in configuration(daemon)
    assert configuration(daemon)["generation"] == 3
    assert len(daemon.log_lines("nobody has confirmed")) == 1
    daemon.drain_notifications()
    assert "confirm" not in daemon.notified[-1] and "READY=1" in daemon.notified[-1]


def test_confirmed_stays(wire, daemons, captures):
    daemon = daemons(wire.host)
    daemon.start(OLD)
    daemon.config.write_text(NEW)
    done = ctl(daemon, "reload", "--confirm", f"{SHORT}s")
    assert done.stdout == ("configuration 2 is in force, 1 rule; `ipmodctl confirm` within "
                           f"{SHORT} s, or the one before comes back\n")
    assert "to confirm" in ctl(daemon, "status").stdout
    assert ctl(daemon, "confirm").stdout == "the configuration in force stays\n"
    assert "to confirm" not in ctl(daemon, "status").stdout
    assert ctl(daemon, "confirm").returncode == 1
    time.sleep(SHORT + 0.2)
    assert mark(wire, captures, "confirmed") == NEW_TOS
    assert daemon.log_lines("nobody has confirmed") == []


def test_reloads_during_a_trial_belong_to_it(wire, daemons, captures):
    """A SIGHUP does not confirm, a refused one changes nothing, --confirm again sets a new deadline."""
    daemon = daemons(wire.host)
    daemon.start(OLD)
    daemon.config.write_text(NEW)
    ctl(daemon, "reload", "--confirm", "1h")
    assert "to be confirmed" in daemon.reload(THIRD)
    assert mark(wire, captures, "by SIGHUP") == THIRD_TOS
    assert "refused" in daemon.reload("[rule broken]\nproto = nonsense\n")
    assert 3000 <= configuration(daemon)["confirm_seconds"] <= 3600
    assert ctl(daemon, "reload", "--confirm", "1s").returncode == 1
    assert 3000 <= configuration(daemon)["confirm_seconds"] <= 3600
    daemon.config.write_text(NEW)
    assert ctl(daemon, "reload", "--confirm", "1s").returncode == 0
    wait_for_rule(daemon, "old")
    assert mark(wire, captures, "first of all") == OLD_TOS


def test_rollback(wire, daemons, captures):
    """One configuration is kept; counters go on under their names."""
    daemon = daemons(wire.host)
    daemon.start(OLD)
    assert mark(wire, captures, "one") == OLD_TOS
    assert not configuration(daemon)["can_go_back"]
    done = ctl(daemon, "rollback")
    assert done.returncode == 1 and "kept" in done.stderr
    daemon.reload(NEW)
    daemon.reload(OLD + NEW)
    assert configuration(daemon)["can_go_back"]
    assert ctl(daemon, "rollback").stdout == "configuration 4 is in force, 1 rule\n"
    assert mark(wire, captures, "two") == NEW_TOS
    assert ctl(daemon, "rollback").returncode == 1
    daemon.reload(OLD)
    assert mark(wire, captures, "three") == OLD_TOS
    daemon.config.write_text(NEW + OLD)
    ctl(daemon, "reload", "--confirm", "1min")
    assert ctl_json(daemon, "rollback") == {"schema": 1, "generation": 7, "rules": 1}
    assert "confirm_seconds" not in configuration(daemon)
    assert ctl_json(daemon, "rules")["rules"][0]["packets"] == 1


def test_stop_during_a_trial(wire, daemons, captures):
    """Everything is taken back; the next start reads the file."""
    before = state.snapshot(wire.host)
    daemon = daemons(wire.host)
    daemon.start(OLD)
    daemon.config.write_text(NEW)
    ctl(daemon, "reload", "--confirm", f"{SHORT}s")
    assert daemon.stop() == 0
    assert state.compare(before, state.snapshot(wire.host)) == ""
    assert len(daemon.log_lines("nobody has confirmed; the next start")) == 1
    daemon.start(NEW)
    time.sleep(SHORT + 0.2)
    assert mark(wire, captures, "from the file") == NEW_TOS


def test_way_back_that_the_kernel_refuses(wire, faulty, captures):
    """What is in force stays and is said; it is tried again until it succeeds."""
    daemon = faulty(wire.host)
    daemon.start(OLD)
    daemon.config.write_text(NEW)
    ctl(daemon, "reload", "--confirm", "1h")
    choose(daemon, "unstable", 1)
    done = ctl(daemon, "rollback")
    assert done.returncode == 1 and "temporarily unavailable" in done.stderr
    assert mark(wire, captures, "still new") == NEW_TOS
    assert configuration(daemon)["confirm_seconds"] > 3000
    choose(daemon, "none", 0)
    ctl(daemon, "reload", "--confirm", f"{SHORT}s")
    choose(daemon, "unstable", 1)
    daemon.wait_log("cannot go back.*trying again", timeout=SHORT + PATIENCE)
    assert mark(wire, captures, "new again") == NEW_TOS
    choose(daemon, "none", 0)
    wait_for_rule(daemon, "old", timeout=5 + PATIENCE)


@pytest.mark.parametrize("request_line,code", [
    ("reload confirm=0", "usage"), ("reload confirm=2d", "usage"), ("reload confirm=soon", "usage"),
    ("reload confirm=", "usage"), ("reload now", "usage"), ("reload confirm=1s more", "usage"),
    ("confirm", "not-found"), ("confirm it", "usage"), ("rollback", "not-found"),
    ("rollback 2", "usage")])
def test_wrong_requests(quiet_daemon, request_line, code):
    with Client(quiet_daemon) as client:
        assert client.ask(request_line)["error"]["code"] == code
        assert client.ask("status")["configuration"]["generation"] == 1


@pytest.mark.parametrize("arguments,code", [
    (["reload", "--confirm"], 2), (["reload", "--confirm", "never"], 2), (["reload", "now"], 2),
    (["confirm", "it"], 2), (["rollback", "--hard"], 2)])
def test_wrong_command_lines(quiet_daemon, arguments, code):
    assert ctl(quiet_daemon, *arguments).returncode == code
