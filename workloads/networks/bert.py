"""BERT-base: a transformer's encoder over pieces of words."""

import torch
from torch import nn

from workloads.networks.network import check_batch, check_length
from workloads.networks.transformer import Layer, Sizes

WORKS = {
    "devlin2019": "J. Devlin, M.-W. Chang, K. Lee, K. Toutanova. BERT: Pre-training of Deep Bidirectional Transformers "
    "for Language Understanding. Conference of the North American Chapter of the Association for Computational "
    "Linguistics (NAACL-HLT), pp. 4171-4186, 2019. arXiv:1810.04805.",
}

# Section 3 and appendix A.2; the vocabulary is that of the released uncased model.
BASE = Sizes(layers=12, width=768, heads=12, hidden=3072, dropout=0.1, norm_first=False, fused=False, epsilon=1e-12)
VOCABULARY, POSITIONS, SEGMENTS = 30522, 512, 2


class Bert(nn.Module):
    """The encoder and its pooler, without the heads of pre-training.

    Attributes:
        works: key -> full citation.
        length: tokens of an example.
    """

    def __init__(self, sizes: Sizes, length: int) -> None:
        super().__init__()
        self.works, self.length = dict(WORKS), length
        self.words = nn.Embedding(VOCABULARY, sizes.width)
        self.positions = nn.Embedding(POSITIONS, sizes.width)
        self.segments = nn.Embedding(SEGMENTS, sizes.width)
        self.norm = nn.LayerNorm(sizes.width, sizes.epsilon)
        self.drop = nn.Dropout(sizes.dropout)
        self.layers = nn.Sequential(*(Layer(sizes) for _ in range(sizes.layers)))
        self.pooler = nn.Linear(sizes.width, sizes.width)
        self.register_buffer("places", torch.arange(POSITIONS), persistent=False)

    def forward(self, tokens: torch.Tensor, segments: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return each token's vector, batch x tokens x width, and the first one's pooled, batch x width.

        Args:
            tokens: int64, batch x tokens, below 30,522; no padding.
            segments: int64, batch x tokens: 0 in the first sentence, 1 in the second.
        """
        places = self.get_buffer("places")[: tokens.shape[1]]
        x = self.words(tokens) + self.segments(segments) + self.positions(places)
        x = self.layers(self.drop(self.norm(x)))
        return x, torch.tanh(self.pooler(x[:, 0]))

    def example_inputs(self, batch: int) -> tuple[torch.Tensor, ...]:
        """Return tokens and segments, int64 zeros, batch x length.

        Raises:
            InputError: for a batch that is not a whole number of at least 1.
        """
        return tuple(torch.zeros(check_batch(batch), self.length, dtype=torch.int64) for _ in range(2))


def bert_base(length: int = 128) -> Bert:
    """Return BERT-base, uncased: 12 layers, 109,482,240 parameters.

    Args:
        length: tokens of an example, 1 to 512; pre-training has 128 and 512, questions on SQuAD 384.

    Raises:
        InputError: for another length.
    """
    return Bert(BASE, check_length(length, 1, POSITIONS, "length"))
