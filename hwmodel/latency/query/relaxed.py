"""Predictors in torch: what a network takes as a loss over the chances of its choices."""

from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from circuits.errors import InputError
from hwmodel.latency.query.closed import Closed, Of, closed_of, evaluate
from hwmodel.latency.query.form import Form
from hwmodel.latency.query.whole import Whole


class _Evaluate(torch.autograd.Function):
    """Value and gradient at once: the gradient is at hand when the value is known."""

    @staticmethod
    def forward(ctx: Any, chances: torch.Tensor, closed: Closed | Whole) -> torch.Tensor:
        value, slope = evaluate(torch, closed, chances)
        ctx.save_for_backward(slope)
        return value

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Any) -> Any:  # type: ignore[override]  (the decorator hides its names)
        (slope,) = ctx.saved_tensors
        return gradients[0][:, None] * slope, None


class ExpectedCost(nn.Module):
    """What networks take where choices are chances, in the form's unit; see hwmodel.latency.query.closed.

    Args:
        form: the predictor.
        of: the mean, or the `low` or `high` end of the interval.
        level: the interval's.
        dtype: of what is computed.

    Raises:
        InputError: as `closed_of`.
    """

    def __init__(
        self, form: Form, of: Of = "mean", level: float | None = None, dtype: torch.dtype = torch.float32
    ) -> None:
        super().__init__()
        closed = closed_of(form, of, level)
        self.shape = form.table.shape
        self.dtype = dtype
        self._closed = closed
        for name in closed.ARRAYS:
            array = getattr(closed, name)
            self.register_buffer(name, None if array is None else torch.as_tensor(array).to(dtype), persistent=False)
        self.register_buffer("present", torch.as_tensor(form.space.present), persistent=False)

    def forward(self, chances: torch.Tensor) -> torch.Tensor:
        """Return values of shape (...) for chances of shape (..., L, C).

        Raises:
            InputError: for another shape.
        """
        if chances.shape[-2:] != self.shape:
            raise InputError(f"chances: shape {tuple(chances.shape)}; give (..., {self.shape[0]}, {self.shape[1]})")
        closed = replace(self._closed, **{name: getattr(self, name) for name in self._closed.ARRAYS})
        flat = chances.to(self.dtype).reshape(-1, self.shape[0] * self.shape[1])
        value: Any = _Evaluate.apply(flat, closed)
        return value.reshape(chances.shape[:-2])

    def straight_through(self, chances: torch.Tensor) -> torch.Tensor:
        """Return the values of the networks whose choices are the likeliest; the gradient goes to the chances."""
        return self(hard_choices(chances))


def hard_choices(chances: torch.Tensor) -> torch.Tensor:
    """Return 1 for each layer's likeliest choice (the first of several) and 0 else; backward, they are the chances.

    Y. Bengio et al., Estimating or propagating gradients through stochastic neurons, arXiv:1308.3432.
    """
    hard = functional.one_hot(chances.argmax(dim=-1), chances.shape[-1]).to(chances.dtype)
    return _Hard.apply(chances, hard)  # type: ignore[return-value]


class _Hard(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, chances: torch.Tensor, hard: torch.Tensor) -> torch.Tensor:  # noqa: ARG004
        return hard.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:  # noqa: ARG004
        return gradients[0], None


def gumbel_chances(
    logits: torch.Tensor, present: torch.Tensor, temperature: float = 1.0, *, hard: bool = False,
    generator: torch.Generator | None = None,
) -> torch.Tensor:  # fmt: skip
    """Return chances drawn about the softmax of logits; nearer to one choice the lower the temperature.

    E. Jang et al., Categorical reparameterization with Gumbel-softmax, arXiv:1611.01144.

    Args:
        logits: shape (..., L, C).
        present: which choices there are, bool, shape (L, C): `ExpectedCost.present`. Others get no chance.
        temperature: positive.
        hard: one choice a layer forward, the chances backward.
        generator: of the draws.

    Raises:
        InputError: for a temperature that is not positive.
    """
    if not temperature > 0:
        raise InputError(f"temperature {temperature!r}: not positive")
    spread = torch.empty_like(logits).exponential_(generator=generator)
    tiny = torch.finfo(logits.dtype).tiny
    drawn = (logits - spread.clamp(min=tiny).log()).masked_fill(~present, -torch.inf)
    chances = functional.softmax(drawn / temperature, dim=-1)
    return hard_choices(chances) if hard else chances
