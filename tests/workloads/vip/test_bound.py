"""The error's bound: never below the error, and reached."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from circuits.errors import InputError
from tests.naive import vip as naive
from workloads.vip import error_bounds, errors, virtual_pool
from workloads.vip.bound import PLACES, rounding


@st.composite
def cases(draw):
    pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
    groups = draw(st.sampled_from([1, 2, 3]))
    torch.manual_seed(draw(st.integers(0, 999)))
    mode = draw(st.sampled_from(["zeros", "reflect"]))
    made = nn.Conv2d(2 * groups, 3 * groups, draw(pairs), draw(pairs), draw(pairs), draw(pairs), groups, True, mode)
    x = torch.randn(2, 2 * groups, draw(st.integers(7, 12)), draw(st.integers(7, 12)))
    if draw(st.booleans()):
        x = torch.cumsum(x, 3)  # neighbours alike, as in images
    return made, x


@settings(max_examples=40)
@given(cases(), st.sampled_from(PLACES))
def test_never_violated_and_zero_where_kept(case, after):
    convolution, x = case
    for of in (x, x.double()):
        bounds, found = error_bounds(convolution, of, after), errors(convolution, of, after)
        assert bounds.shape == found.shape
        assert (found <= bounds + rounding(convolution, of)).all()
        assert not bounds[..., ::2, ::2].any()
        assert not found[..., ::2, ::2].any()


def test_errors_are_those_of_the_pooled_module():
    convolution, x = nn.Conv2d(4, 6, 3, 2, 1, groups=2), torch.randn(2, 4, 13, 10)
    module = nn.Sequential(convolution, nn.ReLU())
    expected = (module(x) - virtual_pool(module, ["0"])(x)).abs()
    torch.testing.assert_close(errors(convolution, x), expected.detach(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("after", PLACES)
def test_reached_by_a_filter_along_the_difference(after):
    """A filter that points along the difference of patches turns Cauchy-Schwarz into an equality."""
    x = torch.tensor([[[[0.0, 3.0, 1.0]]]], dtype=torch.float64).repeat(1, 1, 1, 1)
    convolution = nn.Conv2d(1, 1, 1).double()
    nn.init.constant_(convolution.weight, 2.0)
    nn.init.constant_(convolution.bias, 10.0)  # so that ReLU is a line here
    bounds, found = error_bounds(convolution, x, after), errors(convolution, x, after)
    assert found[0, 0, 0, 1] == pytest.approx(2 * abs(3 - 0.5))
    expected = 2 * abs(3 - 0.5) if after == "convolution" else 2 * (3 + 2) / 2
    assert bounds[0, 0, 0, 1] == pytest.approx(expected)


@settings(max_examples=20)
@given(st.integers(0, 99))
def test_reached_at_a_chosen_position(seed):
    """Of any input, w = p(u) - mean p(nb) makes the bound before the activation exact at u."""
    torch.manual_seed(seed)
    x, u = torch.randn(1, 2, 9, 8, dtype=torch.float64), (3, 5)
    patches = torch.nn.functional.unfold(x, 3, padding=1).view(18, 9, 8)
    convolution = nn.Conv2d(2, 1, 3, padding=1).double()
    near = patches[:, [2, 2, 4, 4], [4, 6, 4, 6]].mean(1)
    with torch.no_grad():
        convolution.weight.copy_((patches[:, u[0], u[1]] - near).view(1, 2, 3, 3))
    bound = error_bounds(convolution, x, "convolution")[0, 0, *u]
    assert errors(convolution, x, "convolution")[0, 0, *u] == pytest.approx(float(bound), rel=1e-9)


def test_relu_makes_the_pre_activation_bound_wrong():
    """Why the two differ: means of rectified values are not rectified means."""
    x = torch.tensor([[[[-1.0, 0.0, 1.0]]]], dtype=torch.float64)
    convolution = nn.Conv2d(1, 1, 1, bias=False).double()
    nn.init.ones_(convolution.weight)
    assert errors(convolution, x)[0, 0, 0, 1] == 0.5 > error_bounds(convolution, x, "convolution")[0, 0, 0, 1] == 0
    assert error_bounds(convolution, x)[0, 0, 0, 1] == 1


def test_against_patches_one_by_one():
    torch.manual_seed(0)
    x, convolution = torch.randn(1, 2, 6, 5), nn.Conv2d(2, 3, 3, padding=1)
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)))[0]
    patches = np.array([[padded[:, i : i + 3, j : j + 3].ravel() for j in range(5)] for i in range(6)])
    means = naive.interpolated(patches[::2, ::2].transpose(2, 0, 1)[None], 6, 5)[0].transpose(1, 2, 0)
    norms = np.linalg.norm(convolution.weight.detach().numpy().reshape(3, -1), axis=1)
    expected = norms[:, None, None] * np.linalg.norm(patches - means, axis=2)
    np.testing.assert_allclose(error_bounds(convolution, x, "convolution")[0], expected, atol=1e-5)


def test_bad_input():
    with pytest.raises(InputError, match="after 'softmax': unknown; give one of convolution, relu"):
        error_bounds(nn.Conv2d(1, 1, 1), torch.zeros(1, 1, 2, 2), "softmax")
    with pytest.raises(InputError, match=r"input of shape \(1, 3, 2, 2\): the convolution takes \(n, 1, h, w\)"):
        errors(nn.Conv2d(1, 1, 1), torch.zeros(1, 3, 2, 2))
