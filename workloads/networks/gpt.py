"""Decoders that continue a text: GPT-2 and OPT-1.3B, whole, filling a cache, and a token at a time from it."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import linear

from traces.errors import InputError
from workloads.networks.network import check_batch, check_length
from workloads.networks.transformer import Layer, Sizes

WORKS = {
    "radford2019": "A. Radford, J. Wu, R. Child, D. Luan, D. Amodei, I. Sutskever. Language Models are Unsupervised "
    "Multitask Learners. OpenAI, 2019.",
    "zhang2022": "S. Zhang, S. Roller, N. Goyal, M. Artetxe, M. Chen, S. Chen, C. Dewan, M. Diab, X. Li, X. V. Lin, "
    "T. Mihaylov, M. Ott, S. Shleifer, K. Shuster, D. Simig, P. S. Koura, A. Sridhar, T. Wang, L. Zettlemoyer. OPT: "
    "Open Pre-trained Transformer Language Models. arXiv:2205.01068, 2022.",
}


@dataclass(frozen=True)
class Model:
    """A published decoder."""

    work: str  # key of WORKS
    sizes: Sizes
    vocabulary: int
    positions: int  # rows of the table of positions
    first: int = 0  # its row for the first token

    @property
    def longest(self) -> int:
        """Tokens a text may have."""
        return self.positions - self.first


# Radford et al., table 2 and section 2.3. Zhang et al., table 1; the sizes GPT-3's paper calls 1.3B, with a number of
# heads that divides the width. The released models' vocabularies; OPT's has its first two positions for padding.
GPT2 = Model("radford2019", Sizes(12, 768, 12, 3072, "gelu_tanh", dropout=0.1), 50257, 1024)
OPT_1_3B = Model("zhang2022", Sizes(24, 2048, 32, 8192, "relu", dropout=0.1, fused=False), 50272, 2050, first=2)


class Decoder(nn.Module):
    """Causal layers over tokens; scores come from the table of words itself.

    Attributes:
        works: key -> full citation.
        length: tokens of an example.
        past: tokens before them, whose keys and values the cache holds.
        cached: whether an example has a cache.
    """

    def __init__(self, model: Model, length: int, past: int = 0, cached: bool = False) -> None:
        super().__init__()
        check_length(length, 1, model.longest - past, "length")
        self.works = {model.work: WORKS[model.work]}
        self.model, self.length, self.past, self.cached = model, length, past, cached
        sizes = model.sizes
        self.words = nn.Embedding(model.vocabulary, sizes.width)
        self.positions = nn.Embedding(model.positions, sizes.width)
        nn.init.normal_(self.words.weight, std=0.02)  # scores are products with it: torch's default is far too wide
        nn.init.normal_(self.positions.weight, std=0.02)
        self.drop = nn.Dropout(sizes.dropout)
        self.layers = nn.ModuleList(Layer(sizes, causal=True) for _ in range(sizes.layers))
        self.norm = nn.LayerNorm(sizes.width, sizes.epsilon)
        self.register_buffer("places", torch.arange(model.positions), persistent=False)

    def forward(self, tokens: torch.Tensor, *cache: torch.Tensor) -> torch.Tensor:
        """Return scores of the next token, as rows: batch * tokens x vocabulary; with a cache, batch x vocabulary.

        Args:
            tokens: int64, batch x tokens.
            cache: keys and values of each layer in turn, each batch x heads x positions x width/heads. The tokens' own
                are written into it behind the past's, and the scores are those after the last token only.

        Raises:
            InputError: in training with a past, through whose cache no gradient flows.
        """
        if self.training and self.past:
            raise InputError("decoding from a cache: has no training; give inference")
        start = self.model.first + self.past
        x = self.words(tokens) + self.positions(self.get_buffer("places")[start : start + tokens.shape[1]])
        x = self.drop(x)
        for index, layer in enumerate(self.layers):
            x = layer(x, (cache[2 * index], cache[2 * index + 1]) if cache else None, self.past)
        x = self.norm(x[:, -1:] if cache else x)
        return linear(x.flatten(0, 1), self.words.weight)

    def example_inputs(self, batch: int) -> tuple[torch.Tensor, ...]:
        """Return tokens, int64 zeros, batch x length, and the cache if there is one, float32 zeros.

        Raises:
            InputError: for a batch that is not a whole number of at least 1.
        """
        sizes = self.model.sizes
        tokens = torch.zeros(check_batch(batch), self.length, dtype=torch.int64)
        shape = (batch, sizes.heads, self.past + self.length, sizes.width // sizes.heads)
        return tokens, *(torch.zeros(shape) for _ in range(2 * sizes.layers * self.cached))


def gpt2(length: int = 1024) -> Decoder:
    """Return GPT-2, the smallest: 12 layers, 124,439,808 parameters; it scores every token of a text, or trains.

    Args:
        length: tokens of an example, 1 to 1024.

    Raises:
        InputError: for another length.
    """
    return Decoder(GPT2, length)


def gpt2_prefill(length: int = 1024) -> Decoder:
    """Return GPT-2 as it reads a prompt of `length` tokens: the cache is filled, the next token scored."""
    return Decoder(GPT2, length, cached=True)


def gpt2_decode(past: int = 1023) -> Decoder:
    """Return GPT-2 as it takes one token more after `past` in the cache, 1 to 1023: inference only."""
    return Decoder(GPT2, 1, check_length(past, 1, GPT2.longest - 1, "past"), cached=True)


def opt_1_3b(length: int = 2048) -> Decoder:
    """Return OPT-1.3B: 24 layers, 1,315,758,080 parameters; it scores every token of a text, or trains.

    Args:
        length: tokens of an example, 1 to 2048.

    Raises:
        InputError: for another length.
    """
    return Decoder(OPT_1_3B, length)


def opt_1_3b_prefill(length: int = 2048) -> Decoder:
    """Return OPT-1.3B as it reads a prompt of `length` tokens: the cache is filled, the next token scored."""
    return Decoder(OPT_1_3B, length, cached=True)


def opt_1_3b_decode(past: int = 2047) -> Decoder:
    """Return OPT-1.3B as it takes one token more after `past` in the cache, 1 to 2047: inference only."""
    return Decoder(OPT_1_3B, 1, check_length(past, 1, OPT_1_3B.longest - 1, "past"), cached=True)
