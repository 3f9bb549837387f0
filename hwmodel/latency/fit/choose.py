"""Which architecture to measure next."""

from collections.abc import Sequence

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.fit.kernel import covariance
from hwmodel.latency.fit.posterior import Posterior
from hwmodel.latency.fit.transfer import Transfer

POOL = 600  # candidates looked at, and networks whose uncertainty counts


def best_next(posterior: Posterior, pool: np.ndarray, seed: int = 0) -> int:
    """The row of `pool` whose measurement lowers most what is not yet known of all others.

    The expected fall of the mean variance of log times, under the member of the mixture that explains the samples best
    (A-optimal, or active learning after Cohn). Measured rows are not asked for again.

    Raises:
        ValueError: where every row of the pool is measured.
    """
    left = np.setdiff1d(pool, posterior.rows)
    if not len(left):
        raise ValueError("every architecture is measured")
    rng = np.random.default_rng(seed)
    rows = rng.permutation(left)[:POOL]
    best = max(posterior.members, key=lambda member: member.share)
    between = covariance([term.between(rows, rows) for term in best.terms], best.weights)
    known = covariance([term.between(rows, posterior.rows) for term in best.terms], best.weights)
    solved = np.linalg.solve(best.lower, known.T)
    unknown = between - solved.T @ solved
    noise = best.noise * best.trouble[rows]
    fall = (unknown**2).mean(axis=0) / (np.maximum(np.diag(unknown), 0) + noise)
    return int(rows[np.argmax(fall)])


def next_rows(transfer: Transfer, times: np.ndarray, first: np.ndarray, pool: np.ndarray, samples: int) -> np.ndarray:
    """`samples` rows (n,): the `first`, then each chosen after those before it were measured."""
    rows = list(first)
    while len(rows) < samples:
        posterior = transfer.fit(np.array(rows), times[rows])
        rows.append(best_next(posterior, pool, seed=len(rows)))
    return np.array(rows)


def ask_next(transfer: Transfer, rows: Sequence[int], values: Sequence[float], count: int) -> list[int]:
    """Rows of the `count` architectures to measure next, each as if those before it had turned out as expected.

    Without samples the first is the one nearest to the middle of what sources say, so that a scale is known.

    Raises:
        InputError: where every architecture is measured.
    """
    everything = np.arange(transfer.described.shape[1])
    known, times = list(rows), list(values)
    found: list[int] = []
    if len(set(rows)) >= len(everything):
        raise InputError(f"every architecture is measured: {len(everything)}; there is none to measure next")
    while len(found) < min(count, len(everything) - len(set(rows))):
        if known:
            posterior = transfer.fit(np.array(known), np.array(times))
            best = best_next(posterior, everything, seed=len(known))
            expected = float(np.exp(posterior.logarithm(np.array([best]))[0][0]))
        else:
            shape = np.log(transfer.described).mean(axis=0) if len(transfer.described) else np.zeros(len(everything))
            best, expected = int(np.argmin(np.abs(shape - np.median(shape)))), 1.0
        found.append(best)
        known.append(best)
        times.append(expected)
    return found
