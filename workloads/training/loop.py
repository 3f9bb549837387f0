"""The training loop."""

import dataclasses
import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from workloads.images import ImageSet, augmented
from workloads.training.chance import chance, generator, number
from workloads.training.resume import Resume
from workloads.training.schedule import Schedule

Step = Callable[[torch.Tensor, torch.Tensor, int], torch.Tensor]
Parameters = Iterable[torch.Tensor] | Iterable[dict[str, Any]]  # as torch.optim takes them
CHECKPOINT_S = 10.0  # at least, from one checkpoint to the next


@dataclasses.dataclass
class History:
    """What a training was like.

    Attributes:
        losses: mean over the iterations of each epoch, nats.
        iterations: that were done, those before a resumption among them.
        cpu_s: processor time of the process, all threads.
        diverged: a loss was no finite number; the training ended there, its last update not applied.
    """

    losses: list[float] = dataclasses.field(default_factory=list)
    iterations: int = 0
    cpu_s: float = 0.0
    diverged: bool = False


def train(
    module: nn.Module,
    images: ImageSet,
    schedule: Schedule,
    seed: int,
    *,
    step: Step | None = None,
    parameters: Parameters | None = None,
    checkpoint: Path | None = None,
    on_progress: Callable[[float, float, str], None] | None = None,
) -> History:
    """Train a module on the training images, and leave it in evaluation mode.

    The order of images and how they are augmented follow from the seed and the iteration alone. Within a step, torch's
    own random numbers (dropout) do too; outside they are as if no training had been.

    Args:
        module: whose weights are trained; its initial ones are the caller's (`seeded`).
        images: whose training split is learned from.
        schedule: how long and how fast.
        seed: of batches and chances.
        step: takes a batch's images and labels and the iteration, from 0, and returns the loss. Where that has a
            gradient it is propagated here; a step that accumulates several returns it detached. Gradients are zero
            when it is called. A step with `state_dict()` (tensors, and what JSON can say) and `load_state_dict(...)`
            is kept in checkpoints. None: cross-entropy of the module's scores.
        parameters: what is trained, or groups as torch.optim has them, whose own `lr` follows the same course; None:
            all of the module's.
        checkpoint: a file, written every few seconds at an epoch's end, and at the end; one that is there is gone on
            from, to the same weights as without interruption.
        on_progress: told of iterations done, of how many, and the epoch.

    Raises:
        InputError: the checkpoint is of another training.
    """
    optimizer = torch.optim.SGD(
        module.parameters() if parameters is None else parameters,
        lr=schedule.lr,
        momentum=schedule.momentum,
        weight_decay=schedule.weight_decay,
        nesterov=schedule.nesterov,
    )
    highest = [group["lr"] for group in optimizer.param_groups]
    step = step or _cross_entropy(module, schedule.label_smoothing)
    kept = Resume(checkpoint, module, optimizer, step, images, schedule, seed) if checkpoint else None
    history = History(**kept.load()) if kept else History()
    count, began, saved = len(images.train.labels), time.process_time() - history.cpu_s, time.monotonic()
    total, per_epoch = schedule.iterations(count), schedule.per_epoch(count)
    module.train()
    losses: list[float] = []
    order = torch.empty(0, dtype=torch.int64)
    with chance(seed, "training"):  # whatever is drawn here is given back
        for iteration in range(total if history.diverged else history.iterations, total):
            epoch, place = divmod(iteration, per_epoch)
            if not losses:  # an epoch begins
                order = torch.randperm(count, generator=generator(seed, "order", epoch))
            for group, lr in zip(optimizer.param_groups, highest, strict=True):
                group["lr"] = lr * schedule.rate(iteration, count)
            optimizer.zero_grad()
            torch.default_generator.manual_seed(number(seed, "step", iteration))
            loss = step(*_batch(images, order, place, schedule, seed, iteration), iteration)
            losses.append(float(loss.detach()))
            if not math.isfinite(losses[-1]):
                history.diverged = True
            else:
                if loss.requires_grad:
                    loss.backward()
                optimizer.step()
                history.iterations = iteration + 1
            last = history.diverged or iteration + 1 == total
            if last or place + 1 == per_epoch:
                history.losses.append(math.fsum(losses) / len(losses) if not history.diverged else math.nan)
                losses = []
                history.cpu_s = time.process_time() - began
                if kept and (last or time.monotonic() >= saved + CHECKPOINT_S):
                    kept.save(dataclasses.asdict(history))
                    saved = time.monotonic()
            if on_progress:
                on_progress(iteration + 1, total, f"epoch {epoch + 1}")
            if history.diverged:
                break
    module.eval()
    return history


def _cross_entropy(module: nn.Module, smoothing: float) -> Step:
    def step(images: torch.Tensor, labels: torch.Tensor, _: int) -> torch.Tensor:
        return functional.cross_entropy(module(images), labels, label_smoothing=smoothing)

    return step


def _batch(
    images: ImageSet, order: torch.Tensor, place: int, schedule: Schedule, seed: int, iteration: int
) -> tuple[torch.Tensor, torch.Tensor]:
    chosen = order[place * schedule.batch : (place + 1) * schedule.batch]
    kind = images.augment if schedule.augment is None else schedule.augment
    batch = images.train.images[chosen]
    if kind != "none":
        batch = augmented(batch, kind, generator(seed, "augment", iteration))
    return batch, images.train.labels[chosen]
