"""Small modules that the tests record."""

import torch
from torch import nn


def convolutional() -> nn.Module:
    """A convolution, normalisation, pooling, dropout and a classifier: 3 x 16 x 16 to 10 scores."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Dropout(0.5),
        nn.AdaptiveAvgPool2d((2, 2)), nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip


class Branches(nn.Module):
    """Two branches of one input, joined: a gradient that is summed, an operator outside any layer."""

    def __init__(self) -> None:
        super().__init__()
        self.left = nn.Linear(16, 8)
        self.right = nn.Linear(16, 8, bias=False)
        self.head = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x * 2
        return self.head(self.left(x) + self.right(x).relu())


class Tied(nn.Module):
    """One weight under two names, as language models tie input and output embeddings."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(8, 8, bias=False)
        self.second = nn.Linear(8, 8, bias=False)
        self.second.weight = self.first.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(x))


class Constant(nn.Module):
    """Keeps a plain tensor, and makes one while it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.full((4,), 3.0)
        self.table = {"offset": [torch.ones(4)]}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.scale + self.table["offset"][0] + torch.tensor([1.0, 2.0, 3.0, 4.0])


class Raising(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no such thing\nsecond line")


class WithExample(nn.Sequential):
    """What a network by name is: a module that says what it takes."""

    def example_inputs(self, batch: int) -> tuple[torch.Tensor, ...]:
        return (torch.zeros(batch, 3, 16, 16),)


def factory() -> nn.Module:
    return WithExample(*convolutional())


def needs_values() -> nn.Module:
    """A factory that computes with its tensors' values, which tensors without memory have not."""
    width = int(torch.linspace(1, 8, 3)[-1].item())
    return nn.Linear(width, 2)


def raises() -> nn.Module:
    raise OSError("disk on\nfire")


def no_module() -> str:
    return "module"


not_callable = 3
