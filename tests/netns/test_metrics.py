# SPDX-License-Identifier: GPL-2.0-or-later
"""The figures over HTTP: both formats, clients that mean no good, and what reads them."""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import time

import pytest

from control import Client, ctl, ctl_json
from daemon import SLOW, Daemon
from space import PATIENCE, wait_until
from topology import FAR, Network, wire_topology
from traffic import ping

PORT = 9469
PLACE = f"127.0.0.1:{PORT}"
RULES = "[rule pings]\nproto = icmp\nset-dscp = cs1\n[rule flows]\nstate = new\n"
CONFIG = f"[main]\nmetrics = {PLACE}\n" + RULES
MONITORING = pathlib.Path(os.environ["IPMODD_SOURCE"]) / "conf" / "monitoring"
PROMTOOL = shutil.which("promtool")


@pytest.fixture(scope="module", name="served")
def served_fixture():
    """A network with a daemon that has seen five pings; not to be changed."""
    net = Network()
    wire_topology(net)
    net.daemon = Daemon(net.host)
    net.daemon.start(CONFIG)
    assert ping(net.host, FAR[4], 5) == (5, 5)
    yield net
    crashed = net.daemon.crash()
    net.daemon.close()
    net.delete()
    assert crashed == []


def ask(net, request, place=("127.0.0.1", PORT), timeout=PATIENCE):
    """The whole answer to the bytes REQUEST."""
    with net.host, socket.create_connection(place, timeout=timeout) as client:
        client.sendall(request)
        answer = b""
        while True:
            part = client.recv(65536)
            if not part:
                return answer.decode()
            answer += part


def get(net, path="/metrics", method="GET", headers="", place=("127.0.0.1", PORT)):
    """(code, headers, body) of a request."""
    head, _, body = ask(net, f"{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode(),
                        place).partition("\r\n\r\n")
    return int(head.split()[1]), head, body


def read_plain(text):
    """Samples by name and labels, read as strictly as the format is."""
    samples, types, family = {}, {}, None
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, family, kind = line.split()
            assert family not in types, family
            types[family] = kind
        elif line.startswith("# HELP "):
            assert line.split()[2] == family, line
        else:
            name, labels, value = re.fullmatch(
                r'([a-z_][a-z0-9_]*)(\{[a-z]+="[^"\\\n]*"\})? (\S+)', line).groups()
            suffix = name.removeprefix(family)
            assert suffix in ("", "_bucket", "_sum", "_count"), line
            assert (suffix != "") == (types[family] == "histogram"), line
            assert (types[family] == "counter") == name.endswith("_total"), line
            assert (name, labels) not in samples, line
            samples[name, labels] = float(value)
    return samples


def test_both_formats(served):
    code, head, text = get(served)
    assert code == 200 and "Content-Type: text/plain; version=0.0.4" in head
    assert f"Content-Length: {len(text.encode())}" in head
    samples = read_plain(text)
    assert samples["ipmodd_rule_packets_total", '{rule="pings"}'] == 5
    assert samples["ipmodd_dropped_packets_total", '{reason="rule"}'] == 0
    assert samples["ipmodd_reloads_total", '{result="taken"}'] == 0
    assert samples["ipmodd_last_reload_successful", None] == 1
    assert samples["ipmodd_flows", None] >= 1
    code, head, text = get(served, headers="Accept: application/openmetrics-text;version=1.0.0\r\n")
    assert code == 200 and "Content-Type: application/openmetrics-text; version=1.0.0" in head
    assert text.endswith("# EOF\n") and "# TYPE ipmodd_rule_packets counter" in text
    assert text.splitlines()[0] == ctl(served.daemon, "metrics").stdout.splitlines()[0]


def test_strict_readers(served):
    """Prometheus' own readers, of both formats."""
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    text = get(served, headers="Accept: application/openmetrics-text\r\n")[2]
    names = {family.name for family in parser.text_string_to_metric_families(text)}
    assert {"ipmodd_build_info", "ipmodd_loop_duration_seconds", "ipmodd_rule_packets"} <= names
    if PROMTOOL is not None:
        done = subprocess.run([PROMTOOL, "check", "metrics"], input=get(served)[2], text=True,
                              capture_output=True, check=False)
        assert done.returncode == 0 and done.stderr == "", done.stderr


