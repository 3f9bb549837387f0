"""Writes that leave bits alone: what their cells would have drawn is what is saved."""

from dataclasses import replace

import pytest

from circuits import design_cache
from circuits.cache import banks
from circuits.cells import design as cells
from circuits.errors import InputError


@pytest.mark.parametrize("more", [{}, {"ecc": "secded"}, {"mode": "fast"}])
@pytest.mark.parametrize("cell", ["stt", "sot"])
def test_the_cells_part_is_what_a_write_grows_by_when_their_energy_doubles(cell, more, monkeypatch):
    plain = design_cache(cell, "16nm", "1MiB", **more)
    build = banks.build_cell

    def dearer(name, *rest):
        made = build(name, *rest)
        return made if name != cell else replace(made, set_energy_J=2 * made.set_energy_J,
                                                 reset_energy_J=2 * made.reset_energy_J)  # fmt: skip

    monkeypatch.setattr(banks, "build_cell", dearer)
    dear = design_cache(cell, "16nm", "1MiB", organization=plain.organization, ecc=more.get("ecc"))
    assert dear.write_energy_J - plain.write_energy_J == pytest.approx(plain.parts["data_cells_J"], rel=1e-9)
    assert 0 < plain.parts["data_cells_J"] < plain.parts["data_write_J"]


def test_a_write_of_bits_that_change_in_part():
    design = design_cache("stt", "16nm", "1MiB")
    one = cells.design_cell("stt", "16nm")
    least = design.write_energy_J - 1024 * (one.set_energy_J + one.reset_energy_J) / 2
    assert design.write_energy_of(1, read_first=False) == design.write_energy_J
    assert design.write_energy_of(0, read_first=False) == pytest.approx(least, rel=1e-12)
    assert design.write_energy_of(0.5, read_first=False) == pytest.approx((design.write_energy_J + least) / 2)
    assert design.write_energy_of(0.5, read_first=True) == pytest.approx(
        design.write_energy_of(0.5, read_first=False) + design.read_energy_J
    )


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan"), True, "half", None])
def test_a_wrong_share_is_one_line(share):
    with pytest.raises(InputError, match="changed_share"):
        design_cache("stt", "16nm", "1MiB").write_energy_of(share, read_first=False)


def test_cells_without_a_current_a_bit_are_refused():
    with pytest.raises(InputError, match="cell sram"):
        design_cache("sram", "16nm", "1MiB").write_energy_of(0.5, read_first=False)
