"""A run a seed, each kept as soon as it is done."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from circuits.errors import InputError
from hwmodel.studies.workers import run_all
from traces.files import replacing

Row = dict[str, Any]
One = Callable[[int, Callable[[float], None]], list[Row]]
SETTINGS, FOLDER = "settings.json", "seeds"


@dataclass(frozen=True)
class _Job:
    """One seed, with one thread; can be sent to another process where `one` can."""

    seed: int
    one: One
    weight: float = 1.0

    @property
    def name(self) -> str:
        return f"seed {self.seed}"

    def __call__(self, report: Callable[[float], None]) -> dict[str, Any]:
        threads, cpu, wall = torch.get_num_threads(), time.process_time(), time.perf_counter()
        try:
            with threadpool_limits(1):
                torch.set_num_threads(1)
                rows = self.one(self.seed, report)
        finally:
            torch.set_num_threads(threads)
        return {"rows": rows, "cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}


def run_seeds(
    folder: Path,
    seeds: Sequence[int],
    settings: dict[str, Any],
    one: One,
    *,
    jobs: int = 1,
    on_progress: Callable[[float, float, str], None] | None = None,
) -> list[Row]:
    """Return the rows of each seed, those of finished ones from their files.

    A seed's rows are written as soon as it is done (`seeds/seed-N.json`), whole or not at all, so that Ctrl-C or a kill
    loses only what was at work. Rows come back as JSON has them, numbers that are not finite as None.

    Args:
        folder: of the run; made where it is not there.
        seeds: whole numbers, each once.
        settings: what JSON can say of all else that determines the rows.
        one: takes a seed and a function that is told the fraction done; returns rows. It runs with one thread; with
            `jobs` above 1 in another process, so that it must be a module's function or a partial of one.
        jobs: processes at work.
        on_progress: told of seeds done, of how many, and which are at work.

    Raises:
        InputError: the folder holds a run of other settings, or a file that is none of a run.
    """
    if len(set(seeds)) != len(seeds):
        raise InputError(f"seeds {list(seeds)}: each only once")
    plain = _plain(settings)
    _settle(folder, plain)
    digest = _digest(plain)
    missing = [seed for seed in seeds if not _path(folder, seed).exists()]

    def keep(place: int, found: dict[str, Any]) -> None:
        document = {"seed": missing[place], "settings_sha256": digest, **_plain(found)}
        with replacing(_path(folder, missing[place])) as beside:
            beside.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")

    before = len(seeds) - len(missing)

    def advance(done: float, total: float, what: str = "") -> None:
        if on_progress:
            on_progress(before + done, before + total, what)

    if missing:
        run_all([_Job(seed, one) for seed in missing], jobs, advance, keep)
    return [row for seed in seeds for row in _read(folder, seed, digest)["rows"]]


def seconds(folder: Path) -> dict[int, float]:
    """Return the processor time of each finished seed of a folder, in seconds."""
    found = [_read(folder, None, None, path) for path in (folder / FOLDER).glob("seed-*.json")]
    return {one["seed"]: one["cpu_s"] for one in sorted(found, key=lambda one: one["seed"])}


def _path(folder: Path, seed: int) -> Path:
    return folder / FOLDER / f"seed-{seed}.json"


def _settle(folder: Path, settings: dict[str, Any]) -> None:
    path = folder / SETTINGS
    if path.exists():
        before = _json(path)
        for name in (*settings, *before):
            if before.get(name) != settings.get(name):
                raise InputError(
                    f"{folder}: holds a run with {name} {json.dumps(before.get(name))}, not "
                    f"{json.dumps(settings.get(name))}; give the same, or another folder"
                )
    elif (folder / FOLDER).is_dir() and any((folder / FOLDER).glob("seed-*.json")):
        raise InputError(f"{folder}: holds seeds without {SETTINGS}; give another folder")
    try:
        (folder / FOLDER).mkdir(parents=True, exist_ok=True)
        if not path.exists():
            with replacing(path) as beside:
                beside.write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}; give a folder that can be written to") from error


def _read(folder: Path, seed: int | None, digest: str | None, path: Path | None = None) -> dict[str, Any]:
    path = path or _path(folder, seed or 0)
    found = _json(path)
    if not isinstance(found.get("rows"), list) or not isinstance(found.get("cpu_s"), (int, float)):
        raise InputError(f"{path}: no seed's rows; remove the file, and the seed runs again")
    if digest is not None and (found.get("settings_sha256") != digest or found.get("seed") != seed):
        raise InputError(f"{path}: of another run; remove the file, and the seed runs again")
    return found


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}; remove it") from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: no settings or rows of a run; remove it")
    return found


def _digest(settings: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Return what JSON can say of a value: arrays as lists, numbers that are not finite as None."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, (np.ndarray, torch.Tensor)):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
