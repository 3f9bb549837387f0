"""Our SRAM caches beside CACTI 7's: `python benchmarks/circuits/against_cacti.py CACTI.csv [--json]`.

FILE has one row a cache of CACTI's (columns such as node_nm, capacity_KB, mode, access_ns, readE_nJ, leak_bank_mW,
data_area_mm2, and the organisation Ndwl, Ndbl, Nspd, Ndcm, Ndsam1, Ndsam2). High-performance rows at nodes that both
know are set beside ours in two ways:

- at CACTI's own organisation, with its devices, wires and cell's aspect (`nodes/cacti-*.yaml`) and under the
  assumptions of `assumptions/cacti.yaml`: do the models agree?
- after our own search for energy x delay under our default assumptions: how much better is a cache than CACTI's?

Each stands under two leakage schools: that of CACTI's own table, and the older tool's. The tags' organisation is not in
the file; ours is the one of least energy x delay beside the data bank. Printed are median and 95th percentile of
|ours/CACTI's - 1|, and the median of ours/CACTI's. Areas are of both banks, without the gap that CACTI leaves between.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from circuits import CacheDesign, design_cache
from circuits.array.organisation import Organisations
from circuits.array.search import Pairs
from circuits.cache.banks import Maker, as_found
from circuits.cache.request import check
from circuits.cache.targets import FIGURES as TOTALS
from circuits.cache.targets import TARGETS
from circuits.devices.node import load_node
from circuits.errors import InputError
from circuits.overrides import overridden

FIGURES = {"read_latency_s": ("access_ns", 1e-9), "read_energy_J": ("readE_nJ", 1e-9),
           "write_energy_J": ("writeE_nJ", 1e-9), "leakage_W": ("leak_bank_mW", 1e-3),
           "area_m2": ("area_mm2", 1e-6)}  # fmt: skip
SCHOOLS = ("cacti", "nvsim")
TARGET = {"ED": "edp", "delay": "read-latency", "area": "area", "leak": "leakage"}
NODES = {int(path.stem.removeprefix("cacti-").removesuffix("nm")): path
         for path in (Path(__file__).parent / "nodes").glob("cacti-*.yaml")}  # fmt: skip
ASPECT = {"sram.planar.aspect_ratio": 1 / 1.46}  # CACTI's cell is higher than wide
LINE = 64


def organisation(row: Any) -> Organisations:
    """Return CACTI's organisation as ours: mats of 2 x 2 subarrays, as many of a row at work as a word's bits ask."""
    ways = 1 if row["mode"] == "sequential" else int(row.assoc)
    word = 8 * LINE * (ways if row["mode"] == "fast" else 1)
    columns = 8 * LINE * ways * float(row.Nspd) / row.Ndwl
    muxes = [int(row.Ndcm), int(row.Ndsam1), int(row.Ndsam2)]
    active = max(round(word * np.prod(muxes) / (4 * columns)), 1)
    if row["mode"] == "normal":  # ours are given without those that select a way, which stand in the second level
        muxes[1] //= ways
    numbers = (int(row.Ndbl) // 2, int(row.Ndwl) // 2, 1, active, 2, 2, 2, 2, *muxes, 0)
    return Organisations(*(np.array([max(n, 1) if i < 11 else n]) for i, n in enumerate(numbers)))


def alike(row: Any, school: str) -> dict[str, float]:
    """Return our figures at CACTI's organisation."""
    node = load_node(str(NODES[int(row.node_nm)]), float(row.temp_K), school)
    with overridden(ASPECT):
        maker = Maker.of(node, "sram", "cacti", "repeated")
    request = check(int(row.capacity_KB) << 10, int(row.assoc), LINE, "edp", row["mode"])
    with np.errstate(all="ignore"):
        tags = maker.pairs(request, row["mode"]).tags
        datas = as_found(maker.data(request, row["mode"], organisation(row)), organisation(row))
        choice = Pairs(row["mode"], tags, datas).best(TARGETS["edp"][1])
    if choice is None:
        raise InputError(f"line of {row.capacity_KB} KiB: its organisation does not fit")
    return {name: choice.totals[short] for name, short in TOTALS.items()}


def searched(row: Any, school: str) -> CacheDesign:
    """Return our best cache for what CACTI made least."""
    hot: dict[str, Any] = {"temperature_K": float(row.temp_K), "leakage": school}
    return design_cache("sram", f"{int(row.node_nm)}nm", int(row.capacity_KB) << 10, int(row.assoc), LINE,
                        TARGET[row.objective], mode=row["mode"], **hot)  # fmt: skip


def rows_of(table: pd.DataFrame, school: str, way: str) -> pd.DataFrame:
    found = []
    for line, row in table.iterrows():
        if row["cell"] != "itrs-hp" or pd.isna(row.access_ns) or int(row.node_nm) not in NODES:
            continue
        ours = alike(row, school) if way == "alike" else vars(searched(row, school))
        for name, (column, unit) in FIGURES.items():
            value = float(row.data_area_mm2 + row.tag_area_mm2) if name == "area_m2" else float(row[column])
            theirs = value * unit
            found.append({"line": int(str(line)) + 2, "node_nm": int(row.node_nm), "capacity_KB": int(row.capacity_KB),
                          "mode": row["mode"], "objective": row.objective, "quantity": name, "theirs": theirs,
                          "ours": ours[name], "ratio": ours[name] / theirs,
                          "error": abs(ours[name] / theirs - 1)})  # fmt: skip
    return pd.DataFrame(found)


def summary(found: pd.DataFrame) -> list[dict[str, Any]]:
    result = []
    for (node, quantity), some in found.groupby(["node_nm", "quantity"], sort=False):
        worst = some.loc[some.error.idxmax()]
        named = ("line", "capacity_KB", "mode", "objective", "ratio")
        result.append({"node_nm": int(node), "quantity": quantity, "rows": len(some),
                       "median": float(some.error.median()), "p95": float(some.error.quantile(0.95)),
                       "median_ratio": float(np.median(some.ratio)),
                       "worst": {k: worst[k] for k in named}})  # fmt: skip
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--rows", action="store_true", help="print every row at CACTI's organisation")
    options = parser.parse_args()
    table = pd.read_csv(options.file)
    result: dict[str, Any] = {}
    for way in ("alike", "searched"):
        for school in SCHOOLS:
            found = rows_of(table, school, way)
            result.setdefault(way, {})[school] = summary(found) if len(found) else []
            if options.rows and way == "alike" and school == "cacti":
                wide = found.pivot_table("ratio", ["line", "node_nm", "capacity_KB", "mode", "objective"], "quantity")
                print(wide.round(2).to_string())
    if options.json:
        print(json.dumps(result, indent=2, default=float))
        return
    for way, schools in result.items():
        for school, rows in schools.items():
            head = f"  {'node':>4} {'quantity':<16}{'rows':>5}{'median':>9}{'p95':>9}{'ours/CACTI':>12}"
            print(f"{'at its organisation' if way == 'alike' else 'after our search'}, leakage school {school}\n{head}")
            for one in rows:
                print(f"  {one['node_nm']:>4} {one['quantity']:<16}{one['rows']:>5}{one['median']:>9.2f}"
                      f"{one['p95']:>9.2f}{one['median_ratio']:>12.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
