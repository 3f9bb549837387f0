"""Sentences made from a study's numbers: the answer, what each figure shows, and what would change it."""

import math
import statistics
from pathlib import Path

from circuits.yaml_file import read_yaml
from hwmodel.units import label_of
from reports.figures.caches import PANELS
from reports.figures.energy import parts
from reports.labels import (
    cache_words,
    cell_label,
    digits,
    listed,
    network_label,
    percent,
    times,
    workload_label,
    workloads_words,
)
from reports.model import Text, plain, strong
from reports.numbers import (
    Spread,
    break_even,
    kernel_kinds,
    leakage_share,
    ranked,
    relative,
    spread,
    traffic_shares,
)
from reports.results import Study

LEAKAGE_MODELS = Path(__file__).parent / "data" / "leakage_models.yaml"


def verdict(reduction_factor: float) -> str:
    """Return how an EDP compares, from baseline over cell: `3.8 times lower`, `1.2 times higher`."""
    if times(reduction_factor) == times(1 / reduction_factor) == "1.0":
        return "about the same"
    if reduction_factor > 1:
        return f"{times(reduction_factor)} times lower"
    return f"{times(1 / reduction_factor)} times higher"


def ranged(found: Spread) -> str:
    """Return the range of an EDP comparison in brackets, or nothing where there is but one workload."""
    if found.lowest == found.highest or times(found.low) == times(found.high):
        return ""
    if found.low >= 1:
        return f" ({times(found.low)} to {times(found.high)} times)"
    return f" (from {verdict(found.low)} to {verdict(found.high)})"


def ranged_text(found: Spread) -> str:
    """Return a median and its range as a table shows them: `3.0  (2.8 – 3.1)`."""
    if found.lowest == found.highest:
        return times(found.median)
    return f"{times(found.median)}  ({times(found.low)} – {times(found.high)})"


def area_words(study: Study, cell: str) -> str:
    return f"{digits(study.caches[cell]['area_m2'] / study.caches[study.baseline]['area_m2'], 2)} of the area"


def answer(study: Study) -> Text:
    """Return the answer in one sentence, and in a second one whether DRAM changes it."""
    base = cell_label(study.baseline)
    if not study.others:
        return plain(strong(base), " is the only cell of this study, so there is nothing to compare it with.")
    order = ranked(study)
    best, found = order[0]
    others = [(cell, s) for cell, s in order if cell not in (study.baseline, best)]
    many = len(study.workloads) > 1
    if best == study.baseline:
        text = f" Over {workloads_words(study)}, no other cell gives the {cache_words(study)} a lower "
        text += f"energy-delay product (EDP){' in the median' * many}: "
    else:
        one = "a median" if many else "an"
        text = f" Over {workloads_words(study)}, the {cache_words(study)} has {one} energy-delay product "
        text += f"(EDP) {verdict(found.median)} than with {base}{ranged(found)}, in {area_words(study, best)}"
        text += "; " if others else ""
    clauses = [
        f"{cell_label(cell)}’s is {verdict(s.median)}{ranged(s)}, in {area_words(study, cell)}" for cell, s in others
    ]
    level = [cell_label(cell) for cell in _level(order)[1:]]
    head = f"{cell_label(best)}, with {listed(level)} all but level." if level else f"{cell_label(best)}."
    return plain(strong(head), text + "; ".join(clauses) + ". " + _dram_sentence(study))


def _dram_sentence(study: Study) -> str:
    order = ranked(study, dram=True)
    best, found = order[0]
    same = best == ranked(study)[0][0]
    head = "Counting DRAM’s energy and time as well, "
    level = _level(order)
    if len(level) > 1:
        found = [s.median for cell, s in order if cell in level and cell != study.baseline]
        low = f"{listed([times(median) for median in found])} times lower"
        factors = low if min(found) > 1 else listed([verdict(median) for median in found])
        return head + f"{listed([cell_label(cell) for cell in level])} are all but level: {factors}."
    if best == study.baseline:
        return head + f"{cell_label(best)} is {'still ' * same}the best."
    return head + (f"{cell_label(best)} is {'still' if same else 'now'} the best: "
                   f"its EDP is {verdict(found.median)}{ranged(found)}.")  # fmt: skip


