"""Virtual pooling of modules, however they are written, against a plain loop."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from circuits.errors import InputError
from tests.naive import vip as naive
from workloads.networks.resnet import resnet18
from workloads.vip import map_sizes, pooled_layers, virtual_pool
from workloads.vip.halved import Halved

IMAGE = torch.randn(2, 3, 12, 11, generator=torch.Generator().manual_seed(0))


@st.composite
def convolutions(draw):
    pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
    groups, kernel, dilation = draw(st.sampled_from([1, 2])), draw(pairs), draw(pairs)
    torch.manual_seed(draw(st.integers(0, 99)))
    made = nn.Conv2d(2 * groups, 4, kernel, draw(pairs), draw(pairs), dilation, groups)
    return made, torch.randn(2, 2 * groups, draw(st.integers(7, 13)), draw(st.integers(7, 13)))


@settings(max_examples=25)
@given(convolutions(), st.sampled_from([nn.ReLU, nn.Tanh]))
def test_any_convolution_and_its_activation(case, activation):
    convolution, x = case
    module = nn.Sequential(convolution, activation())
    result = virtual_pool(module, ["0"], example=x, least_side=1)(x)
    expected = naive.pooled(
        x.numpy(), convolution.weight.detach().numpy(), convolution.bias.detach().numpy(), convolution.stride,
        convolution.padding, convolution.dilation, convolution.groups, lambda y: activation()(torch.tensor(y)).numpy(),
    )  # fmt: skip
    np.testing.assert_allclose(result.detach(), expected, atol=1e-5)


class Written(nn.Module):
    """The same layers in a way of writing."""

    def __init__(self, way):
        super().__init__()
        torch.manual_seed(1)
        self.way, self.convolution, self.norm = way, nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.act, self.next = nn.ReLU(inplace=way == "in place"), nn.Conv2d(8, 2, 1)
        self.norm.running_mean.normal_()
        self.norm.running_var.uniform_(0.5, 2)

    def forward(self, x):
        x = self.norm(self.convolution(x))
        assert x.shape[1] == 8  # sizes may be asked for in between
        match self.way:
            case "attribute" | "in place":
                x = self.act(x)
            case "function":
                x = functional.relu(x)
            case "torch":
                x = torch.relu_(x)
            case "method":
                x = x.clamp(min=0) if x.size(0) else x
        return self.next(x)


@pytest.mark.parametrize("way", ["attribute", "in place", "function", "torch", "method"])
def test_the_activation_comes_first_however_it_is_written(way):
    module = Written(way).eval()
    pooled = virtual_pool(module, ["convolution"], example=IMAGE)
    y = functional.relu(module.norm(module.convolution(IMAGE)))[..., ::2, ::2].detach().numpy()
    expected = module.next(torch.tensor(naive.interpolated(y, 12, 11)).float())
    torch.testing.assert_close(pooled(IMAGE), expected, atol=1e-5, rtol=0)
    assert type(pooled(IMAGE)) is torch.Tensor


def test_a_norms_statistics_are_of_the_small_map():
    module = Written("attribute").train()
    pooled = virtual_pool(module, ["convolution"], example=IMAGE)
    small = module.convolution(IMAGE)[..., ::2, ::2]
    module.norm(small)
    pooled(IMAGE)
    torch.testing.assert_close(pooled.norm.running_mean, module.norm.running_mean)


class Twice(nn.Module):
    """A map with two readers, of which one wants it before its activation."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 3, padding="same", stride=1)

    def forward(self, x):
        y = self.first(x)
        return y + functional.relu(y) * self.second(x)


def test_readers_before_and_after_the_activation():
    module = Twice()
    pooled = virtual_pool(module, example=IMAGE)
    assert pooled_layers(pooled) == ["first", "second"]
    y, z = (one(IMAGE)[..., ::2, ::2].detach().numpy() for one in (module.first, module.second))
    relu = naive.interpolated(np.maximum(y, 0), 12, 11)
    expected = naive.interpolated(y, 12, 11) + relu * naive.interpolated(z, 12, 11)
    np.testing.assert_allclose(pooled(IMAGE).detach(), expected, atol=1e-5)


