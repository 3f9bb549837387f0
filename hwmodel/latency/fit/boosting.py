"""Gradient boosting for many samples: trees on the logarithm of the time, which need no idea of how devices differ.

What they know of a network is what the Gaussian process knows: the logarithms of its times on the source devices,
counts and choices, or quantities. Intervals are of the residuals of samples that were left out in turn, a fifth at a
time. With LightGBM (Ke et al., NeurIPS 2017), of which only the finished trees are kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.fit import evidence
from hwmodel.latency.fit.calibrate import LEVELS
from hwmodel.latency.fit.samples import Samples
from hwmodel.latency.fit.table import Table
from hwmodel.latency.fit.transfer import Transfer
from hwmodel.latency.fit.trees import Trees, trees_of
from hwmodel.latency.query.evidence import Evidence
from hwmodel.latency.query.form import make_numbers
from hwmodel.latency.query.listed import write_listed

FEWEST = 20  # samples: fewer are too few to split, and say nothing of intervals
FOLDS = 5
ROUNDS = 400
SETTINGS = {
    "objective": "regression", "learning_rate": 0.05, "num_leaves": 15, "min_data_in_leaf": 5, "lambda_l2": 1.0,
    "feature_pre_filter": False, "verbosity": -1, "num_threads": 1, "deterministic": True, "force_row_wise": True,
}  # fmt: skip


@dataclass(frozen=True)
class Boosted:
    """Trees whose sum is the logarithm of a time, and residuals (n,) of the samples, each left out in turn."""

    trees: Trees
    residuals: np.ndarray

    @property
    def deviation(self) -> float:
        """The residuals' root mean square."""
        return float(max(np.sqrt(np.mean(self.residuals**2)), 1e-9))

    def reach(self, level: float) -> tuple[float, float]:
        """Deviations down and up that hold `level` of the residuals."""
        low, high = np.quantile(self.residuals, [0.5 - level / 2, 0.5 + level / 2]) / self.deviation
        return max(float(-low), 0.0), max(float(high), 0.0)


def columns_of(transfer: Transfer) -> np.ndarray:
    """What is known of each network of the table (N, d)."""
    own = transfer.features
    groups = [np.log(transfer.described).T, *own.additive.values(), *own.relative.values()]
    return np.hstack(groups)


def boost(columns: np.ndarray, times: np.ndarray, seed: int = 0) -> Boosted:
    """From what is known of samples' networks (n, d), and their times (n,), positive.

    Raises:
        InputError: for fewer samples than FEWEST, and where LightGBM is not installed.
    """
    if len(times) < FEWEST:
        raise InputError(
            f"gradient boosting: {len(times)} samples; it needs {FEWEST}, a Gaussian process (gp) does not"
        )
    logs = np.log(times)
    fold = np.random.default_rng(seed).permutation(len(logs)) % FOLDS
    residuals = np.empty(len(logs))
    for number in range(FOLDS):
        own = fold == number
        residuals[own] = logs[own] - grown(columns[~own], logs[~own], seed).predict(columns[own])
    return Boosted(grown(columns, logs, seed), residuals)


def grown(columns: np.ndarray, logs: np.ndarray, seed: int) -> Trees:
    return trees_of(booster(columns, logs, seed).dump_model())


def booster(columns: np.ndarray, logs: np.ndarray, seed: int) -> Any:
    """Return LightGBM's own Booster; raises InputError where it is not installed."""
    try:
        import lightgbm
    except (ImportError, OSError) as error:  # OSError: without OpenMP's library
        raise InputError("gradient boosting: LightGBM is not installed; pip install hwmodel[boosting]") from error
    settings: dict[str, Any] = SETTINGS | {"seed": seed}
    return lightgbm.train(settings, lightgbm.Dataset(columns, logs), ROUNDS)


def write(output: Path, table: Table, transfer: Transfer, samples: Samples, rows: np.ndarray, device: str,
          conditions: Mapping[str, Any], provenance: Mapping[str, Any]) -> dict[str, Any]:  # fmt: skip
    """Fit, and write a predictor that lists the table's networks.

    Raises:
        InputError: as `boost`, and where it cannot be written.
    """
    columns = columns_of(transfer)
    if not columns.shape[1]:
        raise InputError(f"{table.path}: nothing describes its architectures, so give --sources")
    found = boost(columns[rows], samples.values)
    # Residuals of left-out samples have noise and what trees do not know alike.
    spread = np.full(len(columns), found.deviation)
    floor, simple = evidence.floor_of(table, transfer, rows, samples.values)
    mean = samples.values * np.exp(-found.residuals)
    kept = Evidence(
        left_out=evidence.held(samples, mean, np.full(len(rows), found.deviation), floor), floor=simple,
        sources=evidence.sources_of(transfer, rows, samples.values), reach="left out",
    )  # fmt: skip
    numbers = make_numbers({
        "device": device, "quantity": samples.quantity, "link": "log", "conditions": dict(conditions),
        "quantiles": [[level, *found.reach(level)] for level in LEVELS],
        "provenance": dict(provenance) | {"samples": len(rows), "architectures": len(columns), "model": "boosting"},
        "evidence": kept,
    })  # fmt: skip
    write_listed(output, numbers, table.names, found.trees.predict(columns), spread)
    left_out = np.abs(np.expm1(-found.residuals))
    return {
        "kind": "listed", "model": "boosting", "networks": len(columns), "samples": len(rows),
        "left_out_median_error": float(np.median(left_out)),
    }  # fmt: skip
