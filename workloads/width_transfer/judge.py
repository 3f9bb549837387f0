"""What the seeds say together: agreement of widths, accuracy at equal MACs, savings, and verdicts on the claims."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from circuits.errors import InputError
from workloads.methods.method import Claim, Found, Progress
from workloads.training import run_seeds
from workloads.training.seeds import seconds
from workloads.training.statistics import bootstrap, noninferior
from workloads.width_transfer import overhead
from workloads.width_transfer.agreement import Agreement, agree, correlations
from workloads.width_transfer.method import DIRECT, UNIFORM, RunSettings
from workloads.width_transfer.project import project
from workloads.width_transfer.run import kinds_of, one_seed, strength_of, task_of
from workloads.width_transfer.scales import Scales

KEPT = "seeds"  # folder of what is done
JUDGED = ("margin", "agreement", "full_size")  # settings that change nothing of a seed


def found(settings: RunSettings, folder: Path, seeds: Sequence[int], jobs: int, on_progress: Progress | None) -> Found:
    """Run the seeds that are missing, and judge all; see `method.run`."""
    if len(seeds) < 2:
        raise InputError(f"--seeds {len(seeds)}: give at least 2; widths of one seed are held against another's")
    task = task_of(settings)
    if settings.optimiser != "autoslim":
        Scales(task.source.make(), task.channels)
    for name in settings.projections:  # what cannot be made is refused before the long work
        project(task, kinds_of(settings, name), strength_of(settings), seeds[0]).channels  # noqa: B018

    def advance(done: float, total: float, _: str = "") -> None:
        if on_progress:
            on_progress(done / total)

    document = settings.model_dump(mode="json", exclude=set(JUDGED))
    kept = run_seeds(folder / KEPT, seeds, document | {"images_sha256": task.images.fingerprint},
                     partial(one_seed, settings), jobs=jobs, on_progress=advance)  # fmt: skip
    spent = seconds(folder / KEPT)
    return judged(settings, kept, sum(spent[seed] for seed in seeds), list(task.images.notes))


def judged(settings: RunSettings, kept: list[dict[str, Any]], cpu_s: float, notes: list[str]) -> Found:
    """Return tables and verdicts of seeds' rows (see `one_seed`)."""
    variants = list(dict.fromkeys(row["variant"] for row in kept))
    seeds = list(dict.fromkeys(row["seed"] for row in kept))
    by = {(row["seed"], row["variant"]): row for row in kept}
    column = {name: np.array([by[seed, name]["accuracy"] for seed in seeds]) for name in variants}
    shares = {name: np.array([[unit["share"] for unit in by[seed, name]["units"]] for seed in seeds])
              for name in variants if name != UNIFORM}  # fmt: skip
    agreements = {name: agree(rows, shares[DIRECT]) for name, rows in shares.items()}
    same = {name: np.diag(correlations(rows, shares[DIRECT])) for name, rows in shares.items()}
    rows = []
    for place, seed in enumerate(seeds):
        for name in variants:
            own = {key: value for key, value in by[seed, name].items() if key != "units"}
            if name in shares:
                own |= {"rank_correlation": float(agreements[name].each[place]),
                        "same_seed_correlation": float(same[name][place])}  # fmt: skip
            rows.append(own)
    curves = {
        "widths": [{"seed": row["seed"], "variant": row["variant"], **unit} for row in kept for unit in row["units"]]
    }
    notes = [*notes, *_notes(settings, len(seeds))]
    if settings.full_size:
        curves["full_size"] = overhead.table()
        notes += overhead.told(curves["full_size"])
    notes.append(_without_search(shares[DIRECT], settings))
    claims = _claims(settings, column, agreements, len(seeds))
    if settings.full_size:
        claims.append(_published(curves["full_size"]))
    summary = [_summary(name, by, seeds, column, agreements, settings.margin) for name in variants]
    return Found(rows, summary, claims, cpu_s, notes, curves)


def _interval(values: np.ndarray) -> tuple[float, float, float]:
    found = bootstrap(values)
    return found.estimate, found.low, found.high


