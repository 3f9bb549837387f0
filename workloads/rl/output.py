"""What a run leaves: lines on standard error, and in a folder its curve, settings and checkpoints."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from circuits.errors import InputError
from workloads.rl.curve import Curve
from workloads.rl.environments import Shape
from workloads.rl.parts import Parts
from workloads.rl.server import Server
from workloads.rl.settings import Settings

CHECKPOINT_S = 30.0
_BEFORE = ("steps", "seconds", "episodes", "learner_batches")
CURVE, SETTINGS = "curve.csv", "settings.json"


class Output:
    """Where a run's progress goes.

    Args:
        folder: for files; None: none are written.
        resume: go on from the folder's checkpoint.
        settings: of the run. shape: of its environment. parts: of it, into which a checkpoint is loaded.

    Attributes:
        before: steps, seconds, episodes and the learner's batches of the run from which this one goes on; else 0.
    """

    def __init__(self, folder: Path | None, resume: bool, settings: Settings, shape: Shape, parts: Parts) -> None:
        """Make the folder, or read its checkpoint.

        Raises:
            InputError: there is nothing to go on from, or something that would be overwritten.
        """
        self._folder, self._settings, self._shape, self._parts = folder, settings, shape, parts
        self.before: dict[str, Any] = dict.fromkeys(_BEFORE, 0)
        self._curve: Curve | None = None
        self._saved = time.perf_counter()
        if folder is None:
            if resume:
                raise InputError("--resume: no folder is given to go on from; give it by -o")
            return
        if resume:
            self._load(folder)
        elif (folder / CURVE).exists():
            raise InputError(f"-o {folder}: holds a run already; give --resume to go on, or another folder")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SETTINGS).write_text(json.dumps(settings.document(), indent=2) + "\n", encoding="utf-8")
        self._curve = Curve(folder / CURVE, parts.learner.names if parts.learner else (), self.before["steps"])

    def _load(self, folder: Path) -> None:
        if self._parts.state is None:
            raise InputError("--resume: a run that does not learn has no checkpoint")
        from workloads.rl.checkpoint import SAME, facts

        told, ours = facts(folder), self._settings.document()
        for name in SAME:
            if told["settings"][name] != ours[name]:
                raise InputError(
                    f"--{name} {ours[name]}: the run in {folder} had {told['settings'][name]}; give the same"
                )
        self._parts.state.load(folder)
        self.before = {name: told[name] for name in _BEFORE}

    def tick(self, server: Server) -> None:
        """Tell how far the run is; save it now and then."""
        frames, seconds = server.stepped * self._shape.frames_per_step, server.seconds
        line = f"{seconds:.1f} s, {frames} frames, {frames / seconds:.1f} frames/s"
        if server.return_mean is not None:
            line += f", return {server.return_mean:.2f}"
        print(line, file=sys.stderr, flush=True)
        self._row(server)
        if time.perf_counter() >= self._saved + CHECKPOINT_S:
            self._save(server)

    def close(self, server: Server) -> None:
        """Leave the last row and checkpoint. The learner has ended."""
        if server.batches:
            self._row(server)
            self._save(server)
        if self._curve is not None:
            self._curve.close()

    def _row(self, server: Server) -> None:
        if self._curve is None:
            return
        learner = self._parts.learner
        returns, lengths = server.returns, server.lengths
        row: dict[str, Any] = self._so_far(server)
        row |= {
            "frames": row["steps"] * self._shape.frames_per_step,
            "return_mean": server.return_mean,
            "return_max": max(returns, default=None),
            "length_mean": sum(lengths) / len(lengths) if lengths else None,
        }
        self._curve.add(row | (learner.figures if learner else {}))

    def _so_far(self, server: Server) -> dict[str, Any]:
        learner = self._parts.learner
        now = {
            "steps": server.stepped,
            "seconds": server.seconds,
            "episodes": server.episodes,
            "learner_batches": learner.batches if learner else 0,
        }
        return {name: self.before[name] + value for name, value in now.items()}

    def _save(self, server: Server) -> None:
        if self._folder is None or self._parts.state is None or self._parts.learner is None:
            return
        facts = {
            "settings": self._settings.document(),
            "return_mean": server.return_mean,
        } | self._so_far(server)
        with self._parts.learner.lock:
            self._parts.state.save(self._folder, facts)
        self._saved = time.perf_counter()
