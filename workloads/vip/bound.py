"""How far virtual pooling may change a convolution's map, from its weights and input alone.

A filter w answers a patch p(u) with y(u) = w . p(u) + b. Pooled, y(u) becomes the mean over the one, two or four kept
neighbours nb(u) (a kept pixel's only neighbour is itself; a last row or column that is left out has those before it).
By Cauchy-Schwarz

    before an activation   |y(u) - mean_nb y(nb)|             <= ||w|| ||p(u) - mean_nb p(nb)||
    after ReLU             |relu y(u) - mean_nb relu y(nb)|   <= ||w|| mean_nb ||p(u) - p(nb)||

the second as |relu a - relu b| <= |a - b|, which holds of any activation with slopes between -1 and 1.
"""

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional

from circuits.errors import InputError

PLACES = ("convolution", "relu")


def error_bounds(convolution: nn.Conv2d, x: torch.Tensor, after: str = "relu") -> torch.Tensor:
    """Return the bound of each position's error, (n, filters, height, width), of x's type; 0 at kept positions.

    Args:
        convolution: before pooling: any stride, padding, dilation, groups.
        x: (n, channels, h, w).
        after: `convolution`, for its own map, or `relu`, for the map after a ReLU.

    Raises:
        InputError: for another place, and an input that the convolution does not take.
    """
    distances = _distances(convolution, x, after)  # (n, groups, h, w)
    weight = convolution.weight.detach().to(x.dtype)
    norms = weight.flatten(1).norm(dim=1).view(1, convolution.groups, -1, 1, 1)
    return (norms * distances.unsqueeze(2)).flatten(1, 2)


def rounding(convolution: nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
    """Return what rounding may add to an error as computed in x's type, the same for all positions of a filter.

    A sum of k products, in any order, is off by less than k eps / (1 - k eps) times the sum of their magnitudes
    (N. Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1); an error takes five such sums at
    most. Shape (filters, 1, 1).
    """
    weight = convolution.weight.detach().to(x.dtype)
    bias = torch.zeros_like(weight[:, 0, 0, 0]) if convolution.bias is None else convolution.bias.detach().to(x.dtype)
    count = weight[0].numel() + 4
    magnitude = weight.flatten(1).abs().sum(1) * x.abs().max() + bias.abs()
    return (6 * count * torch.finfo(x.dtype).eps * magnitude).view(-1, 1, 1)


def errors(convolution: nn.Conv2d, x: torch.Tensor, after: str = "relu") -> torch.Tensor:
    """Return each position's true error, (n, filters, height, width): what `error_bounds` bounds.

    Raises:
        InputError: as `error_bounds`.
    """
    _check(convolution, x, after)
    with torch.no_grad():
        weight = convolution.weight.to(x.dtype)
        bias = None if convolution.bias is None else convolution.bias.to(x.dtype)
        image, padding = _padded(convolution, x)
        y = functional.conv2d(image, weight, bias, convolution.stride, padding, convolution.dilation,
                              convolution.groups)  # fmt: skip
        y = y.relu() if after == "relu" else y
        return (y - _mean(list(_neighbours(y)))).abs()


def _distances(convolution: nn.Conv2d, x: torch.Tensor, after: str) -> torch.Tensor:
    """Return how far patches are from their kept neighbours', (n, groups, h, w)."""
    _check(convolution, x, after)
    with torch.no_grad():
        image, padding = _padded(convolution, x)
        size, kernel = _map_size(convolution, image, padding), convolution.kernel_size
        columns = functional.unfold(image, kernel, convolution.dilation, padding, convolution.stride)
        patches = columns.view(len(x), convolution.groups, -1, *size)  # of a group: its channels and positions
        near = list(_neighbours(patches))
        if after == "convolution":
            return (patches - _mean(near)).norm(dim=2)
        return _mean([(patches - one).norm(dim=2) for one in near])


def _neighbours(maps: torch.Tensor) -> Iterator[torch.Tensor]:
    """Yield four maps of (.., h, w): at each position one of its four kept neighbours, alike where there are fewer."""
    height, width = maps.shape[-2:]
    for down in (0, 1):
        rows = _kept(height, down, maps.device)
        for across in (0, 1):
            yield maps.index_select(-2, rows).index_select(-1, _kept(width, across, maps.device))


def _kept(length: int, after: int, device: torch.device) -> torch.Tensor:
    """Return of each place along an axis the kept place before it (itself where kept), or after it."""
    places = torch.arange(length, device=device)
    last = (length - 1) // 2 * 2
    return (places + (places % 2 if after else -(places % 2))).clamp(max=last)


def _mean(four: list[torch.Tensor]) -> torch.Tensor:
    return (four[0] + four[1] + four[2] + four[3]) / 4


def _padded(convolution: nn.Conv2d, x: torch.Tensor) -> tuple[torch.Tensor, tuple[int, int]]:
    """Return the input and the zero padding that is left to do."""
    if convolution.padding_mode == "zeros" and not isinstance(convolution.padding, str):
        return x, (convolution.padding[0], convolution.padding[1])
    mode = "constant" if convolution.padding_mode == "zeros" else convolution.padding_mode
    return functional.pad(x, convolution._reversed_padding_repeated_twice, mode), (0, 0)


def _map_size(convolution: nn.Conv2d, image: torch.Tensor, padding: tuple[int, int]) -> list[int]:
    return [(image.shape[2 + axis] + 2 * padding[axis] - convolution.dilation[axis] * (kernel - 1) - 1)
            // convolution.stride[axis] + 1 for axis, kernel in enumerate(convolution.kernel_size)]  # fmt: skip


def _check(convolution: nn.Conv2d, x: torch.Tensor, after: str) -> None:
    if after not in PLACES:
        raise InputError(f"after {after!r}: unknown; give one of {', '.join(PLACES)}")
    if not isinstance(convolution, nn.Conv2d):
        raise InputError(f"a {type(convolution).__name__}: the bound is of nn.Conv2d")
    if x.dim() != 4 or x.shape[1] != convolution.in_channels:
        wanted = f"(n, {convolution.in_channels}, h, w)"
        raise InputError(f"input of shape {tuple(x.shape)}: the convolution takes {wanted}")
