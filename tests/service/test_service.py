# SPDX-License-Identifier: GPL-2.0-or-later
"""The real service, seen from outside: each test reads one side of the boot that inside.sh drove."""
import os
import re
import subprocess

import pytest

CAP_NET_ADMIN = 1 << 12


def only(entries, **fields):
    """Entries with these field values."""
    return [entry for entry in entries
            if all(entry.get(name) == value for name, value in fields.items())]


def message_ids(results):
    """Subject lines of the installed catalog -> MESSAGE_ID."""
    path = results.installed / "usr/lib/systemd/catalog/ipmodd.catalog"
    text = path.read_text(encoding="utf-8")
    return {subject: number for number, subject
            in re.findall(r"^-- ([0-9a-f]{32})\nSubject: (.*)$", text, re.MULTILINE)}


def lost_pings(text):
    sent, received = re.search(r"(\d+) packets transmitted, (\d+) received", text).groups()
    return int(sent) - int(received)


def test_starts_and_is_ready(results):
    assert results.code("start") == 0, results.text("start.journal")
    shown = results.properties("started")
    assert shown["ActiveState"] == "active"
    assert shown["SubState"] == "running"
    assert shown["User"] == "ipmodd"
    assert shown["StatusText"] == "Diverting out through tun0, 2 rules"
    assert 'Status: "Diverting out through tun0, 2 rules"' in results.text("status")


def test_start_is_in_the_journal(results):
    started = only(results.entries("start.journal"),
                   MESSAGE_ID=message_ids(results)["ipmodd diverts packets"])
    assert len(started) == 1
    assert started[0]["IPMODD_DEVICE"] == "tun0"
    assert started[0]["SYSLOG_IDENTIFIER"] == "ipmodd"
    assert started[0]["PRIORITY"] == "5"


def test_netfilter_is_looked_at(results):
    entries = results.entries("start.journal")
    ids = message_ids(results)
    found = only(entries, MESSAGE_ID=ids["A netfilter chain of others meets diverted packets "
                                         "differently"])
    unseen = only(entries, MESSAGE_ID=ids["Netfilter rules of others could not be looked at"])
    assert [entry["PRIORITY"] for entry in found + unseen] == ["4"], unseen
    if not unseen or "without libnftables" not in unseen[0]["MESSAGE"]:
        assert "chain out of table inet watched" in found[0]["MESSAGE"]
        assert "oifname \"tun0\" counter'" in found[0]["MESSAGE"]


def test_has_one_capability_and_is_not_root(results):
    fields = dict(line.split(":\t", 1) for line in results.text("capabilities").splitlines()
                  if ":\t" in line)
    assert "0" not in fields["Uid"].split()
    assert "0" not in fields["Gid"].split()
    for name in ("CapEff", "CapPrm", "CapBnd"):
        assert int(fields[name], 16) == CAP_NET_ADMIN, name
    for name in ("CapInh", "CapAmb"):
        assert int(fields[name], 16) == 0, name
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"


def test_sandbox_is_tight(results):
    unit = results.installed / "usr/lib/systemd/system/ipmodd.service"
    text = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", str(unit)],
                          capture_output=True, text=True, check=False).stdout
    score = float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", text).group(1))
    assert score <= 2.0, text


def test_unit_and_system_files_are_clean(results):
    """systemd had nothing to say about any line of the unit."""
    for name in ("start.journal", "reload.journal", "kill.journal"):
        for entry in results.entries(name):
            if "Failed to kill control group" in entry["MESSAGE"]:
                continue  # the control groups of a container, now and then; no line of the unit
            assert not re.search(r"ignoring|Unknown|Failed to|not support", entry["MESSAGE"]), entry["MESSAGE"]


def test_traffic_passes(results):
    for name in ("ping4", "ping6"):
        assert results.code(name) == 0, results.text(name)
        assert lost_pings(results.text(name)) == 0


def test_rules_act(results):
    for name in ("fake4", "fake6"):
        assert results.code(name) == 0, results.text(name)


