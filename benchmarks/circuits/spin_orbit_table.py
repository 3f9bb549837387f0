"""Tabulate what a spin-orbit write's pulse must be: `python benchmarks/circuits/spin_orbit_table.py OUT.csv`.

A macrospin has few numbers once times are counted in 1 / (gamma Bk) and torques in Bk: damping-like torque over Lee's
threshold, in-plane field, Delta; field-like over damping-like torque, damping and edges are those of the shipped cell.
For each the share of trajectories that end unswitched is counted against the pulse, and a line w = a + b ln(1/WER) is
fitted from 5e-2 down to what the count resolves. About ten minutes on two cores.
"""

import argparse
import csv
import math
import os
from itertools import product
from multiprocessing import Pool
from pathlib import Path

import numpy as np

from circuits.devices.spin.kernel import GAMMA_RAD_PER_TS
from circuits.devices.spin.macrospin import Macrospin, Pulse, switching_probability

BK = 0.2637
DAMPING, RATIO, RISE_S, FALL_S = 0.012, 1.0, 50e-12, 150e-12
OVER = (1.0, 1.1, 1.2, 1.35, 1.55, 1.8, 2.2)
FIELDS = (0.18, 0.3, 0.4)
STABILITIES = (28.0, 45.0)
COUNT = 20_000


def line(case: tuple[float, float, float]) -> list[float]:
    over, field, stability = case
    torque = over * (0.5 - field / math.sqrt(2)) * BK
    spin = Macrospin(BK, DAMPING, stability, (0, -torque, 0), (0, -RATIO * torque, 0), (field * BK, 0, 0))
    found, width = [], 60e-12
    while width < 700e-12:
        pulse = Pulse(width, RISE_S, FALL_S)
        wrong = 1 - switching_probability(spin, pulse, 1000, step_s=2e-12, settle_s=0.7e-9).value
        if wrong < 0.06:
            wrong = 1 - switching_probability(spin, pulse, COUNT, 2, step_s=2e-12, settle_s=0.7e-9).value
            if wrong < 0.05:
                found.append((width, max(wrong, 0.5 / COUNT)))
            if wrong < 3 / COUNT or len(found) > 12:
                break
        width += 10e-12 if width < 250e-12 else 20e-12
    if not found:
        return [*case, math.nan, math.nan]
    widths, rates = np.array(found).T
    logs = -np.log(rates)
    weight = np.sqrt(np.maximum(rates * COUNT, 0.5))
    if len(found) == 1:  # from chance to certainty within a step
        found_slope = 10e-12 / math.log(COUNT)
        slope, offset = found_slope, widths[0] - found_slope * logs[0]
    else:
        slope, offset = np.polyfit(logs, widths, 1, w=weight)
    unit = 1 / (GAMMA_RAD_PER_TS * BK)
    return [*case, offset / unit, slope / unit]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    with Pool(os.cpu_count()) as pool:
        rows = pool.map(line, list(product(OVER, FIELDS, STABILITIES)), chunksize=1)
    part = out.with_suffix(".part")
    with part.open("w", newline="") as file:
        csv.writer(file).writerows([["over_threshold", "field", "stability", "offset", "slope"],
                                    *[[f"{v:.4g}" for v in row] for row in rows]])  # fmt: skip
    part.replace(out)


if __name__ == "__main__":
    main()
