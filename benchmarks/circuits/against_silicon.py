"""Published silicon beside ours and the older tool's rules: `python benchmarks/circuits/against_silicon.py [--json]`.

Macros, caches and dies of SRAM stand in tests/reference/sram_macros.csv, macros of MRAM, embedded DRAM, ReRAM and phase
change in mram_macros.csv; more of these come from a survey's folder (`--survey`), where their node, capacity and a read
latency, energy or area are given.

A macro is a bank; a cache or a die has its tags too. What is not published is assumed and said: a word of 64 bits,
where no capacity is told 256 or 512 Kib, the figures at 300 K, the organisation the one of least energy x delay x area.
Where no access time is told, the cycle's stands for it, or its part in a macro that reads and writes in one. The older
rules are its equations with its own figures at its nearest node, which ends at 22 nm: below, they are those of 22 nm.
Nothing of ours was fitted to these tables.
"""

import argparse
import csv
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from circuits import design_cache
from circuits.array.assumptions import load_assumptions
from circuits.array.organisation import Content
from circuits.array.space import DATA, explore
from circuits.cache.banks import Maker, limits_of
from circuits.cells.design import build_cell
from circuits.devices.node import load_node
from circuits.errors import InputError
from circuits.interchange.cell_file import read_cell
from circuits.interchange.tables import load_metal, load_process

ROOT = Path(__file__).parents[2]
MACROS = ROOT / "tests" / "reference" / "sram_macros.csv"
MRAM = ROOT / "tests" / "reference" / "mram_macros.csv"
CELLS = ROOT / "tests" / "reference" / "cells"
SURVEY = ROOT.parent / "shared" / "reference" / "mram_survey"
TEMPERATURE_K = 300.0
WORD_BITS = 64
NEAR = 1.24  # a survey's node is taken for ours up to this ratio
NODES_NM = (16, 22, 32, 45)  # no two of them are near the same
OLDER_NM = (22, 32, 45)
QUANTITIES = ("read_latency_s", "read_energy_J_per_bit", "area_m2", "cell_area_m2")
TECHNOLOGIES = {"STTRAM": "stt", "RRAM": "reram", "PCM": "pcm", "FeFET": "fefet"}
OLDER_CELLS = {"SRAM": "SRAM.cell", "stt": "STT.cell", "sot": "SOT_18743.cell", "reram": "RRAM.cell",
               "pcm": "PCRAM.cell"}  # fmt: skip
MISREAD = ("10.1109/IEDM19573.2019.8993474",)  # the survey has its junction's diameter in the column of the process
Figures = dict[str, float]


