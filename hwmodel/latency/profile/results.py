"""What a session's visits come to: a row an item, corrected for the machine's drift, and device.yaml beside it."""

import io
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from circuits.errors import InputError
from hwmodel import __version__
from hwmodel.latency.profile.drift import Course, course, flat
from hwmodel.latency.profile.energy import Energy
from hwmodel.latency.profile.items import Item

TABLE, DEVICE = "measurements.parquet", "device.yaml"
FORMAT = 1
QUANTILES = (0.1, 0.5, 0.9)


def courses(visits: Sequence[Mapping[str, Any]]) -> dict[str, Course]:
    """Return the course of the machine's slowness by the wall's clock and by the processor's (`wall`, `cpu`)."""
    of = [one for one in visits if one["role"] == "anchor"]
    if not of:
        return dict.fromkeys(("wall", "cpu"), flat("no anchors were visited"))
    names = sorted({one["item"] for one in of})
    which = np.array([names.index(one["item"]) for one in of])
    at_s = np.array([one["at_s"] for one in of])
    return {clock: course(at_s, np.array([min(one[f"{clock}_s"]) for one in of]), which) for clock in ("wall", "cpu")}


def rows(
    items: Sequence[Item], visits: Sequence[Mapping[str, Any]], slow: Mapping[str, Course], energy: Energy
) -> list[dict[str, Any]]:
    """Return a row an item that was visited.

    A visit's time is the quickest of its runs, which nothing interrupted; an item's is the median of its visits'
    times, each over the machine's slowness then (`corrected`). Quantiles are of all runs as they were.
    """
    found = []
    for item in items:
        of = [one for one in visits if one["item"] == item.name]
        if not of:
            continue
        row: dict[str, Any] = {"name": item.name, "family": item.family, "role": item.role}
        row |= {"visits": len(of), "runs": sum(len(one["wall_s"]) * one["inner"] for one in of)}
        at_s = np.array([one["at_s"] for one in of])
        for clock in ("wall", "cpu"):
            row |= _times(clock, [one[f"{clock}_s"] for one in of], slow[clock].slowness(at_s))
        counted = [(one["energy_J"], one["energy_wall_s"], len(one["wall_s"]) * one["inner"]) for one in of
                   if one.get("energy_J") is not None]  # fmt: skip
        net, total = energy.of_run(row["cpu_corrected_s"], counted)
        row |= {"energy_J": net, "energy_with_idle_J": total, "energy_basis": energy.basis}
        row["involuntary_switches"] = sum(one["involuntary_switches"] for one in of)
        found.append(row | {"graph": item.description})
    return found


def _times(clock: str, runs: Sequence[Sequence[float]], slowness: np.ndarray) -> dict[str, float]:
    """Return the figures of one clock's times: `runs` are those of each visit."""
    least = np.array([min(one) for one in runs])
    low, middle, high = np.quantile(np.concatenate([np.asarray(one) for one in runs]), QUANTILES)
    corrected = least / slowness
    median = float(np.median(corrected))
    return {
        f"{clock}_corrected_s": median,
        f"{clock}_uncorrected_s": float(np.median(least)),
        f"{clock}_minimum_s": float(least.min()),
        f"{clock}_p10_s": float(low),
        f"{clock}_median_s": float(middle),
        f"{clock}_p90_s": float(high),
        f"{clock}_spread": float(1.4826 * np.median(np.abs(corrected - median)) / median) if median else 0.0,
    }


def device(
    conditions: Mapping[str, Any], visits: Sequence[Mapping[str, Any]], slow: Mapping[str, Course], energy: Energy
) -> dict[str, Any]:
    """Return the conditions of a session, as device.yaml holds them."""
    stamps = [one["at_s"] for one in visits]
    told = {}
    for clock, one in slow.items():
        slowness = one.slowness(np.array(stamps))
        told[clock] = {
            "memory_s": one.memory_s, "swing": one.swing, "noise": one.noise, "reason": one.reason or None,
            "slowest": float(slowness.max()), "median": float(np.median(slowness)),
        }  # fmt: skip
    return {
        "format": FORMAT,
        "hwmodel": __version__,
        "basis": "measured",
        "measured": [_day(min(stamps)), _day(max(stamps))],
        "visits": len(visits),
        **conditions,
        "involuntary_switches": sum(one["involuntary_switches"] for one in visits),
        "energy": {"basis": energy.basis, "reason": energy.reason, "idle_W": energy.idle_W, "core_W": energy.core_W},
        "drift": told,
    }


def _day(at_s: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_s))


def save(folder: Path, table: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> list[Path]:
    """Write measurements.parquet and device.yaml, each whole; device.yaml comes last: where it is, the rest is.

    Raises:
        InputError: where there is no room, or no permission.
    """
    import pandas as pd
    import yaml

    content = io.BytesIO()
    joules = dict.fromkeys(("energy_J", "energy_with_idle_J"), "float64")  # and where there are none
    pd.DataFrame(list(table)).astype(joules).to_parquet(content, index=False, compression="zstd")
    text = "# How it was measured: hwmodel latency profile. What could not be read is null.\n"
    text += yaml.safe_dump(dict(about), sort_keys=False, allow_unicode=True, width=120)
    return [_place(folder / TABLE, content.getvalue()), _place(folder / DEVICE, text.encode())]


def _place(path: Path, data: bytes) -> Path:
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).chmod(0o644)
                return Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
