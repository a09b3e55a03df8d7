# SPDX-License-Identifier: GPL-2.0-or-later
"""Prometheus itself scrapes a daemon, and answers all that the dashboard and the alerts ask it."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import urllib.parse

import pytest

from daemon import SLOW
from space import wait_until
from topology import FAR
from traffic import Pings

MONITORING = pathlib.Path(os.environ["IPMODD_SOURCE"]) / "conf" / "monitoring"
DASHBOARD = json.loads((MONITORING / "ipmodd-dashboard.json").read_text(encoding="utf-8"))
ALERTS = MONITORING / "ipmodd-alerts.yml"
PLACE, PORT = "127.0.0.1:9469", 9090
GOOD = (f"[main]\nmetrics = {PLACE}\n[rule pings]\nproto = icmp\nset-dscp = cs1\n"
        "[rule flows]\nstate = new\n"
        "[rule lossy]\nproto = icmp\nprobability = 20%\nverdict = drop\n")
BAD = "[rule none]\nno-such-key = 1\n"
# What Grafana puts in place of its variables.
VARIABLES = {"$job": ".+", "$instance": ".+", "$__rate_interval": "15s"}
COLUMNS = 24  # of a dashboard

needs_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None or shutil.which("promtool") is None, reason="no prometheus")


def filled(text):
    """An expression as Grafana sends it."""
    for name, value in VARIABLES.items():
        text = text.replace(name, value)
    assert "$" not in text, text
    return text


def expressions():
    """(where it stands, expression) of all panels."""
    return [(f"{panel['title']} {target['refId']}", filled(target["expr"]))
            for panel in DASHBOARD["panels"] for target in panel["targets"]]


class Prometheus:
    """Scrapes the daemon of SPACE once a second, with the alerts as they are shipped."""

    def __init__(self, space, directory):
        self._space = space
        config = directory / "prometheus.yml"
        config.write_text(json.dumps({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(ALERTS)],
            "scrape_configs": [{"job_name": "ipmodd", "static_configs": [{"targets": [PLACE]}]}],
        }), encoding="utf-8")
        self.log = directory / "prometheus.log"
        with open(self.log, "wb") as log:
            self._process = space.popen(
                ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={directory}/data",
                 f"--web.listen-address=127.0.0.1:{PORT}", "--log.level=warn"],
                stdout=log, stderr=log)
        # It listens before it answers.
        wait_until(lambda: space.run(f"curl -sf -m 10 http://127.0.0.1:{PORT}/-/ready",
                                     check=False).returncode == 0, self.log.read_text, 20 * SLOW)

    def close(self):
        """Ends it."""
        self._process.kill()
        self._process.wait()

    def ask(self, path, **arguments):
        """The data of an answer of its API."""
        url = f"http://127.0.0.1:{PORT}/api/v1/{path}?{urllib.parse.urlencode(arguments)}"
        said = json.loads(self._space.run(["curl", "-s", "-m", "10", url]).stdout)
        assert said["status"] == "success", (arguments, said)
        return said["data"]

    def series(self, expression):
        """The labels of what EXPRESSION gives now."""
        return [each["metric"] for each in self.ask("query", query=expression)["result"]]

    def alerts(self):
        """State of each alert, by its name."""
        rules = [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]
        assert all(rule["health"] in ("ok", "unknown") for rule in rules), rules
        return {rule["name"]: rule["state"] for rule in rules if rule["health"] == "ok"}


@pytest.fixture(name="prometheus")
def prometheus_fixture(wire, daemons):
    """One that scrapes a daemon, through which pings go all the time and some are dropped."""
    daemon = daemons(wire.host)
    daemon.start(GOOD)
    pings = Pings(wire.host, FAR[4], 0.1)
    made = Prometheus(wire.host, daemon.directory)
    made.daemon = daemon
    yield made
    pings.finish()
    print(made.log.read_text(encoding="utf-8"))
    made.close()


# Without a queue that overran there is no series above 0.
MAY_BE_EMPTY = {"Dropped, by reason B"}


@needs_prometheus
def test_every_panel_has_something_to_show(prometheus):
    """And has the labels that its legend names; the variables of the dashboard have values."""
    wait_until(lambda: prometheus.series("rate(ipmodd_received_packets_total[15s]) > 0"), "rates",
               20 * SLOW)
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            series = wait_until(lambda: prometheus.series(filled(target["expr"])) or
                                f"{panel['title']} {target['refId']}" in MAY_BE_EMPTY,
                                target["expr"], 10 * SLOW)
            for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
                assert series is True or all(label in each for each in series), (target, series)
    for variable in DASHBOARD["templating"]["list"][1:]:
        asked = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"])
        values = prometheus.ask(f"label/{asked.group(2)}/values",
                                **{"match[]": filled(asked.group(1))})
        assert values == ["ipmodd" if variable["name"] == "job" else PLACE]
    for annotation in DASHBOARD["annotations"]["list"]:
        prometheus.ask("query", query=filled(annotation["expr"]))


@needs_prometheus
def test_alerts_are_silent_until_there_is_a_cause(prometheus):
    names = re.findall(r"- alert: (\w+)", ALERTS.read_text(encoding="utf-8"))
    assert len(names) >= 10
    # On a busy machine an answer may be late, and count as none until the next one.
    wait_until(lambda: prometheus.alerts() == dict.fromkeys(names, "inactive"), prometheus.alerts,
               20 * SLOW)
    assert "refused" in prometheus.daemon.reload(BAD)
    wait_until(lambda: prometheus.alerts() == {**dict.fromkeys(names, "inactive"),
                                               "IpmoddReloadRefused": "pending"},
               prometheus.alerts, 10 * SLOW)
    assert prometheus.daemon.stop() == 0
    wait_until(lambda: prometheus.alerts()["IpmoddDown"] == "pending", prometheus.alerts, 10 * SLOW)


@needs_prometheus
def test_promtool_has_no_complaint(tmp_path):
    """About the alerts, nor about any expression of the dashboard."""
    recorded = tmp_path / "dashboard.yml"
    recorded.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": [
        {"record": f"dashboard:{number}", "expr": expression}
        for number, (_, expression) in enumerate(expressions())]}]}), encoding="utf-8")
    for path in (ALERTS, recorded):
        done = subprocess.run(["promtool", "check", "rules", "--lint=all", "--lint-fatal", path],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_dashboard_is_one_for_grafana():
    """What Grafana's model of a dashboard (schema 39) asks for; panels do not cover each other."""
    assert DASHBOARD["schemaVersion"] == 39 and re.fullmatch(r"[\w-]{1,40}", DASHBOARD["uid"])
    assert {"title", "time", "refresh", "templating", "annotations", "panels"} <= set(DASHBOARD)
    datasource, *queries = DASHBOARD["templating"]["list"]
    assert (datasource["type"], datasource["query"]) == ("datasource", "prometheus")
    assert [query["name"] for query in queries] == ["job", "instance"]
    source = {"type": "prometheus", "uid": "${" + datasource["name"] + "}"}
    taken, numbers = set(), set()
    for panel in DASHBOARD["panels"]:
        assert panel["type"] in ("stat", "timeseries") and panel["title"] and panel["targets"]
        assert panel["datasource"] == source and panel["id"] not in numbers
        numbers.add(panel["id"])
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken and max(x for x, _ in cells) < COLUMNS
        taken |= cells
        references = [target["refId"] for target in panel["targets"]]
        assert references == [chr(ord("A") + n) for n in range(len(references))]
        assert panel["fieldConfig"]["defaults"]["unit"] and panel["fieldConfig"]["overrides"] == []
        assert all('job=~"$job", instance=~"$instance"' in target["expr"]
                   for target in panel["targets"])
    assert all(query["datasource"] == source for query in queries + DASHBOARD["annotations"]["list"])
