"""What the command prints: passed on, kept in a file, and handed over line by line to whoever looks for frames.

A thread of its own reads it, so that the command never waits for us, nor we for a terminal that shows it slowly.
"""

import contextlib
import os
import re
import select
import sys
import threading
import time
from collections.abc import Callable
from typing import IO

CHUNK_BYTES = 1 << 16
MOST_WAITING_BYTES = 1 << 24  # of output that nobody has looked through yet
MOST_LINE_BYTES = 4096  # of a line that is looked at

_ESCAPES = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")  # colours and titles of terminals
_ENDS = re.compile(rb"[\r\n]+")


class Output:
    """Reads a command's output until `close`.

    Args:
        descriptor: to read from.
        log: the file that keeps it, unbuffered.
        looked_through: whether lines will be asked for.
        show: whether it is passed on to our standard error.
        clock: tells the seconds that lines are stamped with.

    Attributes:
        warnings: what went wrong, in sentences.
        received_bytes: how much there was.
    """

    def __init__(
        self, descriptor: int, log: IO[bytes], *, looked_through: bool, show: bool, clock: Callable[[], float]
    ) -> None:
        self._descriptor, self._log, self._show = descriptor, log, show
        self._keep, self._clock = looked_through, clock
        self._chunks: list[tuple[float, bytes]] = []
        self._waiting_bytes = self.received_bytes = self._dropped_bytes = 0
        self._carry = b""
        self._lock = threading.Lock()
        self._closing = False
        self.warnings: list[str] = []
        self._thread = threading.Thread(target=self._run, name="output", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        while True:
            if not poll.poll(50 if self._closing else 500):
                if self._closing:
                    return
                continue
            try:
                data = os.read(self._descriptor, CHUNK_BYTES)
            except OSError:  # the last one who had the terminal open has closed it
                data = b""
            if not data:
                if self._closing:
                    return
                time.sleep(0.05)  # a terminal that nobody has open may be opened again
                continue
            self.received_bytes += len(data)
            self._store(data)
            if self._show:
                self._pass_on(data)
            if self._keep:
                self._hand_over(data)

    def _store(self, data: bytes) -> None:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[self._log.write(rest) :]
        except (OSError, ValueError) as error:
            if not self._log.closed:
                reason = getattr(error, "strerror", None) or error
                self.warnings.append(f"{self._log.name} ends after {self._log.tell()} bytes: {reason}")
                with contextlib.suppress(OSError):
                    self._log.close()

    def _pass_on(self, data: bytes) -> None:
        try:
            stream = getattr(sys.stderr, "buffer", None)
            if stream is None:
                sys.stderr.write(data.decode("utf-8", "replace"))
            else:
                stream.write(data)
            sys.stderr.flush()
        except (OSError, ValueError, AttributeError):
            self._show = False  # nobody reads it any more

    def _hand_over(self, data: bytes) -> None:
        with self._lock:
            if self._waiting_bytes + len(data) > MOST_WAITING_BYTES:
                self._dropped_bytes += len(data)
                return
            self._chunks.append((self._clock(), data))
            self._waiting_bytes += len(data)

    def lines(self) -> list[tuple[float, str]]:
        """Return the lines that came since the last call, each with the time it came at.

        Of a line that is longer than `MOST_LINE_BYTES` the beginning is returned, of binary output what text there is.
        """
        with self._lock:
            chunks, self._chunks, self._waiting_bytes = self._chunks, [], 0
        found = []
        for at_s, data in chunks:
            *whole, rest = _ENDS.split(self._carry + data)
            found += [(at_s, _text(line)) for line in whole if line]
            self._carry = rest[:MOST_LINE_BYTES]
        return found

    def close(self) -> list[tuple[float, str]]:
        """Read what there still is, stop, and return the last lines, an unfinished one among them."""
        self._closing = True
        self._thread.join(timeout=5)
        if self._thread.is_alive():  # then the descriptor stays its own
            self.warnings.append("output.log may lack the end: somebody still prints, or standard error takes nothing")
        else:
            os.close(self._descriptor)
        last = self.lines()
        if self._carry:
            last.append((self._clock(), _text(self._carry)))
        if self._dropped_bytes:
            self.warnings.append(f"{self._dropped_bytes} bytes of output came too fast to look for frames in them")
        return last


def _text(line: bytes) -> str:
    return _ESCAPES.sub(b"", line[:MOST_LINE_BYTES]).decode("utf-8", "replace")
