"""What the seeds of a run come to: means with intervals, verdicts, and what a reader must know."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from workloads.joslim.method import RunSettings
from workloads.methods.method import Claim, Found
from workloads.training.statistics import bootstrap

SMALL_SHARE = 0.1  # of the processor time, below which a search counts as cheap
ABOUT = ("variant", "seed", "diverged", "fronts", "steps", "passes")
TUNED = (
    "Chosen after seeds 0, 100 and 101 were looked at, for all variants alike: batch, rate, epochs, no augmentation. "
    "For searches, by joslim's hypervolume there: how many widths one proposes (2, 4 and 8 were tried) and how often."
)
Row = dict[str, Any]


def findings(settings: RunSettings, rows: Sequence[Row], cpu_s: float, worst: float) -> Found:
    """Return tables, claims and notes.

    Args:
        settings: of the run.
        rows: a row a seed and variant, as `run.one` returns them, with `seed`.
        cpu_s: processor seconds of all.
        worst: error of the hypervolume's reference.
    """
    lost = sorted({row["seed"] for row in rows if row["diverged"]})
    kept = [row for row in rows if row["seed"] not in lost]
    variants = list(dict.fromkeys(row["variant"] for row in rows))
    first = settings.costs[0]
    summary = [_mean(variant, [row for row in kept if row["variant"] == variant]) for variant in variants]
    plain = [{key: value for key, value in row.items() if key != "fronts"} for row in rows]
    fronts = [
        {"seed": row["seed"], "variant": row["variant"], **one, "widths": " ".join(map(str, one["widths"].values()))}
        for row in rows
        for one in row["fronts"]
    ]
    return Found(
        rows=plain, summary=summary, claims=_claims(settings, kept, variants), cpu_s=cpu_s,
        notes=_notes(settings, rows, lost, worst), curves={"fronts": fronts}, y=f"hypervolume_{first}",
    )  # fmt: skip


def _mean(variant: str, rows: Sequence[Row]) -> Row:
    found: Row = {"variant": variant}
    for name in dict.fromkeys(name for row in rows for name in row if name not in ABOUT):
        values = [row[name] for row in rows if row.get(name) is not None]
        if not values:
            continue
        found[name] = float(np.mean(values))
        if len(values) > 1:
            interval = bootstrap(values)
            found |= {f"{name}_low": interval.low, f"{name}_high": interval.high}
    return found


def _claims(settings: RunSettings, rows: Sequence[Row], variants: Sequence[str]) -> list[Claim]:
    first, seeds = settings.costs[0], sorted({row["seed"] for row in rows})
    if len(seeds) < 2 or "joslim" not in variants:
        return []
    table = {(row["seed"], row["variant"]): row for row in rows}

    def above(name: str, key: str, claim: str, better: str = "joslim") -> Claim:
        gains = [table[seed, better][key] - table[seed, name][key] for seed in seeds]
        interval = bootstrap(gains)
        rule = (
            f"{key} of {better} less that of {name}, seed by seed; holds where the 95 % interval of the mean (BCa "
            "bootstrap over seeds) is above 0"
        )
        return Claim.above(
            claim, (interval.estimate, interval.low, interval.high), "percentage points", rule, len(seeds)
        )

    found = []
    for name, claim in (
        ("uniform", "Widths optimised with the weights reach a larger hypervolume than widths that are all alike."),
        ("random", "They reach a larger one than weights trained at random widths that are searched afterwards."),
        ("nsga", "Gaussian processes find a larger one than NSGA-II does (ours)."),
    ):
        if name in variants:
            found.append(above(name, f"hypervolume_{first}", claim))
    for second in settings.costs[1:]:
        claim = f"Searched by {second}, the front over {second} is larger than of a search by {first} (ours)."
        found.append(above("joslim", f"hypervolume_{second}", claim, f"joslim by {second}"))
    interval = bootstrap([100 * table[seed, "joslim"]["search_share"] for seed in seeds])
    limit = 100 * SMALL_SHARE
    verdict = "holds" if interval.high < limit else "does not hold" if interval.low > limit else "not shown"
    rule = f"processor time of proposing widths, of the training's; holds below {limit:g} %"
    claim = "The search takes little of the training's processor time."
    found.append(Claim(claim, verdict, interval.estimate, interval.low, interval.high, "%", rule, len(seeds)))
    return found


def _notes(settings: RunSettings, rows: Sequence[Row], lost: Sequence[int], worst: float) -> list[str]:
    first = settings.costs[0]
    area = (
        f"Hypervolume: area in percentage points between the test error of the network chosen at each share of {first} "
        f"and the reference, the full network's cost and an error of {100 * worst:g} % (guessing); fixed before any "
        "run. Networks are chosen by their loss on validation images, by which the search goes too; the test images "
        "are looked at once they are chosen. Equal differences are differences of accuracy, meant over shares."
    )
    steps = (
        f"All variants take the same steps, each of {settings.sampled + 2} forward and backward passes: the full "
        f"network, {settings.sampled} widths, the smallest network. Chance draws widths at each step; a search "
        f"proposes {settings.proposed} every {settings.every} steps, which are trained in turn."
    )
    after = (
        "Training at random widths is followed by a search of as many networks, by the same Gaussian processes. It "
        "takes more processor time: oneDNN compiles kernels for each shape that is new."
    )
    notes = [
        area,
        steps,
        after,
        f"The bound that is minimised is the {settings.bound} one.",
    ]
    near = [row["within"] for row in rows if row["variant"] == "joslim" and row.get("within") is not None]
    if near:
        notes.append(
            f"Channels are whole: {100 * np.mean(near):.0f} % of joslim's proposals cost what was aimed at, within 2 % "
            "of it; the others are the nearest that the bisection met."
        )
    notes += [TUNED] if settings == RunSettings() else []  # type: ignore[call-arg]
    if lost:
        notes.append(f"Left out, for a training diverged: seeds {', '.join(map(str, lost))}.")
    return notes
