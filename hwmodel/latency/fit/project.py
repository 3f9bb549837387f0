"""A posterior over a whole search space, as tables that are only added: what a search loop asks millions of times.

Networks of the space are drawn, the posterior's mean and covariance on them are taken, and both are projected onto
sums of a number for each layer's choice, by least squares of relative errors. What such a sum cannot say (choices that
act on each other) is measured on the way and widens the interval.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.fit.features import one_hot
from hwmodel.latency.fit.posterior import Posterior
from hwmodel.latency.query.form import Form, Quantity
from hwmodel.latency.spaces import Space

NETWORKS = 1000  # drawn, or thrice the numbers that are sought where that is more
RANK = 24  # directions of uncertainty that are kept
RIDGE = 1e-6
MOST_SOUGHT = 2000  # numbers that are sought: covariances of thrice as many networks are held


def networks(space: Space) -> int:
    """How many networks to draw of a space; raises InputError for one of too many choices."""
    sought = int(space.counts.sum())
    if sought > MOST_SOUGHT:
        raise InputError(f"space {space.name}: {sought} choices in all its layers, more than {MOST_SOUGHT}")
    return max(NETWORKS, 3 * sought)


def project(posterior: Posterior, rows: np.ndarray, codes: np.ndarray, space: Space, device: str, quantity: Quantity,
            quantiles: tuple[tuple[float, float, float], ...], conditions: Mapping[str, Any],
            provenance: Mapping[str, Any]) -> Form:  # fmt: skip
    """From what is believed of networks `codes` (M, L), which are the table's `rows` (M,)."""
    length, width = len(space.layers), space.choices
    logarithm, among, noise = posterior.joint(rows)
    mean = np.exp(logarithm)
    columns = np.hstack([np.ones((len(codes), 1)), one_hot(codes, width)])
    relative = columns / mean[:, None]
    normal = relative.T @ relative
    normal[np.diag_indices(len(normal))] += RIDGE * np.trace(normal) / len(normal)
    solve = np.linalg.solve(normal, relative.T)  # of relative numbers
    weights = solve @ np.ones(len(mean))
    spread = solve @ among @ solve.T
    values, vectors = np.linalg.eigh((spread + spread.T) / 2)
    kept = np.argsort(values)[::-1][:RANK]
    kept = kept[values[kept] > 0]
    directions = vectors[:, kept] * np.sqrt(values[kept])
    said = (relative @ directions) ** 2
    missing = np.maximum(np.diag(among) - said.sum(axis=1), 0).mean()
    error = np.mean((relative @ weights - 1) ** 2)
    table, factor = weights[1:].reshape(length, width), directions[1:].reshape(length, width, len(kept))
    present = space.present
    return Form(
        space, device, quantity, "identity", np.where(present, table, 0), offset=float(weights[0]),
        relative=float(np.sqrt(noise + missing + error)), base=directions[0],
        factor=np.where(present[:, :, None], factor, 0), quantiles=quantiles, conditions=dict(conditions),
        provenance=dict(provenance) | {"projection_error": float(np.sqrt(error))},
    )  # fmt: skip
