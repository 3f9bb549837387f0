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
        self._views: list[np.ndarray] = []
        self._known = np.zeros(0, dtype=np.int64)  # of each file: how many phases of it are known
        self._rows = self._starts = self._phases = np.zeros(0, dtype=np.int64)
        self._width = _START + _STEP

    def tick(self, number: int) -> bool:
        """Read the sums; return whether a process counts a phase that it did not count before."""
        if number % (1 + len(self._files) // MOST_FILES_A_TICK):
            return False
        self._look()
        changed = False
        if len(self._files) != len(self._views):
            self._arrange()
            changed = True
        if not self._views:
            return changed
        whole = np.concatenate([view[: self._width] for view in self._views]).reshape(len(self._views), -1)
        heads = whole.view(np.uint64)[np.arange(len(whole)), _START + _STEP * np.minimum(self._known, SLOTS - 1)]
        if np.any((heads != 0) & (self._known < SLOTS)):
            self._arrange()
            return self.tick(number) or True
        values = whole[self._rows[:, None], self._starts[:, None] + np.arange(len(SUMS))]
        self.sums = np.zeros((len(self.names), len(SUMS)))
        np.add.at(self.sums, self._phases, values)
        return changed

    def _arrange(self) -> None:
        """Find every file's phases, and where in the files their sums stand."""
        rows, starts, phases, known = [], [], [], []
        self._views = []
        for row, (process, mapped, names) in enumerate(self._files.values()):
            more_phases(mapped, names)
            self._views.append(np.frombuffer(mapped, dtype=np.float64))
            known.append(len(names))
            counted = self.of_process.setdefault(process, set())
            for slot, name in enumerate(names):
                if name not in self.names:
                    self.names.append(name)
                counted.add(name)
                rows.append(row)
                starts.append(_START + _STEP * slot + _NAME)
                phases.append(self.names.index(name))
        self._known = np.array(known, dtype=np.int64)
        self._rows, self._starts, self._phases = (np.array(one, dtype=np.int64) for one in (rows, starts, phases))
        self._width = min(_START + _STEP * (max(known, default=0) + 1), _START + _STEP * SLOTS)

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
