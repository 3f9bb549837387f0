"""One thread of a process that is watched."""

import contextlib

from hwmodel.balance.profile.proc import MOST_BYTES, Source

_FEW_BYTES = 256  # of a list of children, mostly


class Thread:
    """A thread's counters as they were read last."""

    __slots__ = ("children", "children_raw", "due", "pause", "raw", "room", "schedstat", "slices", "wait_ns")

    def __init__(self, base: str, lists_children: bool) -> None:
        self.schedstat: Source | None = None
        self.children: Source | None = None
        with contextlib.suppress(PermissionError):
            self.schedstat = Source(f"{base}/schedstat")
        if lists_children:
            with contextlib.suppress(PermissionError):
                self.children = Source(f"{base}/children")
        self.raw = self.children_raw = b""
        self.wait_ns = self.slices = self.due = 0
        self.pause, self.room = 1, _FEW_BYTES

    def close(self) -> None:
        for source in (self.schedstat, self.children):
            if source is not None:
                source.close()

    def count(self, raw: bytes) -> tuple[int, int]:
        """Return by how much its wait and its number of slices grew."""
        _, waited, number = raw.split()
        wait_ns, slices = int(waited), int(number)
        grown = wait_ns - self.wait_ns, slices - self.slices
        self.wait_ns, self.slices = wait_ns, slices
        return grown

    def new_children(self, source: Source) -> list[int]:
        """Return the numbers of children that it did not have before.

        Raises:
            OSError: it has ended.
        """
        raw = source.read(self.room)
        while len(raw) == self.room < MOST_BYTES:
            self.room *= 4
            raw = source.read(self.room)
        if raw == self.children_raw:
            return []
        known = set(self.children_raw.split())
        self.children_raw = raw
        return [int(pid) for pid in raw.split() if pid not in known]
