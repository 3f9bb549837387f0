"""The vectorised search against loops in plain Python, on a small space."""

import pytest

from circuits.array import bank as banks
from circuits.array.figures import load_figures
from circuits.cache import design as designs
from circuits.cells.design import build_cell
from circuits.devices.node import load_node
from tests.naive import circuits as naive

ROWS, MUX, ACTIVE, FANOUTS = (64, 256), (1, 4), (4, 16), (4, 8)


@pytest.mark.parametrize("cell", ["sram", "stt", "sot"])
@pytest.mark.parametrize("mode", ["normal", "fast", "sequential"])
@pytest.mark.parametrize("capacity", [1 << 18, 3 << 17])
def test_the_optimum_is_the_naive_one(monkeypatch, cell, mode, capacity):
    whole = banks.space
    monkeypatch.setattr(designs, "space", lambda shape: whole(shape, ROWS, MUX, ACTIVE, FANOUTS))
    found = designs.design_cache(cell, "16nm", capacity, 8, 64, "edap", mode=mode)

    node, (figures, _) = load_node("16nm"), load_figures()
    bits, tags = build_cell(cell, node), build_cell("sram", node)
    request = designs.check(capacity, 8, 64, "edap", mode)
    width = designs.tag_bits(request, figures)
    assert width == 40 - 6 - (capacity // 512).bit_length() + 1 + 3
    sets = capacity // 512
    words, word_bits, group = {
        "normal": (sets * 8, 512, 8),
        "fast": (sets, 8 * 512, 1),
        "sequential": (sets * 8, 512, 1),
    }[mode]
    tag_ways = [naive.bank(node, tags, figures, 8 * width, c)
                for c in naive.organisations(sets, 8 * width, 1, ROWS, MUX, ACTIVE, FANOUTS)]  # fmt: skip
    data_ways = [naive.bank(node, bits, figures, word_bits, c)
                 for c in naive.organisations(words, word_bits, group, ROWS, MUX, ACTIVE, FANOUTS)]  # fmt: skip
    compare = designs.comparators(node, figures, request, width)
    best = min(
        (naive.totals(mode, t.numbers, d.numbers, compare.delay_s, compare.energy_J, compare.leakage_W, compare.area_m2)
         for t in tag_ways for d in data_ways if d.numbers["fits"]),
        key=naive.edap,
    )  # fmt: skip
    assert found.searched == len(tag_ways) * len(data_ways)
    for name, number in best.items():
        assert getattr(found, name) == pytest.approx(number, rel=1e-9), name
