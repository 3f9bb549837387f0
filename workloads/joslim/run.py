"""The algorithm and what it is compared with, on images: a seed's trainings, and what each yields."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from torch import nn

from circuits.errors import InputError
from circuits.quantity import parse_bytes
from workloads.channels import Channels, Slim, find_channels
from workloads.images import ImageSet, load_images
from workloads.joslim.cost import Cost, make_cost
from workloads.joslim.findings import findings
from workloads.joslim.fronts import Network, accuracy_at, front_of, hypervolume, likely, losses_of
from workloads.joslim.gaussian import Gaussian
from workloads.joslim.method import RunSettings
from workloads.joslim.searchers import Chance, Evolution, Searcher
from workloads.joslim.space import WidthSpace
from workloads.joslim.train import Sandwich, Visits
from workloads.methods.method import Found, Progress
from workloads.networks.small import mobile_small, resnet_cifar
from workloads.training import History, Schedule, run_seeds, seeded, train
from workloads.training.seeds import seconds
from workloads.training.subjects import check_subject, make_subject


class Ground(NamedTuple):
    """What all seeds share: images, how the full network is made, its widths, what they cost."""

    images: ImageSet
    make: Callable[[], nn.Module]
    channels: Channels
    space: WidthSpace
    costs: list[Cost]
    schedule: Schedule


def found(
    settings: RunSettings, folder: Path, seeds: Sequence[int], jobs: int, on_progress: Progress | None = None
) -> Found:
    """Run the seeds that are missing, and say what all of them come to.

    Raises:
        InputError: settings, images, a network or a folder that cannot be used.
    """
    ground = prepared(settings)
    facts = settings.model_dump(mode="json") | {"fingerprint": ground.images.fingerprint}

    def advance(done: float, total: float, _: str) -> None:
        if on_progress:
            on_progress(done / total)

    where = folder / "seeds"
    rows = run_seeds(where, seeds, facts, partial(one, settings, folder / "checkpoints"), jobs=jobs,
                     on_progress=advance)  # fmt: skip
    spent = seconds(where)
    return findings(settings, rows, sum(spent[seed] for seed in seeds), 1 - 1 / ground.images.classes)


def prepared(settings: RunSettings) -> Ground:
    """Return what all seeds share.

    Raises:
        InputError: settings, images or a network that cannot be used.
    """
    images = load_images(settings.images, side=settings.side, limit=settings.limit, augment=settings.augment)
    if images.classes < 2:
        raise InputError(f"{settings.images}: one class; give images of at least two")
    make = _maker(settings, images)
    module = seeded(make, 0)
    inputs = (images.train.images[:2],)
    check_subject(module, images.shape, images.classes, settings.network)
    channels = find_channels(module, inputs)
    space = WidthSpace.of(channels, settings.smallest)
    cache = parse_bytes(settings.cache)
    costs = [
        make_cost(axis, module, channels, space, inputs, cache_bytes=cache, device=settings.device)
        for axis in dict.fromkeys(settings.costs)
    ]
    schedule = Schedule(settings.epochs, settings.batch, settings.lr)
    return Ground(images, make, channels, space, costs, schedule)


def _maker(settings: RunSettings, images: ImageSet) -> Callable[[], nn.Module]:
    if settings.network == "resnet_cifar":
        return partial(resnet_cifar, 1, settings.width, images.classes, images.shape)
    if settings.network == "mobile_small":
        return partial(mobile_small, classes=images.classes, image=images.shape)
    return partial(make_subject, settings.network, images.shape, images.classes)


def one(settings: RunSettings, checkpoints: Path, seed: int, report: Callable[[float], None]) -> list[dict[str, Any]]:
    """Return a row a variant of one seed; trainings that were cut off go on from their checkpoints."""
    ground = prepared(settings)
    variants = [(name, ground.costs[0]) for name in settings.variants]
    if "joslim" in settings.variants:
        variants += [("joslim", cost) for cost in ground.costs[1:]]
    rows, files = [], []
    for place, (name, cost) in enumerate(variants):
        files.append(checkpoints / f"seed-{seed}-{name}-{cost.axis}.safetensors")

        def advance(done: float, total: float, _: str, place: int = place) -> None:
            report((place + done / total) / len(variants))

        rows.append(_trained(settings, ground, name, cost, seed, files[-1], advance))
    for file in files:
        file.unlink(missing_ok=True)
    return rows


def _trained(
    settings: RunSettings, ground: Ground, name: str, cost: Cost, seed: int, file: Path, advance: Callable[..., None]
) -> dict[str, Any]:
    module = seeded(ground.make, seed)
    slim = Slim(module, ground.channels)
    gaussian = partial(Gaussian, ground.space, cost, settings.bound, settings.beta, settings.base)
    searcher: Searcher = {
        "joslim": gaussian,
        "nsga": partial(Evolution, ground.space),
        "uniform": partial(Chance, ground.space, True),
        "random": partial(Chance, ground.space, False),
    }[name]()
    chance = isinstance(searcher, Chance)
    visits = Visits(slim, cost, searcher, ground.images.validation, seed, settings.prior)
    often = (1, settings.sampled) if chance else (settings.every, settings.proposed)
    step = Sandwich(visits, *often, settings.sampled, settings.smoothing)
    history = train(module, ground.images, ground.schedule, seed, step=step, checkpoint=file, on_progress=advance)
    total = ground.schedule.iterations(len(ground.images.train.labels))
    searches = -(-total // settings.every)
    trained_s = history.cpu_s
    if name == "uniform":
        rows = np.unique(ground.space.alike(np.linspace(0, 1, settings.judged)), axis=0)
    elif name == "random":  # trained without a search, so that one follows
        visits = Visits(slim, cost, gaussian(), ground.images.validation, seed, settings.prior)
        began = time.process_time()
        for turn in range(searches):
            visits.more(settings.proposed, turn)
        trained_s += time.process_time() - began
        rows = likely(visits.seen(searches), settings.judged)
    else:
        rows = likely(visits.seen(total), settings.judged)
    rows = list(np.unique(np.stack([*rows, ground.space.least, ground.space.most]), axis=0))
    return _row(settings, ground, name, cost, seed, slim, rows, history, visits, trained_s) | {
        "steps": total, "passes": total * (settings.sampled + 2)
    }  # fmt: skip


def _row(
    settings: RunSettings, ground: Ground, name: str, cost: Cost, seed: int, slim: Slim, rows: list[np.ndarray],
    history: History, visits: Visits, trained_s: float,
) -> dict[str, Any]:  # fmt: skip
    variant = name if cost is ground.costs[0] else f"{name} by {cost.axis}"
    row: dict[str, Any] = {"seed": seed, "variant": variant, "diverged": history.diverged, "fronts": []}
    if not history.diverged:
        losses = losses_of(slim, rows, cost, ground.images)
        worst = 1 - 1 / ground.images.classes
        for axis in ground.costs if name == "joslim" else ground.costs[:1]:
            front = front_of(slim, rows, losses, axis, ground.images)
            area = hypervolume([one.cost for one in front], [one.error for one in front], worst)
            row |= {f"hypervolume_{axis.axis}": 100 * area, f"front_{axis.axis}": len(front)}
            if axis is ground.costs[0]:
                row |= {f"accuracy_{share:g}": _percent(accuracy_at(front, share)) for share in settings.at}
            row["fronts"] += [_told(axis, one) for one in front]
    aimed = [one for one in visits.proposals if one.target is not None and one.found is not None]
    off = np.array([abs(one.found - one.target) for one in aimed])  # type: ignore[operator]
    near = off <= 0.02 * np.array([one.target for one in aimed], float)
    return row | {
        "networks": len(rows),
        "aimed": len(aimed),
        "within": float(near.mean()) if aimed else None,
        "off": float(off.mean()) if aimed else None,
        "cpu_s": trained_s,
        "search_share": visits.search_s / trained_s,
        "history_share": visits.history_s / trained_s,
    }


def _told(axis: Cost, one: Network) -> dict[str, Any]:
    return {"axis": axis.axis, "share": one.cost, "error": one.error, "loss": one.loss,
            "widths": axis.space.widths(one.row)}  # fmt: skip


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value
