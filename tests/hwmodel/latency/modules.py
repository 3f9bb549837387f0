"""Small torch modules whose graphs tests compare with what the modules compute."""

from collections.abc import Callable
from functools import cache

import torch
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from hwmodel.latency.graph import Graph
from hwmodel.latency.graph.from_torch import from_torch
from traces.networks import make_network


@cache
def graph_of(name: str) -> Graph:
    """A network of the package for one input, without memory; exported once, which takes a second."""
    return from_torch(*make_network(name, 1))


class Of(nn.Module):
    """A function as a module, with the weights it may want."""

    def __init__(self, function: Callable[..., Tensor | tuple[Tensor, ...]], **weights: Tensor) -> None:
        super().__init__()
        self.function = function
        for name, tensor in weights.items():
            self.register_buffer(name, tensor)

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        return self.function(*inputs, **dict(self.named_buffers()))


IMAGE = (2, 4, 9, 8)


def image(*shape: int) -> Tensor:
    return torch.randn(shape or IMAGE)


def shuffled(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    return x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)


def in_place(x: Tensor) -> Tensor:
    y = x * 2
    half = y[:, :2]
    half.add_(1)  # changes y too
    return y.relu_()


def hard_swish(x: Tensor) -> Tensor:
    return x * functional.relu6(x + 3) / 6


def attention(x: Tensor, *, causal: bool = False) -> Tensor:
    q, k, v = x.chunk(3, dim=-1)
    return functional.scaled_dot_product_attention(q, k, v, is_causal=causal)


def masked(x: Tensor, mask: Tensor) -> Tensor:
    return functional.scaled_dot_product_attention(x, x, x, attn_mask=mask)


OPERATORS: dict[str, tuple[nn.Module, tuple[Tensor, ...]]] = {
    "same": (nn.Conv2d(4, 6, 4, padding="same"), (image(),)),
    "dilated": (nn.Conv2d(4, 6, 3, padding=2, dilation=2, groups=2), (image(),)),
    "depthwise": (nn.Conv2d(4, 8, (3, 5), (2, 1), (1, 2), groups=4, bias=False), (image(),)),
    "plain norm": (nn.BatchNorm2d(4, affine=False), (image(),)),
    "norm of features": (nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4)), (image(3, 5),)),
    "ceil": (nn.MaxPool2d(3, 2, 1, ceil_mode=True), (image(),)),
    "average": (nn.AvgPool2d(3, 2, 1, ceil_mode=True), (image(),)),
    "average inside": (nn.AvgPool2d(3, 2, 1, count_include_pad=False), (image(),)),
    "adaptive": (nn.AdaptiveAvgPool2d((3, 2)), (image(),)),
    "adaptive, same": (nn.AdaptiveAvgPool2d((9, 8)), (image(),)),
    "means": (Of(lambda x: (x.mean((2, 3)), x.mean(-1, keepdim=True), x.mean(), x.sum((2, 3)))), (image(),)),
    "shuffle": (Of(shuffled), (image(),)),
    "in place": (Of(in_place), (image(),)),
    "hard swish": (Of(hard_swish), (image(),)),
    "arithmetic": (Of(lambda x, y: (x - y, 1 - x, x / 4, -y, torch.add(x, y, alpha=3))), (image(), image())),
    "gate": (Of(lambda x: x * x.mean((2, 3), keepdim=True).sigmoid().expand_as(x)), (image(),)),
    "expanded": (Of(lambda x: x.mean((2, 3), keepdim=True).expand(-1, -1, 3, 3).flatten(1)), (image(),)),
    "channels from constants": (Of(lambda x: functional.pad(x, (0, 0, 0, 0, 1, 2))), (image(),)),
    "padded": (nn.Sequential(nn.ZeroPad2d((1, 2, 3, 0)), nn.ConstantPad2d(1, -2.0)), (image(),)),
    "cropped": (nn.ZeroPad2d((-1, 2, 0, -3)), (image(),)),
    "token": (Of(lambda x, token: torch.cat([token.expand(2, -1, -1), x], 1), token=image(1, 1, 5)), (image(2, 3, 5),)),
    "cuts": (Of(lambda x: (x[:, 1], x[..., ::2], *x.split(3, 2), *x.unbind(1), x[:, -1:])), (image(),)),
    "stack": (Of(lambda x: torch.stack([x, x + 1], -1).squeeze(0)), (image(1, 4),)),
    "upsample": (nn.Upsample(scale_factor=2), (image(),)),
    "bilinear": (nn.Upsample(size=(5, 11), mode="bilinear", align_corners=True), (image(),)),
    "bilinear, centres": (nn.Upsample(size=(18, 16), mode="bilinear"), (image(),)),
    "products": (Of(lambda x, y, w: (x @ y, x @ w, torch.einsum("bij,bjk->bki", x, y)), w=image(5, 6)),
                 (image(2, 3, 5), image(2, 5, 4))),
    "computed weight": (Of(functional.linear), (image(2, 5), image(3, 5), image(3))),
    "attention": (Of(attention), (image(2, 4, 6, 9),)),
    "causal": (Of(lambda x: attention(x, causal=True)), (image(2, 4, 6, 9),)),
    "masked": (Of(masked, mask=torch.ones(6, 6).tril() > 0), (image(2, 4, 6, 9),)),
    "heads": (nn.MultiheadAttention(8, 2, batch_first=True), (image(2, 5, 8),) * 3),
    "encoder": (nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (image(2, 5, 8),)),
    "words": (nn.Embedding(7, 5), (torch.tensor([[1, 6, 0]]),)),
    "bytes": (Of(lambda x: x / 255), (torch.randint(256, (2, 3), dtype=torch.uint8),)),
    "types": (Of(lambda x: x.float() * 2), (torch.randint(256, (2, 3), dtype=torch.uint8),)),
    "activations": (Of(lambda x: (functional.leaky_relu(x), functional.gelu(x, approximate="tanh"), functional.silu(x),
                                  x.clamp(0, 6), x.clamp(min=0), functional.hardsigmoid(x), x.tanh())), (image(),)),
    "constant": (Of(lambda x, w: (x, w.t() * 2), w=image(2, 3)), (image(),)),
}  # fmt: skip


