"""Widths as rows of whole numbers, between a smallest and a full network."""

from dataclasses import dataclass

import numpy as np

from circuits.errors import InputError
from workloads.channels import Channels


@dataclass(frozen=True)
class WidthSpace:
    """The widths that a network may have.

    Attributes:
        names: of its units.
        least, most: channels of the smallest and of the full network, int64, one a unit.
    """

    names: tuple[str, ...]
    least: np.ndarray
    most: np.ndarray

    @classmethod
    def of(cls, channels: Channels, smallest: float) -> "WidthSpace":
        """Return the widths from such a share of each unit's channels on.

        Raises:
            InputError: where no unit's channels can be fewer at that share.
        """
        most, least = channels.widths(1.0), channels.widths(smallest)
        names = tuple(name for name in most if least[name] < most[name])
        if not names:
            sizes = ", ".join(f"{name} {size}" for name, size in list(most.items())[:4])
            raise InputError(f"smallest {smallest}: leaves every unit as it is ({sizes}); give a smaller share")
        return cls(names, np.array([least[name] for name in names]), np.array([most[name] for name in names]))

    def __len__(self) -> int:
        return len(self.names)

    def widths(self, row: np.ndarray) -> dict[str, int]:
        """Return a row as `Channels` takes it."""
        return {name: int(width) for name, width in zip(self.names, row, strict=True)}

    def unit(self, rows: np.ndarray) -> np.ndarray:
        """Return rows as points of the unit cube, its corners the smallest and the full network."""
        return (rows - self.least) / (self.most - self.least)

    def snap(self, points: np.ndarray) -> np.ndarray:
        """Return the rows of whole channels nearest to points of the unit cube; what lies outside is brought in."""
        rows = np.rint(self.least + np.asarray(points) * (self.most - self.least)).astype(np.int64)
        return np.clip(rows, self.least, self.most)

    def alike(self, places: np.ndarray) -> np.ndarray:
        """Return rows whose units all lie at the same place between the smallest (0) and the full network (1)."""
        return self.snap(np.repeat(np.asarray(places, float)[:, None], len(self), axis=1))
