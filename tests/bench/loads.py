# SPDX-License-Identifier: GPL-2.0-or-later
"""What is measured. One entry in LOADS each: a text and a function that runs it once.

A load function takes the network, the running contender and the seconds, and returns its figures
by name; FIGURES says what each means. `bytes` is the payload that arrived, for the CPU per GB.
"""
import dataclasses
import functools
import os
import pathlib
import random
import re
import signal
import time
import typing

from network import CLIENT, HOST, SERVER, SERVER_4, SERVER_6, SERVER_MANY, BenchError, wait_until

PORT = 5201
FLOW_PORTS = 4
FLOW_ADDRESSES = 250
NAT_FLOW_PORTS = 40
# The kernel's own reports of multicast groups come in the first second or two.
IDLE_SETTLE_SECONDS, IDLE_SECONDS = 2, 5
# Reloads beside packets: so many a second, and what the daemon says when it is done.
RELOAD_RATE, RELOADS, RELOADED = 105_000, 3, "configuration loaded anew"
# The search for the highest rate without loss: its borders in packets per second, and its steps.
SEARCH_FROM, SEARCH_TO, SEARCH_STEPS, SEARCH_LOSS = 20_000, 2_000_000, 9, 0.001

# Name of a figure: (heading, digits shown).
FIGURES = {
    "gbit_s": ("Gbit/s", 2),
    "kpps": ("kpps", 1),
    "loss": ("loss %", 2),
    "loss_alone": ("without %", 2),
    "loss_more": ("more lost, points", 3),
    "swap_ms": ("CPU-ms/reload", 3),
    "p50_us": ("p50 us", 1),
    "p99_us": ("p99 us", 1),
    "p999_us": ("p99.9 us", 1),
    "connections": ("connections/s", 0),
    "wakeups": ("wake-ups in 5 s", 1),
    "cpu_s_per_gb": ("CPU-s/GB", 3),
    "cpu_us_per_packet": ("CPU-us/packet", 2),
    "dropped": ("tx_dropped", 0),
    "rss_mb": ("RSS MB", 1),
    "others": ("others %", 0),
}


def _listens(pid, port):
    """Whether a TCP socket of that process's namespace listens on PORT."""
    table = pathlib.Path(f"/proc/{pid}/net/tcp6").read_text(encoding="ascii")
    return re.search(rf"^ *\d+: [0-9A-F]+:{port:04X} [0-9A-F]+:0000 0A", table, re.MULTILINE)


def tcp(network, _running, seconds, source=HOST, address=SERVER_4, options=()):
    """Bulk TCP by iperf3, from SOURCE to the server; what the receivers got."""
    duration = max(1, round(seconds))
    with network.process(SERVER, ["iperf3", "-s", "-1", "-p", PORT]) as server:
        wait_until(lambda: _listens(server.pid, PORT), "iperf3's server")
        command = ["iperf3", "-c", address, "-p", PORT, "-t", duration, "-J", *options]
        with network.process(source, command) as client:
            report = client.result(duration + 15)["end"]
    received = [report[name] for name in ("sum_received", "sum_received_bidir_reverse")
                if name in report]
    return {"gbit_s": sum(each["bits_per_second"] for each in received) / 1e9,
            "bytes": sum(each["bytes"] for each in received)}


def _flood(network, seconds, source, flow, size, rate, meanwhile=None):
    """One flood; FLOW: arguments of udp_send for where it goes. MEANWHILE is called beside it."""
    address, addresses, ports = flow
    with network.bench_process(SERVER, "udp_count", PORT, ports) as receiver:
        receiver.wait_ready()
        with network.bench_process(source, "udp_send", address, PORT, size, int(seconds * 1000),
                                   rate, addresses, ports) as sender:
            if meanwhile:
                meanwhile()
            sent = sender.result(seconds + 15)
        time.sleep(0.1)  # what is still in queues
        got = receiver.terminate().result(5)
    return sent, got


ONE_FLOW = (SERVER_4, 1, 1)
MANY_FLOWS = (SERVER_MANY, FLOW_ADDRESSES, FLOW_PORTS)
NAT_FLOWS = (SERVER_MANY, FLOW_ADDRESSES, NAT_FLOW_PORTS)


