"""Whole modules through capture and lowering: nothing unknown or out of place, no replay below compulsory traffic."""

from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest
import torch

from hwmodel.cache import CacheConfig, replay_trace
from tests.naive.lowering import sectors
from tests.traces.lowering_modules import examples
from traces import capture
from traces.gpus import known_gpus
from traces.lowering import Options
from traces.survey import count

EXAMPLES = examples()
CASES = [
    (name, phase) for name in EXAMPLES for phase in ("inference", "training") if (name, phase) != ("step", "training")
]
OTHER = Options("n", 4, "products", "lru", "zipf", seed=3, fusion="epilogue")
OPTIMISERS = {
    "adam": lambda parameters: torch.optim.Adam(parameters, foreach=True),
    "adamw_fused": lambda parameters: torch.optim.AdamW(parameters, fused=True),
    "adamw_one_by_one": lambda parameters: torch.optim.AdamW(parameters, foreach=False),
    "sgd_fused": lambda parameters: torch.optim.SGD(parameters, 0.1, momentum=0.9, fused=True),
    "rmsprop": lambda parameters: torch.optim.RMSprop(parameters, foreach=True),
    "adagrad": lambda parameters: torch.optim.Adagrad(parameters, foreach=True),
}


@cache
def trace(name, phase, gpu="gtx1080ti", options=None):
    module, inputs = EXAMPLES[name]
    return capture(module, inputs, phase, gpu=gpu, network=name, options=options)


@pytest.mark.parametrize(("name", "phase"), CASES)
@pytest.mark.parametrize("options", [None, OTHER], ids=["plain", "other"])
def test_every_operator_of_a_module_is_lowered_in_its_place(name, phase, options):
    made = trace(name, phase, "gtx1080ti" if options is None else "a100_40gb", options)
    totals = count(made)  # checks every interval against the tables
    assert all(totals.intervals)
    assert sum(kernel.macs for kernel in made.kernels if kernel.phase == "forward") == made.header.macs
    written = set()
    for batch in made.batches():
        for base, stride, rows, width, write, tensor, _ in zip(*(column.tolist() for column in batch), strict=True):
            home, ends = made.tensors[tensor], (base, base + (rows - 1) * stride)
            assert home.address <= min(ends)
            assert max(ends) + width <= home.address + home.bytes
            if write:
                written.add(tensor)
            elif home.kind in ("activation", "gradient", "workspace") and "lift_fresh" not in home.name:
                assert tensor in written, home  # nothing is read that no kernel wrote


@pytest.mark.parametrize("gpu", known_gpus())
@pytest.mark.parametrize("name", ["encoder", "mobile", "recommender"])
def test_every_machine_takes_every_family(name, gpu):
    made = trace(name, "training", gpu)
    assert made.header.gpu == gpu
    assert all(count(made).intervals)


@pytest.mark.parametrize(("name", "phase"), CASES)
@pytest.mark.parametrize("options", [None, OTHER], ids=["plain", "other"])
def test_no_replay_goes_below_compulsory_traffic_and_an_endless_cache_attains_it(name, phase, options):
    """Compulsory are sectors read before they are written; what no row writes whole is fetched when read, too."""
    made = trace(name, phase, "gtx1080ti" if options is None else "a100_40gb", options)
    seen, valid, compulsory, fetched = set(), set(), 0, 0
    for batch in made.batches():
        for base, stride, rows, width, write, *_ in zip(*(column.tolist() for column in batch), strict=True):
            for start in (base + row * stride for row in range(rows)):
                for sector in sectors(start, start + width - 1):
                    compulsory += not write and sector not in seen
                    seen.add(sector)
                    if write:
                        if start <= sector * 32 and sector * 32 + 32 <= start + width:
                            valid.add(sector)
                    elif sector not in valid:
                        fetched += 1
                        valid.add(sector)
    endless, small = replay_trace(made, [CacheConfig(size, sector=32) for size in ("64MiB", "16KiB")]).to_dict(
        "records"
    )
    assert endless["read_misses"] == fetched >= compulsory
    assert small["read_misses"] >= fetched
    assert small["accesses"] == endless["accesses"] >= len(seen)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_every_optimiser_is_lowered(name):
    made = capture(torch.nn.Linear(40, 30), torch.zeros(4, 40), optimizer=OPTIMISERS[name])
    touched = {made.tensors[t].name for batch in made.batches() for t in batch.tensor[batch.write].tolist()}
    assert {"weight", "bias"} <= touched
    assert any(kernel.phase == "optimizer" for kernel in made.kernels)


def test_the_page_of_kernels_names_every_kernel_and_every_option():
    page = (Path(__file__).parents[2] / "docs/kernels.md").read_text(encoding="utf-8")
    made = {kernel.name for name, phase in CASES for kernel in trace(name, phase).kernels}
    assert {name for name in made | {field.name for field in fields(Options)} if f"`{name}`" not in page} == set()


def test_options_are_told_among_a_traces_notes():
    notes = " ".join(trace("encoder", "inference", "a100_40gb", OTHER).header.notes)
    for words in ("along N first, 4 abreast", "LRU L1", "Zipf's law of exponent 1.05, seed 3", "A product or weight"):
        assert words in notes
