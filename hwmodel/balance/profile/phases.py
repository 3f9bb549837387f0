"""What a command's meters have counted, all processes together, read at each tick at little cost."""

from pathlib import Path
from typing import Any

import numpy as np

from hwmodel.balance.meter import FRAMES, HEADER_BYTES, NAME_BYTES, SLOT_BYTES, SLOTS, SUMS
from hwmodel.balance.meters import Meters, more_phases

MOST_FILES_A_TICK = 256  # with more of them, they are read the less often
_START, _STEP, _NAME = HEADER_BYTES // 8, SLOT_BYTES // 8, NAME_BYTES // 8


class Phases(Meters):
    """Sums of phases over processes.

    Attributes:
        names: of the phases, in the order they came up in.
        of_process: what each process counts.
        sums: float64[phases, sums], as they were read last.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.names: list[str] = []
        self.of_process: dict[int, set[str]] = {}
        self.sums = np.zeros((0, len(SUMS)))
        self._views: list[np.ndarray] = []  # of each file: its words
        self._slices: list[np.ndarray] = []  # and those of them that are read
        self._next: list[int] = []  # and where the name of its next phase will begin
        self._whole = np.zeros(0)  # what is read, one file after another
        self._where = np.zeros((0, len(SUMS)), dtype=np.intp)  # in it, the sums of each file's phases
        self._adds = np.zeros((0, 0))  # a row a phase: ones where its sums are

    def tick(self, number: int, look: bool) -> bool:
        """Read the sums; return whether a process counts a phase that it did not count before.

        Args:
            number: of the tick.
            look: whether to look for new files and phases.
        """
        if number % (1 + len(self._files) // MOST_FILES_A_TICK):
            return False
        changed = False
        if look:
            self._look()
            if changed := self._has_new():
                self._arrange()
        if self._slices:
            np.concatenate(self._slices, out=self._whole)
            np.matmul(self._adds, self._whole[self._where], out=self.sums)
        return changed

    def _has_new(self) -> bool:
        """Say whether there are files that are not read yet, or files in which a further slot has a name."""
        if len(self._files) != len(self._views):
            return True
        return any(view[at] for view, at in zip(self._views, self._next, strict=True))

    def _arrange(self) -> None:
        """Find every file's phases, and where in the files their sums stand."""
        starts, phases = [], []
        self._views, self._slices, self._next, offset = [], [], [], 0
        for process, mapped, names in self._files.values():
            more_phases(mapped, names)
            counted = self.of_process.setdefault(process, set())
            for slot, name in enumerate(names):
                if name not in self.names:
                    self.names.append(name)
                counted.add(name)
                starts.append(offset + _START + _STEP * slot + _NAME)
                phases.append(self.names.index(name))
            end = _START + _STEP * len(names)
            view = np.frombuffer(mapped, dtype=np.float64)
            self._views.append(view.view(np.uint64))
            self._slices.append(view[:end])
            self._next.append(end if len(names) < SLOTS else _START - 1)  # else a word of the header that stays 0
            offset += end
        self._whole = np.zeros(offset)
        self._where = np.add.outer(np.array(starts, dtype=np.intp), np.arange(len(SUMS)))
        self._adds = np.zeros((len(self.names), len(starts)))
        self._adds[phases, np.arange(len(starts))] = 1.0
        self.sums = np.zeros((len(self.names), len(SUMS)))

    @property
    def frames(self) -> float | None:
        """Frames that the meters count; none where they count none."""
        return float(self.sums[self.names.index(FRAMES), SUMS.index("size")]) if FRAMES in self.names else None


def fitted(sums: np.ndarray) -> dict[str, Any]:
    """Return what a phase's sums come to: means, and the line `wall_s = a_s + b_s * size` through its events.

    Where all events are of one size there is no line, and `a_s` and `b_s` are none.
    """
    n, size, size2, wall, wall2, size_wall, cpu, cpu2, size_cpu = (float(one) for one in sums)
    if n < 1:
        return {}
    found: dict[str, Any] = {"count": n, "size": size, "mean_size": size / n}
    for clock, total, squares, products in (("wall", wall, wall2, size_wall), ("cpu", cpu, cpu2, size_cpu)):
        if not total:  # counted, not timed
            continue
        mean, variance = total / n, max(squares / n - (total / n) ** 2, 0.0)
        spread = size2 / n - (size / n) ** 2
        known = spread > 1e-9 * max(size2 / n, 1e-300) and n > 2
        together = products / n - size / n * mean
        b = together / spread if known else None
        a = mean - b * size / n if b is not None else None
        left = max(variance - b * together, 0.0) if b is not None else variance
        found |= {f"{clock}_s": total, f"mean_{clock}_s": mean, f"deviation_{clock}_s": variance**0.5}
        found |= {f"{clock}_a_s": a, f"{clock}_b_s": b, f"{clock}_residual_s": left**0.5}
    return found