def test_gradients_are_those_of_a_module_written_out():
    module = Written("function")
    pooled = virtual_pool(module, ["convolution"], example=IMAGE)
    pooled(IMAGE).square().sum().backward()
    small = nn.Conv2d(3, 8, 3, stride=2, padding=1)
    small.load_state_dict(module.convolution.state_dict())
    y = functional.relu(module.norm(small(IMAGE)))
    full = functional.interpolate(y, size=(11, 11), mode="bilinear", align_corners=True)
    module.next(torch.cat([full, full[..., -1:, :]], 2)).square().sum().backward()
    for name, parameter in small.named_parameters():
        torch.testing.assert_close(pooled.get_submodule("convolution").get_parameter(name).grad, parameter.grad)


def test_maps_are_interpolated_once_for_all_readers_and_not_for_a_question():
    made = Halved(torch.randn(1, 1, 2, 2), (4, 4), fused=False)
    assert made.shape == (1, 1, 4, 4)
    assert (made.dim(), made.size(-1), made.dtype) == (4, 4, torch.float32)
    assert made._full is None
    assert (made + 0).data_ptr() != made.full().data_ptr() == made.full().data_ptr()


def test_a_change_in_place_of_a_full_map_is_seen_by_later_readers():
    made = Halved(torch.ones(1, 1, 2, 2), (4, 4), fused=False)
    made.mul_(-3)
    assert functional.relu(made).abs().sum() == 0


class Clipped(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, gradient):
        return gradient


class Unseen(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return Clipped.apply(self.convolution(x))


def test_no_gradient_is_lost_in_silence():
    pooled = virtual_pool(Unseen(), example=IMAGE)
    assert pooled(IMAGE).shape == (2, 4, 10, 9)
    with pytest.raises(InputError, match=r"torch\.autograd\.Function.*leave that convolution out"):
        pooled(IMAGE).sum().backward()


def test_weights_carry_over_both_ways():
    module = Written("function")
    pooled = virtual_pool(module, example=IMAGE)
    pooled.load_state_dict(module.state_dict())
    assert isinstance(pooled, Written)
    again = virtual_pool(virtual_pool(module, ["next"], example=IMAGE), ["convolution"], example=IMAGE).eval()
    torch.testing.assert_close(copy.deepcopy(again)(IMAGE), pooled.eval()(IMAGE))
    assert not pooled_layers(module)


def test_the_meta_device_and_full_size():
    with torch.device("meta"):
        module = resnet18()
    pooled = virtual_pool(module)
    assert pooled(*(x.to("meta") for x in module.example_inputs(2))).shape == (2, 1000)
    assert set(pooled_layers(pooled)) == set(map_sizes(module)) == {
        name for name, one in module.named_modules() if isinstance(one, nn.Conv2d)}  # fmt: skip


def test_layers_run_where_sizes_are_not_known():
    pooled = virtual_pool(nn.Sequential(nn.Conv2d(3, 2, 3)), ["0"])
    assert pooled(torch.zeros(3, 3, 3)).shape == (2, 1, 1)


def refused(module, match, **options):
    with pytest.raises(InputError, match=match) as caught:
        virtual_pool(module, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_bad_input_is_one_line():
    plain = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, (2, 1), padding="same"))
    refused(nn.Sequential(nn.Linear(3, 2)), "Sequential: nothing to pool", example=torch.zeros(1, 3))
    refused(plain, "sizes of its maps are not known; give an example")
    refused(plain, r"layer '7': no such layer; convolutions are 0, 2", layers=["7"], example=IMAGE)
    refused(plain, r"layer '1': a ReLU, not a convolution", layers=["1"], example=IMAGE)
    refused(plain, r"layer '0': its map has 2 pixels a side", layers=["0"], example=torch.zeros(1, 3, 4, 4))
    refused(plain, r"layer '2': padded by unlike", layers=["2"], example=IMAGE)
    refused(plain, r"'0' is there twice", layers=["0", "0"], example=IMAGE)
    refused(plain, r"does not run with an example of \(1, 5, 9, 9\)", example=torch.zeros(1, 5, 9, 9))
    pooled = virtual_pool(plain, ["0"], example=IMAGE)
    refused(pooled, "virtually pooled already", layers=["0"], example=IMAGE)
    refused(nn.Sequential(nn.Conv2d(3, 2, 3)), "nothing to pool", example=torch.zeros(1, 3, 4, 4))


class Stubborn(nn.Conv2d):
    def forward(self, x):
        return functional.conv2d(x, self.weight, self.bias)


def test_a_convolution_that_ignores_its_stride():
    pooled = virtual_pool(nn.Sequential(Stubborn(3, 2, 3)), ["0"])
    with pytest.raises(InputError, match="only convolutions that use theirs"):
        pooled(IMAGE)
