"""The search against loops in plain Python over every pair of banks, on a small space."""

from functools import cache

import numpy as np
import pytest

from circuits.array.space import Limits
from circuits.cache import banks as kinds
from circuits.cache.design import design_cache
from circuits.cache.request import check
from circuits.devices.node import load_node
from circuits.overrides import overridden
from tests.naive import circuits as naive

SIDES, MUXES, ROWS, COLUMNS = [1, 2], (1, 3, 8), 1024, 4096


WIDE = {"default.figures.highest_aspect": 40.0}  # of so few mats, many make a long bank


def banks(cell, mode, capacity, ways, which):
    with overridden(WIDE):
        maker = kinds.Maker.of(load_node("16nm"), cell, "default", "repeated")
    with np.errstate(all="ignore"):
        return naive.banks(maker, check(capacity, ways, 16, "edap", mode), mode, which, SIDES, MUXES, ROWS, COLUMNS)


@cache
def tags_of(mode, capacity, ways):
    """Tags are SRAM, whatever the data's cell."""
    return banks("sram", mode, capacity, ways, "tag")


@pytest.mark.parametrize("cell", ["sram", "stt", "sot", "edram"])
@pytest.mark.parametrize("mode", ["normal", "fast", "sequential"])
@pytest.mark.parametrize(("capacity", "ways"), [(1 << 17, 8), (3 << 15, 12)])
def test_the_optimum_is_the_naive_one(monkeypatch, cell, mode, capacity, ways):
    small = Limits(1, (MUXES, (1,), (1,)), full=False, rows=ROWS, columns=COLUMNS)
    monkeypatch.setattr(kinds, "limits_of", lambda bits, sets: small)
    with overridden(WIDE):
        found = design_cache(cell, "16nm", capacity, ways, 16, "edap", mode=mode)
    tags, datas = tags_of(mode, capacity, ways), banks(cell, mode, capacity, ways, "data")
    assert tags
    assert datas
    best = min((naive.totals(mode, tag, data) for tag in tags for data in datas), key=naive.edap)
    assert found.searched == len(tags) * len(datas)
    for name, number in best.items():
        assert getattr(found, name) == pytest.approx(number, rel=1e-9), name
