"""Our array equations beside the older tool's figures: `python benchmarks/circuits/against_peer.py FILE.csv [--json]`.

FILE has one row a design: a RAM's (columns such as data_bank_org, data_read_lat_s) or a cache's (with tag_bank_org and
mode). Each row is evaluated at the organisation it names, with the public device and wire tables and the cell files in
tests/reference/cells, under a set of assumptions (`older` by default, `mended` to see what its faults amount to).
Printed per technology, node and quantity: rows, median and 95th percentile of |ours/theirs - 1|, and the worst row.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from circuits.array.assumptions import Assumptions, load_assumptions
from circuits.array.bank import Banks, evaluate
from circuits.array.cache import Shape, combine, data_content, tag_content
from circuits.array.driver import STYLES
from circuits.array.element import Element
from circuits.array.organisation import Content, Organisations
from circuits.array.process import Metal
from circuits.interchange.cell_file import read_cell
from circuits.interchange.tables import load_metal, load_process

CELLS = Path(__file__).parents[2] / "tests" / "reference" / "cells"
QUANTITIES = ("read_latency", "write_latency", "read_energy", "write_energy", "leakage", "area")
RAM = ("data_read_lat_s", "data_write_lat_s", "data_read_E_J", "data_write_E_J", "data_leak_W", "data_area_m2")
CACHE = ("hit_lat_s", "write_lat_s", "hit_E_J", "write_E_J", "leak_W", "area_m2")
LEVELS = {"Local": "local", "Semi-Global": "semi", "Global": "global"}


def pair(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    numbers = np.array([[int(n) for n in text.split("x")] for text in column])
    return numbers[:, 0], numbers[:, 1]


def organisations(rows: pd.DataFrame, bank: str) -> Organisations:
    """Return the organisations that rows name for their data or tag bank."""
    names = ("bank_org", "mat_active", "mat_org", "sub_active")
    pairs = [side for name in names for side in pair(rows[f"{bank}_{name}"])]
    muxes = [rows[f"{bank}_mux_{name}"].to_numpy(dtype=int) for name in ("sa", "l1", "l2")]
    return Organisations(*pairs, *muxes, rows[f"{bank}_buffer"].map(STYLES).to_numpy())


def metal(node_nm: int, text: str, temperature_K: float) -> Metal:
    """Return the wires that text such as `Global Aggressive/No Repeaters/No` names: level, repeaters, low swing."""
    level, repeaters, swing = text.split("/")
    kind, care = level.rsplit(" ", 1)
    style = "low-swing" if swing == "Yes" else "bare" if repeaters == "No Repeaters" else "repeated"
    return load_metal(node_nm, f"{LEVELS[kind]}_{care.lower()}", temperature_K, style)


def banks(rows: pd.DataFrame, bank: str, cell: Element, given: Assumptions, content: Any) -> Banks:
    """Return the banks of rows; `content` gives what they hold from their organisations. Rows share all but these."""
    first = rows.iloc[0]
    process = load_process(int(first.node_nm), first.roadmap, float(first.temp_K))
    parts: dict[str, np.ndarray] = {}
    for (near, far), index in rows.reset_index().groupby([f"{bank}_local_wire", f"{bank}_global_wire"]).groups.items():
        some = rows.iloc[index]
        at = organisations(some, bank)
        wires = [metal(int(first.node_nm), text, float(first.temp_K)) for text in (near, far)]
        found = evaluate(process, given, cell, *wires, content(at), at)
        for name, values in vars(found).items():
            parts.setdefault(name, np.zeros(len(rows)))[index] = values
    return Banks(**parts)


def evaluated(table: pd.DataFrame, given: Assumptions, cells: Path) -> Iterator[tuple[pd.DataFrame, Any, Banks]]:
    """Yield rows that share cell, node, capacity and mode, our six figures of each, and our data banks."""
    cache = "tag_bank_org" in table
    keys = ["tech", "node_nm", "roadmap", "temp_K", "capacity_KB", "word_bits", *(["mode", "assoc"] if cache else [])]
    for _, rows in table.groupby(keys):
        first, cell = rows.iloc[0], read_cell(cells / f"{rows.iloc[0].tech}.cell")
        bits, word = int(first.capacity_KB) * 8192, int(first.word_bits)
        if not cache:
            data = banks(rows, "data", cell, given, lambda _, b=bits, w=word: Content(b // w, w))
            # where the tool prints a RESET energy, that is what the file's write energy holds
            printed = rows["data_reset_E_J"].notna().to_numpy() if "data_reset_E_J" in rows else False
            write_J = np.where(printed, data.reset_J, data.write_J)
            yield rows, (data.read_s, data.write_s, data.read_J, write_J, data.leakage_W, data.area_m2), data
            continue
        mode, ways = first["mode"].lower(), int(first.assoc)
        shape = (given, mode, Shape.of(bits, word, ways))
        data = banks(rows, "data", cell, given, lambda _, s=shape: data_content(*s))
        tag = banks(rows, "tag", cell, given, lambda at, s=shape: tag_content(*s, at))
        all_ = combine(mode, tag, data)
        yield rows, (all_.read_s, all_.write_s, all_.read_J, all_.write_J, all_.leakage_W, all_.area_m2), data


def errors(table: pd.DataFrame, given: Assumptions, cells: Path) -> pd.DataFrame:
    """Return one row a design and quantity: theirs, ours, and the relative error."""
    found = []
    names = CACHE if "tag_bank_org" in table else RAM
    for rows, ours, _ in evaluated(table, given, cells):
        for quantity, column, values in zip(QUANTITIES, names, ours, strict=True):
            theirs = rows[column].to_numpy(dtype=float)
            found.append(pd.DataFrame({
                "row": rows.index + 2, "technology": rows.tech, "node_nm": rows.node_nm, "target": rows.target,
                "capacity_KB": rows.capacity_KB, "mode": rows.get("mode", "RAM"),
                "quantity": quantity, "theirs": theirs, "ours": values, "error": np.abs(values / theirs - 1),
            }))  # fmt: skip
    return pd.concat(found)


def summary(found: pd.DataFrame) -> list[dict[str, Any]]:
    result = []
    for (technology, node, quantity), some in found.groupby(["technology", "node_nm", "quantity"], sort=False):
        worst = some.loc[some.error == some.error.max()].iloc[0]
        result.append({
            "technology": technology, "node_nm": int(node), "quantity": quantity, "rows": len(some),
            "median": float(some.error.median()), "p95": float(some.error.quantile(0.95)),
            "worst": {"line": int(worst.row), "capacity_KB": int(worst.capacity_KB), "mode": worst["mode"],
                      "target": worst.target, "theirs": float(worst.theirs), "ours": float(worst.ours),
                      "error": float(worst.error)},
        })  # fmt: skip
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--cells", type=Path, default=CELLS, help="folder of TECHNOLOGY.cell files")
    parser.add_argument("--assumptions", default="older", help="older or mended")
    options = parser.parse_args()
    table = pd.read_csv(options.file)
    table = table[table.status == "ok"] if "status" in table else table
    with np.errstate(all="ignore"):
        found = errors(table, load_assumptions(options.assumptions), options.cells)
    rows = summary(found)
    if options.json:
        print(json.dumps({"assumptions": options.assumptions, "figures": rows}, indent=2))
        return
    print(f"{'technology':<11}{'node':>5} {'quantity':<14}{'rows':>5}{'median':>10}{'p95':>10}{'worst':>10}  worst row")
    for one in rows:
        worst, head = one["worst"], f"{one['technology']:<11}{one['node_nm']:>5} {one['quantity']:<14}{one['rows']:>5}"
        where = f"line {worst['line']}: {worst['capacity_KB']} KB {worst['mode']} {worst['target']}"
        print(f"{head}{one['median']:>10.2e}{one['p95']:>10.2e}{worst['error']:>10.2e}  {where}")


if __name__ == "__main__":
    main()
