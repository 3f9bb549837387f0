"""The interpolation against a plain loop, its gradient against numbers."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from tests.naive import vip as naive
from workloads.vip.interpolation import lengths, midpoint_upsample2d

SIDES = st.integers(1, 9)


@settings(max_examples=40)
@given(SIDES, SIDES, st.booleans(), st.integers(0, 99))
def test_means_stand_between_kept_pixels(height, width, last, seed):
    small = torch.randn(2, 3, lengths(height), lengths(width), generator=torch.Generator().manual_seed(seed))
    given_ = small.to(memory_format=torch.channels_last) if last else small
    full = midpoint_upsample2d(given_, height, width)
    np.testing.assert_allclose(full, naive.interpolated(small.numpy(), height, width), atol=1e-6)
    assert torch.equal(full[..., ::2, ::2], small)


def test_odd_sizes_are_torchs_bilinear_with_aligned_corners():
    small = torch.randn(1, 2, 4, 4)
    expected = functional.interpolate(small, size=(7, 7), mode="bilinear", align_corners=True)
    torch.testing.assert_close(midpoint_upsample2d(small, 7, 7), expected, atol=1e-6, rtol=0)


def test_even_sizes_repeat_the_last_row_and_column():
    full = midpoint_upsample2d(torch.randn(1, 1, 3, 3), 6, 6)
    assert torch.equal(full[..., 5, :], full[..., 4, :])
    assert torch.equal(full[..., 5], full[..., 4])


@pytest.mark.parametrize(("height", "width"), [(7, 8), (6, 5), (1, 2), (1, 1)])
def test_gradients_of_every_order(height, width):
    small = torch.randn(1, 2, lengths(height), lengths(width), dtype=torch.float64, requires_grad=True)
    of = lambda x: midpoint_upsample2d(x, height, width)  # noqa: E731
    assert torch.autograd.gradcheck(of, small)
    assert torch.autograd.gradgradcheck(of, small)


def test_torch_finds_the_operator_well_behaved():
    small = torch.randn(2, 3, 4, 4, requires_grad=True)
    checks = ("test_schema", "test_autograd_registration", "test_faketensor")
    torch.library.opcheck(midpoint_upsample2d, (small, 7, 8, True), test_utils=checks)
    last = small.detach().contiguous(memory_format=torch.channels_last).requires_grad_()
    torch.library.opcheck(midpoint_upsample2d, (last, 7, 8), test_utils=checks)


def test_sizes_that_do_not_go_together():
    with pytest.raises(ValueError, match=r"a map of 3 x 3: 7 x 7 pixels come from 4 x 4"):
        midpoint_upsample2d(torch.zeros(1, 1, 3, 3), 7, 7)
