"""How large a network of few bits is, and the width at which it is as large as another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import gcd, prod

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from circuits.errors import InputError
from workloads.bitwidth.quantise import TURNED, check_bits, weighted
from workloads.channels import Channels
from workloads.channels.network import Widths

SCALE_BYTES = 2  # float16, one a filter
OTHER_BYTES = 4  # float32
Count = str  # what counts: `weights`, `scales` too, `all`
COUNTS = ("weights", "scales", "all")
WIDEST = 64.0  # times the network's channels


@dataclass(frozen=True)
class Size:
    """Bytes of a network as it is stored.

    Attributes:
        weights: of convolutions and fully connected layers, packed, each layer up to a whole byte.
        scales: one a filter, float16, with batch normalisation's factor folded in.
        others: biases, normalisations' shifts and what else is no weight of a layer, float32.
    """

    weights: int
    scales: int
    others: int

    def counted(self, count: Count) -> int:
        """Return what counts: `weights` as in the paper, `scales` those too, or `all`."""
        return self.weights + (self.scales if count != "weights" else 0) + (self.others if count == "all" else 0)


class Sizes:
    """Sizes of one network at any width and bits.

    Args:
        module: at width 1; may be on the meta device.
        channels: as `find_channels` of it says.
        count: what counts as size; see `Size.counted`.
    """

    def __init__(self, module: nn.Module, channels: Channels, count: Count = "scales") -> None:
        if count not in COUNTS:
            raise InputError(f"count {count!r}: give one of {', '.join(COUNTS)}")
        self.channels, self.count = channels, count
        parts = weighted(module)
        self.layers = {name: tuple(part.weight.shape) for name, part in parts.items()
                       if isinstance(part.weight, nn.Parameter)}  # fmt: skip
        self._filters = {name: 1 if isinstance(part, TURNED) else 0 for name, part in parts.items()}
        factors = {f"{name}.weight" for name, part in module.named_modules() if isinstance(part, _BatchNorm)}
        skipped = factors | {f"{name}.weight" for name in self.layers}
        self._others = {name: tuple(value.shape) for name, value in module.named_parameters() if name not in skipped}

    def shape(self, name: str, shape: tuple[int, ...], widths: Widths) -> tuple[int, ...]:
        """Return a parameter's shape at these widths."""
        kept = {self.channels.numbers[unit]: width for unit, width in widths.items()}
        axes = self.channels.axes.get(name) or (None,) * len(shape)
        return tuple(self.channels.length(axis, kept, size) for axis, size in zip(axes, shape, strict=True))

    def in_order(self) -> list[str]:
        """Return the layers in the order in which they run; those that the run did not show come last."""
        seen = [layer.name for layer in self.channels.layers if layer.name in self.layers]
        return list(dict.fromkeys([*seen, *self.layers]))

    def elements(self, widths: Widths) -> dict[str, int]:
        """Return the weights of each layer."""
        return {name: prod(self.shape(f"{name}.weight", shape, widths)) for name, shape in self.layers.items()}

    def size(self, bits: Mapping[str, int], widths: Widths) -> Size:
        """Return the size of the network of these bits (by layer, all of them named) and widths."""
        weights = scales = 0
        for name, shape in self.layers.items():
            now = self.shape(f"{name}.weight", shape, widths)
            weights += -(-prod(now) * check_bits(bits[name]) // 8)
            scales += now[self._filters[name]] * SCALE_BYTES
        others = sum(prod(self.shape(name, shape, widths)) for name, shape in self._others.items())
        return Size(weights, scales, others * OTHER_BYTES)

    def counted(self, bits: Mapping[str, int], widths: Widths) -> int:
        return self.size(bits, widths).counted(self.count)


@dataclass(frozen=True)
class Pair:
    """Bits, and the width at which a network of them is as large as was asked.

    Attributes:
        bits: by layer.
        alpha: the width multiplier of all units, before they are rounded.
        widths: channels by unit.
        size: of it.
        residual: what its size is short of the target, as a share of that; below 0 where it is larger.
    """

    bits: Mapping[str, int]
    alpha: float
    widths: dict[str, int]
    size: Size
    residual: float


def equal_size(sizes: Sizes, bits: Mapping[str, int], target: int, multiple: int = 1) -> Pair:
    """Return the widest network of these bits that is no larger than the target.

    One multiplier of all units is found by bisection; what rounding down leaves is filled by `multiple` channels at a
    time, those units first that were rounded down most, as far as they fit and shapes stay alike.

    Args:
        sizes: of the network.
        bits: by layer.
        target: bytes.
        multiple: of channels, that units are rounded to; those whose own size is none, to what both are multiples of.

    Raises:
        InputError: the target is below what one channel a unit takes, or above what any width does.
    """
    units = {name: unit.size for name, unit in sizes.channels.units.items()}
    if sizes.counted(bits, units) == target:
        return Pair(bits, 1.0, units, sizes.size(bits, units), 0.0)
    grain = {name: gcd(size, multiple) for name, size in units.items()}

    def floor(alpha: float) -> dict[str, int]:
        return {name: max(1, int(size * alpha / grain[name])) * grain[name] for name, size in units.items()}

    def fits(widths: dict[str, int]) -> bool:
        return sizes.counted(bits, widths) <= target

    if not fits(floor(0.0)):
        least = sizes.counted(bits, floor(0.0))
        raise InputError(
            f"size {target} bytes: the narrowest network of {_told(bits)} bits takes {least}; its layers "
            f"cannot shrink further"
        )
    if fits(floor(WIDEST)):
        raise InputError(f"size {target} bytes: more than {_told(bits)} bits take at {WIDEST:g} times the width")
    alpha = _bisect(lambda alpha: fits(floor(alpha)), 0.0, WIDEST)
    widths = floor(alpha)
    filled = True
    while filled:
        filled = False
        for name in sorted(units, key=lambda name: widths[name] - units[name] * alpha):
            wider = widths | {name: widths[name] + grain[name]}
            if widths[name] < units[name] * alpha + grain[name] and fits(wider):
                widths, filled = wider, True
    found = sizes.size(bits, widths)
    return Pair(bits, alpha, widths, found, 1 - found.counted(sizes.count) / target)


def _bisect(holds: Callable[[float], bool], low: float, high: float) -> float:
    """Return where a predicate that holds at `low` stops to."""
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _told(bits: Mapping[str, int]) -> str:
    return ", ".join(map(str, sorted(set(bits.values()))))