def test_status_tells_of_flows(served):
    flows = ctl_json(served.daemon, "status")["flows"]
    assert 1 <= flows["count"] <= flows["added"] and flows["max"] >= 1 << 17
    assert flows["memory_bytes"] > 1 << 20 and flows["refused"] == 0
    text = ctl(served.daemon, "status").stdout
    assert re.search(r"flows +\d+ of \d+, translated 0", text) and "offload" in text


def test_histogram(served):
    samples = read_plain(get(served)[2])
    buckets = [value for (name, _), value in samples.items()
               if name == "ipmodd_loop_duration_seconds_bucket"]
    assert len(buckets) == 11 and buckets == sorted(buckets)
    assert buckets[-1] == samples["ipmodd_loop_duration_seconds_count", None]
    # Pings may come together, and others than them; each wake-up took some microseconds.
    assert 1 <= buckets[-1] <= 50
    assert 1e-6 < samples["ipmodd_loop_duration_seconds_sum", None] < 0.5 * SLOW


@pytest.mark.parametrize("method,path,code", [
    ("HEAD", "/metrics", 200), ("GET", "/", 404), ("GET", "/metrics/", 404), ("GET", "/x?/metrics", 404),
    ("GET", "/metrics?name=x", 200), ("POST", "/metrics", 405), ("DELETE", "/metrics", 405),
    ("OPTIONS", "/metrics", 405)])
def test_methods_and_paths(served, method, path, code):
    said, head, body = get(served, path, method)
    assert said == code, head
    assert (body == "") == (method == "HEAD") and "Connection: close" in head
    assert ("Allow: GET, HEAD" in head) == (code == 405)
    if method == "HEAD":
        assert int(re.search(r"Content-Length: (\d+)", head).group(1)) > 1000


@pytest.mark.parametrize("request_bytes", [
    b"\0\xff\xfe garbage\r\n\r\n", b"GET /metrics HTTP/9.9\r\n\r\n", b"GET " + b"a" * 20000,
    b"POST /metrics HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"GET http://[/ HTTP/1.1\r\n\r\n",
    b"BREW /metrics HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /metrics HTTP/1.1\r\n" + b"a: b\r\n" * 5000])
def test_garbage(served, request_bytes):
    """An error or a closed connection, soon; and the next one is served."""
    try:
        answer = ask(served, request_bytes)
    except ConnectionResetError:
        answer = ""
    assert answer == "" or answer.split()[1][0] in "45", answer[:200]
    assert get(served)[0] == 200


def test_clients_that_say_nothing(wire, daemons):
    """More than there are places for, silent ones: they cost no packet, and go after a while."""
    daemon = daemons(wire.host)
    daemon.start(CONFIG)
    with wire.host:
        silent = [socket.create_connection(("127.0.0.1", PORT)) for _ in range(60)]
    def descriptors():
        return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))

    done = threading.Event()
    late = []

    def scrape():
        late.append(get(wire)[0])
        done.set()

    assert ping(wire.host, FAR[4], 100, patience=15) == (100, 100)
    assert descriptors() < 60
    with Client(daemon) as client:
        assert client.ask("status")["packets"]["in"] >= 100
    for client in silent:
        client.close()
    scrape()
    assert late == [200]
    wait_until(lambda: descriptors() < 40, lambda: f"{descriptors()} descriptors", 3 * SLOW)


def test_slow_clients_lose_their_places(wire, daemons):
    """A byte now and then keeps no place for longer than EXPORTER_SECONDS."""
    daemon = daemons(wire.host)
    daemon.start(CONFIG)
    with wire.host:
        slow = [socket.create_connection(("127.0.0.1", PORT)) for _ in range(16)]
    stop = threading.Event()

    def drip():
        while not stop.wait(0.5):
            for client in slow:
                try:
                    client.send(b"a")
                except OSError:
                    pass

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        assert "200 OK" in ask(wire, b"GET /metrics HTTP/1.1\r\n\r\n", timeout=10 * SLOW)
    finally:
        stop.set()
        thread.join()
        for client in slow:
            client.close()