def test_rule_log_has_fields(results):
    entries = only(results.entries("traffic.journal"), IPMODD_RULE="seen", SRC="192.0.2.1")
    assert len(entries) == 1
    entry = entries[0]
    expected = {
        "IPMODD_VERDICT": "drop", "IPMODD_REASON": "rule", "IPMODD_DIRECTION": "out",
        "IPMODD_SUPPRESSED": "0", "DST": "192.0.2.2", "PROTO": "udp", "SPT": "40000", "DPT": "5353",
        "TTL": "64", "LEN": "38", "CONFIG_FILE": "/etc/ipmodd/ipmodd.conf", "CONFIG_LINE": "7",
        "PRIORITY": "6",
    }
    assert {name: entry.get(name) for name in expected} == expected
    assert entry["MESSAGE"] == ("rule seen: drop out IP 192.0.2.1.40000 > 192.0.2.2.5353: udp, "
                                "ttl 64, length 38 (rule)")


def test_captures_are_the_services_own(results):
    assert results.text("capture_files").splitlines() == [
        "750 ipmodd:ipmodd /var/lib/ipmodd", "640 ipmodd:ipmodd /var/lib/ipmodd/seen.pcapng"]
    assert "192.0.2.1.40000 > 192.0.2.2.5353" in results.text("capture_read")


def test_statistics_by_signal(results):
    entries = only(results.entries("traffic.journal"),
                   MESSAGE_ID=message_ids(results)["Statistics of ipmodd"])
    rules = [entry["IPMODD_RULE"] for entry in entries if "IPMODD_RULE" in entry]
    packets = {entry.get("IPMODD_RULE") or entry.get("IPMODD_REASON"): int(entry["IPMODD_PACKETS"])
               for entry in entries if "IPMODD_PACKETS" in entry}
    totals = [entry for entry in entries if "IPMODD_IN_PACKETS" in entry]
    assert rules == ["fake-ping", "seen"]
    assert packets["fake-ping"] == 4
    assert packets["answered"] == 4
    assert packets["seen"] == 1
    assert packets["rule"] == 1
    assert len(totals) == 1
    assert int(totals[0]["IPMODD_GENERATED"]) == 4
    assert int(totals[0]["IPMODD_IN_PACKETS"]) >= 15
    assert (int(totals[0]["IPMODD_IN_PACKETS"]) + int(totals[0]["IPMODD_GENERATED"])
            == int(totals[0]["IPMODD_OUT_PACKETS"]) + packets["answered"] + packets["rule"])


def test_packets_are_steered(results):
    """`rps` under the unit: its file is given to the group by udev and open in the sandbox."""
    if results.code("sysfs") != 0:
        pytest.skip(f"/sys stays read-only here: {results.text('sysfs')}")
    assert results.text("rps_file_before").strip() == "-rw-r--r-- root:root"
    assert results.code("rps_udev") == 0, results.text("rps_udev")
    assert int(results.text("rps_mask").replace(",", ""), 16) != 0, results.text("rps.journal")
    assert re.search("^rps +CPUs [0-9]", results.text("rps_status"), re.MULTILINE)
    assert results.code("fake_with_rps") == 0
    assert int(results.text("rps_mask_after").replace(",", ""), 16) == 0
    assert not only(results.entries("rps.journal"), IPMODD_REMARK="rps")


def test_good_reload(results):
    assert results.code("reload") == 0, results.text("reload")
    shown = results.properties("reloaded")
    assert shown["StatusText"] == "Diverting out through tun0, 4 rules"
    assert shown["MainPID"] == results.properties("started")["MainPID"]
    assert "ConnectionRefusedError" in results.text("web")
    assert only(results.entries("reload.journal"),
                MESSAGE_ID=message_ids(results)["ipmodd has loaded its configuration anew"])


def test_journal_says_who_changed_what(results):
    """By the user and process that the kernel names, each kind of change with its own entry."""
    ids = message_ids(results)
    changes = {"disable": "Rule @IPMODD_RULE@ was switched",
               "reset": "The counters of all rules were reset",
               "trial": "ipmodd has loaded its configuration anew",
               "confirm": "The configuration of ipmodd is confirmed",
               "rollback": "ipmodd went back to the configuration from before"}
    processes = set()
    for name, subject in changes.items():
        assert results.code(name) == 0, results.text(name)
        found = [entry for entry in only(results.entries("steer.journal"), MESSAGE_ID=ids[subject])
                 if "IPMODD_CLIENT_PID" in entry]
        assert len(found) == 1, (name, found)
        assert found[0]["IPMODD_CLIENT_UID"] == "0"
        processes.add(found[0]["IPMODD_CLIENT_PID"])
    assert len(processes) == len(changes)
    by_signal = only(results.entries("reload.journal"), MESSAGE_ID=ids[changes["trial"]])
    assert [entry for entry in by_signal if "IPMODD_CLIENT_UID" in entry] == []


