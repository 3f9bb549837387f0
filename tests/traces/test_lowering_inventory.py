"""What torch.nn offers, kind by kind: every operator a module calls is lowered, forward and backward."""

from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional as fn

from traces import capture
from traces.survey import count

IMAGE, ROW, VOLUME = torch.zeros(2, 8, 12, 12), torch.zeros(2, 8, 20), torch.zeros(2, 4, 6, 8, 8)
WORDS, MATRIX, CLASSES = torch.zeros(2, 10, 16), torch.zeros(8, 16), torch.zeros(8, dtype=torch.int64)


class Scaled(nn.Module):
    """A function or module of inputs that depend on a parameter."""

    def __init__(self, inner):
        super().__init__()
        self.inner, self.scale = inner, nn.Parameter(torch.ones(()))

    def forward(self, *inputs):
        return self.inner(*(x * self.scale if x.is_floating_point() else x for x in inputs))


class Each(nn.Module):
    """Functions and modules of one input."""

    def __init__(self, *functions):
        super().__init__()
        self.functions = functions
        self.modules_of = nn.ModuleList(one for one in functions if isinstance(one, nn.Module))

    def forward(self, x):
        modules = iter(self.modules_of)
        return [(next(modules) if isinstance(one, nn.Module) else one)(x) for one in self.functions]


class Attend(nn.Module):
    def __init__(self, **options):
        super().__init__()
        self.attention, self.options = nn.MultiheadAttention(16, 4, batch_first=True, dropout=0.1), options

    def forward(self, x):
        return self.attention(x, x, x, **self.options)[0]


