"""All that a datasheet shows, computed once: the design, its alternatives, its leakage, its cell, what moves it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from circuits.cache.design import FIELDS, CacheDesign, cache_front, design_cache
from circuits.cells.cell import Cell
from circuits.cells.design import design_cell
from circuits.devices.node import MAX_K, MIN_K, leakage_schools
from circuits.errors import InputError
from circuits.overrides import overridden
from circuits.variation import tornado
from circuits.variation.sensitivity import BASES, LEAKAGE, Progress

if TYPE_CHECKING:
    from pandas import DataFrame

STEPS = 11
FRONT = ("read_latency_s", "area_m2", "read_energy_J")
MOST = 10
LEAST_SWING = 1e-6  # below, an output does not follow


@dataclass(frozen=True)
class Sheet:
    """A design and its surroundings. SI units.

    `leakage` holds for each school of the node the power at rest at each of `temperatures`; None where the organisation
    cannot be kept. `moved` is `circuits.variation.tornado`'s table with the organisation kept.
    """

    design: CacheDesign
    cell: Cell
    front: "DataFrame"
    temperatures: list[float]
    leakage: dict[str, list[float | None]]
    moved: "DataFrame"
    figures: dict[str, float]  # of data files, as the user set them

    def swings(self) -> "DataFrame":
        """Return how far each figure moves each output, a row an assumption and a column an output, most first."""
        rows = self.moved[(self.moved["assumption"] != LEAKAGE) & self.moved["swing"].notna()]
        wide = rows.pivot_table(index="assumption", columns="output", values="swing")[list(FIELDS)]
        wide = wide.assign(most=wide.max(axis=1)).sort_values("most", ascending=False, kind="stable")
        return wide[wide["most"] > LEAST_SWING].drop(columns="most")  # type: ignore[return-value]

    def stuck(self) -> list[str]:
        """Return the assumptions under which, moved, the organisation cannot be kept at one end at least."""
        return list(dict.fromkeys(self.moved.loc[self.moved["note"] != "", "assumption"]))

    def basis(self, output: str) -> str:
        """Return `calibrated in part` where a fitted figure moves an output, else `modelled`."""
        return "calibrated in part" if any(row["basis"] == "calibrated" for row in self._moving(output)) else "modelled"

    def assumed(self, output: str) -> int:
        """Return how many assumed figures move an output."""
        return sum(row["basis"] == "assumed" for row in self._moving(output))

    def strongest(self, output: str) -> str:
        """Return the figure that moves an output most; empty where none does."""
        rows = [row for row in self._moving(output) if row["basis"] in BASES and not row["note"]]
        return str(max(rows, key=lambda row: row["swing"])["assumption"]) if rows else ""

    def _moving(self, output: str) -> list[dict[str, Any]]:
        """Return the rows of the figures that move an output, or under which there is nothing left to move."""
        rows = [{str(k): v for k, v in row.items()} for row in self.moved.to_dict("records")]
        return [row for row in rows if row["output"] == output and (row["swing"] > LEAST_SWING or row["note"])]


def facts(cell: str, node: str, capacity: str, ways: int, line: str, target: str | Mapping[str, float], *,
          limits: Mapping[str, float] | None = None, figures: Mapping[str, float] | None = None,
          mode: str | None = None, on_progress: Progress | None = None, **options: Any) -> Sheet:  # fmt: skip
    """Return what a datasheet shows of the best cache.

    Args:
        cell: as `design_cache` takes it, and so are the next five, `limits` and `mode`.
        node: a node.
        capacity: bytes.
        ways: ways.
        line: bytes.
        target: what the organisation is best for.
        limits: the most that figures may come to.
        figures: figures of data files to replace, as `overridden` takes them.
        mode: an access mode.
        on_progress: as `tornado` takes it, which takes most of the time.
        **options: as `design_cache` takes them: temperature_K, leakage, vdd_V, wires, ecc, assumptions,
            ports, cell_leakage.

    Raises:
        InputError: a value that cannot be used.
    """
    asked = (cell, node, capacity, ways, line)
    with overridden(figures):
        design = design_cache(*asked, target, mode=mode, limits=limits, **options)
        kept: dict[str, Any] = options | {"organization": design.organization}
        temperatures = [MIN_K + (MAX_K - MIN_K) * step / (STEPS - 1) for step in range(STEPS)]
        leakage = {
            school: [_leakage(asked, kept | {"leakage": school, "temperature_K": at}) for at in temperatures]
            for school in leakage_schools(node)
        }
        hot = {name: options.get(name) for name in ("leakage", "vdd_V", "cell_leakage")}
        return Sheet(
            design,
            design_cell(cell, node, temperature_K=design.temperature_K, ports=design.ports, **hot),  # type: ignore[arg-type]
            cache_front(*asked, FRONT, mode=mode, limits=limits, **options),
            temperatures,
            leakage,
            tornado(*asked, organizations=["fixed"], on_progress=on_progress, **kept),
            dict(figures or {}),
        )


def _leakage(asked: tuple[str, str, str, int, str], kept: dict[str, Any]) -> float | None:
    try:
        return design_cache(*asked, **kept).leakage_W
    except InputError:
        return None