def udp(network, _running, seconds, size, source=HOST, flow=ONE_FLOW):
    """UDP as fast as the sender can; what arrived."""
    sent, got = _flood(network, seconds, source, flow, size, 0)
    return {"kpps": got["datagrams"] / sent["seconds"] / 1e3,
            "gbit_s": got["bytes"] * 8 / sent["seconds"] / 1e9,
            "loss": 100 * (1 - got["datagrams"] / sent["sent"]),
            "bytes": got["bytes"]}


def udp_clean(network, _running, seconds, size):
    """The highest rate that arrives with at most 0.1 % loss, by bisection."""
    low, high, best, received = SEARCH_FROM, SEARCH_TO, 0.0, 0
    for _ in range(SEARCH_STEPS):
        rate = int((low * high) ** 0.5)
        sent, got = _flood(network, seconds / 4, HOST, ONE_FLOW, size, rate)
        received += got["bytes"]
        arrived = got["datagrams"] / sent["seconds"]
        # A sender that cannot keep the rate has found its own limit.
        if got["datagrams"] >= sent["sent"] * (1 - SEARCH_LOSS) and arrived >= 0.9 * rate:
            low, best = rate, arrived
        else:
            high = rate
    return {"kpps": best / 1e3, "bytes": received}


def round_trips(network, _running, seconds, source=HOST, address=SERVER_4):
    """UDP request and response of 64 bytes, one under way at a time."""
    with network.bench_process(SERVER, "rr_server", PORT + 1) as server:
        server.wait_ready()
        with network.bench_process(source, "rr_client", address, PORT + 1, 64,
                                   int(seconds * 1000)) as client:
            result = client.result(seconds + 15)
    if result["trips"] == 0:
        raise BenchError("no answer came")
    return result


def round_trips_under_bulk(network, running, seconds):
    """Round trips while one bulk TCP transfer runs through the same contender."""
    duration = max(1, round(seconds)) + 1
    with network.process(SERVER, ["iperf3", "-s", "-1", "-p", PORT]) as server:
        wait_until(lambda: _listens(server.pid, PORT), "iperf3's server")
        command = ["iperf3", "-c", SERVER_4, "-p", PORT, "-t", duration, "-J"]
        with network.process(HOST, command) as bulk:
            time.sleep(0.3)
            result = round_trips(network, running, seconds)
            report = bulk.result(duration + 15)["end"]["sum_received"]
    return {**result, "gbit_s": report["bits_per_second"] / 1e9, "bytes": report["bytes"]}


def connections(network, _running, seconds):
    """New TCP connections from the client, each reset once it stands."""
    with network.bench_process(SERVER, "accept", PORT + 2) as server:
        server.wait_ready()
        with network.bench_process(CLIENT, "connect", SERVER_4, PORT + 2,
                                   int(seconds * 1000)) as client:
            result = client.result(seconds + 15)
    if result["failed"]:
        raise BenchError(f"{result['failed']} of {result['connections']} connections failed")
    return {"connections": result["connections"] / result["seconds"]}


def _wakeups(pid):
    return sum(int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", status.read_text(), re.M)[1])
               for status in pathlib.Path(f"/proc/{pid}/task").glob("*/status"))


def _packet_threads_ns(pid):
    """CPU time of those threads of ipmodd that move packets."""
    return sum(int((task / "schedstat").read_text(encoding="ascii").split()[0])
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
               if (task / "comm").read_text(encoding="ascii").startswith("ipmodd-queue"))


def _reload(running):
    """One, to its end."""
    before = running.process.said(RELOADED)
    os.kill(running.process.pid, signal.SIGHUP)
    wait_until(lambda: running.process.said(RELOADED) > before, "the reload", 10)


def reloads(network, running, seconds):
    """What is lost at a steady rate beside reloads and without them, one after the other."""
    def pauses_and_reloads():
        for _ in range(RELOADS):
            time.sleep(seconds / 8)
            _reload(running)

    used = _packet_threads_ns(running.process.pid)
    for _ in range(RELOADS):
        _reload(running)
    used = _packet_threads_ns(running.process.pid) - used
    loss = {}
    for beside in random.sample((None, pauses_and_reloads), 2):
        sent, got = _flood(network, seconds, HOST, ONE_FLOW, 64, RELOAD_RATE, beside)
        loss[beside] = 100 * (1 - got["datagrams"] / sent["sent"])
    more = loss[pauses_and_reloads] - loss[None]
    return {"loss": loss[pauses_and_reloads], "loss_alone": loss[None], "loss_more": more,
            "swap_ms": used / RELOADS / 1e6}