def _level(order: list[tuple[str, Spread]]) -> list[str]:
    """Return the best cell and those whose median comes within a twentieth of its."""
    return [cell for cell, found in order if found.median > 0.95 * order[0][1].median]


def caches_caption(study: Study) -> str:
    base = study.caches[study.baseline]
    lines = ["The caches compared; every panel starts at zero."]
    for cell in study.others:
        ratios = {name: study.caches[cell][name] / base[name] for name in PANELS if base[name]}
        least, most = min(ratios, key=lambda n: ratios[n]), max(ratios, key=lambda n: ratios[n])
        gain = f"gains most in {label_of(least)} ({_fold(ratios[least])})" if ratios[least] < 1 else "gains in nothing"
        loss = f"loses most in {label_of(most)} ({_fold(ratios[most])})" if ratios[most] > 1 else "loses in nothing"
        lines.append(f"Against {cell_label(study.baseline)}, {cell_label(cell)} {gain} and {loss}.")
    return " ".join(lines)


def _fold(ratio: float) -> str:
    return f"× {digits(ratio, 2)}"


def energy_words(study: Study) -> str:
    """Return what each other cell costs against the baseline, in time, dynamic energy and leakage, cache alone."""
    base = cell_label(study.baseline)
    if not study.others:
        return f"{_share('Leakage', spread(leakage_share(study, study.baseline)))} of the energy of the cache alone."
    names = ("cache_time_s", "dynamic_energy_J", "leakage_energy_J", "cache_energy_J")
    text = (
        f"EDP is energy times time, so a cell wins by what it saves in both. Against {base}, in the median and for the "
        "cache alone:"
    )
    for cell in study.others:
        time, dynamic, leak, whole = (digits(_median(study, cell, name), 2) for name in names)
        text += (
            f" {cell_label(cell)} takes {time} × the time, spends {dynamic} × the dynamic energy and leaks {leak} × "
            f"the energy, {whole} × in all."
        )
    return text


def _median(study: Study, cell: str, name: str) -> float:
    return statistics.median(
        _ratio(study.row(w, cell)[name], study.row(w, study.baseline)[name]) for w in study.workloads
    )


def _ratio(value: float, base: float) -> float:
    return value / base if base else math.inf * bool(value)


def energy_caption(study: Study) -> str:
    base = cell_label(study.baseline)
    split = {w: parts(study.row(w, study.baseline)) for w in study.workloads}
    leak = spread({w: part[1] / sum(part) for w, part in split.items()})
    dram = spread({w: part[2] / sum(part) for w, part in split.items()})
    text = (f"Energy of the cache and DRAM, relative to {base}’s on the same network and phase (dashed line). "
            f"{_share('Leakage', leak)} of the energy with {base}, {_share('DRAM', dram)}.")  # fmt: skip
    medians = {cell: digits(spread(relative(study, cell, "energy_J")).median, 2) for cell in study.others}
    whole = [f"{median} with {cell_label(cell)}" for cell, median in medians.items()]
    return text + (f" The whole energy becomes {listed(whole)} in the median." if whole else "")


def _share(what: str, found: Spread) -> str:
    if percent(found.low) == percent(found.high):
        return f"{what} is {percent(found.median)}"
    low = f"{percent(found.low)} ({workload_label(found.lowest)})"
    return f"{what} is {low} to {percent(found.high)} ({workload_label(found.highest)})"


