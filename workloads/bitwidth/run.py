"""Training of networks of one size, and what it says to the claims."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from circuits.errors import InputError
from workloads.bitwidth.claims import claims_of, summary_of, told
from workloads.bitwidth.method import RunSettings
from workloads.bitwidth.mixed import filled, knapsack, never_worse, sensitivities, without_loss
from workloads.bitwidth.networks import Base, base_of
from workloads.bitwidth.quantise import BITS, quantised
from workloads.bitwidth.sizes import Pair
from workloads.images import ImageSet, load_images
from workloads.methods.method import Found, Progress
from workloads.training import Evaluation, Schedule, evaluate, recalibrate, run_seeds, train
from workloads.training.seeds import seconds

Row = dict[str, Any]
NO_LOSS, LEAST_LOSS = "mixed, no loss", "mixed, least loss"
CALIBRATION = 4  # batches of 128 training images, for batch statistics of weights that were not trained so


def found(settings: RunSettings, folder: Path, seeds: Sequence[int], jobs: int, on_progress: Progress | None) -> Found:
    """Train, seed by seed, and compare.

    Raises:
        InputError: images or networks that cannot be used; bits for which the network cannot be so small.
    """
    if settings.beside == settings.network:
        raise InputError(f"beside {settings.beside!r}: give another network than the first, or none")
    images = _images(settings)
    bases = _bases(settings, images)
    for base, several in zip(bases, (settings.bits, settings.beside_bits), strict=False):
        for bits in several:
            base.pair(bits)  # refused before the long work
    asked = settings.model_dump(mode="json") | {
        "images_sha256": images.fingerprint, "target_bytes": [base.target for base in bases],
    }  # fmt: skip

    def advance(done: float, total: float, _: str) -> None:
        if on_progress:
            on_progress(done / total)

    rows = run_seeds(folder, seeds, asked, partial(one, settings), jobs=jobs, on_progress=advance)
    taken = seconds(folder)
    return Found(
        rows,
        summary_of(rows),
        claims_of(rows, settings),
        sum(taken[seed] for seed in seeds),
        _notes(settings, images, bases, rows),
        x="variant",
        y="accuracy",
    )


def one(settings: RunSettings, seed: int, report: Callable[[float], None]) -> list[Row]:
    """Return a row a variant of one seed."""
    images = _images(settings)
    bases = _bases(settings, images)
    several = (settings.bits, settings.beside_bits)
    jobs: list[Callable[[], Row]] = []
    for base, bits in zip(bases, several, strict=False):
        jobs += [partial(_single, settings, images, base, each, seed) for each in bits]
    if settings.mixed:
        jobs += [partial(made, settings, images, bases[0], seed) for made in (_no_loss, _least_loss)]
    rows = []
    for job in jobs:
        rows.append(job())
        report(len(rows) / len(jobs))
    return rows


def _images(settings: RunSettings) -> ImageSet:
    return load_images(settings.images, side=settings.side, limit=settings.limit)


def _bases(settings: RunSettings, images: ImageSet) -> list[Base]:
    names = [settings.network, *([settings.beside] if settings.beside else [])]
    return [base_of(name, images.shape, images.classes, settings.at, settings.ends, settings.count) for name in names]


def _schedule(settings: RunSettings) -> Schedule:
    return Schedule(settings.epochs, settings.batch, settings.lr)


def _single(settings: RunSettings, images: ImageSet, base: Base, bits: int, seed: int) -> Row:
    return _trained(settings, images, base, base.pair(bits), seed, told(bits)) | {"bits": bits}


def _no_loss(settings: RunSettings, images: ImageSet, base: Base, seed: int) -> Row:
    """Train the fewest bits by layer that keep the float network's accuracy, at the width of the size."""
    module = _float(settings, images, base, {}, seed)
    least = evaluate(module, images.validation).accuracy - settings.tolerance / 100

    def accuracy(bits: Mapping[str, int]) -> float:
        return _calibrated(quantised(module, bits), images).accuracy

    bits = without_loss(base.order, BITS, accuracy, least)
    return _trained(settings, images, base, base.pair(bits), seed, NO_LOSS)


