"""What runs of virtual pooling say to its claims."""

from collections.abc import Sequence
from math import nan
from typing import Any

from workloads.images import ImageSet
from workloads.methods.method import Claim, Found
from workloads.training.statistics import bootstrap
from workloads.vip.settings import RunSettings

Row = dict[str, Any]
FIGURES = ("accuracy", "loss")


def found_of(settings: RunSettings, images: ImageSet, rows: list[Row], cpu_s: float) -> Found:
    """Return a run's answer: rows, a summary over seeds, claims, and the sensitivity of each layer."""
    variants = list(dict.fromkeys(row["variant"] for row in rows))
    last = max(int(name.removeprefix("round")) for name in variants if name.startswith("round"))
    lost = sorted({row["seed"] for row in rows if row["loss"] is None})
    kept = [row for row in rows if row["seed"] not in lost]
    notes = [f"Images: {images.source}", *images.notes]
    if lost:
        notes.append(f"Seeds {', '.join(map(str, lost))} diverged and are left out.")
    sensitivity = [{"seed": row["seed"], "round": int(row["variant"].removeprefix("round")), "layer": layer, "loss": loss}
                   for row in rows for layer, loss in (row.get("sensitivity") or {}).items()]  # fmt: skip
    plain = [{key: value for key, value in row.items() if key != "sensitivity"} for row in rows]
    return Found(
        rows=plain,
        summary=[_summary(kept, name) for name in variants],
        claims=claims(settings, kept, last),
        cpu_s=cpu_s,
        notes=notes,
        curves={"sensitivity": sensitivity},
        x="macs",
    )


def claims(settings: RunSettings, rows: list[Row], last: int) -> list[Claim]:
    """Return the claims on accuracy and on the bound; `last` is the number of rounds."""
    pooled, margin = f"round{last}", settings.margin_points
    seeds = len({row["seed"] for row in rows})
    points = "percentage points"

    def difference(one: str, other: str) -> tuple[float, float, float]:
        a, b = ([100 * row["accuracy"] for row in rows if row["variant"] == name] for name in (one, other))
        return _interval([x - y for x, y in zip(a, b, strict=True)])

    kept = f"Accuracy is kept within {margin:g} percentage points of "
    share = [1 - row["bound_reached"] for row in rows if row["variant"] == "base"]
    return [
        Claim.above(kept + "the network before pooling.", difference(pooled, "base"), points,
                    f"Test accuracy after the last round less that before pooling; above -{margin:g}.", seeds,
                    -margin),
        Claim.above(kept + "a network that was not pooled and trained as long.", difference(pooled, f"control{last}"),
                    points, "Test accuracy after the last round less that of the control, which had the same further "
                    f"training, batch by batch; above -{margin:g}.", seeds, -margin),
        Claim.above("Fine-tuning brings back accuracy that pooling costs.", difference(pooled, "untuned"), points,
                    "Test accuracy after the last round less that of the same layers pooled without training; above 0.",
                    seeds),
        Claim.above("No error of a map is above its bound.", _interval(share, worst=True), "share of the bound",
                    "1 less the largest share of its bound that an error reaches, over all pixels, filters and layers; "
                    "the least over seeds, above 0 or 0.", seeds, -1e-9),
    ]  # fmt: skip


def _interval(values: Sequence[float], worst: bool = False) -> tuple[float, float, float]:
    """Return mean and 95 % bootstrap interval over seeds, no ends for fewer than 2; or the least value alone."""
    if worst and values:
        return min(values), min(values), max(values)
    if len(values) < 2:
        return (values[0] if values else nan), nan, nan
    found = bootstrap(values)
    return found.estimate, found.low, found.high


def _summary(rows: list[Row], variant: str) -> Row:
    own = [row for row in rows if row["variant"] == variant]
    made: Row = {"variant": variant, "macs": own[0]["macs"] if own else nan, "pooled": own[0]["pooled"] if own else 0}
    if own:
        made["macs"] = sum(row["macs"] for row in own) / len(own)  # seeds may choose other layers
    for name in FIGURES:
        mean, low, high = _interval([row[name] for row in own])
        made |= {name: mean, f"{name}_low": low, f"{name}_high": high}
    return made
