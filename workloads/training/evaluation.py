"""How good a network is, and the batch statistics that it needs for that."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from circuits.errors import InputError
from workloads.images import ImageSet, Split

Call = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Evaluation:
    """How a network did.

    Attributes:
        accuracy: share of the images whose highest score is of their class.
        loss: mean cross-entropy, nats.
        correct: an image each.
    """

    accuracy: float
    loss: float
    correct: np.ndarray


def evaluate(call: Call, split: Split | tuple[torch.Tensor, torch.Tensor], batch: int = 256) -> Evaluation:
    """Return how well scores tell the classes.

    Args:
        call: images to scores, images x classes. A module is put into evaluation mode for it, and back; anything else
            is called as it is.
        split: images and labels.
        batch: images a call.
    """
    images, labels = split
    if not len(images):
        raise InputError("evaluate: no images")
    mode = evaluating(call) if isinstance(call, nn.Module) else contextlib.nullcontext()
    with mode, torch.no_grad():
        scores = torch.cat([call(part) for part in images.split(batch)])
    correct = scores.argmax(1) == labels
    loss = float(functional.cross_entropy(scores.double(), labels))
    return Evaluation(float(correct.double().mean()), loss, correct.numpy())


@contextlib.contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Put each part of a module into evaluation mode, and afterwards back into its own."""
    before = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in before:
            part.training = training


def recalibrate(
    module: nn.Module,
    images: ImageSet | Split | torch.Tensor,
    batches: int = 8,
    *,
    batch: int = 128,
    call: Call | None = None,
) -> None:
    """Replace the running statistics of batch normalisation by plain means over batches of these images.

    Nothing else of the module changes: dropout and the rest are in evaluation mode meanwhile, weights have no gradient.

    Args:
        module: whose layers of batch normalisation are meant.
        images: a set, whose training split is meant, a split, or images, in the order they are to be taken.
        batches: how many, at most; fewer where the images are fewer.
        batch: images each.
        call: what to call in place of the module, such as the module at another width.
    """
    split = images.train if isinstance(images, ImageSet) else images
    values = split if isinstance(split, torch.Tensor) else split[0]
    layers = [part for part in module.modules() if isinstance(part, _BatchNorm) and part.track_running_stats]
    momenta = [layer.momentum for layer in layers]
    with evaluating(module), torch.no_grad():
        try:
            for layer in layers:
                layer.reset_running_stats()
                layer.momentum = None  # the plain mean over batches
                layer.training = True
            for part in _whole(values.split(batch))[:batches]:
                (call or module)(part)
        finally:
            for layer, momentum in zip(layers, momenta, strict=True):
                layer.momentum = momentum


def _whole(parts: Iterable[torch.Tensor]) -> list[torch.Tensor]:
    """Return the batches without a last one that is smaller, unless there is no other: a mean weighs them alike."""
    parts = list(parts)
    return parts[:-1] if len(parts) > 1 and len(parts[-1]) < len(parts[0]) else parts
