"""How much slower the machine was at each time than at its quickest, told by anchors: networks visited over and over.

The logarithms of the anchors' times are a smooth course of time plus a constant for each anchor plus noise. The course
is a Gaussian process that forgets exponentially (its mean is about a piecewise-linear line between visits); how far it
swings and how long it remembers are those that make the anchors' times most likely, their constants integrated out.
Where the anchors only scatter, the most likely course is flat, and nothing is corrected.
"""

from dataclasses import dataclass

import numpy as np

LEAST_VISITS = 8  # of anchors, below which no course can be told from noise
RATIOS = np.concatenate([[0.0], np.geomspace(1e-2, 1e3, 26)])  # of the course's variance to the noise's
MEMORIES = 14  # that are tried, from the time between visits to the whole session
OUTLIER = 3.0  # standard deviations beyond which a visit is moved to there: something else ran then
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
        return np.exp(self._course(np.asarray(at_s, np.float64)) - self._level)

    def _course(self, at_s: np.ndarray) -> np.ndarray:
        if self.memory_s == 0:
            return np.zeros(len(at_s))
        return _kernel(at_s, self._at_s, self.memory_s) @ self._weights


def _kernel(left: np.ndarray, right: np.ndarray, memory_s: float) -> np.ndarray:
    return np.exp(-np.abs(left[:, None] - right[None]) / memory_s)


def flat(reason: str) -> Course:
    """Return a course that corrects nothing."""
    return Course(0.0, 0.0, 0.0, reason, np.zeros(0), np.zeros(0), 0.0)


def course(at_s: np.ndarray, time_s: np.ndarray, anchor: np.ndarray) -> Course:
    """Return the course that explains the anchors' times best.

    Args:
        at_s: (visits,) when each was.
        time_s: (visits,) how long its anchor took then.
        anchor: (visits,) which anchor it was, as whole numbers.
    """
    at_s, logs = np.asarray(at_s, np.float64), np.log(np.asarray(time_s, np.float64))
    if len(at_s) < LEAST_VISITS:
        return flat(f"{len(at_s)} visits to anchors; {LEAST_VISITS} are needed")
    if (spread := float(at_s.max() - at_s.min())) <= 0:
        return flat("all visits were at one time")
    design = (np.asarray(anchor)[:, None] == np.unique(anchor)[None]).astype(np.float64)
    first = _fitted(at_s, logs, design, spread)
    smooth, off = first
    calm = np.clip(off, -OUTLIER * _scale(off), OUTLIER * _scale(off))
    return _course(at_s, smooth + calm, design, spread)


def _scale(off: np.ndarray) -> float:
    return max(1.4826 * float(np.median(np.abs(off))), 1e-9)


def _fitted(at_s: np.ndarray, logs: np.ndarray, design: np.ndarray, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Return what a course and the anchors' constants make of the logarithms of times, and what is left of them."""
    found = _course(at_s, logs, design, spread)
    rest = logs - found._course(at_s)
    constants = np.array([np.median(rest[column > 0]) for column in design.T])
    smooth = found._course(at_s) + design @ constants
    return smooth, logs - smooth


def _course(at_s: np.ndarray, logs: np.ndarray, design: np.ndarray, spread: float) -> Course:
    free = np.linalg.qr(design, mode="complete")[0][:, design.shape[1] :]  # what no constants of anchors can explain
    y, count = free.T @ logs, free.shape[1]
    shortest = max(2 * spread / len(at_s), 1e-6)
    best: tuple[float, float, float, float] = (-np.inf, 0.0, 0.0, 0.0)
    for memory_s in np.geomspace(shortest, max(spread, 2 * shortest), MEMORIES):
        values, vectors = np.linalg.eigh(free.T @ _kernel(at_s, at_s, memory_s) @ free)
        along = vectors.T @ y
        for ratio in RATIOS:
            parts = 1 + ratio * np.maximum(values, 0)
            noise2 = float(np.mean(along**2 / parts)) + 1e-18
            evidence = -0.5 * (count * np.log(noise2) + float(np.log(parts).sum()))
            best = max(best, (evidence, float(memory_s), float(ratio), noise2))
    _, memory_s, ratio, noise2 = best
    if ratio == 0:
        return Course(0.0, 0.0, noise2**0.5, "the anchors only scatter", np.zeros(0), np.zeros(0), 0.0)
    kernel = ratio * _kernel(at_s, at_s, memory_s) + np.eye(len(at_s))
    weights = ratio * (free @ np.linalg.solve(free.T @ kernel @ free, y))
    level = float(np.quantile(_kernel(at_s, at_s, memory_s) @ weights, QUICK))
    return Course(memory_s, (ratio * noise2) ** 0.5, noise2**0.5, "", at_s, weights, level)
