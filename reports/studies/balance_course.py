"""A profile's counters and readings over time, in bins, as panels of a timeline."""

from typing import Any

import numpy as np

from hwmodel.balance.profile import Profile
from hwmodel.units import scale_of
from reports.figures.timeline import Panel
from reports.record import clean

BINS, TICKS_A_BIN = 120, 2
ROLES, GPUS = 5, 4  # that are drawn by themselves
LEAST_CORES = 0.01  # that a role wants, for a wait to be told
REST = "all others"


def bins_of(profile: Profile) -> np.ndarray:
    """Return the edges of equal bins over a run, s; fewer than three where it was too short to draw."""
    ticks = len(profile.ticks)
    number = min(BINS, ticks // TICKS_A_BIN)
    return np.linspace(0.0, profile.wall_s, number + 1) if number > 1 else np.zeros(0)


def panels_of(profile: Profile, edges: np.ndarray, threads: int | None) -> list[Panel]:
    """Return what there is to draw: frames/s, cores busy, waits for a core, the GPU, memory.

    Args:
        profile: of a run.
        edges: float64[bins + 1], s.
        threads: of the CPU that the run may have.
    """
    found = []
    width = np.diff(edges)
    if (counted := profile.frame_counts()) is not None:
        grew = _grew(counted[0].astype(float), counted[1].astype(float), edges)
        found.append(Panel("frames/s", "frames/s", {"": grew / width}))
    roles = _roles(profile, edges)
    level = (float(threads), f"{threads} thread{'s' * (threads != 1)}") if threads else None
    found.append(Panel("threads of the CPU that are busy", "threads",
                       {name: cpu_s / width for name, (cpu_s, _, _) in roles.items()}, level=level))  # fmt: skip
    waits = {name: _share(wait_s, cpu_s, width) for name, (cpu_s, wait_s, _) in roles.items()}
    waits = {name: values for name, values in waits.items() if np.isfinite(values).any()}
    if waits:
        found.append(Panel("waited for a core [% of the time that one was wanted]", "%", waits, top=100))
    found += _gpu(profile, edges)
    factor, unit = scale_of("rss_bytes", [float(np.nanmax(rss)) for _, _, rss in roles.values()] or [0.0])
    memory = {name: factor * rss for name, (_, _, rss) in roles.items()}
    return [*found, Panel(f"memory [{unit}]", unit, memory)]


def _grew(times: np.ndarray, values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return what a counter grew by in each bin; NaN where it was not read yet, or no more."""
    known = ~np.isnan(values)
    if known.sum() < 2:
        return np.full(len(edges) - 1, np.nan)
    return np.maximum(np.diff(np.interp(edges, times[known], values[known])), 0.0)


def _mean(times: np.ndarray, values: np.ndarray, edges: np.ndarray, outside: float = np.nan) -> np.ndarray:
    """Return a reading in the middle of each bin; `outside` before the first and after the last."""
    known = ~np.isnan(values)
    middle = (edges[:-1] + edges[1:]) / 2
    if not known.any():
        return np.full(len(middle), np.nan)
    return np.interp(middle, times[known], values[known], left=outside, right=outside)


Role = tuple[np.ndarray, np.ndarray, np.ndarray]  # CPU seconds and seconds waited of each bin; bytes


def _roles(profile: Profile, edges: np.ndarray) -> dict[str, Role]:
    """Return each role, those with the most CPU time first, the rest together."""
    found: dict[str, Role] = {}
    table: Any = profile.roles
    for name, of in table.groupby("role", sort=False):
        times = of["time_s"].to_numpy()
        if not len(times):
            continue
        born = np.r_[times[0] - profile.period_s, times]
        cpu_s, wait_s = (_grew(born, np.r_[0.0, _numbers(of[one])], edges) for one in ("cpu_s", "wait_s"))
        found[clean(str(name))] = (cpu_s, wait_s, _mean(times, _numbers(of["rss_bytes"]), edges, 0.0))
    order = sorted(found, key=lambda name: -float(np.nansum(found[name][0])))
    if len(order) <= ROLES:
        return {name: found[name] for name in order}
    rest = [found[name] for name in order[ROLES - 1 :]]
    summed = tuple(np.sum([one[part] for one in rest], axis=0) for part in range(3))
    return {name: found[name] for name in order[: ROLES - 1]} | {REST: (summed[0], summed[1], summed[2])}


def _share(wait_s: np.ndarray, cpu_s: np.ndarray, width: np.ndarray) -> np.ndarray:
    wanted = wait_s + cpu_s
    return np.where(wanted > LEAST_CORES * width, 100 * wait_s / np.maximum(wanted, 1e-12), np.nan)


def _gpu(profile: Profile, edges: np.ndarray) -> list[Panel]:
    table: Any = profile.gpu
    if table is None:
        return []
    each = {f"GPU {index}": of for index, of in table.groupby("gpu")}
    found = []
    for title, unit, columns, factor, top in (
        ("busy [% of the time]", "%", ("busy",), 100.0, 100.0),
        ("SMs active [% of cycles]", "%", ("sm_active",), 100.0, 100.0),
        ("power of the GPU [W]", "W", ("power_W",), 1.0, None),
    ):
        lines = {name: factor * _mean(of["time_s"].to_numpy(), _numbers(of[column]), edges)
                 for name, of in each.items() for column in columns}  # fmt: skip
        lines = {name: values for name, values in lines.items() if np.isfinite(values).any()}
        if len(lines) > GPUS:
            lines = {f"mean of {len(lines)} GPUs": np.mean(list(lines.values()), axis=0)}
        if lines:
            found.append(Panel(f"GPU: {title}" if top else title, unit, lines, top))
    return found


def _numbers(column: Any) -> np.ndarray:
    return column.to_numpy(dtype=np.float64, na_value=np.nan)
