# SPDX-License-Identifier: GPL-2.0-or-later
"""A terminal for tests: a pty, and as much of xterm as ncurses uses, on a grid of characters."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from daemon import SLOW

PAUSE = 0.05  # seconds without output: the screen is drawn
SEQUENCE = re.compile(r"\x1b(?:\[([?>]?)([\d;]*)([@-~])|[()].|[=>78]|(M)|\][^\x07]*\x07)")


class Screen:
    """What is to be seen after some output."""

    def __init__(self, rows, columns):
        self.resize(rows, columns)

    def resize(self, rows, columns):
        """Empty, of another size."""
        self.rows, self.columns = rows, columns
        self.grid = [[" "] * columns for _ in range(rows)]
        self.y = self.x = self.top = 0
        self.bottom = rows - 1
        self.last = " "

    def _put(self, character):
        if self.x < self.columns and self.y < self.rows:
            self.grid[self.y][self.x] = character
        self.x += 1
        self.last = character

    def _scroll(self, count):
        """Lines of the region up, or down for less than 0."""
        region = self.grid[self.top:self.bottom + 1]
        empty = [[" "] * self.columns for _ in range(min(abs(count), len(region)))]
        region = region[count:] + empty if count > 0 else empty + region[:count]
        self.grid[self.top:self.bottom + 1] = region

    def _index(self, down):
        if self.y == (self.bottom if down else self.top):
            self._scroll(1 if down else -1)
        else:
            self.y += 1 if down else -1

    def _erase(self, kind, line_only):
        line = self.grid[self.y]
        if kind in (0, 2):
            line[self.x if kind == 0 else 0:] = [" "] * (self.columns - (self.x if kind == 0 else 0))
        else:
            line[:self.x + 1] = [" "] * (self.x + 1)
        if not line_only and kind in (0, 2):
            for row in range(self.y + 1 if kind == 0 else 0, self.rows):
                self.grid[row] = [" "] * self.columns

    def _control(self, numbers, final):
        count = numbers[0] or 1
        if final == "H":
            self.y, self.x = count - 1, ((numbers + [1])[1] or 1) - 1
        elif final == "d":
            self.y = count - 1
        elif final == "G":
            self.x = count - 1
        elif final in "ABCD":
            self.y += {"A": -count, "B": count}.get(final, 0)
            self.x += {"C": count, "D": -count}.get(final, 0)
        elif final == "r":
            self.top, self.bottom = count - 1, ((numbers + [0])[1] or self.rows) - 1
            self.y = self.x = 0
        elif final in "ST":
            self._scroll(count if final == "S" else -count)
        elif final in "JK":
            self._erase(numbers[0], final == "K")
        elif final == "Z":
            self.x = (self.x - 1) // 8 * 8
        elif final == "X":
            self.grid[self.y][self.x:self.x + count] = \
                [" "] * min(count, self.columns - self.x)
        elif final == "b":
            for _ in range(count):
                self._put(self.last)
        elif final == "@":
            self.grid[self.y][self.x:] = ([" "] * count + self.grid[self.y][self.x:])[
                :self.columns - self.x]
        elif final == "P":
            line = self.grid[self.y]
            line[self.x:] = (line[self.x + count:] + [" "] * count)[:self.columns - self.x]
        elif final in "LM":
            top, self.top = self.top, self.y
            self._scroll(count if final == "M" else -count)
            self.top = top
        else:
            assert final in "mhltn", f"a sequence that ends in {final}"
        self.y = max(0, min(self.y, self.rows - 1))
        self.x = max(0, min(self.x, self.columns))
        self.bottom = min(self.bottom, self.rows - 1)

    def feed(self, text):
        """What a program wrote; a sequence that is not whole yet comes back."""
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                found = SEQUENCE.match(text, at)
                if found is None:
                    return text[at:]
                if found.group(4):
                    self._index(down=False)
                if found.group(3) and not found.group(1):
                    self._control([int(number or 0) for number in found.group(2).split(";")],
                                  found.group(3))
                at = found.end()
                continue
            if text[at] == "\r":
                self.x = 0
            elif text[at] == "\n":
                self._index(down=True)
            elif text[at] == "\b":
                self.x -= 1
            elif text[at] == "\t":
                self.x = (self.x // 8 + 1) * 8
            elif text[at] >= " ":
                self._put(text[at])
            at += 1
        return ""

    def lines(self):
        """Lines without blanks at their ends."""
        return ["".join(line).rstrip() for line in self.grid]


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, command, rows=24, columns=100, **environment):
        self.master, slave = pty.openpty()
        self.screen = Screen(rows, columns)
        self._rest = ""
        self._set_size()
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**os.environ, "TERM": "xterm", **environment})
        os.close(slave)
        self.output = ""

    def _set_size(self):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ,
                    struct.pack("HHHH", self.screen.rows, self.screen.columns, 0, 0))

    def resize(self, rows, columns):
        """As when a window gets another size."""
        self.screen.resize(rows, columns)
        self._set_size()
        self.process.send_signal(signal.SIGWINCH)

    def press(self, keys):
        """Keys as a terminal sends them."""
        os.write(self.master, keys.encode())

    def read(self, timeout):
        """Takes what the program writes within TIMEOUT seconds; False for nothing."""
        if not select.select([self.master], [], [], timeout)[0]:
            return False
        try:
            text = os.read(self.master, 65536).decode(errors="replace")
        except OSError:  # the program is gone
            return False
        self.output += text
        self._rest = self.screen.feed(self._rest + text)
        return True

    def until(self, check, what, timeout=5):
        """Waits until CHECK likes the lines of the screen, which is drawn to its end; them."""
        end = time.monotonic() + timeout * SLOW
        while self.read(PAUSE) or not check(self.screen.lines()):
            assert time.monotonic() < end, f"{what}:\n" + "\n".join(self.screen.lines())
        return self.screen.lines()

    def end(self):
        """The exit code, once it ended by itself."""
        limit = time.monotonic() + 5 * SLOW
        while self.process.poll() is None and time.monotonic() < limit:
            self.read(0.1)
        while self.read(0):
            continue
        return self.process.poll()

    def close(self):
        """Kills what still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
