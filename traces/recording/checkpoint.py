"""Gradient checkpointing: blocks keep their input only and run again in the backward pass (arXiv:1604.06174)."""

from collections import Counter
from itertools import pairwise
from math import isqrt
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from traces.errors import InputError
from traces.recording.layers import Layers

# No state of the random numbers is kept: that is the host's work, and values are not computed here.
OPTIONS: dict[str, Any] = {"use_reentrant": False, "preserve_rng_state": False}


def add_checkpoints(module: nn.Module, layers: Layers) -> str:
    """Make a module's blocks run again in its backward pass, and say which.

    Blocks are what repeats: modules of several parts, at least two of a class, one after another in a container. Where
    nothing repeats, the longest row of layers is cut into as many segments as the root of how many have weights.

    Raises:
        InputError: for a module with neither.
    """
    found = _blocks("", module)
    often = Counter(type(part) for _, part in found)
    repeated = [(name, part) for name, part in found if often[type(part)] > 1]
    if repeated:
        for name, part in repeated:
            _again(name, part, layers)
        kinds = ", ".join(sorted({type(part).__name__ for _, part in repeated}))
        return f"{len(repeated)} blocks ({kinds}) are checkpointed: each runs forward again in the backward pass."
    rows = [part for part in module.modules() if isinstance(part, nn.Sequential) and len(part) > 1]
    if not rows:
        raise InputError(f"{type(module).__name__}: has no blocks that repeat and no row of layers to checkpoint")
    row = max(rows, key=len)
    segments = _segments(row)

    def forward(input: torch.Tensor) -> torch.Tensor:  # noqa: A002  (as nn.Sequential calls it)
        x = input
        for segment in segments[:-1]:
            x = checkpoint(segment, x, **OPTIONS)
        return segments[-1](x)

    row.forward = forward
    return f"A row of {len(row)} layers is checkpointed in {len(segments)} segments; all but the last run again."


def _segments(row: nn.Sequential) -> list[nn.Sequential]:
    """Cut a row before layers with weights: others may work in place, and would change what a segment has kept."""
    parts = list(row)
    starts = [0, *(at for at, part in enumerate(parts) if at and any(True for _ in part.parameters()))]
    each = isqrt(len(starts) - 1) + 1
    bounds = [*starts[::each], len(parts)]
    return [nn.Sequential(*parts[low:high]) for low, high in pairwise(bounds)]


def _blocks(name: str, part: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return the modules of several parts that lie in containers, those within them left out."""
    found: list[tuple[str, nn.Module]] = []
    for key, child in part.named_children():
        path = f"{name}.{key}".lstrip(".")
        if not isinstance(child, (nn.Sequential, nn.ModuleList)) and isinstance(part, (nn.Sequential, nn.ModuleList)):
            found += [(path, child)] if any(True for _ in child.children()) else []
        else:
            found += _blocks(path, child)
    return found


def _again(name: str, part: nn.Module, layers: Layers) -> None:
    forward = part.forward

    def run(*args: Any, **kwargs: Any) -> Any:
        with layers.within(name):
            return forward(*args, **kwargs)

    part.forward = lambda *args, **kwargs: checkpoint(run, *args, **OPTIONS, **kwargs)
