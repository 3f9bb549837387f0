"""What validate.py counts beside whole networks: modules of a few calls each, whose traffic is plain."""

import torch
from torch import nn
from torch.nn import functional as fn

MIB = 1 << 18  # floats in a MiB


class Streams(nn.Module):
    """A copy of 64 MiB, a read and a write of as much, two reads and a write, a read of four times as much."""

    def forward(self, x: torch.Tensor, long: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        copied = x.clone()
        return copied + x * 2.0, long.sum()

    def example_inputs(self, batch: int) -> tuple[torch.Tensor, ...]:
        return torch.zeros(batch, 64 * MIB), torch.zeros(batch, 256 * MIB)


class Products(nn.Module):
    """Products of (batch * rows, inner) by (inner, columns)."""

    SIZES = ((64, 512, 512), (256, 1024, 1024), (1024, 1024, 4096), (2048, 2048, 2048), (16, 4096, 4096))

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(inner, columns, bias=False) for _, inner, columns in self.SIZES)

    def forward(self, *rows: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(layer(x) for layer, x in zip(self.layers, rows, strict=True))

    def example_inputs(self, batch: int) -> tuple[torch.Tensor, ...]:
        return tuple(torch.zeros(batch * rows, inner) for rows, inner, _ in self.SIZES)


class Convolutions(nn.Module):
    """Convolutions of networks for images: channels in, side, channels out, window, stride, groups."""

    SIZES = ((3, 224, 64, 7, 2, 1), (64, 56, 64, 3, 1, 1), (64, 56, 256, 1, 1, 1), (128, 28, 128, 3, 1, 1),
             (256, 28, 512, 3, 2, 1), (512, 14, 512, 3, 1, 1), (96, 56, 96, 3, 1, 96))  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(c, k, window, stride, window // 2, groups=groups, bias=False)
            for c, _, k, window, stride, groups in self.SIZES
        )

    def forward(self, *images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(layer(x) for layer, x in zip(self.layers, images, strict=True))

    def example_inputs(self, batch: int) -> tuple[torch.Tensor, ...]:
        return tuple(torch.zeros(batch, c, side, side) for c, side, *_ in self.SIZES)


class Attention(nn.Module):
    """Attention of 12 heads of 64 elements over short and long texts, and causal."""

    LENGTHS = (128, 512, 1024)

    def forward(self, *texts: torch.Tensor) -> tuple[torch.Tensor, ...]:
        causal = fn.scaled_dot_product_attention(texts[-1], texts[-1], texts[-1], is_causal=True)
        return causal, *(fn.scaled_dot_product_attention(x, x, x) for x in texts)

    def example_inputs(self, batch: int) -> tuple[torch.Tensor, ...]:
        return tuple(torch.zeros(batch, 12, length, 64) for length in self.LENGTHS)


class Norms(nn.Module):
    """Layer norm, softmax and GELU over rows of 768 elements."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(768)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return fn.gelu(torch.softmax(self.norm(rows), -1))

    def example_inputs(self, batch: int) -> tuple[torch.Tensor, ...]:
        return (torch.zeros(batch * 512, 768),)
