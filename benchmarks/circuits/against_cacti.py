"""Our SRAM caches beside CACTI 7's: `python benchmarks/circuits/against_cacti.py CACTI.csv [--json]`.

FILE has one row a cache of CACTI's (columns such as node_nm, capacity_KB, mode, access_ns, readE_nJ, leak_bank_mW,
area_mm2). High-performance rows at nodes that both know are set beside our caches for energy x delay with lines of
64 bytes, under each leakage school of the node: that of CACTI's own table where it has one, and the older tool's.
Printed are median and 95th percentile of |ours/CACTI's - 1|, and the median of ours/CACTI's.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from circuits import design_cache
from circuits.devices.node import load_node
from circuits.errors import InputError

FIGURES = {"read_latency_s": ("access_ns", 1e-9), "read_energy_J": ("readE_nJ", 1e-9),
           "write_energy_J": ("writeE_nJ", 1e-9), "leakage_W": ("leak_bank_mW", 1e-3),
           "area_m2": ("area_mm2", 1e-6)}  # fmt: skip
SCHOOLS = ("cacti", "nvsim")
TARGET = {"ED": "edp", "delay": "read-latency", "area": "area", "leak": "leakage"}
LINE = 64


def rows_of(table: pd.DataFrame, school: str) -> pd.DataFrame:
    found = []
    for line, row in table.iterrows():
        if row["cell"] != "itrs-hp" or pd.isna(row.access_ns):
            continue
        node, ours = f"{int(row.node_nm)}nm", None
        try:
            load_node(node, 350.0, school)
            ours = design_cache("sram", node, int(row.capacity_KB) << 10, int(row.assoc), LINE, TARGET[row.objective],
                                mode=row["mode"], temperature_K=float(row.temp_K), leakage=school)  # fmt: skip
        except InputError:
            continue  # a node, or a school, that we do not have
        for name, (column, unit) in FIGURES.items():
            theirs = float(row[column]) * unit
            value = getattr(ours, name)
            found.append({"line": int(str(line)) + 2, "node_nm": int(row.node_nm), "capacity_KB": int(row.capacity_KB),
                          "mode": row["mode"], "quantity": name, "theirs": theirs, "ours": value,
                          "ratio": value / theirs, "error": abs(value / theirs - 1)})  # fmt: skip
    return pd.DataFrame(found)


def summary(found: pd.DataFrame) -> list[dict[str, Any]]:
    result = []
    for (node, quantity), some in found.groupby(["node_nm", "quantity"], sort=False):
        result.append({"node_nm": int(node), "quantity": quantity, "rows": len(some),
                       "median": float(some.error.median()), "p95": float(some.error.quantile(0.95)),
                       "median_ratio": float(np.median(some.ratio))})  # fmt: skip
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    table = pd.read_csv(options.file)
    result = {}
    for school in SCHOOLS:
        found = rows_of(table, school)
        result[school] = summary(found) if len(found) else []
    if options.json:
        print(json.dumps(result, indent=2))
        return
    for school, rows in result.items():
        head = f"  {'node':>4} {'quantity':<16}{'rows':>5}{'median':>9}{'p95':>9}{'ours/CACTI':>12}"
        print(f"leakage school {school}\n{head}")
        for one in rows:
            print(f"  {one['node_nm']:>4} {one['quantity']:<16}{one['rows']:>5}{one['median']:>9.2f}{one['p95']:>9.2f}"
                  f"{one['median_ratio']:>12.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