def edp_caption(study: Study) -> str:
    base, count = cell_label(study.baseline), len(study.workloads)
    lines = [f"EDP relative to {base}’s: filled marks alone, open marks with DRAM; left is better."]
    for cell in study.others:
        alone, whole = relative(study, cell, "cache_edp_Js"), relative(study, cell, "edp_Js")
        found, medians = spread(alone), [digits(spread(ratios).median, 2) for ratios in (alone, whole)]
        wins = [sum(ratio < 1 for ratio in ratios.values()) for ratios in (alone, whole)]
        least = f"; alone, it gains least on {workload_label(found.highest)} ({digits(found.high, 2)})" * (count > 1)
        lines.append(
            f"{cell_label(cell)} is better on {wins[0]} of {count} alone and on {wins[1]} of {count} with DRAM "
            f"(medians {medians[0]} and {medians[1]}){least}."
        )
    return " ".join(lines)


def traffic_caption(study: Study) -> str:
    first = {w: study.row(w, study.baseline) for w in study.workloads}
    writes = spread({w: r["l2_writes"] / max(1, r["l2_reads"] + r["l2_writes"]) for w, r in first.items()})
    misses = spread({w: r["dram_reads"] / max(1, r["l2_reads"] + r["l2_writes"]) for w, r in first.items()})
    kind = kernel_kinds(study, 1)[0]
    part = spread({w: sum(sum(traffic_shares(study, w, name, [kind])[:1]) for name in ("l2_reads", "l2_writes"))
                   for w in study.workloads})  # fmt: skip
    return (
        "Sectors read from and written to the cache, and sectors fetched from DRAM (misses), by the kind of kernel "
        f"that asks. {_share('Writing', writes)} of the accesses, {_share('what is fetched from DRAM', misses)}. "
        f"{_share('The part of ' + kind.replace('_', ' '), part)}."
    )


def leakage_words(study: Study) -> str:
    """Return what the leakage of the baseline means for the answer."""
    base = cell_label(study.baseline)
    share = spread(leakage_share(study, study.baseline))
    models = read_yaml(LEAKAGE_MODELS)
    nvsim, cacti = models["nvsim_leakage_W"], models["cacti_leakage_W"]
    return (
        f"{_share('Leakage', share)} of the energy of the {base} cache alone, so the answer rests on it; and models "
        f"disagree about it. For the same 4 MiB SRAM array at 22 nm and 350 K, NVSim says {digits(nvsim, 2)} W "
        f"and CACTI 7 {digits(cacti, 2)} W, {times(nvsim / cacti)} times less. As E = dynamic + leakage × T, the EDP "
        "at any other leakage follows from the results as they stand:"
    )


def break_even_words(study: Study) -> str:
    """Return for each other cell how little the baseline would have to leak to draw level."""
    base, lines = cell_label(study.baseline), []
    for cell in study.others:
        alone, whole = (break_even(study, cell, dram=dram) for dram in (False, True))
        if 0 < alone <= 1 and 0 < whole <= 1:
            lines.append(
                f"{cell_label(cell)} stays ahead until {base} leaks {_part(alone)} of what was modelled; with DRAM, "
                f"until it leaks {_part(whole)}."
            )
        else:
            lines.append(f"{cell_label(cell)} is {_point(alone, base)}; with DRAM, {_point(whole, base)}.")
    return " ".join(lines)


def _part(scale: float) -> str:
    return f"{digits(scale, 2)} (1/{digits(1 / scale, 2)})"


def _point(scale: float, base: str) -> str:
    if scale == 0:
        return f"ahead even of {base} without leakage"
    if math.isinf(scale):
        return f"behind {base} at any leakage"
    if scale > 1:
        return f"behind unless {base} leaks {times(scale)} times what was modelled"
    return f"ahead until {base} leaks {_part(scale)} of what was modelled"


def leakage_caption(study: Study) -> str:
    return (
        f"How many times lower the EDP is than {cell_label(study.baseline)}’s, as its leakage is taken to be less than "
        f"modelled; lines are medians, bands the range over {len(study.workloads)} workloads, marks at 1, 1/3 and 1/9; "
        "below 1 the baseline is better. " + break_even_words(study)
    )


def networks_words(study: Study) -> str:
    if len(study.networks) > 8:
        return f"{len(study.networks)} networks"
    return listed([network_label(network) for network in study.networks])
