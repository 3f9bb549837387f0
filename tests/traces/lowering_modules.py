"""Small modules of the families that kernels were described for: transformers, mobile networks, recommenders."""

from typing import Any

import torch
from torch import nn
from torch.nn import functional

Example = tuple[nn.Module, tuple[Any, ...]]


class Encoder(nn.Module):
    """Embeddings, a transformer's encoder layer, and scores of words."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(100, 32), nn.Embedding(16, 32)
        self.layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, activation="gelu")
        self.head = nn.Linear(32, 100)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        x = self.words(words) + self.places(torch.arange(words.shape[1], device=words.device))
        return self.head(self.layer(x)).flatten(0, 1)


class Decoder(nn.Module):
    """Attention written out: split, permuted, scaled, masked, softmax, dropout; then one fused."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.qkv, self.out = nn.LayerNorm(32), nn.Linear(32, 96), nn.Linear(32, 32)
        self.gate, self.up, self.down = (nn.Linear(*sizes, bias=False) for sizes in ((32, 64), (32, 64), (64, 32)))
        self.register_buffer("mask", torch.ones(8, 8, dtype=torch.bool))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        q, k, v = (y.view(batch, length, 4, 8).transpose(1, 2) for y in self.qkv(self.norm(x)).split(width, 2))
        scores = (q @ k.transpose(-2, -1) / 8**0.5).masked_fill(self.mask[:length, :length], float("-inf"))
        weights = functional.dropout(functional.softmax(scores, -1), 0.1, self.training)
        x = x + self.out((weights @ v).transpose(1, 2).contiguous().view(batch, length, width))
        fused = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(fused.transpose(1, 2).reshape(batch, length, width))
        return self.down(functional.silu(self.gate(x)) * self.up(x))


class Step(nn.Module):
    """One query against a cache of keys and values to which it appends its own."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(32, 96)
        self.register_buffer("keys", torch.zeros(2, 4, 16, 8))
        self.register_buffer("values", torch.zeros(2, 4, 16, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (y.view(2, 1, 4, 8).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))
        self.keys[:, :, 7:8], self.values[:, :, 7:8] = k, v
        return functional.scaled_dot_product_attention(q, self.keys[:, :, :8], self.values[:, :, :8])


class Mobile(nn.Module):
    """Depthwise and grouped convolutions, squeeze and excite, group norm, every kind of pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.Hardswish())
        self.deep = nn.Sequential(nn.Conv2d(16, 16, 3, 1, 1, groups=16, bias=False), nn.BatchNorm2d(16), nn.ReLU6())
        self.excite = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(16, 4, 1), nn.SiLU(), nn.Conv2d(4, 16, 1), nn.Hardsigmoid()
        )
        self.norm, self.grouped, self.act = nn.GroupNorm(4, 16), nn.Conv2d(16, 16, 3, 1, 1, groups=4), nn.PReLU(16)
        self.head = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.deep(self.stem(x))
        x = self.act(self.grouped(self.norm(x * self.excite(x))))
        x = functional.interpolate(functional.max_pool2d(x, 2), scale_factor=2, mode="bilinear")
        left, right = x.chunk(2, 1)
        x = functional.avg_pool2d(torch.cat((right, left), 1), 2)
        return self.head(functional.adaptive_max_pool2d(x, 2).flatten(1))


class Recommender(nn.Module):
    """Dense and sparse features, bags of embeddings, their products of pairs, a click."""

    def __init__(self) -> None:
        super().__init__()
        self.bags = nn.ModuleList(nn.EmbeddingBag(1000, 16, mode=mode) for mode in ("sum", "mean"))
        self.single, self.bottom = nn.Embedding(50, 16), nn.Sequential(nn.Linear(13, 16), nn.ReLU())
        self.top = nn.Linear(22, 1)

    def forward(
        self, dense: torch.Tensor, index: torch.Tensor, offsets: torch.Tensor, one: torch.Tensor
    ) -> torch.Tensor:
        x = self.bottom(dense)
        rows = torch.stack([x, *(bag(index, offsets) for bag in self.bags), self.single(one)], 1)
        pairs = torch.bmm(rows, rows.transpose(1, 2))
        i, j = torch.tril_indices(4, 4, -1)
        return torch.sigmoid(self.top(torch.cat((x, pairs[:, i, j]), 1)))


class Video(nn.Module):
    """Convolutions and poolings in three dimensions, whole, grouped, depthwise and transposed."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv3d(3, 8, 3, (1, 2, 2), 1, bias=False), nn.BatchNorm3d(8), nn.ReLU())
        self.grouped, self.deep = nn.Conv3d(8, 8, 3, 1, 1, groups=2), nn.Conv3d(8, 8, 3, 1, 1, groups=8)
        self.up, self.head = nn.ConvTranspose3d(8, 8, 2, 2), nn.Linear(128, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.max_pool3d(self.grouped(self.stem(x)), 2)
        x = functional.avg_pool3d(self.deep(torch.cat((self.up(x)[:, :4], self.up(x)[:, 4:]), 1)), 2)
        return self.head(functional.adaptive_avg_pool3d(x, (1, 4, 4)).flatten(1))


class Indexed(nn.Module):
    """Gathers, scatters and reductions of every kind."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(8, 8))

    def forward(self, x: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        y = torch.where(x > 0, x, self.weight)[index].index_select(0, index)
        y = torch.gather(y, 1, index[:, None].expand(-1, 8)).scatter(1, index[:, None], 1.0)
        y = torch.index_add(y, 0, index, y) + functional.one_hot(index, 8) + y.cumsum(0) + y.flip(0)
        y = functional.normalize(y) + y.std(0) + y.mean(1, keepdim=True)
        return y.max(1)[0].sum() + y.topk(2).values.sum() + functional.log_softmax(y, 1).amax()


def examples() -> dict[str, Example]:
    words, rows = torch.zeros(2, 8, dtype=torch.int64), torch.zeros(2, 8, 32)
    index, pair = torch.zeros(8, dtype=torch.int64), torch.zeros(2, dtype=torch.int64)
    return {
        "encoder": (Encoder(), (words,)),
        "decoder": (Decoder(), (rows,)),
        "step": (Step(), (rows[:, :1],)),
        "mobile": (Mobile(), (torch.zeros(2, 3, 32, 32),)),
        "recommender": (Recommender(), (torch.zeros(2, 13), index, pair, pair)),
        "video": (Video(), (torch.zeros(2, 3, 4, 16, 16),)),
        "indexed": (Indexed(), (torch.zeros(8, 8), index)),
    }
