"""ViT-B/16: a transformer over patches of an image."""

from dataclasses import replace

import torch
from torch import nn

from traces.errors import InputError
from workloads.networks.network import Network, check_length
from workloads.networks.transformer import Layer, Sizes

WORKS = {
    "dosovitskiy2021": "A. Dosovitskiy, L. Beyer, A. Kolesnikov, D. Weissenborn, X. Zhai, T. Unterthiner, M. Dehghani, "
    "M. Minderer, G. Heigold, S. Gelly, J. Uszkoreit, N. Houlsby. An Image is Worth 16x16 Words: Transformers for "
    "Image Recognition at Scale. International Conference on Learning Representations (ICLR), 2021. arXiv:2010.11929.",
}

BASE = Sizes(layers=12, width=768, heads=12, hidden=3072, epsilon=1e-6)  # table 1
PATCH = 16  # pixels a side


class Patches(nn.Module):
    """Project each patch, put the class token first, add what tells places apart (equation 1).

    Takes batch x 3 x image x image, gives batch x 1 + (image / patch)^2 x width.
    """

    def __init__(self, image: int, width: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(3, width, kernel_size=PATCH, stride=PATCH)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.empty(1, 1 + (image // PATCH) ** 2, width).normal_(std=0.02))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        patches = self.project(x).flatten(2).transpose(1, 2)
        return torch.cat([self.token.expand(len(x), -1, -1), patches], dim=1) + self.positions


class ClassToken(nn.Module):
    """Keep the first token: batch x tokens x width to batch x width."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, 0]


def vit_b_16(num_classes: int = 1000, image: int = 224, dropout: float = 0.0) -> Network:
    """Return ViT-B/16 for square images: 12 layers over 197 tokens at 224 pixels, 86,567,656 parameters.

    Args:
        num_classes: scores.
        image: pixels a side, a multiple of 16.
        dropout: in every layer; the paper has 0.1 for ImageNet alone, torch's users 0.

    Raises:
        InputError: for an image no patch fits.
    """
    if check_length(image, PATCH, 1 << 14, "image") % PATCH:
        raise InputError(f"image {image}: no whole patches; give a multiple of {PATCH} pixels")
    sizes = replace(BASE, dropout=dropout)
    layers: dict[str, nn.Module] = {
        "patches": Patches(image, sizes.width),
        "drop": nn.Dropout(dropout),
        "layers": nn.Sequential(*(Layer(sizes) for _ in range(sizes.layers))),
        "norm": nn.LayerNorm(sizes.width, sizes.epsilon),
        "token": ClassToken(),
        "head": nn.Linear(sizes.width, num_classes),
    }
    return Network(layers, dict(WORKS), (3, image, image))
