# SPDX-License-Identifier: GPL-2.0-or-later
"""A journal for one daemon: entries as journald would get them, fields and all."""
import json
import os
import pathlib
import re
import socket

from space import PATIENCE, wait_until

ROOT = pathlib.Path(os.environ["IPMODD_SOURCE"])
# LOG_ID_STARTED -> MESSAGE_ID
IDS = dict(re.findall(r'\[(LOG_ID_\w+)\] = "([0-9a-f]{32})"',
                      (ROOT / "src" / "log" / "id.c").read_text(encoding="utf-8")))


class Journal:
    """Listens where DAEMON, which has not started yet, looks for journald."""

    def __init__(self, daemon):
        place = daemon.run_directory / "systemd" / "journal"
        place.mkdir(parents=True)
        daemon.space.sysctl("net.unix.max_dgram_qlen", 4096)
        with daemon.space:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(place / "socket"))
        self._entries = []
        daemon.log_to_journal = True

    def close(self):
        """Nobody listens any more."""
        self._socket.close()

    def entries(self, kind=None):
        """All that came so far, or those of the KIND LOG_ID_…, as dictionaries."""
        while True:
            try:
                text = self._socket.recv(1 << 16, socket.MSG_DONTWAIT).decode()
            except BlockingIOError:
                break
            self._entries.append(dict(line.split("=", 1) for line in text.splitlines()))
        return [entry for entry in self._entries
                if kind is None or entry["MESSAGE_ID"] == IDS[kind]]

    def wait(self, kind, line, timeout=PATIENCE, **fields):
        """The first entry of KIND with FIELDS of these values and a line that LINE is found in."""
        def found():
            return [entry for entry in self.entries(kind) if re.search(line, entry["MESSAGE"])
                    and all(entry.get(name) == value for name, value in fields.items())]

        return wait_until(found, lambda: f"{kind} {line!r} {fields}:\n" + "\n".join(
            json.dumps(entry) for entry in self._entries), timeout)[0]
