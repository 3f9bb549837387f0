"""Processes of one thread that keep running, read together: one system call each, and one calculation for all."""

import os
from collections.abc import Iterable

import numpy as np

from hwmodel.balance.profile.process import Process
from hwmodel.balance.profile.sums import Sums


class Batch:
    """Counts for its processes until they leave; only then do they themselves know what they took.

    Of a process that has had one thread all its life, that thread's processor time is its own.
    """

    def __init__(self) -> None:
        self.processes: list[Process] = []
        self._descriptors: list[int] = []
        self._counts = self._start = np.zeros((0, 3), dtype=np.int64)  # processor time, wait, slices of each
        self._roles: list[Sums] = []
        self._adds = np.zeros((0, 0), dtype=np.int64)  # a row a role: ones where its processes are

    def enter(self, processes: Iterable[Process]) -> None:
        """Begin with these."""
        self.processes = list(processes)
        threads = [process.threads[process.pid] for process in self.processes]
        self._descriptors = [one.schedstat.descriptor for one in threads if one.schedstat is not None]
        self._roles = list({id(process.sums): process.sums for process in self.processes}.values())
        numbers = {id(sums): number for number, sums in enumerate(self._roles)}
        self._adds = np.zeros((len(self._roles), len(self.processes)), dtype=np.int64)
        for column, process in enumerate(self.processes):
            self._adds[numbers[id(process.sums)], column] = 1
        self._start = np.array(
            [(process.cpu_ns, one.wait_ns, one.slices) for process, one in zip(self.processes, threads, strict=True)],
            dtype=np.int64,
        ).reshape(-1, 3)
        self._counts = self._start

    def tick(self) -> bool:
        """Read all, and add what they took to the sums of their roles; return whether all were still there."""
        if not self.processes:
            return True
        pread = os.pread
        try:
            raw = b"".join([pread(descriptor, 128, 0) for descriptor in self._descriptors])
        except OSError:
            return False
        counts = np.fromstring(raw.decode(), dtype=np.int64, sep=" ").reshape(-1, 3)
        grown = counts - self._counts
        self._counts = counts
        self._add(grown, grown[:, 0] != 0)
        return True

    def _add(self, grown: np.ndarray, ran: np.ndarray) -> None:
        totals, running = (self._adds @ grown).tolist(), (self._adds @ ran).tolist()
        for sums, (cpu_ns, wait_ns, slices), number in zip(self._roles, totals, running, strict=True):
            sums.cpu_ns += cpu_ns
            sums.wait_ns += wait_ns
            sums.slices += slices
            sums.running += number

    def leave(self) -> None:
        """End with all of them, and let them know what they took."""
        left, self.processes = self.processes, []
        if self._counts is not self._start:
            taken = (self._counts - self._start).tolist()
            for process, (cpu_ns, wait_ns, slices) in zip(left, taken, strict=True):
                process.take(cpu_ns, wait_ns, slices)
            self._counts = self._start