def idle(_network, running, _seconds):
    """How often the process wakes up when there is nothing to do."""
    if running.process is None:
        return {}
    time.sleep(IDLE_SETTLE_SECONDS)
    before = _wakeups(running.process.pid)
    time.sleep(IDLE_SECONDS)
    return {"wakeups": _wakeups(running.process.pid) - before}


@dataclasses.dataclass(frozen=True)
class Load:
    """One table. MAIN: the figures that it is about, the one that ratios are of first.

    WIRE: segmentation is off at the egress. TRAFFIC: packets have to pass the contender, and other
    users of the machine disturb. ONLY: those that it is for; ALSO: those that take part beside the
    others. Neither have a part in other loads.
    """
    text: str
    run: typing.Callable
    main: tuple
    wire: bool = False
    traffic: bool = True
    only: tuple = ()
    also: tuple = ()


UDP_MAIN = ("kpps", "loss")
TRIP_MAIN = ("p50_us", "p99_us", "p999_us")
POLLED = ("ipmodd-status", "ipmodd-status-process")

LOADS = {
    "tcp": Load("bulk TCP, one way", tcp, ("gbit_s",), also=POLLED),
    "tcp-both": Load("bulk TCP, both ways at once",
                     functools.partial(tcp, options=("--bidir",)), ("gbit_s",)),
    "tcp-8": Load("bulk TCP, 8 streams", functools.partial(tcp, options=("-P", "8")), ("gbit_s",)),
    "tcp6": Load("bulk TCP over IPv6", functools.partial(tcp, address=SERVER_6), ("gbit_s",)),
    "tcp-wire": Load("bulk TCP, segmentation off", tcp, ("gbit_s",), wire=True),
    "tcp-forward": Load("bulk TCP, forwarded", functools.partial(tcp, source=CLIENT), ("gbit_s",)),
    "udp64": Load("UDP 64 B, one flow", functools.partial(udp, size=64), UDP_MAIN,
                  also=POLLED),
    "udp64-wire": Load("UDP 64 B, one flow, segmentation off", functools.partial(udp, size=64),
                       UDP_MAIN, wire=True),
    "udp64-flows": Load("UDP 64 B, 1,000 flows interleaved",
                        functools.partial(udp, size=64, flow=MANY_FLOWS), UDP_MAIN),
    "udp64-forward": Load("UDP 64 B, one flow, forwarded",
                          functools.partial(udp, size=64, source=CLIENT), UDP_MAIN),
    "udp64-forward-flows": Load("UDP 64 B, 10,000 flows interleaved, forwarded",
                                functools.partial(udp, size=64, source=CLIENT, flow=NAT_FLOWS),
                                UDP_MAIN),
    "connections": Load("new TCP connections, forwarded", connections, ("connections",)),
    "udp64-clean": Load("UDP 64 B, one flow, highest rate at <= 0.1 % loss",
                        functools.partial(udp_clean, size=64), ("kpps",)),
    "udp64-wire-clean": Load("the same, segmentation off", functools.partial(udp_clean, size=64),
                             ("kpps",), wire=True),
    "udp1200": Load("UDP 1200 B, one flow", functools.partial(udp, size=1200), UDP_MAIN),
    "udp1200-wire": Load("UDP 1200 B, one flow, segmentation off",
                         functools.partial(udp, size=1200), UDP_MAIN, wire=True),
    "trip": Load("round trip, UDP 64 B", round_trips, TRIP_MAIN, also=POLLED),
    "trip6": Load("round trip over IPv6", functools.partial(round_trips, address=SERVER_6),
                  TRIP_MAIN),
    "trip-forward": Load("round trip, forwarded", functools.partial(round_trips, source=CLIENT),
                         TRIP_MAIN),
    "trip-bulk": Load("round trip under bulk TCP", round_trips_under_bulk,
                      TRIP_MAIN + ("gbit_s",)),
    "reload": Load(f"UDP 64 B at {RELOAD_RATE / 1e3:.0f} kpps beside {RELOADS} reloads, and without",
                   reloads, ("loss", "loss_alone", "loss_more", "swap_ms"),
                   only=("ipmodd-10000",)),
    "idle": Load("no traffic", idle, ("wakeups",), traffic=False),
}


def takes_part(contender, load):
    """Whether LOAD is for that contender."""
    if LOADS[load].only:
        return contender in LOADS[load].only
    return contender in LOADS[load].also or not any(
        contender in each.only + each.also for each in LOADS.values())
