"""What runs say to the claims: paired over seeds, by bootstrap intervals, on test images."""

from typing import Any

import numpy as np

from workloads.bitwidth.method import RunSettings
from workloads.methods.method import Claim
from workloads.training.statistics import bootstrap

Row = dict[str, Any]
FIGURES = ("accuracy", "validation_accuracy", "loss", "mean_bits", "width", "size_bytes", "other_bytes", "macs")
MIXED = {
    "mixed, no loss": "a single bitwidth beats bits chosen layer by layer for no loss, at equal size",
    "mixed, least loss": "a single bitwidth beats the bits by layer of least loss, at equal size",
}
POINTS = "percentage points"


def told(bits: int) -> str:
    """Return a single bitwidth's name as a variant."""
    return f"{bits} bit{'s' if bits > 1 else ''}"


class Table:
    """Figures by variant and seed.

    Args:
        rows: of the seeds.
    """

    def __init__(self, rows: list[Row]) -> None:
        self.variants = list(dict.fromkeys(row["variant"] for row in rows))
        self.seeds = list(dict.fromkeys(row["seed"] for row in rows))
        self._values = {(row["variant"], row["seed"]): row for row in rows}

    def figures(self, variant: str, name: str = "accuracy") -> np.ndarray:
        """Return a figure of each seed; NaN where it was no number."""
        found = [self._values[variant, seed][name] for seed in self.seeds]
        return np.array([np.nan if value is None else value for value in found], float)


def summary_of(rows: list[Row]) -> list[Row]:
    """Return each variant's means over seeds, with intervals."""
    table, found = Table(rows), []
    for variant in table.variants:
        line: Row = {"variant": variant}
        for name in FIGURES:
            values = table.figures(variant, name)
            line[name] = low = high = float(values.mean())
            if len(values) > 1 and np.isfinite(values).all():
                interval = bootstrap(values)
                low, high = interval.low, interval.high
            line |= {f"{name}_low": low, f"{name}_high": high}
        found.append(line)
    return found


def claims_of(rows: list[Row], settings: RunSettings) -> list[Claim]:
    """Return what is claimed of these bits, with verdicts; none of fewer than two seeds."""
    table = Table(rows)
    if len(table.seeds) < 2:
        return []
    single = {bits: table.figures(told(bits)) for bits in settings.bits}
    claims = _interior("", single, table)
    best = _best(table, [told(bits) for bits in settings.bits])
    for variant, claim in MIXED.items():
        if variant in table.variants:
            claims.append(_above(claim, table.figures(best) - table.figures(variant), f"{best}, the best on "
                                 f"validation images, less {variant}; above 0"))  # fmt: skip
    if settings.beside:
        beside = {bits: table.figures(f"{settings.beside}, {told(bits)}") for bits in settings.beside_bits}
        claims += _interior(f"{settings.beside}: ", beside, table)
        few, many = min({*single} & {*beside} - {1}, default=0), max({*single} & {*beside}, default=0)
        if 0 < few < many:
            gained = (single[few] - single[many]) - (beside[few] - beside[many])
            claims.append(_above(
                f"few bits gain less where filters have few inputs: {settings.beside} than {settings.network}",
                gained,
                f"gain of {few} over {many} bits in {settings.network}, less that in {settings.beside}; above 0",
            ))  # fmt: skip
    return claims


def _interior(where: str, single: dict[int, np.ndarray], table: Table) -> list[Claim]:
    """Return the claims that few bits beat more and fewer, as far as their bits were trained."""
    claims = [
        _above(f"{where}{few} bits are more accurate than {other} at equal size", single[few] - single[other],
               f"test accuracy of {few} bits less that of {other}, same seeds; above 0")
        for few, other in ((4, 8), (4, 2)) if few in single and other in single
    ]  # fmt: skip
    named = {where.replace(": ", ", ") + told(bits): bits for bits in sorted(single)}
    if len(named) > 2:
        names = list(named)
        best, end = _best(table, names[1:-1]), _best(table, [names[0], names[-1]])
        claims.append(_above(
            f"{where}the best bitwidth at equal size lies between the fewest and the most",
            single[named[best]] - single[named[end]],
            f"{told(named[best])} less {told(named[end])}: the best between and the better end, by validation; above 0",
        ))  # fmt: skip
    return claims


def _best(table: Table, variants: list[str]) -> str:
    """Return the variant of the highest mean accuracy on validation images; test images have no say."""
    return max(variants, key=lambda variant: table.figures(variant, "validation_accuracy").mean())


def _above(claim: str, differences: np.ndarray, rule: str) -> Claim:
    interval = bootstrap(100 * differences)
    return Claim.above(claim, (interval.estimate, interval.low, interval.high), POINTS,
                       f"Mean of paired differences, BCa bootstrap: {rule}.", len(differences))  # fmt: skip
