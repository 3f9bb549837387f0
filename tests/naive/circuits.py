"""The slow, obvious search for a cache: every pair of a tag and a data bank, one at a time, in plain Python.

It shares the physics of a single bank with the package, one organisation a call, and redoes the enumeration, the access
modes, the targets and the choice of the best.
"""

import numpy as np

from circuits.array.organisation import Organisations
from circuits.cache.banks import Maker
from circuits.cache.request import Request


def organisations(sides: list[int], muxes: tuple[int, ...]) -> list[Organisations]:
    """Return every bank of mats up to the last side, with every part of its rows and columns at work."""
    found = []
    for rows in sides:
        for columns in sides:
            for active_rows in [n for n in sides if n <= rows]:
                for active_columns in [n for n in sides if n <= columns]:
                    for mat in ((a, b, c, d) for a in (1, 2) for b in (1, 2) for c in (1, 2) for d in (1, 2)):
                        for mux in muxes:
                            if mat[2] <= mat[0] and mat[3] <= mat[1]:
                                numbers = (rows, columns, active_rows, active_columns, *mat, mux, 1, 1, 0)
                                found.append(Organisations(*(np.array([n]) for n in numbers)))
    return found


def banks(maker: Maker, request: Request, mode: str, which: str, sides: list[int], muxes: tuple[int, ...],
          rows: float, columns: float) -> list[dict[str, float]]:  # fmt: skip
    """Return the figures of every bank that fits."""
    found = []
    for at in organisations(sides, muxes):
        bank = (maker.tag if which == "tag" else maker.data)(request, mode, at)
        if bool(bank.fits[0]) and bank.rows[0] <= rows and bank.columns[0] <= columns:
            found.append({name: float(values[0]) for name, values in vars(bank).items() if np.ndim(values) == 1})
    return found


def totals(mode: str, tag: dict[str, float], data: dict[str, float]) -> dict[str, float]:
    """Return a cache's figures: a write waits for its way, a read in normal mode for its columns."""
    if mode == "normal":
        read = max(tag["read_s"], data["early_s"]) + data["rest_s"]
    else:
        read = max(tag["read_s"], data["read_s"]) if mode == "fast" else tag["read_s"] + data["read_s"]
    write = max(tag["write_s"], max(tag["known_s"], data["ready_s"]) + data["write_s"] - data["ready_s"])
    rest = {
        name: tag[short] + data[short]
        for name, short in (
            ("read_energy_J", "read_J"),
            ("write_energy_J", "write_J"),
            ("leakage_W", "leakage_W"),
            ("area_m2", "area_m2"),
        )
    }
    return {"read_latency_s": read, "write_latency_s": write, **rest}


def edap(t: dict[str, float]) -> float:
    energy = (t["read_energy_J"] + t["write_energy_J"]) / 2
    return energy * (t["read_latency_s"] + t["write_latency_s"]) / 2 * t["area_m2"]
