"""Copper wires: resistance and capacitance per metre from geometry, barrier and resistivity."""

import math
from dataclasses import dataclass

VACUUM_F_PER_M = 8.8541878128e-12  # CODATA 2018
COPPER_PER_K = 0.0039  # temperature coefficient of copper's resistivity at 20 C
REFERENCE_K = 293.0
FRINGE_F_PER_M = 115e-12  # CACTI's and NVSim's fixed fringe capacitance of a wire
MILLER = 1.5  # coupling counted for neighbours that may switch the other way, as CACTI and NVSim do


@dataclass(frozen=True)
class WireFigures:
    """Geometry and materials of a metal level.

    `resistivity_ohm_m` is at 293 K with the size effect in it; zero where it follows from the node's `Scattering`.
    """

    pitch_m: float
    aspect_ratio: float
    dielectric_height_m: float
    horizontal_permittivity: float
    vertical_permittivity: float
    barrier_m: float = 0.0
    resistivity_ohm_m: float = 0.0


@dataclass(frozen=True)
class Scattering:
    """What makes thin copper more resistive than bulk: electrons scatter at its surfaces and at its grains' boundaries.

    `grain_widths` is the distance of two boundaries in widths of the copper.
    """

    bulk_resistivity_ohm_m: float
    mean_free_path_m: float
    specularity: float
    grain_reflection: float
    grain_widths: float


def resistivity(scattering: Scattering, width_m: float, height_m: float, temperature_K: float) -> float:
    """Return the resistivity [ohm m] of copper of a cross section, barrier not counted.

    rho0 (1 / (3 (1/3 - a/2 + a^2 - a^3 ln(1 + 1/a))) + 3/8 (1 - p) l (1/w + 1/h)), a = l/d R/(1 - R): A. F. Mayadas,
    M. Shatzkes, Phys. Rev. B 1, 1382 (1970), and K. Fuchs (1938), E. H. Sondheimer (1952) for wires not much thinner
    than the mean free path l. Phonons shorten l as they raise rho0: their product is a constant of the metal.
    """
    heat = 1 + COPPER_PER_K * (temperature_K - REFERENCE_K)
    bulk, path = scattering.bulk_resistivity_ohm_m * heat, scattering.mean_free_path_m / heat
    a = path / (scattering.grain_widths * width_m) * scattering.grain_reflection / (1 - scattering.grain_reflection)
    grains = 1 / (3 * (1 / 3 - a / 2 + a**2 - a**3 * math.log1p(1 / a)))
    return bulk * (grains + 3 / 8 * (1 - scattering.specularity) * path * (1 / width_m + 1 / height_m))


@dataclass(frozen=True)
class Wire:
    """A wire at one temperature: resistance and capacitance per metre."""

    pitch_m: float
    ohm_per_m: float
    F_per_m: float

    @classmethod
    def of(cls, figures: WireFigures, temperature_K: float, scattering: Scattering | None = None) -> "Wire":
        """Return the wire of a metal level: width = spacing = half the pitch, the barrier lines three of its sides.

        Its resistivity is the level's own, or follows from `scattering` where the level gives none.
        """
        width = figures.pitch_m / 2
        thickness = figures.aspect_ratio * width
        high, wide = thickness - figures.barrier_m, width - 2 * figures.barrier_m
        if scattering and not figures.resistivity_ohm_m:
            ohm_m = resistivity(scattering, wide, high, temperature_K)
        else:
            ohm_m = figures.resistivity_ohm_m * (1 + COPPER_PER_K * (temperature_K - REFERENCE_K))
        plates = 2 * figures.vertical_permittivity * width / figures.dielectric_height_m
        sides = 2 * MILLER * figures.horizontal_permittivity * figures.aspect_ratio
        return cls(figures.pitch_m, ohm_m / (high * wide), VACUUM_F_PER_M * (plates + sides) + FRINGE_F_PER_M)
