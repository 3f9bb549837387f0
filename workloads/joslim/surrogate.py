"""Gaussian processes of a network's loss and cost by its widths."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import torch

from circuits.errors import InputError

Kind = Literal["loss", "cost"]
LENGTHSCALE = (3.0, 6.0)  # concentration and rate of a gamma distribution
OUTPUTSCALE = (2.0, 0.15)
ITERATIONS = 20  # of L-BFGS at most, from where the last fit ended
GROWTH = 1.2  # parameters are fitted anew once there are so many times the points of the last fit
TOGETHER = 64  # points asked for at once: botorch computes the covariance of each two, and only variances are needed


class Surrogate:
    """A Gaussian process of standardised values.

    Of a loss, a scaled Matern 5/2 with a length for each unit; of a cost, a scaled sum of a Matern 5/2 for each unit:
    T.-W. Chin, A. S. Morcos, D. Marculescu, arXiv:2007.11752.

    Args:
        kind: whose.
        dimensions: units.
    """

    def __init__(self, kind: Kind, dimensions: int) -> None:
        self.kind: Kind = kind
        self.dimensions = dimensions
        self.mean, self.deviation = 0.0, 1.0  # of the values
        self._model: Any = None
        self._fitted = 0
        self._parameters: dict[str, list[float]] = {}

    def condition(self, points: np.ndarray, values: np.ndarray) -> None:
        """Learn points of the unit cube, shape (n, dimensions), and their values, shape (n,); n is at least 2."""
        self.mean, self.deviation = float(values.mean()), float(values.std()) or 1.0
        target = torch.from_numpy((values - self.mean) / self.deviation)[:, None]
        with _quiet():
            self._model = _model(self.kind, torch.from_numpy(np.ascontiguousarray(points)), target)
            named = dict(self._model.named_parameters())
            with torch.no_grad():
                for name, value in self._parameters.items():
                    named[name].copy_(torch.tensor(value, dtype=torch.float64).reshape(named[name].shape))
            if len(points) >= GROWTH * self._fitted:
                _fit(self._model)
                self._fitted = len(points)
                self._parameters = {name: value.detach().flatten().tolist() for name, value in named.items()}
            self._model.eval()

    def at(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and deviation at points of shape (n, dimensions), both in standardised values."""
        means, deviations = [], []
        with torch.no_grad(), _quiet():
            for part in torch.from_numpy(np.ascontiguousarray(points)).split(TOGETHER):
                found = self._model.posterior(part)
                means.append(found.mean[:, 0].numpy())
                deviations.append(found.variance[:, 0].clamp(min=0).sqrt().numpy())
        return np.concatenate(means), np.concatenate(deviations)

    def state_dict(self) -> dict[str, Any]:
        return {"fitted": self._fitted, "parameters": self._parameters}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._fitted, self._parameters = state["fitted"], state["parameters"]


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence botorch, gpytorch and torch about their own parts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def require() -> None:
    """Import botorch.

    Raises:
        InputError: where it is not installed.
    """
    try:
        with _quiet():
            import botorch  # noqa: F401
    except ImportError:
        raise InputError("joslim: botorch is not installed; pip install 'hwmodel[methods]'") from None


def _model(kind: Kind, points: torch.Tensor, target: torch.Tensor) -> Any:
    from botorch.models import SingleTaskGP
    from gpytorch.kernels import MaternKernel, ScaleKernel
    from gpytorch.priors import GammaPrior

    from workloads.joslim.kernel import AdditiveMatern

    units, prior = points.shape[1], GammaPrior(*LENGTHSCALE)
    if kind == "loss":
        inner = MaternKernel(nu=2.5, ard_num_dims=units, lengthscale_prior=prior)
    else:
        inner = AdditiveMatern(ard_num_dims=units, lengthscale_prior=prior)
    kernel = ScaleKernel(inner, outputscale_prior=GammaPrior(*OUTPUTSCALE))
    return SingleTaskGP(points, target, covar_module=kernel, outcome_transform=None)


def _fit(model: Any) -> None:
    from botorch.exceptions import ModelFittingError
    from botorch.fit import fit_gpytorch_mll
    from gpytorch.mlls import ExactMarginalLogLikelihood

    before = {name: value.clone() for name, value in model.state_dict().items()}
    options = {"options": {"maxiter": ITERATIONS}}
    try:
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model), optimizer_kwargs=options, max_attempts=1)
    except (
        ModelFittingError
    ):  # the iterations were too few to converge, or values do not vary: go on with what is there
        model.load_state_dict(before)
