"""Copper wires: resistance and capacitance per metre from geometry, barrier and resistivity."""

from dataclasses import dataclass

VACUUM_F_PER_M = 8.8541878128e-12  # CODATA 2018
COPPER_PER_K = 0.0039  # temperature coefficient of copper's resistivity at 20 C
REFERENCE_K = 293.0
FRINGE_F_PER_M = 115e-12  # CACTI's and NVSim's fixed fringe capacitance of a wire
MILLER = 1.5  # coupling counted for neighbours that may switch the other way, as CACTI and NVSim do


@dataclass(frozen=True)
class WireFigures:
    """Geometry and materials of a metal level; the resistivity is at 293 K, size effect included."""

    pitch_m: float
    aspect_ratio: float
    resistivity_ohm_m: float
    dielectric_height_m: float
    horizontal_permittivity: float
    vertical_permittivity: float
    barrier_m: float = 0.0


@dataclass(frozen=True)
class Wire:
    """A wire at one temperature: resistance and capacitance per metre."""

    pitch_m: float
    ohm_per_m: float
    F_per_m: float

    @classmethod
    def of(cls, figures: WireFigures, temperature_K: float) -> "Wire":
        """Return the wire of a metal level: width = spacing = half the pitch, the barrier lines three of its sides."""
        width = figures.pitch_m / 2
        thickness = figures.aspect_ratio * width
        resistivity = figures.resistivity_ohm_m * (1 + COPPER_PER_K * (temperature_K - REFERENCE_K))
        copper = (thickness - figures.barrier_m) * (width - 2 * figures.barrier_m)
        plates = 2 * figures.vertical_permittivity * width / figures.dielectric_height_m
        sides = 2 * MILLER * figures.horizontal_permittivity * figures.aspect_ratio
        return cls(figures.pitch_m, resistivity / copper, VACUUM_F_PER_M * (plates + sides) + FRINGE_F_PER_M)