def number(text: str | None) -> float | None:
    """Return the positive number a field holds; nothing where it is blank or a remark."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 < value < math.inf else None


def figures(*values: float) -> Figures:
    return dict(zip(QUANTITIES, values, strict=True))


def bank(cell: str, node: str, bits: int, word: int, vdd_V: float | None, hot_K: float) -> Figures:
    """Return our bank of least energy x latency x area of a read that holds so many bits."""
    maker = Maker.of(load_node(node, hot_K, vdd_V=vdd_V), cell, "default", "repeated")
    content = Content(math.ceil(bits / word), word)
    with np.errstate(all="ignore"):
        found = explore(maker.process, maker.given, maker.cell, maker.strap, maker.trunk, limits_of(bits, content.sets),
                        lambda _: content)  # fmt: skip
        if not len(found):
            raise InputError(f"{cell} at {node}: no organisation of {bits} bits fits")
        best = int(np.nanargmin(found.read_s * found.read_J * found.area_m2))
    return figures(float(found.read_s[best]), float(found.read_J[best]) / word, float(found.area_m2[best]),
                   maker.cell.cell.area_m2)  # fmt: skip


def ours(row: dict[str, Any]) -> Figures:
    """Return our figures of a published cell, macro or cache."""
    cell = build_cell(row["cell"], load_node(row["node"], row["hot_K"], vdd_V=row["vdd_V"]))
    if not row["bits"]:
        return {"cell_area_m2": cell.area_m2}
    if row["extent"] not in ("cache", "die"):
        return bank(row["cell"], row["node"], row["bits"], row["word_bits"], row["vdd_V"], row["hot_K"])
    line = 64
    found = design_cache(row["cell"], row["node"], row["bits"] // 8, row["ways"], line, temperature_K=row["hot_K"])
    energy = found.read_energy_J / (8 * line)
    return figures(found.read_latency_s, energy, found.area_m2, cell.area_m2)


def older(row: dict[str, Any]) -> Figures | None:
    """Return the older rules' figures of the same bits at their nearest node; nothing where they have no such cell."""
    file = row["older_cell"]
    if file is None or not row["bits"]:
        return None
    node = min(OLDER_NM, key=lambda n: abs(math.log(n / row["node_nm"])))
    bits, word = 1 << math.ceil(math.log2(row["bits"])), 1 << round(math.log2(row["word_bits"]))
    process, given, cell = load_process(node), load_assumptions("older"), read_cell(CELLS / file)
    near, far = (load_metal(node, level, 350.0, "bare") for level in ("local_aggressive", "global_aggressive"))
    content = Content(bits // word, word)
    with np.errstate(all="ignore"):
        found = explore(process, given, cell, near, far, replace(DATA, bank=6), lambda _: content)
        if not len(found):
            return None
        best = int(np.nanargmin(found.read_s * found.read_J * found.area_m2))
    share = row["bits"] / bits  # what is no power of two is built larger; its area is counted in proportion
    bit_m2 = cell.width_features * cell.height_features * (node * 1e-9) ** 2
    return figures(float(found.read_s[best]), float(found.read_J[best]) / word, float(found.area_m2[best]) * share,
                   bit_m2)  # fmt: skip


def table_rows(path: Path, older_cells: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the published macros of a table; a density stands for the area of the capacity named."""
    for line in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
        cell = line.get("cell") or line["technology"]
        capacity = number(line["capacity_bytes"])
        bits = round(8 * capacity) if capacity else 0
        density, area, cycle = (number(line[name]) for name in ("density_bit_per_m2", "area_m2", "cycle_s"))
        access = number(line["access_s"]) or (cycle and cycle / int(line.get("accesses_a_cycle") or 1))
        word = int(number(line["word_bits"]) or WORD_BITS)
        per_access = number(line["read_energy_J"])
        energy = number(line["read_energy_J_per_bit"]) or (per_access and per_access / word)
        area = bits / density if density and bits else area
        published = (access, energy, area, number(line["cell_area_m2"]))
        kind = "SRAM" if cell.startswith("sram") else cell
        yield {"technology": f"{kind} {line['extent']}", "name": line["name"], "node": line["node"], "cell": cell,
               "node_nm": float(line["process_nm"]), "extent": line["extent"], "bits": bits, "word_bits": word,
               "ways": int(line.get("ways") or 0), "vdd_V": number(line["vdd_V"]),
               "hot_K": min(max(number(line["temperature_K"]) or TEMPERATURE_K, 300.0), 400.0),
               "older_cell": older_cells.get(kind), "status": line["status"], "source": line["source"],
               "published": dict(zip(QUANTITIES, published, strict=True))}  # fmt: skip


def survey_rows(folder: Path, known: str) -> Iterator[dict[str, Any]]:
    """Yield the survey's entries at a node near one of ours: macros that give a capacity and one of the quantities,
    and cells that give an area. Entries whose identifier stands in `known` are left out.
    """
    for technology, cell in TECHNOLOGIES.items():
        text = (folder / f"nvmexplorer_survey_{technology}.csv").read_text(encoding="utf-8-sig")
        for line in csv.DictReader(text.splitlines()):
            source = next(iter(line.values()))
            nm, megabits = number(line["Fab Process [nm]"]), number(line["Capacity [Mb]"])
            latency, area = number(line["Read Speed [ns]"]), number(line.get("Macro Area [mm2]"))
            energy = number(line.get("Read Energy [pJ]"))  # per bit where it stands beside a latency, as its notes say
            bit_m2 = (number(line["Cell area [um2]" if "Cell area [um2]" in line else "Cell Area [um2]"]) or 0) * 1e-12
            bit_m2 = bit_m2 or (number(line["Cell Area [F2]"]) or 0) * ((nm or 0) * 1e-9) ** 2 or None
            node = next((n for n in NODES_NM if max((nm or 0) / n, n / (nm or 1)) <= NEAR), None)
            if not (nm and node) or source in MISREAD or (source and source in known):
                continue
            measured = (latency and latency * 1e-9, energy and energy * 1e-12, area and area * 1e-6)
            published = (*(measured if megabits else (None, None, None)), bit_m2)
            if not any(published):
                continue
            size = f"{megabits:g} Mb" if megabits else "cell"
            yield {
                "technology": f"{cell} survey", "name": f"{line['Publication/Year']} {size} at {nm:g} nm",
                "node": f"{node}nm", "node_nm": nm, "cell": cell, "extent": "macro",
                "bits": round((megabits or 0) * 2**20), "word_bits": WORD_BITS, "ways": 0, "vdd_V": None,
                "hot_K": TEMPERATURE_K,
                "older_cell": OLDER_CELLS.get(cell), "status": "survey", "source": source,
                "published": dict(zip(QUANTITIES, published, strict=True)),
            }  # fmt: skip


def compare(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with our figures and the older rules' beside the published ones, and why one is missing."""
    result = {k: v for k, v in row.items() if k != "older_cell"} | {"ours": None, "older": None, "missing": ""}
    try:
        result["ours"] = ours(row)
    except InputError as error:
        result["missing"] = str(error)
    result["older"] = older(row)
    return result


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return medians of |predicted/published - 1| and of predicted/published a technology, quantity and model."""
    found = []
    for technology in dict.fromkeys(row["technology"] for row in rows):
        for quantity in QUANTITIES:
            for model in ("ours", "older"):
                ratios = [row[model][quantity] / row["published"][quantity] for row in rows
                          if row["technology"] == technology and row["published"][quantity]
                          and quantity in (row[model] or {})]  # fmt: skip
                error = median(abs(r - 1) for r in ratios) if ratios else None
                found.append({"technology": technology, "quantity": quantity, "model": model, "rows": len(ratios),
                              "median_error": error, "median_ratio": median(ratios) if ratios else None})  # fmt: skip
    return found


def show(rows: list[dict[str, Any]], medians: list[dict[str, Any]]) -> None:
    """Print the rows' ratios and the medians for people."""
    print(f"{'predicted/published':<52}{'node':>6}  " + "".join(f"{q.split('_J')[0]:>28}" for q in QUANTITIES))
    for row in rows:
        cells = []
        for quantity in QUANTITIES:
            real = row["published"][quantity]
            pair = [f"{row[m][quantity] / real:.2f}" if real and quantity in (row[m] or {}) else "-"
                    for m in ("ours", "older")]  # fmt: skip
            cells.append(f"{f'{real:.3g}' if real else '-':>12}{pair[0]:>8}{pair[1]:>8}")
        print(f"{row['technology']:<13}{row['name'][:40]:<41}{row['node']:>6}  {''.join(cells)}  {row['missing'][:60]}")
    print("\nmedian |predicted/published - 1| and, in brackets, median predicted/published")
    for one in medians:
        if one["rows"]:
            print(f"{one['technology']:<13}{one['quantity']:<24}{one['model']:<7}{one['rows']:>3} rows "
                  f"{one['median_error']:>8.2f}  ({one['median_ratio']:.2f})")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--macros", type=Path, default=MACROS, help="the SRAM macros")
    parser.add_argument("--mram", type=Path, default=MRAM, help="the macros of other memories")
    parser.add_argument("--survey", type=Path, default=SURVEY, help="the folder of the survey; left out where absent")
    options = parser.parse_args()
    published = [*table_rows(options.macros, OLDER_CELLS), *table_rows(options.mram, OLDER_CELLS)]
    if options.survey.is_dir():
        published += survey_rows(options.survey, " ".join(row["source"] for row in published))
    rows = [compare(row) for row in published]
    medians = summary(rows)
    if options.json:
        print(json.dumps({"rows": rows, "medians": medians}, indent=2))
    else:
        show(rows, medians)


if __name__ == "__main__":
    main()
