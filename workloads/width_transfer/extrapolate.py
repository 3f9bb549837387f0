"""From widths of one network to those of a larger one: matching its budget, and stacking its blocks."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Literal, NamedTuple

from circuits.errors import InputError
from workloads.channels import Channels

Stacking = Literal["last", "average"]
_BLOCK = re.compile(r"(?P<stage>[A-Za-z]+\d+)[._](?P<block>\d+)\.(?P<role>.+)")


@dataclass(frozen=True)
class Matched:
    """Widths at a budget.

    Attributes:
        widths: channels by unit.
        scale: that all shares were multiplied by.
        macs: of the network at these widths: the budget, or a little less.
        clipped: units that would have fewer than the least, or more than the most channels.
    """

    widths: dict[str, int]
    scale: float
    macs: int
    clipped: tuple[str, ...]


def match(
    channels: Channels, shares: Mapping[str, float], target_macs: float, *, least: int = 1, most: float | None = None
) -> Matched:
    """Return the widths in these proportions at a budget: all shares are multiplied by one scalar.

    Widths are whole: at the largest scalar whose rounded widths the budget allows, each unit takes one channel more if
    the budget allows that too, those first that a larger scalar would give it first.

    Args:
        channels: of the network.
        shares: of each unit's channels, above 0; units that are not named have share 1, and are scaled too.
        target_macs: of an example's forward pass.
        least: channels of a unit.
        most: share of its channels that a unit may have; None: it may be as wide as the budget asks.

    Raises:
        InputError: a share is none, or no widths within the bounds have so many MACs.
    """
    for name, share in shares.items():
        if name not in channels.units:
            raise InputError(f"shares: {name!r} is no unit; units are {', '.join(list(channels.units)[:6])}, ...")
        if not 0 < share < float("inf"):
            raise InputError(f"shares: {name}: {share}; give a number above 0")

    def at(scale: float) -> dict[str, int]:
        return {name: bounded(name, scale) for name in channels.units}

    def wanted(name: str, scale: float) -> int:
        return round(channels.units[name].size * shares.get(name, 1.0) * scale)

    def limit(name: str) -> int:
        return 1 << 20 if most is None else max(least, round(channels.units[name].size * most))

    def bounded(name: str, scale: float) -> int:
        return min(limit(name), max(least, wanted(name, scale)))

    narrowest, low, high = channels.macs(at(0.0)), 0.0, 1.0
    if narrowest > target_macs:
        raise InputError(f"budget of {target_macs:,.0f} MACs: {least} channels a unit have {narrowest:,}; give more")
    while channels.macs(at(high)) <= target_macs:
        low, high = high, 2 * high
        if at(high) == {name: limit(name) for name in channels.units}:
            break
    for _ in range(64):
        middle = (low + high) / 2
        low, high = (middle, high) if channels.macs(at(middle)) <= target_macs else (low, middle)
    widths = at(low)
    rest = [name for name in widths if widths[name] < limit(name)]
    for name in sorted(
        rest, key=lambda name: (widths[name] + 0.5) / (channels.units[name].size * shares.get(name, 1.0))
    ):
        wider = widths | {name: widths[name] + 1}
        if channels.macs(wider) <= target_macs:
            widths = wider
    clipped = tuple(name for name in widths if not least <= wanted(name, low) <= limit(name))
    return Matched(widths, low, channels.macs(widths), clipped)


class Place(NamedTuple):
    """Where a unit is: the stage and block by its name, and what it is in its block."""

    stage: str
    block: int
    role: str


def place(unit: str) -> Place | None:
    """Return where a unit is, read from a name such as `layer2.1.conv1` or `block3_2.branch.expand.conv`."""
    found = _BLOCK.fullmatch(unit)
    return Place(found["stage"], int(found["block"]), found["role"]) if found else None


def stack(shares: Mapping[str, float], units: Iterable[str], rule: Stacking = "last") -> dict[str, float]:
    """Return the shares of a deeper network's units.

    Units of a name that the shallow network has keep its share. The others' blocks are new: they copy the last block of
    their stage (`last`), or the mean over the stage's blocks (`average`), layer by layer of a block.

    Args:
        shares: of the shallow network's units.
        units: names of the deep one's.
        rule: of the new blocks.

    Raises:
        InputError: a unit without a like in the shallow network.
    """
    found: dict[str, float] = {}
    known = [(one, share) for name, share in shares.items() if (one := place(name))]
    for name in units:
        if name in shares:
            found[name] = shares[name]
            continue
        own = place(name)
        alike = [] if own is None else [
            (one.block, share) for one, share in known if (one.stage, one.role) == (own.stage, own.role)
        ]  # fmt: skip
        if not alike:
            raise InputError(f"unit {name}: the shallower network has no block of its stage with such a layer")
        found[name] = max(alike)[1] if rule == "last" else fmean(share for _, share in alike)
    return found
