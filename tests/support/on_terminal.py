# SPDX-License-Identifier: Apache-2.0
"""A program on a terminal of its own, as somebody who sits at it sees it."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import time

TIME = 60


class Program:
    def __init__(self, command, folder, env):
        self.terminal, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
        os.set_blocking(self.terminal, False)
        self.text = b""
        self.process = subprocess.Popen([*map(str, command)], cwd=folder, env=env, stdin=inner, stdout=inner, stderr=inner,
                                        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(inner)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.terminal >= 0:
            self.process.kill()
            self.process.wait()
            os.close(self.terminal)
            self.terminal = -1

    @property
    def pid(self):
        return self.process.pid

    def said(self):
        """All that it has written, line ends as it wrote them."""
        try:
            while part := os.read(self.terminal, 65536):
                self.text += part
        except (BlockingIOError, OSError):
            pass
        return self.text.decode(errors="replace").replace("\r\n", "\n")

    def type(self, text):
        os.write(self.terminal, text.encode())

    def interrupt(self):
        """Ctrl-C."""
        self.type("\x03")

    def until(self, pattern, seconds=TIME, since=0):
        """Waits until what it said after `since` characters has `pattern`; returns how much it has said then."""
        end = time.monotonic() + seconds
        ended = False
        while time.monotonic() < end:
            text = self.said()
            if re.search(pattern, text[since:]):
                return len(text)
            if ended:
                break
            ended = self.process.poll() is not None
            time.sleep(0.02)
        raise AssertionError(f"no {pattern!r} after {since}: {self.said()[since:][-4000:]}")

    def wait(self, seconds=TIME):
        """Its exit code; nothing where it goes on."""
        end = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < end:
            self.said()
            time.sleep(0.02)
        self.said()
        return self.process.poll()
