"""The tables of an iso-capacity study, from its rows."""

from collections.abc import Sequence

from hwmodel.units import label_of, unit_of
from reports.labels import cell_label, column, counted, digits, network_label, percent, workload_label
from reports.model import Heading, Table, plain
from reports.numbers import checks, hit_rate, leakage_share, ranked, reduction, relative, spread
from reports.record import clean
from reports.results import Study
from reports.wording import ranged_text

FIGURES = ("read_latency_s", "write_latency_s", "read_energy_J", "write_energy_J", "leakage_W", "area_m2")
_ALONE, _WITH = "cache alone", "with DRAM"
_NOT_ORGANIZED = {"cell", "node", "capacity_bytes", "ways", "line_bytes", *FIGURES}


def key_table(study: Study) -> Table:
    """Return the headline of each cell: EDP, area and leakage against the baseline, and what kind of figure each is."""
    base, name, count = study.caches[study.baseline], cell_label(study.baseline), len(study.workloads)
    alone, whole = dict(ranked(study)), dict(ranked(study, dram=True))
    rows = []
    for cell in study.cells:
        own = study.caches[cell]
        leak = f"× {digits(own['leakage_W'] / base['leakage_W'], 2)}" if base["leakage_W"] else "-"
        edp = ["1", "1"] if cell == study.baseline else [ranged_text(alone[cell]), ranged_text(whole[cell])]
        rows.append([cell_label(cell), *edp, f"× {digits(own['area_m2'] / base['area_m2'], 2)}", leak])
    headings = [Heading("Cell", align="left"), Heading("EDP reduction", "cache alone"),
                Heading("EDP reduction", "with DRAM"), Heading("Area", f"{name} = 1"),
                Heading("Leakage", f"{name} = 1")]  # fmt: skip
    caption = (
        f"How many times lower the EDP is than {name}’s: median (range) over {count} workload{'s' * (count > 1)}; "
        f"area and leakage power relative to {name}’s."
    )
    kinds = {"EDP": "edp_Js", "area": "area_m2", "leakage": "leakage_W", "traffic": "l2_reads"}
    return Table(plain(caption), headings, rows, plain(_kinds(study, kinds)))


def _kinds(study: Study, columns: dict[str, str]) -> str:
    """Return whether each figure was modelled, calibrated, measured or assumed."""
    kinds = {what: study.basis(name) for what, name in columns.items()}
    if len(set(kinds.values())) == 1:
        return f"All {next(iter(kinds.values()))}: {', '.join(kinds)}."
    return "; ".join(f"{what} {kind}" for what, kind in kinds.items()) + "."


def caches_table(study: Study) -> Table:
    """Return the caches, a row a cell, and their organisation, a row a property, below."""
    texts = []
    headings = [Heading("Cell", align="left")]
    for name in FIGURES:
        unit, values = column(name, [study.caches[cell][name] for cell in study.cells])
        headings.append(Heading(label_of(name).capitalize(), unit))
        texts.append(values)
    rows = [[cell_label(cell), *(values[i] for values in texts)] for i, cell in enumerate(study.cells)]
    note = plain(_kinds(study, {label_of(name): name for name in FIGURES}))
    return Table(plain("The caches: the best of each cell by the study’s target."), headings, rows, note)


# Columns of caches.csv whose names say too little on a page.
_TITLES = {"leakage": "leakage school", "wires": "global wires", "searched": "organisations searched"}


def organisation_table(study: Study) -> Table | None:
    """Return how each cache is organised, a column a cell; None where the study does not say."""
    designs = [study.caches[cell] for cell in study.cells]
    names = [name for name in designs[0] if name not in _NOT_ORGANIZED and any(row.get(name) for row in designs)]
    rows = []
    for name in names:
        if f"organization_{name}" in names:
            continue
        title = name.removeprefix("organization_")
        rows.append(
            [_TITLES.get(title, label_of(title)).capitalize(), *_shown(name, [row.get(name) for row in designs])]
        )
    headings = [Heading("", align="left"), *(Heading(cell_label(cell)) for cell in study.cells)]
    return Table(plain("How the search organised each cache."), headings, rows) if rows else None


def _shown(name: str, values: Sequence[object]) -> list[str]:
    """Return a row of values as people read them; numbers with a unit share one, and what a cell has not is a dash."""
    texts = [clean(str(value)) if value not in ("", None) else "-" for value in values]
    try:
        numbers = [float(text) for text in texts if text != "-"]
    except ValueError:
        return texts
    if unit_of(name):
        unit, shown = column(name, numbers)
        figures = [f"{text} {unit}".rstrip() for text in shown]
    else:
        figures = [f"{number:,.0f}" if number.is_integer() else digits(number) for number in numbers]
    rest = iter(figures)
    return [text if text == "-" else next(rest) for text in texts]


# column of results.csv (or the ratio of an EDP to the baseline's), title, heading over it
_RESULTS = (
    ("cache_time_s", "time", _ALONE),
    ("dynamic_energy_J", "dynamic", _ALONE),
    ("leakage_energy_J", "leakage", _ALONE),
    ("cache_edp_Js", "EDP", _ALONE),
    ("cache_edp_Js", "ratio", _ALONE),
    ("time_s", "time", _WITH),
    ("dram_energy_J", "DRAM", _WITH),
    ("energy_J", "energy", _WITH),
    ("edp_Js", "EDP", _WITH),
    ("edp_Js", "ratio", _WITH),
    ("area_m2", "area", ""),
)


