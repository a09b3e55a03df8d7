# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures of rules: what is in the files, rotation, disks that fail, reloads and crashes."""
import os
import pathlib
import subprocess
import time

import pcapng
from packets import checksum_errors, difference, echo_request, ip, parse, send, tos_of, udp
from space import wait_until
from topology import FAR, HOST
from traffic import ping

MANY = 70  # rules


def packets_of(path):
    """The packets of a file, none if it is not there."""
    return pcapng.read(path)[1] if path.exists() else []


def wait_packets(path, count):
    """Waits until the file has COUNT packets; all that it has then."""
    wait_until(lambda: len(packets_of(path)) >= count,
               lambda: f"{count} packets in {path.name}: {len(packets_of(path))}")
    return packets_of(path)


def datagram(family, number, size=20, dport=5000):
    """A UDP packet that can be told from others."""
    return bytes(ip(family, HOST[family], FAR[family]) /
                 udp(4000, dport, str(number).encode().ljust(size, b".")))


def test_many_are_told_of(wire, daemons):
    """Each that has a file, however many rules capture."""
    daemon = daemons(wire.host)
    daemon.start("".join(f"[rule r{n}]\nproto = icmp\ncapture = c{n}\n" for n in range(MANY)))
    assert ping(wire.host, FAR[4]) == (1, 1)
    wait_until(lambda: len(list(daemon.state_directory.glob("c*.pcapng"))) == MANY, daemon.log)

    def told():
        daemon.statistics()
        return {line.split()[2] for line in daemon.log_lines("capture c[0-9]+: ")}

    wait_until(lambda: len(told()) == MANY, daemon.log)


def test_before_and_after(wire, daemons, captures, family):
    """An edited packet is there twice, with right checksums, times and labels."""
    daemon = daemons(wire.host)
    daemon.start("[rule mark]\nproto = udp\ndport = 5000\nset-dscp = ef\nset-dport = 5001\n"
                 "capture = marks\n[rule no]\nproto = icmp\nverdict = drop\ncapture = marks\n")
    seen = captures(wire.peer)
    began = time.time_ns()
    sent = [datagram(family, number) for number in range(3)]
    ping_request = bytes(ip(family, HOST[family], FAR[family]) / echo_request(family))
    send(wire.host, *sent, ping_request)
    arrived = seen.wait(3)
    path = daemon.state_directory / "marks.pcapng"
    found = wait_packets(path, 7)
    assert pcapng.read(path)[0] == ["tun0"]
    assert difference(sent, [packet.data for packet in found[0:6:2]]) == ""
    assert difference(arrived, [packet.data for packet in found[1:6:2]]) == ""
    assert [packet.comment for packet in found[:2]] == [
        "rule mark: set-dscp = ef, set-dport = 5001, before",
        "rule mark: set-dscp = ef, set-dport = 5001, after"]
    assert [packet.ident for packet in found] == [0, 0, 1, 1, 2, 2, 3]
    assert found[6].comment == "rule no: verdict = drop (rule)"
    assert found[6].data == ping_request
    assert all(packet.flags == 2 and packet.drops == 0 for packet in found)
    assert all(began <= packet.time <= time.time_ns() for packet in found)
    assert [checksum_errors(packet.data) for packet in found] == [[]] * 7
    assert (path.stat().st_mode & 0o7777, path.parent.stat().st_mode & 0o7777) == (0o640, 0o750)


def test_tcpdump_reads_it(wire, daemons, family):
    daemon = daemons(wire.host)
    daemon.start("[rule look]\nproto = udp\nset-ttl = 7\ncapture = look snaplen 60\n")
    send(wire.host, datagram(family, 1), datagram(family, 2, size=200))
    path = daemon.state_directory / "look.pcapng"
    found = wait_packets(path, 4)
    assert [(len(packet.data), packet.length) for packet in found[2:]] == [
        (60, len(datagram(family, 2, size=200)))] * 2
    said = subprocess.run(["tcpdump", "-nvr", str(path), "udp port 5000"], capture_output=True,
                          text=True, check=True).stdout
    limit = {4: "ttl", 6: "hlim"}[family]
    assert said.count(f"{FAR[family]}.5000") == 4 and said.count(f"{limit} 7") == 2, said


def test_real_traffic(wire, daemons, family):
    """A capture of pings is what went and came, and the pings are none the wiser."""
    daemon = daemons(wire.host)
    daemon.start("[rule all]\nicmp-type = echo-request\ncapture = pings\n")
    assert ping(wire.host, FAR[family], 20) == (20, 20)
    found = wait_packets(daemon.state_directory / "pings.pcapng", 20)
    assert len(found) == daemon.statistics().rules["all"][0]
    assert {tos_of(parse(packet.data)) for packet in found} == {0}
    assert daemon.log_lines(f"capture pings: {len(found)} packets .* lost 0")


def test_rotation(wire, daemons):
    """Never more files than asked for, none too large, the newest packets kept."""
    daemon = daemons(wire.host)
    daemon.start("[rule all]\nproto = udp\ncapture = turn size 128KiB files 3\n")
    count = 500
    for start in range(0, count, 100):
        send(wire.host, *(datagram(4, number, size=1000) for number in range(start, start + 100)))
        wait_until(lambda: daemon.statistics().rules["all"][0] >= start + 100, "all packets")
    names = ["turn.pcapng", "turn.pcapng.1", "turn.pcapng.2"]
    wait_until(lambda: str(count - 1).encode() in packets_of(
        daemon.state_directory / names[0])[-1].data, "the last packet")
    assert sorted(path.name for path in daemon.state_directory.iterdir()) == names
    kept = []
    for name in reversed(names):
        assert (daemon.state_directory / name).stat().st_size <= 128 * 1024
        kept += [packet.ident for packet in packets_of(daemon.state_directory / name)]
    assert kept == list(range(count - len(kept), count)) and len(kept) > 200


