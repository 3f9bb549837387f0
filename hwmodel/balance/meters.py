"""Reads what meters count while they count it: the sums of each process and phase."""

import mmap
import os
import re
import sys
from pathlib import Path

import numpy as np

from hwmodel.balance.meter import FILE_BYTES, HEADER_BYTES, MAGIC, NAME_BYTES, SLOT_BYTES, SLOTS, SUMS

_FILE = re.compile(r"\d+-\d+\.meter")


class Meters:
    """The meters of a folder. Files that come later are found at the next `read`.

    Args:
        folder: where a job's processes count; need not be there yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, tuple[int, mmap.mmap, list[str]]] = {}  # name -> process, mapping, phases found so far
        self._seen = -1

    def read(self) -> dict[tuple[int, str], np.ndarray]:
        """Return the sums of each process and phase, float64[len(SUMS)] in the order of `SUMS`, since the job began.

        Files that are no meters, or of a process that has not finished making its own, are passed over.
        """
        self._look()
        found: dict[tuple[int, str], np.ndarray] = {}
        for process, mapped, phases in self._files.values():
            more_phases(mapped, phases)
            values = np.frombuffer(mapped, dtype=np.float64)
            for number, phase in enumerate(phases):
                start = (HEADER_BYTES + number * SLOT_BYTES + NAME_BYTES) // 8
                sums = values[start : start + len(SUMS)].copy()
                key = process, phase
                found[key] = found[key] + sums if key in found else sums
        return found

    def _look(self) -> None:
        """Map files that are new; the folder's own time of change says whether there may be any."""
        try:
            changed = self.folder.stat().st_mtime_ns
        except FileNotFoundError:
            return
        if changed == self._seen:
            return
        complete = True
        for entry in os.scandir(self.folder):
            if entry.name in self._files or not _FILE.fullmatch(entry.name):
                continue
            mapped = _mapped(entry.path)
            if mapped is None:
                complete = False  # come again, though the folder does not change when the file is finished
            else:
                self._files[entry.name] = int.from_bytes(mapped[8:16], _ORDER, signed=True), mapped, []
        if complete:
            self._seen = changed


_ORDER = sys.byteorder


def _mapped(path: str) -> mmap.mmap | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if os.fstat(descriptor).st_size != FILE_BYTES:
            return None
        mapped = mmap.mmap(descriptor, FILE_BYTES, prot=mmap.PROT_READ)
    finally:
        os.close(descriptor)
    return mapped if mapped[: len(MAGIC)] == MAGIC else None


def more_phases(mapped: mmap.mmap, phases: list[str]) -> None:
    """Add to a meter's phases those that it has begun to count since."""
    while len(phases) < SLOTS:
        start = HEADER_BYTES + len(phases) * SLOT_BYTES
        name = mapped[start : start + NAME_BYTES].rstrip(b"\0")
        if not name:
            return
        phases.append(name.decode("utf-8", "replace"))