def results_table(study: Study) -> Table:
    """Return every row of results.csv, grouped by network and phase."""
    keys = [(workload, cell) for workload in study.workloads for cell in study.cells]
    texts: list[list[str]] = []
    headings = [Heading("Cell", align="left")]
    for name, title, over in _RESULTS:
        if title == "ratio":
            ratios = {cell: relative(study, cell, name) for cell in study.cells}
            unit, values = "", [digits(ratios[cell][workload]) for workload, cell in keys]
        else:
            unit, values = column(name, [study.row(*key)[name] for key in keys])
        headings.append(Heading(title, unit, over))
        texts.append(values)
    rows: list[list[str]] = []
    for index, (workload, cell) in enumerate(keys):
        if cell == study.baseline:
            rows.append([f"{workload_label(workload)}, batch {study.row(workload, cell)['batch']}"])
        rows.append([cell_label(cell), *(values[index] for values in texts)])
    caption = (
        "Time, energy, energy-delay product and area of each network, phase and cell; ratio is the EDP over "
        f"{cell_label(study.baseline)}’s."
    )
    note = (
        f"All {study.basis('edp_Js')}. Times are sums of latencies, far above wall time; only ratios mean anything. "
        "The cache leaks over its own time, with DRAM as without."
    )
    return Table(plain(caption), headings, rows, plain(note))


_WORKLOADS = (
    ("Batch", ""),
    ("Parameters", ""),
    ("MACs", "an input"),
    ("Reads", "sectors"),
    ("Writes", "sectors"),
    ("Hits", ""),
    ("DRAM reads", "sectors"),
    ("DRAM writes", "sectors"),
)


def workloads_table(study: Study) -> Table:
    """Return what was run: parameters and MACs of each network, sectors and hit rate of each phase."""
    known = study.made.get("networks")
    sizes = known if isinstance(known, dict) else {}
    rows = []
    for network, phase in sorted(study.workloads, key=lambda w: study.networks.index(w[0])):
        row = study.row((network, phase), study.baseline)
        size = [_size(sizes.get(network), name) for name in ("parameters", "macs")]
        sectors = [counted(row[name]) for name in ("l2_reads", "l2_writes", "dram_reads", "dram_writes")]
        hits = percent(hit_rate(row))
        rows.append([network_label(network), phase, f"{row['batch']}", *size, *sectors[:2], hits, *sectors[2:]])
    caption = (
        "The workloads: parameters and multiply-accumulates (MACs) of each network, and the sectors its last-level "
        f"cache sees with {cell_label(study.baseline)} (traffic {study.basis('l2_reads')})."
    )
    headings = [Heading("Network", align="left"), Heading("Phase", align="left")]
    return Table(plain(caption), headings + [Heading(title, unit) for title, unit in _WORKLOADS], rows)


def _size(size: object, name: str) -> str:
    value = size.get(name) if isinstance(size, dict) else None
    if not isinstance(value, int) or isinstance(value, bool):
        return "-"
    return f"{value:,}" if name == "parameters" else counted(value)


def leakage_table(study: Study) -> Table:
    """Return the EDP reductions were the baseline's leakage 1, 1/3 and 1/9 of what was modelled.

    A row a leakage where there are few cells to compare, a row a cell in groups where there are many.
    """
    base, shares = cell_label(study.baseline), leakage_share(study, study.baseline)
    wide: list[list[str]] = []
    grouped: list[list[str]] = []
    for label, scale in (("as modelled", 1.0), ("a third of it", 1 / 3), ("a ninth of it", 1 / 9)):
        share = percent(spread({w: scale * s / (1 - s + scale * s) for w, s in shares.items()}).median)
        edp = {cell: [ranged_text(spread(reduction(study, cell, dram=dram, leakage=scale))) for dram in (False, True)]
               for cell in study.others}  # fmt: skip
        wide.append([label, share, *(texts[0] for texts in edp.values()), *(texts[1] for texts in edp.values())])
        grouped.append([f"{base} leaks {label}: {share} of the energy of its cache alone"])
        grouped += [[cell_label(cell), *texts] for cell, texts in edp.items()]
    caption = plain(f"EDP reduction against {base}, median (range), were {base}’s leakage less than modelled.")
    if len(study.others) > 2:
        return Table(caption, [Heading("Cell", align="left"), Heading("EDP reduction", _ALONE),
                               Heading("EDP reduction", _WITH)], grouped)  # fmt: skip
    headings = [Heading(f"{base} leaks", align="left"), Heading("Its share", _ALONE)]
    headings += [Heading(cell_label(cell), "", over) for over in (_ALONE, _WITH) for cell in study.others]
    return Table(caption, headings, wide)


def checks_table(study: Study) -> Table:
    """Return each column recomputed from the others, and how far it is off."""
    rows = [
        [label_of(check.column), check.equation, f"{check.deviation:.0e}" if check.deviation > 1e-12 else "none"]
        for check in checks(study)
    ]
    caption = f"The books balance: columns of results.csv again from the others, over all {len(study.results)} rows."
    headings = [
        Heading("Column", align="left"),
        Heading("again from", align="left"),
        Heading("largest relative deviation"),
    ]
    return Table(plain(caption), headings, rows)
