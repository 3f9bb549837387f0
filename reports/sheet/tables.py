"""The tables of a datasheet: head figures, organisation, where the figures come from, the bit cell."""

from typing import Any

from circuits.cache.design import FIELDS
from hwmodel.units import label_of, unit_of
from reports.labels import digits, engineering, percent
from reports.model import Heading, Table, plain
from reports.sheet.facts import Sheet
from reports.sheet.names import assumption_label, lasting

# what of a cell's device is worth a line, where a cell has it
DEVICE = ("parallel_ohm", "antiparallel_ohm", "low_ohm", "high_ohm", "magnetoresistance", "stability", "critical_A",
          "write_line_ohm", "read_disturb", "storage_F", "offset_V", "weak_current_A")  # fmt: skip
CELL = ("area_m2", "width_m", "height_m", "word_line_V", "bit_line_write_V", "read_V", "read_current_A", "signal_A",
        "write_current_A", "sense_latency_s", "sense_energy_J", "set_latency_s", "reset_latency_s", "set_energy_J",
        "reset_energy_J", "leakage_W")  # fmt: skip
NAMES = {"read_V": "read voltage", "word_line_V": "word line", "bit_line_write_V": "bit line of a write",
         "signal_A": "read signal, weak cell", "stability": "thermal stability", "write_line_ohm": "write line",
         "parallel_ohm": "parallel", "antiparallel_ohm": "antiparallel", "low_ohm": "low resistance",
         "high_ohm": "high resistance", "critical_A": "critical current", "storage_F": "storage",
         "offset_V": "amplifier offset", "read_disturb": "read disturb"}  # fmt: skip
INDENT = "\u2003"
GROUPS = 3  # of a name and a value, side by side


def key_table(sheet: Sheet) -> Table:
    """Return the head figures, what kind each is, how many assumptions move it, and which most."""
    rows = []
    for name in FIELDS:
        most = sheet.strongest(name)
        value = engineering(name, getattr(sheet.design, name))
        rows.append([label_of(name).capitalize(), value, sheet.basis(name), str(sheet.assumed(name)),
                     assumption_label(most) if most else "-"])  # fmt: skip
    headings = [Heading("Figure", align="left"), Heading("Value"), Heading("Kind", align="left"),
                Heading("Assumptions that move it"), Heading("Most by", align="left")]  # fmt: skip
    caption = "The cache. Latencies and energies are those of a hit that reads or writes one whole line."
    return Table(plain(caption), headings, rows, plain(_note(sheet)), even=False)


def _note(sheet: Sheet) -> str:
    design = sheet.design
    resting = f"; {engineering('refresh_W', design.refresh_W)} of it refreshes" if design.refresh_W else ""
    given = f" {len(sheet.figures)} set by hand." if sheet.figures else ""
    return (
        f"Leakage is the power at rest{resting}. Nothing is measured. A figure is calibrated in part where one that it "
        f"rests on was fitted to published ones.{given}"
    )


def organisation_table(sheet: Sheet) -> Table:
    """Return how the banks of the tags and the data are cut."""
    at = sheet.design.organization
    tag, data = at["tag"], at["data"]
    whole = {
        "Subarrays, of them active": lambda b: f"{b['subarrays']:,}, {b['active_subarrays']:,}",
        "Rows × columns of each": lambda b: f"{b['rows']:,} × {b['columns']:,}",
        "Subarrays in a mat": lambda b: f"{b['mat_rows']} × {b['mat_columns']}",
        "Mats": lambda b: f"{b['bank_rows']} × {b['bank_columns']}",
        "Multiplexers": lambda b: " × ".join(str(b[k]) for k in ("mux", "mux_1", "mux_2")),
    }
    rows = [[title, text(tag), text(data)] for title, text in whole.items()]
    code = at.get("ecc")
    checks = code["check_bits_per_word"] * code["words_per_line"] if code else 0
    bits = 8 * sheet.design.line_bytes
    rows.append(["Bits a line", str(tag["bits_per_line"]), f"{bits + checks:,}"])
    headings = [Heading("", align="left"), Heading("Tags"), Heading("Data")]
    return Table(plain("How the banks are cut."), headings, rows)