def _summary(name: str, by: dict[tuple[int, str], dict[str, Any]], seeds: list[int], column: dict[str, np.ndarray],
             agreements: dict[str, Agreement], margin: float) -> dict[str, Any]:  # fmt: skip
    row: dict[str, Any] = {"variant": name}

    def add(figure: str, interval: tuple[float, float, float]) -> None:
        row.update(zip((figure, f"{figure}_low", f"{figure}_high"), interval, strict=True))

    add("accuracy", _interval(column[name]))
    if name != DIRECT:
        add("less_direct", _interval(column[name] - column[DIRECT]))
        row["p_worse"] = noninferior(column[name] - column[DIRECT], margin).p
    if name in agreements:
        add("rank_correlation", agreements[name].mean)
        add("share_of_ceiling", agreements[name].share)
    for figure in ("saving", "search_share"):
        values = [by[seed, name][figure] for seed in seeds]
        row[figure] = None if None in values else float(np.mean(values))
    return row


def _claims(settings: RunSettings, column: dict[str, np.ndarray], agreements: dict[str, Agreement],
            count: int) -> list[Claim]:  # fmt: skip
    points, margin, limit = "percentage points", settings.margin, settings.agreement
    claims = [Claim.above(
        "Widths found on the network itself are more accurate than one share for all, at equal MACs.",
        _interval(column[DIRECT] - column[UNIFORM]), points,
        "Test accuracy, direct less uniform, paired by seed; above 0.", count,
    )]  # fmt: skip
    for name in settings.projections:
        claims.append(Claim.above(
            f"Widths found with projection {name} rank as those of a direct search do.",
            agreements[name].share, "share of the ceiling",
            "Spearman's correlation with direct searches of other seeds, over that of direct searches of two seeds; "
            f"above {limit:g}, set beforehand.", count, limit,
        ))  # fmt: skip
        claims.append(Claim.above(
            f"Networks of widths found with projection {name} are no worse than the direct search's, at equal MACs.",
            _interval(column[name] - column[DIRECT]), points,
            f"Test accuracy, {name} less direct, paired by seed; above -{margin:g}, the margin set beforehand.",
            count, -margin,
        ))  # fmt: skip
    last = settings.projections[-1]
    claims.append(Claim.above(
        f"Widths found with projection {last} are more accurate than one share for all, at equal MACs.",
        _interval(column[last] - column[UNIFORM]), points,
        f"Test accuracy, {last} less uniform, paired by seed; above 0.", count,
    ))  # fmt: skip
    return claims


def _published(rows: list[dict[str, Any]]) -> Claim:
    plan = overhead.schedules()
    wanted, strength = plan["published"]["saving"], plan["projections"]
    savings = [row["saving"] for row in rows if row["projection"] == "all"]
    return Claim.above(
        f"At full size, a search on the cheaper version costs {wanted} times fewer training MACs.",
        (float(np.median(savings)), min(savings), max(savings)), "times fewer",
        f"Arithmetic, no seeds: median, least and most over networks and optimisers, with {strength['width']:g} of the "
        f"channels, {strength['depth']} block a stage, {strength['resolution']:g} of the side, {strength['data']:g} of "
        f"the images, which are assumed; at least {wanted}.", 0, wanted,
    )  # fmt: skip


def _notes(settings: RunSettings, count: int) -> list[str]:
    few = f"{count} seeds are few: intervals over them are too narrow; give 8 or more before trusting a verdict"
    said = (
        f"widths by {settings.optimiser}, for {settings.budget:g} of the network's MACs, which the networks that are "
        f"compared have, or less by under a channel; the margin of {settings.margin:g} percentage points and the "
        f"{settings.agreement:g} of the ceiling were set before any run"
    )
    chosen = (
        "chosen after pilots of two seeds, 0 and 1: MorphNet's penalty of 4 nats (2 and 6 were tried) and a budget of "
        "a quarter (at a half, direct and uniform networks were as accurate as each other)"
    )
    counted = "MACs of a search: each image of its training three times a forward pass, each evaluated one once"
    return [*[few] * (count < 8), said, chosen, counted]


def _without_search(direct: np.ndarray, settings: RunSettings) -> str:
    """Say how far a rule that sees neither images nor training gets: the dearer a unit's channels, the fewer."""
    channels = task_of(settings).channels
    whole, widths = channels.macs(), channels.widths()
    saved = [whole - channels.macs(widths | {name: widths[name] - 1}) if widths[name] > 1 else 0.0 for name in widths]
    ranks = correlations(-np.array([saved]), direct)[0]
    return (
        f"a rule without any search, the fewer channels the more MACs one of them costs, ranks units as the direct "
        f"searches do to {float(ranks.mean()):.2f} ({float(ranks.min()):.2f} to {float(ranks.max()):.2f} over seeds)"
    )
