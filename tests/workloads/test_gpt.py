"""Decoders: a token from the cache scores as it does in the whole text, and the cache holds what was read."""

from dataclasses import replace

import pytest
import torch

from traces.errors import InputError
from workloads.networks.gpt import GPT2, OPT_1_3B, Decoder, gpt2, gpt2_decode
from workloads.networks.transformer import Attention

LENGTH = 9


def small(model):
    """The model with fewer and narrower layers."""
    sizes = replace(model.sizes, layers=3, width=24, heads=4, hidden=40)
    return replace(model, vocabulary=50, positions=20, sizes=sizes)


def twin(whole, **options):
    """The same weights as a decoder of another use."""
    made = Decoder(whole.model, **options)
    made.load_state_dict(whole.state_dict())
    return made.eval()


@pytest.fixture(params=[GPT2, OPT_1_3B])
def whole(request):
    torch.manual_seed(0)
    return Decoder(small(request.param), LENGTH).eval()


@torch.no_grad()
def test_a_prompt_and_a_token_score_as_the_whole_text_does(whole):
    tokens = torch.randint(50, (2, LENGTH))
    expected = whole(tokens).unflatten(0, (2, LENGTH))
    prefill = twin(whole, length=LENGTH - 1, cached=True)
    decode = twin(whole, length=1, past=LENGTH - 1, cached=True)
    _, *cache = decode.example_inputs(2)
    assert torch.allclose(prefill(tokens[:, :-1], *cache), expected[:, -2], atol=1e-6)
    assert all(held[:, :, :-1].any() and not held[:, :, -1].any() for held in cache)
    assert torch.allclose(decode(tokens[:, -1:], *cache), expected[:, -1], atol=1e-6)
    assert all(held[:, :, -1].any() for held in cache)


@torch.no_grad()
def test_no_token_sees_a_later_one(whole):
    tokens = torch.randint(50, (1, LENGTH))
    later = tokens.clone()
    later[0, -1] = (later[0, -1] + 1) % 50
    before, after = whole(tokens), whole(later)
    assert torch.equal(before[:-1], after[:-1])
    assert not torch.equal(before[-1], after[-1])


@torch.no_grad()
def test_attention_is_the_papers_equation():
    torch.manual_seed(0)
    layer = Attention(small(OPT_1_3B).sizes, causal=False).eval()
    x = torch.rand(2, 5, 24)
    q, k, v = (project(x).reshape(2, 5, 4, 6) for project in layer.projections.values())
    weights = torch.einsum("bqhd,bkhd->bhqk", q, k).div(6**0.5).softmax(-1)
    expected = layer.out(torch.einsum("bhqk,bkhd->bqhd", weights, v).flatten(2))
    assert torch.allclose(layer(x), expected, atol=1e-6)


def test_the_cache_of_an_example_ends_with_its_tokens():
    with torch.device("meta"):
        tokens, *cache = gpt2_decode(past=40).example_inputs(3)
    assert tokens.shape == (3, 1)
    assert [held.shape for held in cache] == [(3, 12, 41, 64)] * 24


def test_decoding_has_no_training(whole):
    decode = twin(whole, length=1, past=4, cached=True).train()
    with pytest.raises(InputError, match="inference"):
        decode(*decode.example_inputs(1))
    with pytest.raises(InputError, match="one token"):
        decode.eval()(torch.zeros(1, 2, dtype=torch.int64), *decode.example_inputs(1)[1:])


@pytest.mark.parametrize("make", [lambda: gpt2(1025), lambda: gpt2(0), lambda: gpt2(True), lambda: gpt2_decode(1024)])
def test_a_length_must_fit_the_positions(make):
    with torch.device("meta"), pytest.raises(InputError, match=r"whole number from 1 to 102[34]"):
        make()