def test_reload_changes_the_place(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    with pytest.raises(ConnectionRefusedError):
        get(wire)
    assert "refused" not in daemon.reload(CONFIG)
    assert get(wire)[0] == 200
    assert "refused" not in daemon.reload(f"[main]\nmetrics = [::1]:{PORT}\n" + RULES)
    assert get(wire, place=("::1", PORT))[0] == 200
    with pytest.raises(ConnectionRefusedError):
        get(wire)
    with wire.host, socket.socket() as taken:
        taken.bind(("127.0.0.1", 9999))
        taken.listen()
        status = daemon.reload("[main]\nmetrics = 127.0.0.1:9999\n" + RULES)
    assert ("refused, nothing changed: [main] metrics: cannot listen at 127.0.0.1 port 9999: "
            "Address already in use") in status
    time.sleep(0.11)  # the page from before counts as fresh for so long
    assert read_plain(get(wire, place=("::1", PORT))[2])["ipmodd_last_reload_successful", None] == 0
    ctl(daemon, "rollback")
    samples = read_plain(get(wire)[2])
    assert [samples["ipmodd_reloads_total", f'{{result="{result}"}}']
            for result in ("taken", "refused", "rolled-back")] == [2, 1, 1]
    assert "refused" not in daemon.reload("[main]\nmetrics = off\n" + RULES)
    with pytest.raises(ConnectionRefusedError):
        get(wire)


def test_the_place_of_the_start_is_given_up(wire, daemons):
    """And can be had again."""
    daemon = daemons(wire.host)
    daemon.start(CONFIG)
    assert get(wire)[0] == 200
    assert "refused" not in daemon.reload("[main]\nmetrics = off\n" + RULES)
    with pytest.raises(ConnectionRefusedError):
        get(wire)
    assert "refused" not in daemon.reload(CONFIG)
    assert get(wire)[0] == 200


def test_a_place_that_cannot_be_had(wire, daemons):
    daemon = daemons(wire.host)
    for place, said in (("192.0.2.77:9469", "Cannot assign"), ("127.0.0.1:0", "no place"),
                        ("localhost:9469", "no place"), ("::1:9469", "no place"),
                        ("[127.0.0.1]:9469", "no place"), ("127.0.0.1", "no place"),
                        (":9469", "no place"), ("127.0.0.1:70000", "no place")):
        done = daemon.once(config=f"[main]\nmetrics = {place}\n" + RULES)
        assert done.returncode in (1, 78) and "metrics" in done.stderr and said in done.stderr, place
    dumped = daemon.once("--dump-config", config=f"[main]\nmetrics = [::1]:{PORT}\n" + RULES)
    assert f"metrics = [::1]:{PORT}" in dumped.stdout


def metrics_named_in(text):
    """Names of metrics in expressions."""
    return set(re.findall(r"\bipmodd_[a-z0-9_]+", text))


@pytest.mark.parametrize("name", ["ipmodd-dashboard.json", "ipmodd-alerts.yml"])
def test_what_reads_the_metrics_names_real_ones(served, name):
    text = (MONITORING / name).read_text(encoding="utf-8")
    samples = read_plain(get(served)[2])
    named = metrics_named_in(text)
    assert len(named) >= 8 and named <= {name for name, _ in samples}, named
    reasons = set(re.findall(r'reason=\\?"([a-z-]+)', text))
    assert reasons <= {labels[9:-2] for name, labels in samples
                       if name == "ipmodd_dropped_packets_total"}, reasons
    if name.endswith(".json"):
        dashboard = json.loads(text)
        assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
        assert all(panel["targets"] for panel in dashboard["panels"])
    elif PROMTOOL is not None:
        done = subprocess.run([PROMTOOL, "check", "rules", str(MONITORING / name)],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
