# SPDX-License-Identifier: GPL-2.0-or-later
"""ipmodctl capture: live packets as pcapng, read back by others; and trace --live."""
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

import pcapng
from control import CTL, ctl, path_of
from daemon import SLOW
from packets import ip, send, tcp, udp
from space import PATIENCE, wait_until
from topology import FAR, HOST
from traffic import iperf, ping
from watching import watch

RULES = """[rule dns]
proto = udp
dport = 53
set-dscp = ef
set-ttl = 9
[rule web]
proto = tcp
dport = 80
verdict = drop
"""
EXTCAP = pathlib.Path(__file__).parents[2] / "conf" / "wireshark" / "ipmodd"


def three(family, ttl=33):
    """One that is edited, one that is dropped, one that nothing happens to."""
    head = lambda **fields: ip(family, HOST[family], FAR[family], **fields)
    return [bytes(head(ttl=ttl) / udp(4000, 53, b"question")),
            bytes(head() / tcp(4001, 80, "S", seq=7)),
            bytes(head() / udp(4002, 99, b"rest"))]


@pytest.fixture(name="running")
def fixture_running(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start(RULES)
    return daemon


def tshark(path, *fields):
    """The fields of each packet as tshark reads them."""
    options = [word for field in fields for word in ("-e", field)]
    done = subprocess.run(["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "separator=|",
                           *options], capture_output=True, text=True, timeout=30 * SLOW, check=False)
    assert done.returncode == 0, done.stderr
    return [line.split("|") for line in done.stdout.splitlines()]


def test_before_and_after(wire, running, captures, family):
    seen = captures(wire.peer)
    path = running.directory / "live.pcapng"
    sent = three(family)
    with watch(running, "capture", "-w", str(path), "-c", "3") as capture:
        send(wire.host, *sent)
        assert capture.process.wait(5 * SLOW) == 0
        assert "3 packets captured, 0 lost" in capture.errors()
    arrived = seen.wait(2)
    interfaces, packets = pcapng.read(path)
    assert interfaces == ["tun0"]
    assert [packet.data for packet in packets] == [sent[0], arrived[0], sent[1], sent[2]]
    assert [packet.comment for packet in packets] == [
        "rule dns: set-dscp = ef, set-ttl = 9; before",
        "rule dns: set-dscp = ef, set-ttl = 9; out, ttl 33 -> 9, dscp cs0 -> ef",
        "rule web: verdict = drop; drop (rule)", "out"]
    idents = [packet.ident for packet in packets]
    assert idents[0] == idents[1] and len(set(idents)) == 3
    assert all(packet.flags & 3 == 2 for packet in packets)  # outbound


def test_read_back_by_tcpdump_and_tshark(wire, running):
    path = running.directory / "live.pcapng"
    with watch(running, "capture", "-w", str(path), "-c", "3") as capture:
        send(wire.host, *three(4))
        assert capture.process.wait(5 * SLOW) == 0
    text = wire.host.run(f"tcpdump -n -v -r {path}").stdout
    assert text.count("192.0.2.1.4000 > 198.51.100.1.53") == 2
    assert "tos 0xb8, ttl 9" in text and "tos 0x0, ttl 33" in text and "bad" not in text
    if shutil.which("tshark") is None:
        pytest.skip("no tshark")
    rows = tshark(path, "frame.interface_name", "ip.ttl", "ip.dsfield.dscp", "frame.comment",
                  "frame.packet_id")
    assert [row[0] for row in rows] == ["tun0"] * 4
    assert [row[1:3] for row in rows[:2]] == [["33", "0"], ["9", "46"]]
    assert rows[1][3].endswith("out, ttl 33 -> 9, dscp cs0 -> ef")
    assert rows[0][4] == rows[1][4] != rows[2][4]


@pytest.mark.parametrize("stages,expected", [
    ("in", [0, 1, 2]), ("out", ["after", 2]), ("drop", [1]), ("in, drop", [0, 1, 2]),
    ("out,drop", ["after", 1, 2])])
def test_stages(wire, running, captures, stages, expected):
    path = running.directory / "live.pcapng"
    sent = three(4)
    seen = captures(wire.peer)
    with watch(running, "capture", "-w", str(path), "--stage", stages) as capture:
        send(wire.host, *sent)
        arrived = seen.wait(2)
        which = {number: data for number, data in enumerate(sent)} | {"after": arrived[0]}
        wait_until(lambda: path.stat().st_size > 0 and
                   len(pcapng.read(path)[1]) >= len(expected), "all blocks")
        assert capture.end() == 0
    assert [packet.data for packet in pcapng.read(path)[1]] == [which[i] for i in expected]


def test_snap_length_and_filter(wire, running):
    path = running.directory / "live.pcapng"
    with watch(running, "capture", "-w", str(path), "--snaplen", "40", "-c", "2", "proto=udp",
               "dport=50-60") as capture:
        packet = ip(4, HOST[4], FAR[4]) / udp(4000, 55, bytes(500))
        send(wire.host, *three(4), packet)
        assert capture.process.wait(5 * SLOW) == 0
    packets = pcapng.read(path)[1]
    assert [(len(packet.data), packet.length) for packet in packets] == \
        [(36, 36), (36, 36), (40, 528)]


def test_into_a_pipe_as_it_comes(wire, running):
    """What reads the pipe sees each packet when it happens; when it goes, the capture ends."""
    with subprocess.Popen([CTL, "-s", path_of(running), "capture", "-w", "-", "proto=icmp"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as capture:
        reader = subprocess.Popen(["tcpdump", "-n", "-l", "-r", "-"], stdin=capture.stdout,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        capture.stdout.close()
        assert b"watching" in capture.stderr.readline()
        for _ in range(2):
            ping(wire.host, FAR[4])
            assert "echo request" in reader.stdout.readline()
        reader.kill()
        reader.wait()
        ping(wire.host, FAR[4], 2)
        assert capture.wait(5 * SLOW) == 0
        capture.stderr.close()
        reader.stdout.close()


def test_an_interrupted_one_is_whole(wire, running):
    path = running.directory / "live.pcapng"
    with watch(running, "capture", "-w", str(path)) as capture:
        send(wire.host, *three(6) * 20)
        wait_until(lambda: path.stat().st_size > 1000, "packets")
        capture.process.send_signal(signal.SIGINT)
        assert capture.process.wait(5 * SLOW) == 0
        said = capture.errors()
    captured = int(said.split(" packets captured")[0].split()[-1])
    comments = [packet.comment for packet in pcapng.read(path)[1]]
    assert captured == len([comment for comment in comments if "before" not in comment]) > 0


def test_what_is_lost_is_in_the_file(wire, running):
    """A capture that cannot keep up says where packets are missing, and how many."""
    fifo = running.directory / "fifo"
    os.mkfifo(fifo)
    with watch(running, "capture", "dport=77", stdout=open(os.open(fifo, os.O_RDWR), "wb")) as capture:
        packet = ip(4, HOST[4], FAR[4]) / udp(1, 77, bytes(1400))
        for _ in range(30):
            send(wire.host, *[packet] * 200)
        path = running.directory / "live.pcapng"
        with open(path, "wb") as out, open(fifo, "rb") as source:
            os.set_blocking(source.fileno(), False)
            wait_until(lambda: _drain(source, out) == 0 and out.tell() > 0, "silence", 5 * SLOW,
                       interval=0.3)
            assert capture.end() == 0
            _drain(source, out)
    packets = pcapng.read(path)[1]
    assert len(packets) + sum(packet.drops for packet in packets) <= 6000
    assert f"{len(packets)} packets captured, {6000 - len(packets)} lost" in capture.errors()
    assert 0 < len(packets) < 6000


def _drain(source, out):
    total = 0
    while data := source.read(1 << 20):
        out.write(data)
        total += len(data)
    return total


@pytest.mark.parametrize("words,code,text", [
    (["dport=x"], 2, "not a port"), (["--stage", "up"], 2, "in, out and drop"),
    (["--snaplen", "x"], 2, "number from 20"), (["-w", "/nonexistent/file"], 1, "No such file"),
    (["-w", "/dev/full", "-c", "1"], 1, "No space left")])
def test_wrong_captures(wire, running, words, code, text):
    with subprocess.Popen([CTL, "-s", path_of(running), "capture", *words], bufsize=0,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as capture:
        said = ""
        if "/dev/full" in words:
            said = capture.stderr.readline().decode()  # that it captures, or already what failed
            ping(wire.host, FAR[4])
        said += capture.communicate(timeout=PATIENCE)[1].decode()
    assert capture.returncode == code and text in said, said


def test_a_refused_one_leaves_the_file_alone(wire, running, tmp_path):
    """What was captured before goes only when something takes its place."""
    path = tmp_path / "old.pcapng"
    path.write_bytes(b"what was there, which is longer than the head of a capture" * 10)
    before = path.read_bytes()
    for socket in (path_of(running), str(tmp_path / "nobody")):
        done = subprocess.run([CTL, "-s", socket, "capture", "-w", str(path), "dport=x"],
                              capture_output=True, check=False)
        assert done.returncode in (2, 3) and path.read_bytes() == before
    with subprocess.Popen([CTL, "-s", path_of(running), "capture", "-w", str(path), "-c", "1"],
                          stderr=subprocess.PIPE) as capture:
        capture.stderr.readline()  # it captures
        ping(wire.host, FAR[4])
        capture.communicate(timeout=PATIENCE)
    assert before[:20] not in path.read_bytes()


def test_extcap(wire, running):
    """As Wireshark calls it: interfaces, link types, options, and a capture into its fifo."""
    tell = lambda *words: subprocess.run([EXTCAP, *words], capture_output=True, text=True,
                                         check=True, timeout=PATIENCE).stdout
    assert "interface {value=ipmodd}" in tell("--extcap-interfaces", "--extcap-version=4.0")
    assert "{number=101}" in tell("--extcap-dlts", "--extcap-interface", "ipmodd")
    assert tell("--extcap-config", "--extcap-interface", "ipmodd").count("arg {") == 3
    fifo = running.directory / "fifo"
    os.mkfifo(fifo)
    environment = {**os.environ, "PATH": f"{os.path.dirname(CTL)}:{os.environ['PATH']}"}
    with subprocess.Popen([EXTCAP, "--capture", "--extcap-interface", "ipmodd", "--fifo", fifo,
                           "--extcap-capture-filter", "proto=udp dport=53", "--socket",
                           path_of(running)], env=environment, stderr=subprocess.PIPE) as extcap:
        with open(fifo, "rb") as source:
            assert b"watching" in extcap.stderr.readline()
            send(wire.host, *three(4))
            data = b""
            while b"; out, ttl" not in data:
                data += source.read1(1 << 20)
            extcap.terminate()
            data += source.read()
        assert extcap.wait(5 * SLOW) == 0
        extcap.stderr.close()
    (running.directory / "all").write_bytes(data)
    assert len(pcapng.read(running.directory / "all")[1]) == 2


def test_tshark_lists_the_interface():
    if shutil.which("tshark") is None:
        pytest.skip("no tshark")
    folders = subprocess.run(["tshark", "-G", "folders"], capture_output=True, text=True,
                             timeout=30 * SLOW, check=True).stdout
    place = next(line.split("\t")[1] for line in folders.splitlines()
                 if line.lower().startswith(("extcap path", "global extcap path")))
    done = subprocess.run(["unshare", "-m", "sh", "-c", 'mount --bind "$1" "$2" && tshark -D', "sh",
                           EXTCAP.parent, place], capture_output=True, text=True, timeout=30 * SLOW,
                          check=False)
    assert "ipmodd (Packets on their way through ipmodd)" in done.stdout, done


def test_trace_live(wire, running, family):
    with watch(running, "trace", "--live", "--count", "2", "ttl=33") as trace:
        send(wire.host, *three(family, 32))
        send(wire.host, *three(family), *three(family), *three(family))
        assert trace.process.wait(5 * SLOW) == 0
        text = trace.text().decode()
    assert text.count("rule dns (") == text.count("rule web (") == 2
    first = text.split("\n\n")[0].splitlines()
    assert "udp " in first[0] and "ttl 33" in first[0]
    assert first[1].strip() == f"rule dns ({running.config}:1) matches: set-dscp = ef, set-ttl = 9"
    assert [line.strip() for line in first[2:4]] == ["ttl 33 -> 9", "dscp cs0 -> ef"]
    assert first[4].strip() == \
        f"rule web ({running.config}:6) no, proto = tcp: the packet has udp"
    assert first[-1].strip() == "out: no rule decided"
    assert "ttl          33 -> 9" in text


def test_trace_live_of_what_is_dropped(wire, daemons):
    daemon = daemons(wire.host)
    daemon.start("[rule refused]\nproto = udp\ndport = 99\nverdict = reject\n"
                 "[rule behind]\ndport = 98\nset-ttl = 9\n")
    with watch(daemon, "-j", "trace", "--live", "dport=99") as trace:
        send(wire.host, three(4)[2])
        event = trace.events(1, "trace")[0]
        assert trace.process.wait(5 * SLOW) == 0
    assert event["decided_by"] == "rule" and event["reason"] == "rejected"
    assert [rule["name"] for rule in event["rules"]] == ["refused"]
    assert event["answers"][0].startswith("icmp 198.51.100.1 > 192.0.2.1")
    assert event["number"] == 1 and event["queue"] == 0


def test_trace_live_of_a_super_packet_that_is_split(wire, daemons, family):
    """One event for the whole: rules before the split, and what became of the first segment."""
    if os.environ.get("IPMODD_OFFLOAD") == "off":
        pytest.skip("no super-packets")
    daemon = daemons(wire.host)
    daemon.start("[rule whole]\nproto = tcp\ndport = 5201\nset-dscp = ef\n"
                 "[rule single]\nproto = tcp\ndport = 5201\nset-tcp-flags = +psh\n")
    with watch(daemon, "-j", "trace", "--live", "--count", "1000", "dport=5201") as trace, \
            watch(daemon, "trace", "--live", "--count", "1000", "dport=5201") as shown:
        iperf(wire.peer, wire.host, FAR[family], "-n 300K")
        whole = wait_until(lambda: [event for event in trace.events(0, "trace") if "split" in event],
                           "a super-packet", 5 * SLOW)[0]
        wait_until(lambda: f"split into {whole['split']} packets" in shown.text().decode(),
                   "a super-packet in words", 5 * SLOW)
    head = {4: 52, 6: 72}[family]
    before, after = (int(whole[when]["length"]) - head for when in ("before", "after"))
    assert whole["split"] == -(-before // after) >= 2 and after + head <= 1500
    assert [(rule["name"], rule["matched"]) for rule in whole["rules"]] == [
        ("whole", True), ("single", True)]
    assert whole["rules"][0]["changes"] == [{"field": "dscp", "before": "cs0", "after": "ef"}]
    assert (whole["before"]["dscp"], whole["after"]["dscp"]) == ("cs0", "ef")
    assert "psh" in whole["after"]["tcp-flags"] and whole["fate"] == "out"


@pytest.mark.parametrize("words,code,text", [
    (["--live", "dport=x"], 2, "not a port"), (["--live", "--count", "0"], 2, "number from 1"),
    (["--live", "--hex", "45"], 2, "nothing to be given"), (["--count", "3", "x"], 2, "--live"),
    (["--live", "-c", "x"], 2, "nothing to be given")])
def test_wrong_traces(running, words, code, text):
    done = ctl(running, "trace", *words)
    assert done.returncode == code and text in done.stderr, done.stderr
