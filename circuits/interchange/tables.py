"""The planar device and wire tables that CACTI and NVSim share."""

import csv
import functools
import math
from pathlib import Path

from circuits.array.process import Metal, Process
from circuits.devices.wire import COPPER_PER_K, REFERENCE_K
from circuits.errors import InputError

FOLDER = Path(__file__).with_name("tables")
TABLE_K = 350.0
METALS = ("local", "semi", "global")


@functools.lru_cache(maxsize=4)
def _rows(name: str) -> tuple[dict[str, str], ...]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(line for line in file if not line.startswith("#")))


def _between(low: float, high: float, part: float, logarithmic: bool = False) -> float:
    if logarithmic:
        return math.exp((1 - part) * math.log(low) + part * math.log(high))
    return (1 - part) * low + part * high


def load_process(node_nm: int, roadmap: str = "HP", temperature_K: float = TABLE_K) -> Process:
    """Return a tabulated process: 22, 32, 45, 65, 90, 120 or 200 nm; HP, LSTP or LOP; 300 to 400 K.

    On-currents are linear in temperature, off-currents exponential between the tabulated 300, 350 and 400 K; beyond
    350 K a P device's follows the N device's.

    Raises:
        InputError: no such process.
    """
    found = [r for r in _rows("technology") if int(r["node_nm"]) == node_nm and r["roadmap"] == roadmap]
    if not found:
        known = sorted({int(r["node_nm"]) for r in _rows("technology")})
        raise InputError(f"process {node_nm} nm {roadmap}: not tabulated; known are {known} nm with HP, LSTP or LOP")
    if not 300 <= temperature_K <= 400:
        raise InputError(f"temperature {temperature_K:g} K: out of range; give 300 to 400 K")
    row = {key: float(value) for key, value in found[0].items() if key != "roadmap"}
    part = (temperature_K - 300) / 50
    on_n, on_p = (_between(row[f"Ion{x}300{u}"], row[f"Ion{x}350"], part) for x, u in (("N", "_A_per_m"), ("P", "")))
    cold_n, cold_p, warm_n, warm_p = row["IoffN300_A_per_m"], row["IoffP300"], row["IoffN350"], row["IoffP350"]
    if part <= 1:
        off_n, off_p = _between(cold_n, warm_n, part, True), _between(cold_p, warm_p, part, True)
    else:
        off_n = _between(warm_n, row["IoffN400"], part - 1, True)
        off_p = off_n * warm_p / warm_n
    overdrive = row["vdd_V"] - row["vth_V"]
    gm_n, gm_p = (row[mu] * row["capOx_F_per_m2"] / 2 / row["Lg_m"] * min(row[limit], overdrive)
                  for mu, limit in (("mu_e", "vdsatN"), ("mu_h", "vdsatP")))  # fmt: skip
    ideal, fringe = row["capIdealGate_F_per_m"], row["capFringe_F_per_m"]
    return Process(
        node_nm * 1e-9, node_nm * 1e-9, row["vdd_V"], row["vth_V"], ideal + row["capOverlap_F_per_m"] + 3 * fringe,
        row["capJunction_F_per_m2"], row["capSidewall_F_per_m"], row["capDrainToChannel_F_per_m"], gm_n, gm_p,
        row["pnRatio"], row["ResMult"], on_n, on_p, off_n, off_p,
    )  # fmt: skip


def load_metal(node_nm: int, level: str, temperature_K: float = TABLE_K, style: str = "bare") -> Metal:
    """Return a tabulated metal level such as `global_aggressive`; its resistance follows copper's with temperature.

    Raises:
        InputError: no such level or node.
    """
    found = [r for r in _rows("wires") if int(r["node_nm"]) == node_nm and r["wire"] == level]
    if not found:
        raise InputError(f"wire {level!r} at {node_nm} nm: not tabulated; known are local, semi, global with"
                         " _aggressive or _conservative")  # fmt: skip
    row = found[0]
    hot = (1 + COPPER_PER_K * (temperature_K - REFERENCE_K)) / (1 + COPPER_PER_K * (TABLE_K - REFERENCE_K))
    return Metal(float(row["R_ohm_per_um"]) * 1e6 * hot, float(row["C_fF_per_um"]) * 1e-9,
                 float(row["pitch_nm"]) * 1e-9, style)  # fmt: skip
