"""Axes of tensors as rows of units, and what operators say about which axes are the same.

A unit is a number of channels that are kept or left out together everywhere: the outputs of a convolution, the batch
normalisation behind it, what a shortcut adds to them, the inputs of whatever reads them. An axis is a row of units, as
a concatenation makes it; where maps are flattened, a channel is as many neighbours as it has pixels.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A unit as it lies in an axis, each of its channels `repeat` times in a row."""

    unit: int
    repeat: int = 1


Axis = tuple[Part, ...]


class Units:
    """Units that are found to be the same, to be made of others, or to be fixed, in whatever order that comes to light.

    Attributes:
        sizes: channels of each unit.
        fixed: unit -> why its channels cannot be fewer.
    """

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.fixed: dict[int, str] = {}
        self._made_of: dict[int, Axis] = {}

    def new(self, size: int) -> Axis:
        """Return an axis that is a unit of its own."""
        self.sizes.append(size)
        return (Part(len(self.sizes) - 1),)

    def resolve(self, axis: Axis) -> Axis:
        """Return the axis in units that are no others."""
        found: list[Part] = []
        for part in axis:
            if part.unit in self._made_of:
                inner = self.resolve(self._made_of[part.unit])
                self._made_of[part.unit] = inner  # found once for all who ask again
                found += [Part(one.unit, one.repeat * part.repeat) for one in inner]
            else:
                found.append(part)
        return tuple(found)

    def length(self, axis: Axis) -> int:
        return sum(self.sizes[part.unit] * part.repeat for part in axis)

    def fix(self, axis: Axis | None, why: str) -> None:
        """Keep an axis as long as it is."""
        for part in self.resolve(axis or ()):
            self.fixed.setdefault(part.unit, why)

    def same(self, first: Axis | None, second: Axis | None, why: str) -> None:
        """Learn that two axes are kept alike; where they cannot be, fix both, for the reason `why`."""
        if first is None or second is None:
            self.fix(first, why)
            self.fix(second, why)
            return
        one, other = self.resolve(first), self.resolve(second)
        if one == other:
            return
        if len(one) == len(other) and all(self._alike(*pair) for pair in zip(one, other, strict=True)):
            for left, right in zip(one, other, strict=True):
                self._bind(left.unit, (Part(right.unit),))
        elif self._whole(other, one):
            self._bind(other[0].unit, one)
        elif self._whole(one, other):
            self._bind(one[0].unit, other)
        else:
            self.fix(one, why)
            self.fix(other, why)

    def _alike(self, left: Part, right: Part) -> bool:
        return left.repeat == right.repeat and self.sizes[left.unit] == self.sizes[right.unit]

    def _whole(self, axis: Axis, other: Axis) -> bool:
        """Return whether `axis` is one unit that can stand for `other`."""
        single = len(axis) == 1 and axis[0].repeat == 1 and self.length(axis) == self.length(other)
        return single and all(part.unit != axis[0].unit for part in other)

    def _bind(self, unit: int, axis: Axis) -> None:
        resolved = self.resolve((Part(unit),))
        if resolved == self.resolve(axis):  # by an earlier pair of the same two axes
            return
        if len(resolved) != 1 or resolved[0].unit in {part.unit for part in self.resolve(axis)}:
            self.fix(resolved, "its channels stand at two places of one axis")
            self.fix(axis, "its channels stand at two places of one axis")
            return
        self._made_of[resolved[0].unit] = self.resolve(axis)
        if resolved[0].unit in self.fixed:
            self.fix(axis, self.fixed.pop(resolved[0].unit))
