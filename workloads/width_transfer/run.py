"""One seed: widths searched on the network itself and on cheaper versions, and the networks that come of them."""

from collections.abc import Callable
from typing import Any

from circuits.errors import InputError
from workloads.images import load_images
from workloads.training import Schedule, evaluate, train
from workloads.width_transfer import autoslim, dmcp, morphnet
from workloads.width_transfer.extrapolate import match, stack
from workloads.width_transfer.fresh import fresh
from workloads.width_transfer.method import DIRECT, NETWORK, UNIFORM, RunSettings
from workloads.width_transfer.project import PROJECTIONS, Strength, Task, make_task, project
from workloads.width_transfer.search import TRAINING, Outcome

OPTIMISERS = {"morphnet": morphnet.optimise, "dmcp": dmcp.optimise, "autoslim": autoslim.optimise}


def arguments_of(settings: RunSettings) -> dict[str, Any]:
    """Return the factory's arguments from texts such as `width=16` and `depths=2x2x2`.

    Raises:
        InputError: for a text that is none.
    """
    given = settings.arguments
    if given is None:
        given = ["depth_per_stage=2", "width=16"] if settings.network == NETWORK else []
    found: dict[str, Any] = {}
    for text in given:
        name, _, value = text.partition("=")
        parts = value.split("x")
        if not name.isidentifier() or not value:
            raise InputError(f"--arguments {text}: give NAME=NUMBER, or NAME=2x2x2 for a list")
        try:
            numbers = [int(part) if part.lstrip("-").isdecimal() else float(part) for part in parts]
        except ValueError:
            found[name] = value
            continue
        found[name] = numbers if len(numbers) > 1 else numbers[0]
    return found


def task_of(settings: RunSettings) -> Task:
    """Return the network and images that the widths are for.

    Raises:
        InputError: for images or a network that cannot be used.
    """
    images = load_images(settings.images, side=settings.side, limit=settings.limit)
    return make_task(settings.network, arguments_of(settings), images)


def strength_of(settings: RunSettings) -> Strength:
    return Strength(settings.proxy_width, settings.proxy_depth, settings.proxy_resolution, settings.proxy_data)


def kinds_of(settings: RunSettings, name: str) -> tuple[str, ...]:
    """Return which projections a variant has."""
    if name != "all":
        return (name,)
    alone = tuple(kind for kind in settings.projections if kind != "all")
    return alone or PROJECTIONS


def one_seed(settings: RunSettings, seed: int, report: Callable[[float], None]) -> list[dict[str, Any]]:
    """Return a row a variant: `direct`, `uniform`, and each projection.

    Columns: `accuracy` (test images, %), `macs` (of an image), `search_macs`, `search_share` (of one training of the
    network at its budget), `saving` (times less than the direct search), `clipped` (units at the least of one channel),
    and `units`: of each unit its name, size, how many layers make it, share and width.

    Raises:
        InputError: for settings that cannot be used.
    """
    task = task_of(settings)
    channels, module = task.channels, task.source.make()
    target = settings.budget * channels.macs()
    variants = (DIRECT, UNIFORM, *settings.projections)
    steps = 2 * len(variants) - 1

    rows: list[dict[str, Any]] = []
    direct_macs = 0.0
    for place, name in enumerate(variants):
        outcome = None
        if name != UNIFORM:
            outcome = search(settings, task, () if name == DIRECT else kinds_of(settings, name), seed)
        report(2 * place / steps)
        shares = dict.fromkeys(channels.units, 1.0) if outcome is None else outcome.shares
        if outcome is not None and list(shares) != list(channels.units):
            shares = stack(shares, channels.units, settings.stacking)
        matched = match(channels, shares, target)
        accuracy = trained(settings, task, fresh(module, channels, matched.widths, seed), seed)
        report((2 * place + 1) / steps)
        spent = 0.0 if outcome is None else outcome.macs
        direct_macs = spent if name == DIRECT else direct_macs
        training = TRAINING * matched.macs * len(task.images.train.labels) * settings.epochs
        rows.append({
            "seed": seed, "variant": name, "accuracy": accuracy, "macs": matched.macs, "search_macs": spent,
            "search_share": spent / training, "saving": direct_macs / spent if spent else None,
            "clipped": len(matched.clipped),
            "units": [{"unit": unit.name, "size": unit.size, "layers": len(unit.layers), "share": shares[unit.name],
                       "width": matched.widths[unit.name]} for unit in channels.units.values()],
        })  # fmt: skip
    return rows


def search(settings: RunSettings, task: Task, kinds: tuple[str, ...], seed: int) -> Outcome:
    """Return the widths that a search finds on a task, or on a cheaper version of it."""
    proxy = project(task, kinds, strength_of(settings), seed)
    schedule = Schedule(epochs=settings.search_epochs, batch=settings.batch, lr=settings.lr)
    budget = settings.budget * proxy.channels.macs()
    return OPTIMISERS[settings.optimiser](
        proxy.source.make, proxy.images, schedule, budget, seed, channels=proxy.channels
    )


def trained(settings: RunSettings, task: Task, module: Any, seed: int) -> float:
    """Return the test accuracy of a network after its training, in percent."""
    history = train(module, task.images, Schedule(epochs=settings.epochs, batch=settings.batch, lr=settings.lr), seed)
    if history.diverged:
        raise InputError(f"training: the loss is no number after {history.iterations} iterations; give a lower --lr")
    return 100 * evaluate(module, task.images.test).accuracy
