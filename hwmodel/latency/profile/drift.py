"""How much slower the machine was at each time than at its quickest, told by anchors: networks visited over and over.

The logarithms of the anchors' times are a smooth course of time plus a constant for each anchor plus noise. The course
is a Gaussian process that forgets exponentially (its mean is about a piecewise-linear line between visits); how far it
swings and how long it remembers are those that make the anchors' times most likely, their constants integrated out.
A course must be more likely than none by more than its two figures would make it by chance (Schwarz's criterion);
where the anchors only scatter, nothing is corrected.

Such a process is a chain: the inverse of its covariance is tridiagonal (Rybicki and Press, Phys. Rev. Lett. 74, 1995),
so that all of this takes time in proportion to the visits.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.linalg import cho_solve_banded, cholesky_banded

LEAST_VISITS = 8  # of anchors, below which no course can be told from noise
RATIOS = np.geomspace(1e-2, 1e3, 26)  # of the course's variance to the noise's
MEMORIES = 16  # that are tried, from the time between visits to the whole session
NEAR, OUTLIER = 7, 3.0  # a visit further from the median of so many about it, in standard deviations, is moved to
# there: something else ran then
QUICK = 0.1  # quantile of the course that counts as the machine at its quickest


@dataclass(frozen=True)
class Course:
    """The machine's slowness over time.

    Attributes:
        memory_s: after how long the course has forgotten most of where it was; 0 where it is flat.
        swing: standard deviation of the course, in parts.
        noise: standard deviation of an anchor's visit about it, in parts.
        reason: why it is flat, if it is.
    """

    memory_s: float
    swing: float
    noise: float
    reason: str
    _at_s: np.ndarray
    _weights: np.ndarray
    _level: float

    def slowness(self, at_s: np.ndarray) -> np.ndarray:
        """Return the factor by which a run took longer at these times than when the machine was at its quickest."""
        at_s = np.asarray(at_s, np.float64)
        if self.memory_s == 0:
            return np.ones(len(at_s))
        return np.exp(_smooth(at_s, self._at_s, self.memory_s, self._weights) - self._level)


def flat(reason: str, noise: float = 0.0) -> Course:
    """Return a course that corrects nothing."""
    return Course(0.0, 0.0, noise, reason, np.zeros(0), np.zeros(0), 0.0)


def course(at_s: np.ndarray, time_s: np.ndarray, anchor: np.ndarray) -> Course:
    """Return the course that explains the anchors' times best.

    Args:
        at_s: (visits,) when each was.
        time_s: (visits,) how long its anchor took then.
        anchor: (visits,) which anchor it was, as whole numbers.
    """
    order = np.argsort(at_s, kind="stable")
    at_s, logs = np.asarray(at_s, np.float64)[order], np.log(np.asarray(time_s, np.float64))[order]
    if len(at_s) < LEAST_VISITS:
        return flat(f"{len(at_s)} visits to anchors; {LEAST_VISITS} are needed")
    if at_s[-1] <= at_s[0]:
        return flat("all visits were at one time")
    is_of = (np.asarray(anchor)[order][:, None] == np.unique(anchor)[None]).astype(np.float64)
    logs = _calm(logs, is_of)
    count = len(logs) - is_of.shape[1]
    residual = logs - is_of @ (is_of.T @ logs / is_of.sum(0))
    none = float(np.mean(residual**2)) * len(logs) / count + 1e-16
    least = -0.5 * (count * np.log(none) + float(np.log(is_of.sum(0)).sum()))
    shortest = max(2 * float(np.median(np.diff(at_s))), 1e-6)
    longest = max(at_s[-1] - at_s[0], 2 * shortest)
    found = max((_tried(at_s, logs, is_of, float(memory_s), float(ratio))
                 for memory_s in np.geomspace(shortest, longest, MEMORIES) for ratio in RATIOS),
                key=lambda one: one[0])  # fmt: skip
    evidence, memory_s, ratio, noise2, weights = found
    if evidence - least < np.log(count):
        return flat("the anchors only scatter", none**0.5)
    level = float(np.quantile(_smooth(at_s, at_s, memory_s, weights), QUICK))
    return Course(memory_s, (ratio * noise2) ** 0.5, noise2**0.5, "", at_s, weights, level)


def _smooth(at_s: np.ndarray, known_s: np.ndarray, memory_s: float, weights: np.ndarray) -> np.ndarray:
    return (np.exp(-np.abs(at_s[:, None] - known_s[None]) / memory_s) * weights).sum(1)


def _calm(logs: np.ndarray, is_of: np.ndarray) -> np.ndarray:
    """Return the logarithms of times with those that are far from their neighbours' moved nearer."""
    constants = is_of @ np.array([np.median(logs[column > 0]) for column in is_of.T])
    near = ndimage.median_filter(logs - constants, NEAR, mode="nearest")
    off = logs - constants - near
    most = OUTLIER * max(1.4826 * float(np.median(np.abs(off))), 1e-9)
    return constants + near + np.clip(off, -most, most)


def _tried(
    at_s: np.ndarray, logs: np.ndarray, is_of: np.ndarray, memory_s: float, ratio: float
) -> tuple[float, float, float, float, np.ndarray]:
    """Return (log evidence, memory, ratio, variance of noise, weights of the visits in the course's mean).

    With the covariance V = ratio K + 1 in parts of the noise's and the tridiagonal Q = 1 / K, it is
    1 / V = 1 - 1 / (1 + Q / ratio).
    """
    stay = np.exp(-np.maximum(np.diff(at_s) / memory_s, 1e-9))  # how much of the course is left at the next visit
    new = 1 - stay**2
    banded = np.ones((2, len(at_s)))  # 1 + Q / ratio: what is above the diagonal, then the diagonal
    banded[1, :-1] += stay**2 / new / ratio
    banded[1, 1:] += 1 / new / ratio
    banded[1, 0] += 1 / ratio
    banded[0, 1:] = -stay / new / ratio
    factor = cholesky_banded(banded)
    together = np.column_stack([logs, is_of])
    solved = together - cho_solve_banded((factor, False), together)
    inner = np.einsum("ni,nj->ij", is_of, solved)
    constants = np.linalg.solve(inner[:, 1:], inner[:, 0])
    alone = solved[:, 0] - np.einsum("nj,j->n", solved[:, 1:], constants)
    count = len(logs) - is_of.shape[1]
    noise2 = max(float((logs * alone).sum()) / count, 1e-16)  # a clock's own steps are coarser
    size = 2 * float(np.log(factor[1]).sum()) + len(logs) * np.log(ratio) + float(np.log(new).sum())
    evidence = -0.5 * (count * np.log(noise2) + size + float(np.linalg.slogdet(inner[:, 1:])[1]))
    return evidence, memory_s, ratio, noise2, ratio * alone
