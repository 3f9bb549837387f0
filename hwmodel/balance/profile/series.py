"""Counters over time: what one grew by in any window, and where the rate of one has settled."""

from dataclasses import dataclass

import numpy as np

FEWEST, BINS, FEWEST_BURSTS = 10, 100, 4
SAME = 0.1  # how far the rates of a settled window's halves may lie apart, in parts


@dataclass(frozen=True)
class Window:
    """A span of a run in which the rate is steady, as far as that can be told.

    Attributes:
        settled: whether the rates of its halves are within 10 % of each other.
        how: how it was found, in words.
    """

    start_s: float
    end_s: float
    settled: bool
    how: str


def grown(times: np.ndarray, values: np.ndarray, start_s: float, end_s: float) -> float | None:
    """Return what a counter grew by in a window, between readings in proportion to time; none if unknown."""
    known = ~np.isnan(values)
    if known.sum() < 2:
        return None
    low, high = np.interp([start_s, end_s], times[known], values[known])
    return float(high - low)


def steady(times: np.ndarray, totals: np.ndarray, what: str, latest_s: float) -> Window:
    """Return the window after the warm-up, by the marginal standard error rule (MSER; White 1997).

    The counter's rates in parts of the run are averaged from some part on; that from which the mean's standard error is
    least, of those in the first half, is where the window begins. Parts are equally long, and the window ends with the
    counter's last growth; where it grows in bursts, as when acting and learning take turns, a part goes from the
    beginning of one burst to that of the next.

    Args:
        times: float64[n], seconds, rising.
        totals: float64[n], a counter.
        what: its name, for the words.
        latest_s: the end of the run, for a counter that tells nothing.
    """
    known = ~np.isnan(totals) & ~np.isnan(times)
    times, totals = times[known], totals[known]
    growing = np.flatnonzero(np.diff(totals) > 0)
    if len(growing) < 2:
        return Window(0.0, latest_s, False, f"the whole run: {what} hardly grew")
    first, last = growing[0], growing[-1] + 1
    start_s, end_s = float(times[first]), float(times[last])
    if last - first < FEWEST:
        return Window(
            start_s, end_s, False, f"from the first to the last growth of {what}: too few readings to tell more"
        )
    edges = _parts(times, growing, start_s, end_s)
    number = len(edges) - 1
    if number < FEWEST_BURSTS:
        return Window(
            start_s, end_s, False, f"from the first to the last growth of {what}: too few bursts to tell more"
        )
    end_s = float(edges[-1])
    rates = np.diff(np.interp(edges, times, totals)) / np.diff(edges)
    errors = [np.var(rates[skip:]) / (number - skip) for skip in range(number // 2 + 1)]
    skip = int(np.argmin(errors))
    middle = (skip + number) // 2
    halves = rates[skip:middle].mean(), rates[middle:].mean()
    settled = bool(skip < number // 2 and abs(halves[1] - halves[0]) <= SAME * max(halves))
    how = f"after the first {skip} of {number} parts of the run, where the mean rate of {what} is surest (MSER)"
    if not settled:
        how += f"; it has not settled: {halves[0]:.4g} a second, then {halves[1]:.4g}"
    return Window(float(edges[skip]), end_s, settled, how)


def _parts(times: np.ndarray, growing: np.ndarray, start_s: float, end_s: float) -> np.ndarray:
    """Return the edges of the parts: float64[number + 1]."""
    number = int(np.clip((growing[-1] + 1 - growing[0]) // 3, FEWEST, BINS))
    pauses = np.diff(times[growing])
    longest = pauses.max()
    if longest <= (end_s - start_s) / number:  # no part is without growth
        return np.linspace(start_s, end_s, number + 1)
    begins = times[growing[1:][pauses > longest / 2]]
    if len(begins) > FEWEST // 2:
        return begins
    return np.linspace(start_s, end_s, max(int((end_s - start_s) / (2 * longest)), 1) + 1)
