"""Published silicon beside ours and the older tool's rules: `python benchmarks/circuits/against_silicon.py [--json]`.

SRAM macros and caches from 16 to 3 nm stand in tests/reference/sram_macros.csv; macros of STT-MRAM, RRAM, PCM and FeFET
come from a survey's folder (`--survey`), where their node, capacity and a read latency, energy or area are given.

A macro is a bank; a cache or a die has its tags too. What is not published is assumed and said: a word of 64 bits,
where no capacity is told 256 or 512 Kib, the figures at 300 K, the organisation the one of least energy x delay x area.
Where no access time is told, the cycle's stands for it, or its part in a macro that reads and writes in one. The older
rules are its equations with its own figures at its nearest node, which ends at 22 nm: below, they are those of 22 nm.
"""

import argparse
import csv
import json
import math
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from circuits import design_cache
from circuits.array import bank as older_bank
from circuits.array.assumptions import load_assumptions
from circuits.array.bank import Shape, evaluate, space
from circuits.array.figures import load_figures
from circuits.cells.cell import Cell
from circuits.cells.design import build_cell
from circuits.devices.node import load_node
from circuits.errors import InputError
from circuits.interchange.cell_file import read_cell
from circuits.interchange.tables import load_metal, load_process

ROOT = Path(__file__).parents[2]
MACROS = ROOT / "tests" / "reference" / "sram_macros.csv"
CELLS = ROOT / "tests" / "reference" / "cells"
SURVEY = ROOT.parent / "shared" / "reference" / "mram_survey"
TEMPERATURE_K = 300.0
WORD_BITS = 64
NEAR = 1.24  # a survey's node is taken for ours up to this ratio
NODES_NM = (16, 22, 32, 45)  # no two of them are near the same
OLDER_NM = (22, 32, 45)
QUANTITIES = ("read_latency_s", "read_energy_J_per_bit", "area_m2", "cell_area_m2")
TECHNOLOGIES = {"STTRAM": ("stt", "STT.cell"), "RRAM": ("reram", "RRAM.cell"), "PCM": ("pcm", "PCRAM.cell"),
                "FeFET": ("fefet", None)}  # fmt: skip
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


def bank(cell: Cell, node: str, bits: int, word: int, vdd_V: float | None) -> Figures:
    """Return our bank of least energy x latency x area of a read that holds so many bits."""
    at, (choices, _) = load_node(node, TEMPERATURE_K, vdd_V=vdd_V), load_figures()
    shape = Shape(math.ceil(bits / word), word, 1)
    one = evaluate(at, cell, choices, shape, space(shape))
    read_s = 2 * one.tree_s + one.open_read_s + one.bit_line_s + one.select_s + one.sense_s
    read_J = one.read_J + one.move_J
    best = int(np.nanargmin(np.where(one.fits, read_s * read_J * one.area_m2, np.inf)))
    return figures(float(read_s[best]), float(read_J[best]) / word, float(one.area_m2[best]), cell.area_m2)