def warm(module: nn.Module) -> nn.Module:
    """Give batch normalisations statistics and factors that tell when they are left out."""
    for part in module.modules():
        if isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d)) and part.running_mean is not None:
            assert part.running_var is not None
            part.running_mean.normal_(std=0.2)
            part.running_var.uniform_(0.5, 2)
            if part.affine:
                nn.init.uniform_(part.weight, 0.5, 1.5)
                nn.init.normal_(part.bias, std=0.2)
    return module.eval()


ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.Hardswish, nn.SiLU, nn.GELU, nn.Sigmoid, nn.Identity, nn.Dropout)


class Block(nn.Module):
    """A drawn block: a convolution, perhaps a norm, an activation, a gate, a shortcut."""

    def __init__(self, channels: int, outputs: int, size: int, groups: int, norm: bool, kind: int, way: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, outputs, size, padding=size // 2, groups=groups, bias=not norm)
        self.norm = nn.BatchNorm2d(outputs) if norm else nn.Identity()
        self.act = ACTIVATIONS[kind]()
        self.way = way

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.norm(self.conv(x)))
        match self.way:
            case 1:
                return y * torch.sigmoid(y.mean((2, 3), keepdim=True))
            case 2:
                return torch.cat([x, y], 1)
            case 3:
                return (x + y).relu() if x.shape == y.shape else y * 0 + y
            case 4:
                return functional.max_pool2d(functional.pad(y.relu(), (0, 1, 0, 1)), 2)
        return hard_swish(y)


@st.composite
def networks(draw: st.DrawFn) -> nn.Module:
    """Draw a small convolutional network of images of 4 channels."""
    layers, channels = [], 4
    for _ in range(draw(st.integers(1, 4))):
        groups = draw(st.sampled_from([1, 2, 4]))
        outputs = draw(st.sampled_from([4, 8, channels]))
        groups = groups if channels % groups == outputs % groups == 0 else 1
        way = draw(st.integers(0, 4))
        layers.append(Block(channels, outputs, draw(st.sampled_from([1, 3])), groups, draw(st.booleans()),
                            draw(st.integers(0, len(ACTIVATIONS) - 1)), way))  # fmt: skip
        channels = channels + outputs if way == 2 else outputs
    return warm(nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 3)))
