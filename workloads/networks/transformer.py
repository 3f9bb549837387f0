"""The transformer's layer, in the variants its descendants use (A. Vaswani et al., NIPS 2017, arXiv:1706.03762)."""

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from traces.errors import InputError


@dataclass(frozen=True)
class Sizes:
    """The published hyper-parameters of a stack of layers."""

    layers: int
    width: int  # of a token's vector
    heads: int  # each of width / heads
    hidden: int  # width within the perceptron
    activation: str = "gelu"  # gelu | gelu_tanh | relu
    dropout: float = 0.0  # of attention weights and of each branch's result
    norm_first: bool = True  # normalise a branch's input; else the sum with its result
    fused: bool = True  # query, key and value from one product; else from three
    epsilon: float = 1e-5  # of the normalisation


ACTIVATIONS = {"gelu": nn.GELU, "gelu_tanh": lambda: nn.GELU(approximate="tanh"), "relu": nn.ReLU}

Cache = tuple[torch.Tensor, torch.Tensor]  # keys and values, each batch x heads x positions x width/heads


class Attention(nn.Module):
    """softmax(q k' / sqrt(width / heads)) v for each head, the heads joined and mixed; section 3.2 of the paper.

    Takes and gives batch x tokens x width.
    """

    def __init__(self, sizes: Sizes, causal: bool) -> None:
        super().__init__()
        width = sizes.width
        if sizes.fused:
            self.projections = nn.ModuleDict({"qkv": nn.Linear(width, 3 * width)})
        else:
            self.projections = nn.ModuleDict({name: nn.Linear(width, width) for name in ("query", "key", "value")})
        self.out = nn.Linear(width, width)
        self.heads, self.dropout, self.causal = sizes.heads, sizes.dropout, causal

    def forward(self, x: torch.Tensor, cache: Cache | None = None, past: int = 0) -> torch.Tensor:
        """Attend among the tokens of x; with a cache, store their keys and values in it from position `past` on.

        With `past` above 0, x is one token, and attends to the cache's positions up to its own.

        Raises:
            InputError: for several tokens after a past, whose causal mask no kernel here has.
        """
        parts = [layer(x) for layer in self.projections.values()]
        parts = parts if len(parts) == 3 else parts[0].chunk(3, dim=-1)
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        end = past + x.shape[1]
        if past and (cache is None or x.shape[1] != 1):
            raise InputError(f"{x.shape[1]} tokens after {past}: give one token, and a cache of those before")
        if cache is not None:
            for held, new in zip(cache, (k, v), strict=True):
                held[:, :, past:end] = new.detach()
            if past:
                k, v = (held[:, :, :end] for held in cache)
        dropout = self.dropout if self.training else 0.0
        y = scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=self.causal and not past)
        return self.out(y.transpose(1, 2).flatten(2))


class Layer(nn.Module):
    """Attention and a perceptron, each around a shortcut. Takes and gives batch x tokens x width."""

    def __init__(self, sizes: Sizes, causal: bool = False) -> None:
        super().__init__()
        width = sizes.width
        self.norm1 = nn.LayerNorm(width, sizes.epsilon)
        self.attention = Attention(sizes, causal)
        self.norm2 = nn.LayerNorm(width, sizes.epsilon)
        self.mlp = nn.Sequential(
            OrderedDict(
                fc1=nn.Linear(width, sizes.hidden),
                act=ACTIVATIONS[sizes.activation](),
                fc2=nn.Linear(sizes.hidden, width),
            )
        )
        self.drop = nn.Dropout(sizes.dropout)
        self.norm_first = sizes.norm_first

    def forward(self, x: torch.Tensor, cache: Cache | None = None, past: int = 0) -> torch.Tensor:
        if self.norm_first:
            x = x + self.drop(self.attention(self.norm1(x), cache, past))
            return x + self.drop(self.mlp(self.norm2(x)))
        x = self.norm1(x + self.drop(self.attention(x, cache, past)))
        return self.norm2(x + self.drop(self.mlp(x)))