def _least_loss(settings: RunSettings, images: ImageSet, base: Base, seed: int) -> Row:
    """Train the bits by layer of least loss, of the size, in a network of the width of `mixed_at` bits."""
    pair = base.pair(settings.mixed_at)
    module = _float(settings, images, base, pair.widths, seed)
    losses = sensitivities(module, base.order, BITS, lambda changed: _calibrated(changed, images).loss)
    budget = base.target - (pair.size.counted(settings.count) - pair.size.weights)
    elements = base.sizes.elements(pair.widths)
    bits = filled(knapsack(never_worse(losses), elements, budget), BITS, elements, budget)
    size = base.sizes.size(bits, pair.widths)
    mixed = Pair(bits, pair.alpha, pair.widths, size, 1 - size.counted(settings.count) / base.target)
    return _trained(settings, images, base, mixed, seed, LEAST_LOSS)


def _float(settings: RunSettings, images: ImageSet, base: Base, widths: Mapping[str, int], seed: int) -> nn.Module:
    module = base.fresh(widths, seed)
    train(module, images, _schedule(settings), seed)
    return module


def _calibrated(module: nn.Module, images: ImageSet) -> Evaluation:
    """Return how a network does on the validation images with batch statistics of its own."""
    recalibrate(module, images.train, CALIBRATION)
    return evaluate(module, images.validation)


def _trained(settings: RunSettings, images: ImageSet, base: Base, pair: Pair, seed: int, variant: str) -> Row:
    """Train one variant from fresh weights; the test images are seen here alone, after training."""
    module = base.fresh(pair.widths, seed, pair.bits)
    history = train(module, images, _schedule(settings), seed)
    test, validation = evaluate(module, images.test), evaluate(module, images.validation)
    elements = base.sizes.elements(pair.widths)
    return {
        "seed": seed,
        "variant": variant if base.name == settings.network else f"{base.name}, {variant}",
        "network": base.name,
        "bits": None,
        "mean_bits": sum(pair.bits[name] * count for name, count in elements.items()) / sum(elements.values()),
        "layer_bits": ",".join(str(pair.bits[name]) for name in base.order),
        "width": pair.alpha,
        "accuracy": test.accuracy,
        "loss": test.loss,
        "validation_accuracy": validation.accuracy,
        "training_loss": history.losses[-1] if history.losses else None,
        "diverged": history.diverged,
        "size_bytes": pair.size.counted(settings.count),
        "weight_bytes": pair.size.weights,
        "scale_bytes": pair.size.scales,
        "other_bytes": pair.size.others,
        "residual": pair.residual,
        "macs": base.channels.macs(pair.widths),
    }


def _notes(settings: RunSettings, images: ImageSet, bases: list[Base], rows: list[Row]) -> list[str]:
    counted = {
        "weights": "weights alone, packed", "scales": "weights, packed, and a float16 scale a filter",
        "all": "weights, packed, a float16 scale a filter, and all other parameters in float32",
    }[settings.count]  # fmt: skip
    sizes = ", ".join(f"{base.name} {base.target} bytes" for base in bases)
    worst = max((abs(row["residual"]) for row in rows), default=0.0)
    ends = f"The first and the last layer have {settings.ends} bits" if settings.ends else "All layers have those bits"
    train, validation, test = (len(split.labels) for split in images.splits.values())
    notes = [
        f"Size counts {counted}: {sizes}; variants are at most {100 * worst:.1f} % smaller, never larger.",
        f"{ends}, but in the mixed variants, which choose theirs; activations are float in training.",
        "All variants of a seed see the same batches, begin from fresh weights and train equally long.",
        "Mixed bits are chosen by validation images and a float network that is trained besides.",
        f"Images: {images.name}, {train} to train on, {validation} to choose by, {test} to judge by.",
        "Networks are so small that their size limits them.",
    ]
    lost = sum(bool(row["diverged"]) for row in rows)
    return notes + ([f"{lost} trainings diverged; they count with the accuracy they had."] if lost else [])
