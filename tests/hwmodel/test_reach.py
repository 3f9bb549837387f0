"""What an EDP could be: closed forms at either end, and what a published figure would take, put back in."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.gpu.accounting import account
from hwmodel.gpu.dram import load_dram
from hwmodel.studies.reach import Mix, dram_for, edp, reach, writes_for

DRAM = load_dram("gddr5x")
FIGURES = ("read_latency_s", "write_latency_s", "read_energy_J", "write_energy_J", "leakage_W")
# Recalled of DeepNVM++ (tests/reference): 3 MiB.
SRAM = dict(zip(FIGURES, (2.91e-9, 1.53e-9, 0.35e-9, 0.32e-9, 6.442), strict=True))
STT = dict(zip(FIGURES, (2.98e-9, 9.31e-9, 0.81e-9, 0.31e-9, 0.748), strict=True))
SOT = dict(zip(FIGURES, (3.71e-9, 1.38e-9, 0.49e-9, 0.22e-9, 0.527), strict=True))
caches = st.builds(lambda *v: dict(zip(FIGURES, v, strict=True)), *[st.floats(1e-10, 1e-8)] * 4, st.floats(0.01, 10))


@given(caches, st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_it_is_the_accounting_of_a_stream(cache, reads, writes, dram_reads, dram_writes):
    import pandas as pd

    total = reads + writes
    if not total:
        return
    row = {"l2_reads": reads, "l2_writes": writes, "dram_reads": dram_reads, "dram_writes": dram_writes}
    found = account(pd.DataFrame([row | cache]), DRAM, 32)["edp_Js"].iloc[0]
    mix = Mix(writes / total, dram_reads / total, dram_writes / total)
    assert edp(cache, mix, DRAM, 32) * total**2 == pytest.approx(found, rel=1e-9)


def test_the_recalled_sot_cache_is_out_of_the_headlines_reach():
    least, most = reach(SRAM, SOT, DRAM, 32)
    reads_only = (6.442 * 2.91 + 0.35) * 2.91 / ((0.527 * 3.71 + 0.49) * 3.71)
    writes_only = (6.442 * 1.53 + 0.32) * 1.53 / ((0.527 * 1.38 + 0.22) * 1.38)
    assert least == pytest.approx(min(reads_only, writes_only))
    assert most == pytest.approx(max(reads_only, writes_only))
    assert least > 4.7
    assert writes_for(SRAM, SOT, 4.7, DRAM, 32) is None


def test_what_a_figure_takes_gives_it():
    share = writes_for(SRAM, STT, 3.8, DRAM, 32)
    mix = Mix(share)
    assert edp(SRAM, mix, DRAM, 32) / edp(STT, mix, DRAM, 32) == pytest.approx(3.8, rel=0.01)
    stream = Mix(0.05, 0.3, 0.1)
    factor = dram_for(SRAM, SOT, 4.7, stream, DRAM, 32)
    more = Mix(0.05, 0.3 * factor, 0.1 * factor)
    assert edp(SRAM, more, DRAM, 32) / edp(SOT, more, DRAM, 32) == pytest.approx(4.7, rel=0.01)
    assert dram_for(SRAM, SOT, 400.0, stream, DRAM, 32) is None


@given(caches, caches, st.floats(0, 1))
def test_no_share_of_writes_leaves_the_reach(first, other, share):
    least, most = reach(first, other, DRAM, 32)
    mix = Mix(share)
    ratio = edp(first, mix, DRAM, 32) / edp(other, mix, DRAM, 32)
    assert least * (1 - 1e-3) <= ratio <= most * (1 + 1e-3)
    assert math.isfinite(ratio)
