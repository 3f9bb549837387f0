"""A profile's figures in any span of its time: rates, shares and means, each a difference of counters."""

from typing import TYPE_CHECKING, Any

import numpy as np

from hwmodel.balance.meter import SUMS
from hwmodel.balance.profile.nvml import throttles_of
from hwmodel.balance.profile.phases import fitted
from hwmodel.balance.profile.series import grown

if TYPE_CHECKING:
    from hwmodel.balance.profile.results import Profile

Table = Any  # of pandas, whose stubs know too little of what a column is
_GPU_MEANS = ("busy", "memory_busy", "memory_used_bytes", "sm_clock_Hz", "memory_clock_Hz", "power_W", "tree_busy",
              "sm_active", "sm_occupancy", "tensor_active", "dram_active")  # fmt: skip


def window(profile: "Profile", start_s: float, end_s: float) -> dict[str, Any]:
    """Return the figures of a profile from `start_s` to `end_s`; see docs/balance-profile.md for their names."""
    seconds = end_s - start_s
    ticks = profile.ticks
    times = ticks["time_s"].to_numpy()

    def of(name: str) -> float | None:
        return grown(times, _numbers(ticks[name]), start_s, end_s)

    counted = profile.frame_counts()
    frames = None if counted is None else grown(*counted, start_s, end_s)
    cpu_s, wait_s, slices = of("cpu_s"), of("wait_s"), of("slices")
    found: dict[str, Any] = {
        "start_s": start_s, "end_s": end_s, "seconds": seconds, "frames": frames,
        "frames_per_second": _over(frames, seconds), "cores": _over(cpu_s, seconds),
        "wait_share": _share(wait_s, cpu_s), "cpu_s_per_frame": _over(cpu_s, frames),
        "slices_per_second": _over(slices, seconds),
        "machine": {
            "busy_cores": _over(of("machine_busy_s"), seconds), "stolen_cores": _over(of("machine_steal_s"), seconds),
            **{f"pressure_{kind}": _over(of(f"pressure_{kind}_s"), seconds) for kind in ("cpu", "io", "memory")},
        },
        "roles": _roles(profile.roles, profile.period_s, start_s, end_s, frames),
        "phases": _phases(profile.phases, profile.period_s, start_s, end_s),
    }  # fmt: skip
    if profile.gpu is None:
        return found | {"gpus": None, "no_gpu": profile.about.get("gpu", {}).get("reason", "not read")}
    gpus = _gpus(profile.gpu, start_s, end_s)
    joules = [one["energy_J"] for one in gpus if one["energy_J"] is not None]
    energy_J = sum(joules) if joules else None
    return found | {"gpus": gpus, "gpu_energy_J": energy_J, "frames_per_joule": _over(frames, energy_J)}


def _roles(table: Table, period_s: float, start_s: float, end_s: float, frames: float | None) -> list[dict[str, Any]]:
    """Return a row a role that was there in the window; numbers of processes and memory are means over time."""
    rows = []
    for name, of in table.groupby("role", sort=False):
        times = of["time_s"].to_numpy()
        cpu_s, wait_s, slices = (
            since_birth(of, part, period_s, start_s, end_s) for part in ("cpu_s", "wait_s", "slices")
        )
        inside = of[(times >= start_s) & (times <= end_s)]
        if not len(inside) or not (cpu_s or inside["processes"].any()):
            continue
        seconds = end_s - start_s
        rows.append({
            "role": name,
            **{part: float(inside[part].mean()) for part in ("processes", "threads", "running")},
            "cores": _over(cpu_s, seconds), "cpu_s": cpu_s, "wait_s": wait_s, "wait_share": _share(wait_s, cpu_s),
            "cpu_s_per_frame": _over(cpu_s, frames), "slices_per_second": _over(slices, seconds),
            "rss_bytes": float(inside["rss_bytes"].mean()),
        })  # fmt: skip
    return sorted(rows, key=lambda row: -(row["cpu_s"] or 0.0))


def _phases(table: Table, period_s: float, start_s: float, end_s: float) -> list[dict[str, Any]]:
    rows = []
    for name, of in table.groupby("phase", sort=False):
        sums = [since_birth(of, one, period_s, start_s, end_s) for one in SUMS]
        found = fitted(np.array([0.0 if one is None else one for one in sums]))
        if found:
            rows.append({"phase": name, "per_second": found["count"] / (end_s - start_s), **found})
    return rows


def since_birth(of: Table, part: str, period_s: float, start_s: float, end_s: float) -> float | None:
    """Return what a counter grew by, which was 0 a tick before its first row."""
    times, values = of["time_s"].to_numpy(), _numbers(of[part])
    if not len(times) or np.isnan(values).all():
        return None
    return grown(np.r_[times[0] - period_s, times], np.r_[0.0, values], start_s, end_s)


def _gpus(table: Table, start_s: float, end_s: float) -> list[dict[str, Any]]:
    rows = []
    for index, of in table.groupby("gpu"):
        times = of["time_s"].to_numpy()
        inside = of[(times >= start_s) & (times <= end_s)]
        row: dict[str, Any] = {"gpu": index, "readings": len(inside)}
        row |= {name: _mean(inside[name]) for name in _GPU_MEANS}
        row["energy_J"] = grown(times, _numbers(of["energy_J"]), start_s, end_s) if len(inside) else None
        bits = inside["throttle"].dropna().astype(int)
        held: dict[str, float] = {}
        for one in bits:
            for words in throttles_of(one):
                held[words] = held.get(words, 0.0) + 1 / len(bits)
        row["throttled"] = held if len(bits) else None
        rows.append(row)
    return rows


def _numbers(column: Table) -> np.ndarray:
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _mean(column: Table) -> float | None:
    values = _numbers(column)
    return float(np.nanmean(values)) if (~np.isnan(values)).any() else None


def _over(value: float | None, by: float | None) -> float | None:
    return None if value is None or not by else value / by


def _share(wait_s: float | None, cpu_s: float | None) -> float | None:
    """Return the share of the time that threads wanted a core in which they had none."""
    return None if wait_s is None or cpu_s is None or wait_s + cpu_s <= 0 else wait_s / (wait_s + cpu_s)
