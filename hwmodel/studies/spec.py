"""What a study asks: the part of study.yaml that a person writes, checked before any work begins."""

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from circuits.errors import InputError
from circuits.quantity import parse_bytes
from circuits.yaml_file import read_yaml

NETWORKS = ("alexnet", "googlenet", "vgg16", "resnet18", "squeezenet")
MIB = 1 << 20
Phase = Literal["inference", "training"]
Size = Annotated[int, Field(ge=1, le=1 << 20)]
Names = Annotated[list[str], Field(min_length=1)]
Objective = Literal["delay", "energy", "area", "edp", "yield", "endurance"]
Kelvin = Annotated[float, Field(ge=300, le=400)]


class Study(BaseModel):
    """What every study has: workloads, technologies, a machine, and how its chips vary."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    study: str
    networks: Names = list(NETWORKS)
    phases: Annotated[dict[Phase, Size], Field(min_length=1)] = {"inference": 4, "training": 64}
    dtype: Literal["fp32", "tf32", "bf16", "fp16", "int8", "int4w"] = "fp32"
    cells: Names = ["sram", "stt", "sot"]
    node: str = "16nm"
    ways: Annotated[int, Field(ge=1, le=64)] = 16
    line: int = 128
    index: Literal["hashed", "modulo"] = "hashed"
    target: str = "edap"
    gpu: str = "gtx1080ti"
    dram: str = "gddr5x"
    temperature_K: Kelvin = 350.0
    leakage: str | None = None  # school; None takes the node's default
    dies: Annotated[int, Field(ge=0, le=10_000)] = 0  # chips drawn for bands of process variation; 0 draws none
    seed: Annotated[int, Field(ge=0, lt=1 << 63)] = 0

    @field_validator("line", mode="before")
    @classmethod
    def _line(cls, value: int | str) -> int:
        return parse_bytes(value, "line")

    @field_validator("networks", "cells")
    @classmethod
    def _distinct(cls, value: list[str]) -> list[str]:
        return distinct(value)


class OfCapacity(Study):
    """A study at one capacity."""

    capacity: int = 3 * MIB

    @field_validator("capacity", mode="before")
    @classmethod
    def _capacity(cls, value: int | str) -> int:
        return parse_bytes(value, "capacity")


class IsoCapacity(OfCapacity):
    """The same capacity in every technology, so the same hits and misses: what do time, energy and area become?"""

    study: Literal["iso-capacity"] = "iso-capacity"  # type: ignore[assignment]


class IsoArea(OfCapacity):
    """The area of the first cell's cache in every technology: what does the capacity that fits buy?"""

    study: Literal["iso-area"] = "iso-area"  # type: ignore[assignment]
    most: Annotated[int, Field(ge=2, le=16)] = 6  # times the capacity, the largest that is tried


class Scaling(Study):
    """From small caches to large ones: where does one technology overtake another?"""

    study: Literal["scaling"] = "scaling"  # type: ignore[assignment]
    capacities: Annotated[list[int], Field(min_length=2)] = [MIB << power for power in range(7)]

    @field_validator("capacities", mode="before")
    @classmethod
    def _capacities(cls, value: Any) -> Any:
        return [parse_bytes(one, "capacities") for one in value] if isinstance(value, list) else value

    @field_validator("capacities")
    @classmethod
    def _rising(cls, value: list[int]) -> list[int]:
        return rising(value)


class Batch(OfCapacity):
    """From one input at a time to many: does the batch decide which memory is best?"""

    study: Literal["batch"] = "batch"  # type: ignore[assignment]
    phases: Annotated[list[Phase], Field(min_length=1)] = ["inference", "training"]  # type: ignore[assignment]
    batches: Annotated[list[Size], Field(min_length=2)] = [1, 4, 16, 64]

    @field_validator("batches")
    @classmethod
    def _rising(cls, value: list[int]) -> list[int]:
        return rising(value)

    @field_validator("phases")
    @classmethod
    def _once(cls, value: list[str]) -> list[str]:
        return distinct(value)