def test_bad_reload_fails_and_changes_nothing(results):
    assert results.code("bad_reload") != 0
    shown = results.properties("after_bad_reload")
    assert shown["ActiveState"] == "active"
    assert shown["StatusText"] == "Diverting out through tun0, 4 rules"
    assert shown["MainPID"] == results.properties("started")["MainPID"]


def test_bad_reload_loses_no_packet(results):
    """Forged replies of the old rules, at 50 a second over both refused reloads."""
    text = results.text("ping_while_reloading")
    assert results.code("ping_while_reloading") == 0
    assert "40 packets transmitted" in text
    assert lost_pings(text) == 0


def test_refused_reload_says_why(results):
    shown = results.properties("after_bad_signal")
    assert shown["ActiveState"] == "active"
    assert shown["StatusText"].startswith("Reload refused, nothing changed: "
                                          "/etc/ipmodd/ipmodd.conf:3: [rule fake-ping] dst: ")
    assert "/etc/ipmodd/ipmodd.conf:3" in results.text("bad_status")


def test_refused_reload_is_in_the_journal(results):
    entries = results.entries("bad_reload.journal")
    ids = message_ids(results)
    problems = only(entries, MESSAGE_ID=ids["Configuration problem at @CONFIG_FILE@:@CONFIG_LINE@"])
    refused = only(entries, MESSAGE_ID=ids["ipmodd refused a new configuration"])
    assert [(entry["CONFIG_FILE"], entry["CONFIG_LINE"], entry["PRIORITY"]) for entry in problems] \
        == [("/etc/ipmodd/ipmodd.conf", "3", "3")]
    assert "/etc/ipmodd/ipmodd.conf:3" in problems[0]["MESSAGE"]
    assert len(refused) == 1
    # What `ipmodd --check` of ExecReload= printed stands there too.
    assert [entry for entry in entries if entry["MESSAGE"].startswith("/etc/ipmodd/ipmodd.conf:3:")
            and entry.get("_PID") != refused[0]["_PID"]]


def test_catalog_explains(results):
    text = results.text("catalog")
    assert "Subject: ipmodd diverts packets" in text
    assert "The tun device tun0, its routes and its policy rules are in place." in text
    assert "Subject: Rule seen saw a packet from 192.0.2.1 to 192.0.2.2" in text
    assert "Subject: ipmodd refused a new configuration" in text
    assert "Subject: Rule no-web was switched" in text
    assert re.search(r"User 0 \(process \d+\) ran `ipmodctl enable`", text)


def test_stuck_journal_stops_no_packet(results):
    """journald was stopped while 3,000 packets asked to be logged, far more than its queue holds."""
    assert results.code("fake_without_journal") == 0
    assert lost_pings(results.text("fake_without_journal")) == 0
    totals = [entry for entry in results.entries("stuck.journal") if "IPMODD_LOG_LOST" in entry]
    assert int(totals[-1]["IPMODD_LOG_LOST"]) > 0


def test_gone_journal_stops_no_packet(results):
    """And once it is back entries arrive there again."""
    assert results.text("journald_state").strip() != "active"
    assert results.code("fake_with_journal_gone") == 0
    assert lost_pings(results.text("fake_with_journal_gone")) == 0
    assert results.properties("after_gone_journal")["MainPID"] == \
        results.properties("started")["MainPID"]
    assert only(results.entries("gone.journal"),
                MESSAGE_ID=message_ids(results)["Statistics of ipmodd"])


def test_closed_over_crash_sweep_and_restart(results):
    assert results.properties("after_closed")["ActiveState"] == "active"
    assert int(results.text("closed_marked")) >= 200
    assert int(results.text("closed_unmarked")) == 0


def test_statistics_of_many_rules_arrive_whole(results):
    entries = only(results.entries("many.journal"),
                   MESSAGE_ID=message_ids(results)["Statistics of ipmodd"])
    rules = [entry["IPMODD_RULE"] for entry in entries if "IPMODD_RULE" in entry]
    assert rules == [f"number-{number}" for number in range(1, 301)]