def parts_table(sheet: Sheet) -> Table:
    """Return what of each figure is the tags', the data's and, where there is one, the code's."""
    design, parts, at = sheet.design, sheet.design.parts, sheet.design.organization
    code = at.get("ecc")
    waits = waiting_s(sheet)
    times: list[tuple[str, float | None, float | None, float | None]] = [
        ("H-tree, both ways", parts["tag_tree_s"], parts["data_tree_s"], None),
        ("mats", parts["tag_mat_s"], parts["data_mat_s"], None),
    ]
    if design.mode == "normal":
        times.append(("the way’s columns", None, parts["data_column_s"], None))
    times.append(("wait for tags", None, waits, None))
    if code:
        times.append(("decoding", None, None, code["decode_latency_s"]))
    wholes = {"read_energy_J": "read_J", "write_energy_J": "write_J", "leakage_W": "leakage_W"}
    rows = [["Read latency", "", "", "", engineering("read_latency_s", design.read_latency_s)]]
    rows += [[f"{INDENT}{title}", *(_time(v) for v in values), ""] for title, *values in times]
    for name, part in wholes.items():
        tag, data, whole = parts[f"tag_{part}"], parts[f"data_{part}"], getattr(design, name)
        rows.append([label_of(name).capitalize(), *(_share(v, whole) for v in (tag, data, whole - tag - data)),
                     engineering(name, whole)])  # fmt: skip
    area = (at["tag_area_m2"], at["data_area_m2"] - (code["area_m2"] if code else 0), code["area_m2"] if code else 0)
    rows.append(["Area", *(_share(v, design.area_m2) for v in area), engineering("area_m2", design.area_m2)])
    headings = [Heading("", align="left"), Heading("Tags"), Heading("Data"), Heading("Code"), Heading("Cache")]
    rows = [[*row[:-1], row[-1].replace(" ", "\u00a0")] for row in rows]
    if not code:
        rows, headings = [[*row[:3], row[4]] for row in rows], [*headings[:3], headings[4]]
    return Table(plain("Where its figures come from."), headings, rows)


def waiting_s(sheet: Sheet) -> float:
    """Return what of a read's time the data stand waiting to know their way."""
    design, parts, code = sheet.design, sheet.design.parts, sheet.design.organization.get("ecc")
    own = parts["data_tree_s"] + parts["data_mat_s"] + (parts["data_column_s"] if design.mode == "normal" else 0.0)
    waits = design.read_latency_s - own - (code["decode_latency_s"] if code else 0.0)
    return waits if waits > 1e-6 * design.read_latency_s else 0.0


def _time(value: float | None) -> str:
    return "" if value is None else "none" if value == 0 else engineering("part_s", value).replace(" ", "\u00a0")


def _share(value: float, whole: float) -> str:
    share = max(value, 0.0) / whole
    if 0 < share < 1e-3:
        return "<\u00a00.1\u00a0%"
    return f"{100 * share:.1f}\u00a0%" if 0.99 < share < 0.9995 else percent(share)


def cell_table(sheet: Sheet) -> Table:
    """Return the bit cell's own figures, three to a row."""
    cell = sheet.cell
    told = [(name, getattr(cell, name)) for name in CELL]
    told += [(name, cell.device[name]) for name in DEVICE if name in cell.device]
    pairs = [(NAMES.get(name, label_of(name)), _figure(name, value)) for name, value in told if value]
    if not cell.leakage_W:
        pairs.append(("leakage", "none"))
    pairs += [(f"{name.replace('_', ' ')} fins", str(count)) for name, count in cell.fins.items()]
    kept = cell.as_dict()["retention_s"]
    pairs.append(("retention", lasting(kept) if kept else "while powered"))
    if cell.refresh_s:
        pairs.append(("refreshed every", lasting(cell.refresh_s)))
    if cell.endurance_cycles:
        pairs.append(("endurance", f"{cell.endurance_cycles:,.0f} writes"))
    rows_count = -(-len(pairs) // GROUPS)
    columns = [pairs[i * rows_count : (i + 1) * rows_count] for i in range(GROUPS)]
    rows = [[text for column in columns for text in (column[i] if i < len(column) else ("", ""))]
            for i in range(rows_count)]  # fmt: skip
    headings = [
        Heading(title, align="left" if title == "Figure" else "right") for title in ("Figure", "Value") * GROUPS
    ]
    ports = f", of {sheet.design.ports} ports" if sheet.design.ports > 1 else ""
    return Table(plain(f"The bit cell at {sheet.cell.temperature_K:g} K{ports}."), headings, rows)


def _figure(name: str, value: Any) -> str:
    if name == "read_disturb":
        exponent = f"{value:.0e}"
        return f"{exponent[0]} × 10{_raised(int(exponent.split('e')[1]))}"
    return engineering(name, value) if unit_of(name) else digits(value)


def _raised(power: int) -> str:
    return str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def large(count: int) -> str:
    """Return a count in words: 1076773080 -> `1.08 billion`."""
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if count >= size:
            return f"{digits(count / size)} {word}"
    return f"{count:,}"