class Sensitivity(OfCapacity):
    """One figure at a time away from a base: what would change a designer's mind?"""

    study: Literal["sensitivity"] = "sensitivity"  # type: ignore[assignment]
    nodes: list[str] = ["14nm", "10nm", "7nm", "5nm", "3nm"]
    temperatures_K: list[Kelvin] = [300.0, 325.0, 375.0, 400.0]
    leakages: list[str] | None = None  # schools; None takes all that the node has
    batches: list[Size] = [1, 16]  # of every phase
    capacities: list[int] = [MIB, 8 * MIB, 32 * MIB]
    gpus: list[str] = ["v100", "a100_80gb", "h100"]
    drams: list[str] | None = None  # None takes all that are known

    @field_validator("capacities", mode="before")
    @classmethod
    def _capacities(cls, value: Any) -> Any:
        return [parse_bytes(one, "capacities") for one in value] if isinstance(value, list) else value

    @field_validator("nodes", "temperatures_K", "leakages", "batches", "capacities", "gpus", "drams")
    @classmethod
    def _once(cls, value: list[Any] | None) -> list[Any] | None:
        return value and distinct(value)


class Explore(Study):
    """Many designs, as few of them computed as may be: which does no other beat?"""

    study: Literal["explore"] = "explore"  # type: ignore[assignment]
    nodes: Names | None = None  # None takes `node` alone
    capacities: Annotated[list[int], Field(min_length=1)] = [MIB << power for power in range(6)]
    ways: Annotated[list[Annotated[int, Field(ge=1, le=64)]], Field(min_length=1)] = [4, 8, 16, 32]  # type: ignore[assignment]
    lines: Annotated[list[int], Field(min_length=1)] | None = None  # None takes `line` alone
    sram_ways: Annotated[list[Annotated[int, Field(ge=0, le=63)]], Field(min_length=1)] = [0, 1, 2]
    migrate_after: Annotated[int, Field(ge=0, le=1 << 20)] = 2  # writes, after which a line moves to an SRAM way
    gpus: Names | None = None  # None takes `gpu` alone
    objectives: Annotated[list[Objective], Field(min_length=1)] = ["delay", "energy", "area"]
    over: Literal["sum", "geometric"] = "sum"  # workloads: summed, or their geometric mean
    runs_per_s: Annotated[float, Field(gt=0)] | None = None  # of all workloads, for endurance; None is back to back
    ecc: Literal["none", "secded"] = "secded"  # the code that a chip's yield is counted with
    dies: Annotated[int, Field(ge=2, le=10_000)] = 20  # chips drawn a design where yield is asked for
    search: Literal["surrogate", "evolution", "random"] = "surrogate"
    budget: Annotated[int, Field(ge=1)] = 200  # designs to compute
    population: Annotated[int, Field(ge=2, le=1000)] = 10  # designs a generation

    @field_validator("capacities", "lines", mode="before")
    @classmethod
    def _bytes(cls, value: Any, info: ValidationInfo) -> Any:
        return [parse_bytes(one, str(info.field_name)) for one in value] if isinstance(value, list) else value

    @field_validator("nodes", "capacities", "ways", "lines", "sram_ways", "gpus", "objectives")
    @classmethod
    def _once(cls, value: list[Any] | None) -> list[Any] | None:
        return value and distinct(value)


STUDIES: dict[str, type[Study]] = {
    "iso-capacity": IsoCapacity, "iso-area": IsoArea, "scaling": Scaling, "batch": Batch, "sensitivity": Sensitivity,
    "explore": Explore,
}  # fmt: skip


def distinct(value: list[Any]) -> list[Any]:
    twice = [name for position, name in enumerate(value) if name in value[:position]]
    if twice:
        raise ValueError(f"{twice[0]!r} is given twice")
    return value


def rising(value: list[int]) -> list[int]:
    if any(after <= before for before, after in pairwise(value)):
        raise ValueError(f"{', '.join(map(str, value))} do not rise; give each once, the least first")
    return value


def make_spec(values: dict[str, Any], where: str = "study") -> Study:
    """Return a checked study of the kind that `study` names, iso-capacity where it names none.

    Raises:
        InputError: naming `where`, the first value that cannot be used, and why.
    """
    kind = values.get("study", "iso-capacity")
    if not isinstance(kind, str) or kind not in STUDIES:
        raise InputError(f"{where}: study {kind!r}: unknown; known are {', '.join(STUDIES)}")
    model = STUDIES[kind]
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        known = f"; known are {', '.join(model.model_fields)}" if first["type"] == "extra_forbidden" else ""
        reason = first["msg"].removeprefix("Value error, ")
        if not reason.startswith(place):  # our own checks name the place themselves
            reason = f"{place} {first['input']!r}: {reason}"
        raise InputError(f"{where}: {reason}{known}") from None


def read_spec(path: Path) -> Study:
    """Return the study that a study.yaml describes; what it records under `made` is left aside.

    Raises:
        InputError: for a file or value that cannot be used.
    """
    values = read_yaml(path)
    values.pop("made", None)
    return make_spec(values, str(path))