def ours(row: dict[str, Any]) -> Figures:
    """Return our figures of a published cell, macro or cache."""
    cell = build_cell(row["cell"], load_node(row["node"], TEMPERATURE_K, vdd_V=row["vdd_V"]))
    if not row["bits"]:
        return {"cell_area_m2": cell.area_m2}
    if row["extent"] == "macro":
        return bank(cell, row["node"], row["bits"], row["word_bits"], row["vdd_V"])
    line = 64
    found = design_cache(row["cell"], row["node"], row["bits"] // 8, row["ways"], line, temperature_K=TEMPERATURE_K)
    energy = found.read_energy_J / (8 * line)
    return figures(found.read_latency_s, energy, found.area_m2, cell.area_m2)


def organisations() -> older_bank.Organisations:
    """Return banks of 1 to 64 mats a side, a whole row of them active, of 2 x 2 subarrays, multiplexed 1 to 64."""
    powers = 2 ** np.arange(7)
    rows, columns, working, mux, mux_1 = (x.ravel() for x in np.meshgrid(powers, powers, (1, 2), powers, (1, 2, 4)))
    one, two = np.ones_like(rows), 2 * np.ones_like(rows)
    return older_bank.Organisations(rows, columns, one, columns, two, two, working, two, mux, mux_1, one, 0 * one)


def older(row: dict[str, Any]) -> Figures | None:
    """Return the older rules' figures of the same bits at their nearest node; nothing where they have no such cell."""
    file = row["older_cell"]
    if file is None or not row["bits"]:
        return None
    node = min(OLDER_NM, key=lambda n: abs(math.log(n / row["node_nm"])))
    bits, word = 1 << math.ceil(math.log2(row["bits"])), 1 << round(math.log2(row["word_bits"]))
    process, given, cell = load_process(node), load_assumptions("older"), read_cell(CELLS / file)
    near, far = (load_metal(node, level, 350.0, "bare") for level in ("local_aggressive", "global_aggressive"))
    content = older_bank.Content(bits, word)
    with np.errstate(all="ignore"):
        one = older_bank.evaluate(process, given, cell, near, far, content, organisations())
        score = np.asarray(one.read_s * one.read_J * one.area_m2)
        score = np.where(np.asarray(one.fits) & (score > 0), score, np.inf)
    best = int(np.nanargmin(score))
    if not math.isfinite(score[best]):
        return None
    share = row["bits"] / bits  # what is no power of two is built larger; its area is counted in proportion
    bit_m2 = cell.width_features * cell.height_features * (node * 1e-9) ** 2
    return figures(float(one.read_s[best]), float(one.read_J[best]) / word, float(one.area_m2[best]) * share, bit_m2)


def sram_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the published SRAM macros; a density stands for the area of the capacity named."""
    for line in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
        bits = 8 * int(line["capacity_bytes"])
        density, area = number(line["density_bit_per_m2"]), number(line["area_m2"])
        cycle = number(line["cycle_s"])
        access = number(line["access_s"]) or (cycle and cycle / int(line["accesses_a_cycle"]))
        published = (access, number(line["read_energy_J_per_bit"]),
                     bits / density if density else area, None)  # fmt: skip
        yield {"technology": f"SRAM {line['extent']}", "name": line["name"], "node": line["node"], "cell": line["cell"],
               "node_nm": float(line["node"].removesuffix("nm")), "extent": line["extent"], "bits": bits,
               "word_bits": int(line["word_bits"]), "ways": int(line["ways"] or 0), "vdd_V": number(line["vdd_V"]),
               "older_cell": "SRAM.cell", "status": line["status"], "source": line["source"],
               "published": dict(zip(QUANTITIES, published, strict=True))}  # fmt: skip


def survey_rows(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the survey's entries at a node near one of ours: macros that give a capacity and one of the quantities,
    and cells that give an area.
    """
    for technology, (cell, older_cell) in TECHNOLOGIES.items():
        text = (folder / f"nvmexplorer_survey_{technology}.csv").read_text(encoding="utf-8-sig")
        for line in csv.DictReader(text.splitlines()):
            nm, megabits = number(line["Fab Process [nm]"]), number(line["Capacity [Mb]"])
            latency, area = number(line["Read Speed [ns]"]), number(line.get("Macro Area [mm2]"))
            energy = number(line.get("Read Energy [pJ]"))  # per bit where it stands beside a latency, as its notes say
            bit_m2 = (number(line["Cell area [um2]" if "Cell area [um2]" in line else "Cell Area [um2]"]) or 0) * 1e-12
            bit_m2 = bit_m2 or (number(line["Cell Area [F2]"]) or 0) * ((nm or 0) * 1e-9) ** 2 or None
            node = next((n for n in NODES_NM if max((nm or 0) / n, n / (nm or 1)) <= NEAR), None)
            if not (nm and node):
                continue
            measured = (latency and latency * 1e-9, energy and energy * 1e-12, area and area * 1e-6)
            published = (*(measured if megabits else (None, None, None)), bit_m2)
            if not any(published):
                continue
            size = f"{megabits:g} Mb" if megabits else "cell"
            yield {
                "technology": technology, "name": f"{line['Publication/Year']} {size} at {nm:g} nm",
                "node": f"{node}nm", "node_nm": nm, "cell": cell, "extent": "macro",
                "bits": round((megabits or 0) * 2**20), "word_bits": WORD_BITS, "ways": 0, "vdd_V": None,
                "older_cell": older_cell, "status": "survey", "source": next(iter(line.values())),
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
        print(f"{row['technology']:<11}{row['name'][:40]:<41}{row['node']:>6}  {''.join(cells)}  {row['missing'][:60]}")
    print("\nmedian |predicted/published - 1| and, in brackets, median predicted/published")
    for one in medians:
        if one["rows"]:
            print(f"{one['technology']:<11}{one['quantity']:<24}{one['model']:<7}{one['rows']:>3} rows "
                  f"{one['median_error']:>8.2f}  ({one['median_ratio']:.2f})")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--macros", type=Path, default=MACROS, help="the SRAM macros")
    parser.add_argument("--survey", type=Path, default=SURVEY, help="the folder of the survey; left out where absent")
    options = parser.parse_args()
    published = [*sram_rows(options.macros), *(survey_rows(options.survey) if options.survey.is_dir() else ())]
    rows = [compare(row) for row in published]
    medians = summary(rows)
    if options.json:
        print(json.dumps({"rows": rows, "medians": medians}, indent=2))
    else:
        show(rows, medians)


if __name__ == "__main__":
    main()
