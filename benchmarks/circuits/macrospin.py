"""What the macrospin gives beside the known figures: `python benchmarks/circuits/macrospin.py [--json] [--count N]`.

The junction: 40 nm, Delta 60, damping 0.012, polarisation 0.6, critical current 30 uA; its medians at 1.5-4 times that
current are known. Error rates down to 1e-6: by trajectories with importance sampling, by the Fokker-Planck equation,
and by the closed law that cells are designed with. Spin-orbit writes: with and without a field-like torque.
"""

import argparse
import json
import math
import time
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from circuits.cells.design import FOLDER
from circuits.data import DataFile
from circuits.devices import spin_orbit
from circuits.devices.junction import Junction
from circuits.devices.spin import fokker_planck, law, rare
from circuits.devices.spin.macrospin import Macrospin, Pulse, median, switching_probability, switching_times

KNOWN_MEDIANS_S = {1.5: 5.7e-9, 2.0: 3.5e-9, 3.0: 2.0e-9, 4.0: 1.4e-9}
# field-like over damping-like torque, and the known range of the probability that 300 ps of 83-119 uA switch
KNOWN_SPIN_ORBIT = {0.0: (0.4, 0.6), 1.0: (0.95, 1.0), 1.5: (0.95, 1.0), 2.0: (0.95, 1.0)}
CURRENTS_A = (83e-6, 100e-6, 119e-6)
FALL_S = 100e-12


def junction(cell: str) -> tuple[Junction, DataFile]:
    file = DataFile.open(FOLDER / f"{cell}.yaml")
    return file.record(Junction, "junction", file.section("junction")), file


def medians(count: int) -> list[dict[str, Any]]:
    one, _ = junction("stt")
    rows = []
    for overdrive, known in KNOWN_MEDIANS_S.items():
        spin = one.macrospin(overdrive * one.critical_A, 300.0)
        start = time.perf_counter()
        times = switching_times(spin, count, 60e-9)
        seconds = time.perf_counter() - start
        found = median(times)
        equation = fokker_planck.median(one.stability(300), overdrive) * one.time_constant_s
        rows.append({"overdrive": overdrive, "known_median_s": known, "median_s": found.value,
                     "standard_error_s": found.error, "fokker_planck_s": equation,
                     "law_s": law.median_time(one.stability(300), overdrive) * one.time_constant_s,
                     "sun_s": one.sun_s(overdrive, 300.0), "sun_over_known": one.sun_s(overdrive, 300.0) / known,
                     "within": abs(found.value - known) <= 3 * found.error + 0.05e-9,
                     "trajectories_per_s": count / seconds})  # fmt: skip
    return rows


def error_rates(count: int) -> list[dict[str, Any]]:
    one, _ = junction("stt")
    delta, rows = one.stability(300), []
    for overdrive in (1.5, 2.0, 3.0, 4.0):
        for wished in (1e-2, 1e-4, 1e-6):
            pulse = law.pulse_time(delta, overdrive, wished)
            width = pulse * one.time_constant_s
            found = rare.write_error_rate(one.macrospin(overdrive * one.critical_A, 300.0), width, 4 * count)
            equation = float(fokker_planck.unswitched(delta, overdrive, np.array([pulse]))[0])
            rows.append({"overdrive": overdrive, "pulse_s": width, "law": wished, "fokker_planck": equation,
                         "trajectories": found.value, "standard_error": found.error,
                         "standard_errors_apart": (found.value - equation) / found.error})  # fmt: skip
    return rows


def spin_orbit_writes(count: int) -> list[dict[str, Any]]:
    one, file = junction("sot")
    line = file.record(spin_orbit.WriteLine, "write_line", file.section("write_line"))
    rows = []
    for (ratio, (low, high)), current in product(KNOWN_SPIN_ORBIT.items(), CURRENTS_A):
        spin = spin_orbit.macrospin(replace(line, field_like_ratio=ratio), one, current, 300.0)
        pulse = Pulse(300e-12, line.rise_s, FALL_S)
        found = switching_probability(spin, pulse, count)
        slack = 3 * math.sqrt(low * (1 - low) / count)
        rows.append({"field_like_ratio": ratio, "current_A": current, "pulse_s": 300e-12, "known_low": low,
                     "known_high": high, "probability": found.value, "standard_error": found.error,
                     "within": low - slack <= found.value <= high + slack})  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--count", type=int, default=4000, help="trajectories a median or probability")
    options = parser.parse_args()
    switching_times(Macrospin(0.3, 0.1, 60.0, (0, 0, -0.1)), 8, 1e-9)  # loads the kernel
    found = {"medians": medians(options.count), "error_rates": error_rates(options.count),
             "spin_orbit": spin_orbit_writes(options.count)}  # fmt: skip
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for name, rows in found.items():
        print(f"\n{name}\n  " + "  ".join(rows[0]))
        for row in rows:
            print("  " + "  ".join(f"{v:.4g}" if isinstance(v, float) else str(v) for v in row.values()))


if __name__ == "__main__":
    main()