def test_killed_service_comes_back(results):
    shown = results.properties("after_kill")
    assert shown["ActiveState"] == "active"
    assert shown["NRestarts"] == "1"
    assert shown["MainPID"] != results.properties("started")["MainPID"]
    assert results.code("fake_after_kill") == 0
    rules = results.text("rules_after_kill")
    assert rules.count("lookup 100") == 1, rules
    assert len(re.findall(r"iif tun0 .*lookup main", rules)) == 1, rules


def test_watchdog_ends_a_stuck_daemon(results):
    assert results.properties("started")["WatchdogUSec"] == "2s"
    shown = results.properties("after_watchdog")
    assert shown["ActiveState"] == "active"
    assert shown["NRestarts"] == "2"
    assert results.code("fake_after_watchdog") == 0
    assert "watchdog" in results.text("watchdog.journal").lower()
    assert results.code("held_by_stopped") != 0, "the stopped daemon held nothing"
    assert int(results.text("watchdog_ms")) <= 12000, "WatchdogSec and ten seconds more"


def test_watchdog_is_fed_by_an_idle_daemon(results):
    before, after = results.properties("after_watchdog"), results.properties("watchdog_quiet")
    assert after["MainPID"] == before["MainPID"]
    assert after["NRestarts"] == before["NRestarts"]


def test_networkd_leaves_the_device_alone(results):
    """A catch-all .network file of the administrator would have taken it."""
    assert results.code("networkd") == 0, results.text("networkd")
    text = results.text("networkd_link")
    assert re.search(r"State: \S+ \(unmanaged\)", text), text
    assert "198.51.100.99" not in results.text("networkd_address")
    assert results.code("fake_after_networkd") == 0, results.text("fake_after_networkd")


def test_networkd_restarted(results):
    """Whatever it sweeps, a second later all is there again, and few words were lost on it."""
    assert results.code("networkd_again") == 0
    assert results.text("rules_seen").count("Deleted") >= 6, "it swept nothing"
    rules = results.text("rules_after_networkd")
    assert len(re.findall(r"iif tun0 lookup main", rules)) == 2, rules
    assert len(re.findall(r"iif tun0 unreachable", rules)) == 2, rules
    assert len(re.findall(r"lookup 100", rules)) == 2, rules
    assert results.code("fake_after_restart") == 0, results.text("fake_after_restart")
    before, after = ([float(word) for word in line.split()]
                     for line in results.text("networkd_cpu").splitlines())
    used = (sum(after[1:]) - sum(before[1:])) / os.sysconf("SC_CLK_TCK")
    assert used < 0.05 * (after[0] - before[0]), f"{used} s of {after[0] - before[0]} s"
    told = [entry["MESSAGE"] for entry in results.entries("networkd.journal")
            if entry.get("SYSLOG_IDENTIFIER") == "ipmodd" and "routing" in entry["MESSAGE"]]
    assert 1 <= len(told) <= 5, told


def test_stop_leaves_no_trace(results):
    assert results.code("stop") == 0
    assert results.properties("stopped")["ActiveState"] == "inactive"
    assert results.properties("stopped")["Result"] == "success"
    assert results.text("state_after") == results.text("state_before")
    assert results.text("run_after") == ""
    assert only(results.entries("stop.journal"),
                MESSAGE_ID=message_ids(results)["ipmodd has stopped"])


def test_bad_configuration_does_not_start(results):
    assert results.code("bad_start") != 0
    shown = results.properties("after_bad_start")
    assert shown["ActiveState"] == "failed"
    assert shown["ExecMainStatus"] == "78"
    assert shown["SubState"] == "failed"
    problems = only(results.entries("bad_start.journal"), CONFIG_LINE="3")
    assert problems and problems[0]["CONFIG_FILE"] == "/etc/ipmodd/ipmodd.conf"
    assert results.code("check") == 78


def test_root_by_hand_and_service_share_the_state_directory(results):
    """Root gives up the capability to write into the service user's directory, yet cleans up."""
    assert results.text("directory_before") == "ipmodd\n"
    assert results.code("fake_by_hand") == 0
    assert results.code("by_hand") == 0, results.text("by_hand")
    assert results.text("left_by_hand") == ""
    assert results.text("state_by_hand") == results.text("state_before")
    assert results.code("start_after_hand") == 0
    assert results.code("stop_after_hand") == 0
    assert results.text("left_in_the_end") == ""
