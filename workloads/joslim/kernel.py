"""The covariance of what is nearly a sum over units. Imports gpytorch: only `surrogate` imports this, when it fits."""

import math
from typing import Any

import torch
from gpytorch.kernels import Kernel


class AdditiveMatern(Kernel):
    """A Matern 5/2 of each dimension, each with a length of its own, summed."""

    has_lengthscale = True

    def forward(self, x1: torch.Tensor, x2: torch.Tensor, diag: bool = False, *_: Any, **__: Any) -> torch.Tensor:
        """Return covariances of shape (..., n, m), or (..., n) of each point with its own partner."""
        first, second = x1 / self.lengthscale, x2 / self.lengthscale
        distance = (first - second).abs() if diag else (first.unsqueeze(-2) - second.unsqueeze(-3)).abs()
        scaled = math.sqrt(5) * distance
        return ((1 + scaled + scaled**2 / 3) * torch.exp(-scaled)).sum(-1)