MODULES = {
    "recurrent": (nn.LSTM(16, 24, 2, batch_first=True, bidirectional=True, dropout=0.1), WORDS[:, :3]),
    "gated": (nn.GRU(16, 24), WORDS),
    "elman": (nn.RNN(16, 24), WORDS),
    "cells": (Each(nn.LSTMCell(16, 8), nn.GRUCell(16, 8), nn.RNNCell(16, 8)), MATRIX),
    "transformer": (nn.Transformer(16, 4, 1, 1, 32, batch_first=True), WORDS, WORDS),
    "attention": (Each(Attend(), Attend(need_weights=False)), WORDS),
    "masked attention": (
        lambda q, mask: fn.scaled_dot_product_attention(q, q, q, mask, 0.1),
        torch.zeros(2, 4, 10, 8),
        torch.zeros(2, 1, 10, 10, dtype=torch.bool),
    ),
    "shuffles": (Each(nn.PixelShuffle(2), nn.PixelUnshuffle(2), nn.ChannelShuffle(2), nn.Unfold(3)), IMAGE),
    "fold": (nn.Fold((12, 12), 3), torch.zeros(2, 72, 100)),
    "norms of images": (
        Each(nn.InstanceNorm2d(8, affine=True), nn.GroupNorm(2, 8), nn.LocalResponseNorm(2), nn.BatchNorm2d(8)),
        IMAGE,
    ),
    "norms of volumes": (Each(nn.InstanceNorm3d(4), nn.BatchNorm3d(4)), VOLUME),
    "norms of rows": (Each(nn.LayerNorm(16), nn.RMSNorm(16), nn.BatchNorm1d(10), fn.normalize), WORDS),
    "parametrised": (
        Each(*(make(nn.Linear(16, 8)) for make in (nn.utils.parametrizations.weight_norm,
                                                   nn.utils.parametrizations.spectral_norm))),
        MATRIX,
    ),
    "pooling of rows": (
        Each(nn.MaxPool1d(2), nn.AvgPool1d(2), nn.LPPool1d(2, 2), nn.AdaptiveMaxPool1d(3), nn.AdaptiveAvgPool1d(3)), ROW
    ),
    "pooling of images": (
        Each(nn.LPPool2d(2, 2), nn.AdaptiveMaxPool2d(3), nn.AdaptiveAvgPool2d(3),
             nn.FractionalMaxPool2d(2, output_size=5)),
        IMAGE,
    ),
    "pooling of volumes": (
        Each(nn.MaxPool3d(2), nn.AvgPool3d(2), nn.AdaptiveMaxPool3d(2), nn.AdaptiveAvgPool3d(2),
             nn.FractionalMaxPool3d(2, output_size=3)),
        VOLUME,
    ),
    "unpooling": (lambda x: fn.max_unpool2d(*fn.max_pool2d(x, 2, return_indices=True), 2), IMAGE),
    "convolutions": (Each(nn.Conv1d(8, 8, 3), nn.ConvTranspose1d(8, 8, 3, 2)), ROW),
    "transposed": (nn.ConvTranspose2d(8, 8, 3, 2), IMAGE),
    "deep": (Each(nn.Conv3d(4, 8, 3), nn.ConvTranspose3d(4, 8, 3, 2)), VOLUME),
    "dropouts": (Each(nn.Dropout2d(), nn.AlphaDropout(), nn.FeatureAlphaDropout(), nn.Dropout(0.2)), IMAGE),
    "activations": (
        Each(nn.GLU(), nn.Threshold(0.1, 0), nn.RReLU(), nn.PReLU(), nn.CELU(), nn.SELU(), nn.ELU(), nn.Hardshrink(),
             nn.Softshrink(), nn.Tanhshrink(), nn.Hardtanh(), nn.LogSigmoid(), nn.Softplus(), nn.Softsign(), nn.Mish(),
             nn.SiLU(), nn.GELU(), nn.GELU("tanh"), nn.Hardswish(), nn.Hardsigmoid(), nn.ReLU6(), nn.LeakyReLU(),
             nn.Softmax(1), nn.LogSoftmax(1), nn.Softmin(1)),
        MATRIX,
    ),
    "padding of rows": (
        Each(nn.ReflectionPad1d(1), nn.ReplicationPad1d(1), nn.ConstantPad1d(1, 0.0), nn.CircularPad1d(1)), ROW
    ),
    "padding of images": (Each(nn.ReflectionPad2d(1), nn.ReplicationPad2d(1), nn.ZeroPad2d(1)), IMAGE),
    "padding of volumes": (Each(nn.ReflectionPad3d(1), nn.ReplicationPad3d(1), nn.CircularPad3d(1)), VOLUME),
    "interpolation": (
        Each(*(lambda x, mode=mode: fn.interpolate(x, scale_factor=2, mode=mode)
               for mode in ("nearest", "nearest-exact", "bilinear", "bicubic", "area")),
             lambda x: fn.interpolate(x, scale_factor=0.5, mode="bilinear", antialias=True)),
        IMAGE,
    ),
    "sampling": (
        lambda x, theta: fn.grid_sample(x, fn.affine_grid(theta, [2, 8, 6, 6], False), align_corners=False),
        IMAGE,
        torch.zeros(2, 2, 3),
    ),
    "bags": (nn.EmbeddingBag(50, 16, mode="max"), CLASSES, CLASSES[:4]),
    "losses": (
        lambda x, y: [loss(x, y) for loss in (
            nn.L1Loss(), nn.MSELoss(), nn.SmoothL1Loss(), nn.HuberLoss(), nn.KLDivLoss(reduction="batchmean"),
            nn.BCELoss(), nn.BCEWithLogitsLoss(), nn.PoissonNLLLoss(), nn.PairwiseDistance(), nn.CosineSimilarity(),
            nn.MultiLabelSoftMarginLoss(), nn.CrossEntropyLoss(), nn.HingeEmbeddingLoss())],
        MATRIX,
        MATRIX,
    ),
    "losses by class": (
        lambda x, classes: [loss(x, classes) for loss in (
            nn.CrossEntropyLoss(label_smoothing=0.1), nn.NLLLoss(), nn.MultiMarginLoss())],
        MATRIX,
        CLASSES,
    ),
    "products": (
        Each(lambda x: torch.outer(x[0], x[1]), lambda x: x[0].dot(x[1]), lambda x: torch.mv(x, x[0]),
             lambda x: torch.einsum("ij,kj->ik", x, x)),
        MATRIX,
    ),
    "orders": (
        Each(lambda x: x.sort()[0], lambda x: x.median(1)[0], lambda x: x.cummax(1)[0], torch.diag_embed), MATRIX
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_a_kind_of_module_is_lowered(name):
    inner, *inputs = MODULES[name]
    made = capture(Scaled(inner), tuple(inputs), "training", loss=total)
    assert all(count(made).intervals)
    assert {kernel.phase for kernel in made.kernels} == {"forward", "backward", "optimizer"}
    addresses = sorted(
        (one.address, one.bytes) for one in made.tensors if one.kind in ("parameter", "input") and one.bytes
    )
    assert all(low + size <= high for (low, size), (high, _) in pairwise(addresses))


def total(output):
    return sum(one.float().sum() for one in torch.utils._pytree.tree_leaves(output) if one.is_floating_point())
