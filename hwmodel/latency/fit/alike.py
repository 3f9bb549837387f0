"""Which choices of which layers cost alike on devices, learned from the sources: the space of the departures that a new
device may make beyond what the sources themselves have shown.

A source's numbers, one for each choice of each layer, are a matrix, taken to be normal with a covariance between layers
times a covariance between choices (the matrix normal distribution; Dutilleul, J. Stat. Comput. Simul. 64, 1999: its two
factors by turns). So a sample that makes one large kernel dear makes it dear in the other layers of its kind, although
no source alone has it so.
"""

import numpy as np

SHRINK = 0.05  # of either covariance that is its mean variance alone, since sources are few
TURNS = 20


def mixing(choices: np.ndarray) -> np.ndarray:
    """Of sources' numbers (S, L, C): a factor (L C, L C) of the covariance of a new device's, of mean variance 1."""
    # What all choices of a layer have in common is a constant of the network.
    scaled = choices - choices.mean(axis=2, keepdims=True)
    largest = np.abs(scaled).max()
    if not largest > 0:
        return np.eye(choices.shape[1] * choices.shape[2])
    scaled = scaled / largest
    between_layers, between_choices = np.eye(choices.shape[1]), np.eye(choices.shape[2])
    for _ in range(TURNS):
        between_layers = shrunk(np.einsum("slc,skc->lk", scaled @ np.linalg.inv(between_choices), scaled))
        weighed = np.linalg.inv(between_layers) @ scaled
        between_choices = shrunk(np.einsum("slc,slk->ck", scaled, weighed))
    return np.kron(np.linalg.cholesky(between_layers), np.linalg.cholesky(between_choices))


def shrunk(covariance: np.ndarray) -> np.ndarray:
    """Of mean variance 1, a little towards none between two."""
    scaled = covariance / np.trace(covariance) * len(covariance)
    return (1 - SHRINK) * scaled + SHRINK * np.eye(len(covariance))
