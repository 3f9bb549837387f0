"""Devices whose layers take just what the terms say, and predictors learned on them."""

from functools import cache

import numpy as np

from hwmodel.latency.fit.calibrate import LEVELS
from hwmodel.latency.graph import Graph
from hwmodel.latency.graph.writer import Writer
from hwmodel.latency.layers.model import LayerModel, fit
from hwmodel.latency.layers.predictor import LayersPredictor
from hwmodel.latency.layers.terms import Tile, guesses, layers
from hwmodel.latency.profile.items import blocks
from hwmodel.latency.query.form import Numbers

TILE = Tile(6, 16)  # of the devices' kernels
QUANTILES = [[level, 1.0 + level, 2.0 + level] for level in LEVELS]


@cache
def prices() -> np.ndarray:
    """Seconds a unit of each term, up to three times more or less than what is assumed beforehand."""
    guess, _ = guesses()
    return guess * np.exp(np.random.default_rng(7).uniform(-1.1, 1.1, len(guess)))


def times_of(graphs: list[Graph]) -> np.ndarray:
    asked = layers(graphs, TILE)
    return np.bincount(asked.of, asked.terms @ prices(), len(graphs))


@cache
def known() -> tuple[list[Graph], np.ndarray, np.ndarray]:
    """The blocks that come along, their families, and their times with 2 % noise."""
    items = blocks(None)
    graphs = [item.graph for item in items]
    noisy = times_of(graphs) * (1 + 0.02 * np.random.default_rng(1).standard_normal(len(graphs)))
    return graphs, np.array([item.family for item in items]), noisy


@cache
def learned() -> LayerModel:
    graphs, _, times = known()
    return fit(graphs, times)


def numbers(**more) -> Numbers:
    return Numbers(**({"device": "desk", "quantity": "latency_s", "link": "log", "quantiles": QUANTILES} | more))


def predictor(**more) -> LayersPredictor:
    return LayersPredictor(numbers(**more), learned())


def small(channels: int = 8, side: int = 16, kernel: int = 3) -> Graph:
    """A convolution, a depthwise one, a pool and a linear layer."""
    w = Writer()
    x = w.conv(w.input(1, 4, side, side), channels, kernel, activation="relu")
    x = w.pool(w.depthwise(x, 3), "max", 2)
    return w.graph(w.linear(w.mean(x, keep=False), 10))
