"""Virtual pooling on real images: trained, pooled in rounds with fine-tuning, beside a control that is not pooled."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from circuits.errors import InputError
from traces.recording import record
from workloads.images import ImageSet, load_images
from workloads.methods.method import Found, Progress
from workloads.networks.small import vgg_small
from workloads.training import Schedule, evaluate, run_seeds, seeded, train
from workloads.training.seeds import seconds
from workloads.training.subjects import check_subject, make_subject
from workloads.vip.bound import error_bounds, errors, rounding
from workloads.vip.pool import LEAST_SIDE, map_sizes, pooled_layers, refusal, virtual_pool
from workloads.vip.select import next_group, sizes_of_rounds
from workloads.vip.settings import RunSettings
from workloads.vip.verdict import found_of

Row = dict[str, Any]
CHECKPOINTS = "checkpoints"
BOUND_IMAGES = 32  # of the test split, that each layer's bound is checked on


def run(
    settings: RunSettings, folder: Path, seeds: Sequence[int], jobs: int = 1, progress: Progress | None = None
) -> Found:
    """Train, pool in rounds and fine-tune for each seed; return rows, a summary and what they say to the claims.

    Seeds that are done are kept in the folder, and trainings at work from time to time: the same call goes on.

    Args:
        settings: what is asked.
        folder: for what can be resumed.
        seeds: whole numbers, each once.
        jobs: processes at work.
        progress: told the share that is done.

    Raises:
        InputError: for images or settings that cannot be used, and a folder of another run.
    """
    images = _images(settings.images, settings.side, settings.limit)
    check_subject(network(settings, images), images.shape, images.classes, settings.network)
    eligible(settings, images)
    asked = settings.model_dump(mode="json") | {"images_sha256": images.fingerprint}

    def advance(done: float, total: float, _: str) -> None:
        if progress:
            progress(done / total)

    (folder / CHECKPOINTS).mkdir(parents=True, exist_ok=True)
    rows = run_seeds(folder, seeds, asked, partial(_seed, settings, folder), jobs=jobs, on_progress=advance)
    spent = seconds(folder)
    return found_of(settings, images, rows, sum(spent[seed] for seed in seeds))


def network(settings: RunSettings, images: ImageSet) -> nn.Module:
    """Return the network that is trained; the small VGG has two convolutions a stage, batch normalisation, ReLU.

    Raises:
        InputError: it cannot be made.
    """
    if settings.network == "vgg_small":
        return vgg_small([(width, width) for width in settings.widths], images.classes, images.shape)
    return make_subject(settings.network, images.shape, images.classes)


def eligible(settings: RunSettings, images: ImageSet) -> list[str]:
    """Return the convolutions that may be pooled.

    Raises:
        InputError: where there is none.
    """
    module = network(settings, images)
    sizes = map_sizes(module, images.test.images[:1])
    names = [name for name, side in sizes.items() if side >= LEAST_SIDE and not refusal(module.get_submodule(name))]
    if not names:
        sides = f"{images.shape[1]} x {images.shape[2]}"
        raise InputError(f"network {settings.network!r}: no convolution with a map of {LEAST_SIDE} x {LEAST_SIDE} "
                         f"pixels or more to pool, of images of {sides}")  # fmt: skip
    return names


@cache
def _images(name: str, side: int | None, limit: int) -> ImageSet:
    return load_images(name, side=side, limit=limit or None)


def _seed(settings: RunSettings, folder: Path, seed: int, report: Callable[[float], None]) -> list[Row]:
    """Return a row a variant: before pooling, after each round, without fine-tuning, and the control."""
    images = _images(settings.images, settings.side, settings.limit)
    names = eligible(settings, images)
    sizes = sizes_of_rounds(len(names), settings.share, settings.rounds)
    steps = settings.epochs + 2 * len(sizes) * settings.finetune_epochs
    done = 0.0

    def trained(module: nn.Module, name: str, epochs: float, lr: float, turn: int = 0) -> None:
        nonlocal done
        schedule = Schedule(epochs, settings.batch, lr)
        file = folder / CHECKPOINTS / f"seed-{seed}-{name}.safetensors"
        train(module, images, schedule, seed + (turn << 40), checkpoint=file,
              on_progress=lambda at, of, _: report((done + epochs * at / of) / steps))  # fmt: skip
        done += epochs

    def judged(module: nn.Module, variant: str, **more: Any) -> Row:
        found = evaluate(module, images.test)
        return {"seed": seed, "variant": variant, "accuracy": found.accuracy, "loss": found.loss,
                "macs": macs_of(module, images), "pooled": len(pooled_layers(module)), **more}  # fmt: skip

    base = seeded(partial(network, settings, images), seed)
    trained(base, "base", settings.epochs, settings.lr)
    rows = [judged(base, "base", bound_reached=bound_reached(base, images))]
    control, pooled, chosen = deepcopy(base), base, list[str]()
    for turn, size in enumerate(sizes, start=1):
        group, costs = next_group(pooled, images.validation, names, size)
        chosen += group
        pooled = virtual_pool(pooled, group, example=images.test.images[:1])
        trained(pooled, f"pooled-{turn}", settings.finetune_epochs, settings.finetune_lr, turn)
        trained(control, f"control-{turn}", settings.finetune_epochs, settings.finetune_lr, turn)
        layers, told = " ".join(group), {name: round(cost, 6) for name, cost in costs.items()}
        rows += [judged(pooled, f"round{turn}", layers=layers, sensitivity=told), judged(control, f"control{turn}")]
    untuned = virtual_pool(base, chosen, example=images.test.images[:1])
    rows.append(judged(untuned, "untuned", layers=" ".join(chosen)))
    for file in (folder / CHECKPOINTS).glob(f"seed-{seed}-*.safetensors"):
        file.unlink()
    return rows


def macs_of(module: nn.Module, images: ImageSet) -> int:
    """Return the multiply-accumulates of an image, of a module that may have no `example_inputs`."""
    return record(module, (images.test.images[:1],), "inference").macs


def bound_reached(module: nn.Module, images: ImageSet) -> float:
    """Return the largest share of its bound that an error reaches, over all layers, on test images.

    Errors are of the convolution's own map; those of 64-bit arithmetic, less what rounding may add to them.
    """
    reached = 0.0

    def check(layer: nn.Module, arguments: tuple[torch.Tensor], _: torch.Tensor) -> None:
        nonlocal reached
        assert isinstance(layer, nn.Conv2d)
        x = arguments[0].double()
        for place in ("convolution", "relu"):
            bounds = error_bounds(layer, x, place)
            share = (errors(layer, x, place) - rounding(layer, x)) / bounds.clamp(min=1e-300)
            reached = max(reached, float(share.max()))

    hooks = [one.register_forward_hook(check) for one in module.modules() if isinstance(one, nn.Conv2d)]
    with torch.no_grad():
        module(images.test.images[:BOUND_IMAGES])
    for hook in hooks:
        hook.remove()
    return reached
