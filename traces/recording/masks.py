"""Sizes that data decide: how many elements a mask names. There is no data, so that a share of them is assumed."""

from typing import Any

import torch

from traces.operation import true_elements

aten = torch.ops.aten
MASKS = (torch.bool, torch.uint8)


class Masks:
    """Calls operators, and those whose result's size depends on a mask as if a share of its elements were true."""

    def __init__(self, share: float) -> None:
        self.share = share
        self.used = False

    def call(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Return what an operator returns, on fake tensors."""
        if func is aten.nonzero.default:
            return self._indices(args[0])
        if func is aten.masked_select.default:
            shape = torch.broadcast_shapes(args[0].shape, args[1].shape)
            return args[0].new_empty(self._count(shape.numel()))
        if func is aten.index.Tensor:
            return func(args[0], self._without_masks(args[1]))
        return func(*args, **kwargs)

    def _count(self, elements: int) -> int:
        self.used = True
        return true_elements(elements, self.share)

    def _indices(self, mask: torch.Tensor) -> torch.Tensor:
        """Return indices (count, dimensions), a dimension's side by side, as on CUDA."""
        return mask.new_empty((mask.ndim, self._count(mask.numel())), dtype=torch.int64).t()

    def _without_masks(self, indices: Any) -> list[torch.Tensor | None]:
        made: list[torch.Tensor | None] = []
        for index in indices:
            masked = isinstance(index, torch.Tensor) and index.dtype in MASKS
            made += self._indices(index).unbind(1) if masked else [index]
        return made