def test_a_full_disk(wire, daemons, captures):
    """Packets pass, the file stays readable, the log has the cause, and room is used again."""
    daemon = daemons(wire.host)
    daemon.state_directory.mkdir()
    mount = (f"mount -t tmpfs -o size=64k none {daemon.state_directory} && "
             f'head -c 32768 /dev/zero > {daemon.state_directory}/ballast && exec "$@"')
    daemon.start("[rule all]\nproto = udp\ncapture = full size 1MiB\n",
                 prefix=["sh", "-c", mount, "sh"])
    inside = pathlib.Path(f"/proc/{daemon.process.pid}/root{daemon.state_directory}")
    seen = captures(wire.peer)
    for start in range(0, 100, 50):
        send(wire.host, *(datagram(4, number, size=1000) for number in range(start, start + 50)))
        seen.wait(start + 50)
    daemon.wait_log(r"packets are missing in captures: cannot write full.pcapng: No space left")
    found = packets_of(inside / "full.pcapng")
    assert 5 < len(found) < 32
    (inside / "ballast").unlink()
    send(wire.host, datagram(4, "room", size=1000))
    found = wait_packets(inside / "full.pcapng", len(found) + 1)
    assert b"room" in found[-1].data
    assert daemon.statistics().rules["all"][0] == 101
    said = daemon.log_lines(r"capture full: \d+ packets")[-1]
    assert f"capture full: {len(found)} packets" in said and said.endswith(
        f"lost {101 - len(found)}"), said


def test_no_directory(wire, daemons, captures):
    """Nothing can be written: packets pass, and the log has the cause."""
    daemon = daemons(wire.host)
    daemon.state_directory.write_text("not a directory", encoding="ascii")
    daemon.start("[rule all]\nproto = udp\ncapture = nowhere\n")
    seen = captures(wire.peer)
    send(wire.host, datagram(4, 1))
    seen.wait(1)
    daemon.wait_log("1 packets are missing in captures: cannot write nowhere.pcapng: Not a dir")


def test_reload(wire, daemons):
    """A capture that stays goes on in its file, one that goes is closed, a new one begins."""
    daemon = daemons(wire.host)
    rule = "[rule {0}]\nproto = udp\ncapture = {0}\n"
    daemon.start(rule.format("stays") + rule.format("goes"))
    stays, goes, comes = (daemon.state_directory / f"{name}.pcapng"
                          for name in ("stays", "goes", "comes"))
    send(wire.host, datagram(4, 1))
    wait_packets(stays, 1)
    wait_packets(goes, 1)
    daemon.reload(rule.format("stays") + rule.format("comes"))
    send(wire.host, datagram(4, 2))
    wait_packets(stays, 2)
    wait_packets(comes, 1)

    def is_open(path):
        return any(os.readlink(link) == str(path)
                   for link in pathlib.Path(f"/proc/{daemon.process.pid}/fd").iterdir())

    wait_until(lambda: not is_open(goes), "the file is closed")
    assert is_open(stays) and len(packets_of(goes)) == 1
    daemon.reload("[rule none]\nttl = 1\n")
    wait_until(lambda: not is_open(stays) and not is_open(comes), "all files are closed")
    daemon.stop()
    assert sorted(path.name for path in daemon.state_directory.iterdir()) == [
        "comes.pcapng", "goes.pcapng", "stays.pcapng"]


def test_stop_crash_and_start(wire, daemons):
    """What was captured is there after a stop and after a kill; the next start keeps it."""
    daemon = daemons(wire.host)
    config = "[rule all]\nproto = udp\ncapture = keep\n"
    path = daemon.state_directory / "keep.pcapng"
    daemon.start(config)
    send(wire.host, *(datagram(4, number) for number in range(50)))
    wait_until(lambda: daemon.statistics().rules["all"][0] == 50, "all packets")
    assert daemon.stop() == 0
    assert len(packets_of(path)) == 50
    daemon.start(config)
    send(wire.host, datagram(4, 1))
    wait_packets(path.with_name("keep.pcapng.1"), 50)
    wait_packets(path, 1)
    daemon.kill()
    assert len(packets_of(path)) == 1
    daemon.start(config)
    assert len(packets_of(path)) == 1  # nothing begins before there is a packet


def test_an_idle_writer_sleeps(wire, daemons):
    """No processor time without packets, and no thread without captures."""
    daemon = daemons(wire.host)
    tasks = lambda: len(list(pathlib.Path(f"/proc/{daemon.process.pid}/task").iterdir()))
    daemon.start("[rule all]\nproto = udp\n")
    before = tasks()
    daemon.reload("[rule all]\nproto = udp\ncapture = idle\n")
    assert tasks() == before + 1
    send(wire.host, datagram(4, 1))
    wait_packets(daemon.state_directory / "idle.pcapng", 1)
    used = daemon.cpu_seconds()
    time.sleep(0.5)
    assert daemon.cpu_seconds() - used <= 0.02


def test_several_queues(wire, daemons):
    """All threads write to one file, and ids of packets are told apart."""
    daemon = daemons(wire.host)
    daemon.start("[tun]\nqueues = 3\n[rule mark]\nproto = udp\nset-dscp = ef\ncapture = all\n")
    send(wire.host, *(datagram(4, number, dport=5000 + number) for number in range(90)))
    found = wait_packets(daemon.state_directory / "all.pcapng", 180)
    pairs = [packet.ident for packet in found]
    assert sorted(pairs[::2]) == sorted(pairs[1::2]) and len(set(pairs)) == 90
    assert len({ident % 3 for ident in pairs}) > 1, "one queue did it all"
