"""DLRM, a recommendation model: tables of embeddings, two perceptrons, and products between features."""

from collections import OrderedDict
from itertools import pairwise

import torch
from torch import nn

from workloads.networks.network import check_batch

WORKS = {
    "naumov2019": "M. Naumov, D. Mudigere, H.-J. M. Shi, J. Huang, N. Sundaraman, J. Park, X. Wang, U. Gupta, "
    "C.-J. Wu, A. G. Azzolini, D. Dzhulgakov, A. Mallevich, I. Cherniavskii, Y. Lu, R. Krishnamoorthi, A. Yu, "
    "V. Kondratenko, S. Pereira, X. Chen, W. Chen, V. Rao, B. Jia, L. Xiong, M. Smelyanskiy. Deep Learning "
    "Recommendation Model for Personalization and Recommendation Systems. arXiv:1906.00091, 2019.",
}

# Section 5.2 and the authors' run on the Criteo Kaggle data (github.com/facebookresearch/dlrm, bench/
# dlrm_s_criteo_kaggle.sh): distinct values of each categorical feature, and the perceptrons' widths.
CRITEO_ROWS = (
    1460, 583, 10131227, 2202608, 305, 24, 12517, 633, 3, 93145, 5683, 8351593, 3194, 27, 14992, 5461306, 10, 5652,
    2173, 4, 7046547, 18, 15, 286181, 105, 142572,
)  # fmt: skip
CRITEO_BOTTOM, CRITEO_TOP = (13, 512, 256, 64, 16), (512, 256, 1)


def _perceptron(widths: tuple[int, ...], last: type[nn.Module]) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number, (inputs, outputs) in enumerate(pairwise(widths), start=1):
        layers[f"fc{number}"] = nn.Linear(inputs, outputs)
        layers[f"act{number}"] = last() if number == len(widths) - 1 else nn.ReLU()
    return nn.Sequential(layers)


class Dlrm(nn.Module):
    """Dense features through a perceptron, sparse ones through tables, all pairs multiplied, a perceptron on top.

    Attributes:
        works: key -> full citation.
        lookups: rows summed for a sparse feature of an example.
    """

    def __init__(self, rows: tuple[int, ...], bottom: tuple[int, ...], top: tuple[int, ...], lookups: int) -> None:
        super().__init__()
        self.works, self.lookups, self.dense = dict(WORKS), lookups, bottom[0]
        width, features = bottom[-1], len(rows) + 1
        self.bottom = _perceptron(bottom, nn.ReLU)
        self.tables = nn.ModuleList(nn.EmbeddingBag(length, width, mode="sum") for length in rows)
        self.top = _perceptron((width + features * (features - 1) // 2, *top), nn.Sigmoid)
        below = [row * features + column for row in range(features) for column in range(row)]
        self.register_buffer("pairs", torch.tensor(below), persistent=False)

    def forward(self, dense: torch.Tensor, sparse: torch.Tensor) -> torch.Tensor:
        """Return the probability of a click, float32, batch.

        Args:
            dense: float32, batch x dense features.
            sparse: int64, sparse features x batch x lookups: rows of each feature's table.
        """
        x = self.bottom(dense)
        vectors = torch.stack([x, *(table(sparse[index]) for index, table in enumerate(self.tables))], dim=1)
        products = torch.bmm(vectors, vectors.transpose(1, 2)).flatten(1)
        below = products.index_select(1, self.get_buffer("pairs"))  # each pair once, none with itself
        return self.top(torch.cat([x, below], dim=1)).squeeze(1)

    def example_inputs(self, batch: int) -> tuple[torch.Tensor, ...]:
        """Return dense features, float32 zeros, and sparse ones, int64 zeros: each looks up the first row.

        Raises:
            InputError: for a batch that is not a whole number of at least 1.
        """
        sparse = torch.zeros(len(self.tables), check_batch(batch), self.lookups, dtype=torch.int64)
        return torch.zeros(batch, self.dense), sparse


def dlrm(
    rows: tuple[int, ...] = CRITEO_ROWS,
    bottom: tuple[int, ...] = CRITEO_BOTTOM,
    top: tuple[int, ...] = CRITEO_TOP,
    lookups: int = 1,
) -> Dlrm:
    """Return DLRM; as published for the Criteo Kaggle data unless sizes are given: 540,677,217 parameters.

    Its tables' gradients are dense, as torch makes them unless told: a training step writes, and its optimiser reads,
    every row. Implementations in production update the looked-up rows alone.

    Args:
        rows: of each table.
        bottom: widths of the lower perceptron: first the dense features, last the tables' width.
        top: widths of the upper one after its input, the last 1.
        lookups: rows of a table summed for an example.
    """
    return Dlrm(rows, bottom, top, lookups)
