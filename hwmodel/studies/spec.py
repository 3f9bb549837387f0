"""What a study asks: the part of study.yaml that a person writes, checked before any work begins."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from circuits.errors import InputError
from circuits.quantity import parse_bytes
from circuits.yaml_file import read_yaml

NETWORKS = ("alexnet", "googlenet", "vgg16", "resnet18", "squeezenet")
Phase = Literal["inference", "training"]


class IsoCapacity(BaseModel):
    """The same capacity in every technology, so the same hits and misses: what do time, energy and area become?"""

    model_config = ConfigDict(extra="forbid", frozen=True)

    study: Literal["iso-capacity"] = "iso-capacity"
    networks: Annotated[list[str], Field(min_length=1)] = list(NETWORKS)
    phases: Annotated[dict[Phase, Annotated[int, Field(ge=1, le=1 << 20)]], Field(min_length=1)] = {
        "inference": 4,
        "training": 64,
    }
    cells: Annotated[list[str], Field(min_length=1)] = ["sram", "stt", "sot"]
    node: str = "16nm"
    capacity: int = 3 * 2**20
    ways: Annotated[int, Field(ge=1, le=64)] = 16
    line: int = 128
    index: Literal["hashed", "modulo"] = "hashed"
    target: str = "edap"
    gpu: str = "gtx1080ti"
    dram: str = "gddr5x"

    @field_validator("capacity", "line", mode="before")
    @classmethod
    def _bytes(cls, value: int | str, info: Any) -> int:
        return parse_bytes(value, info.field_name)

    @field_validator("networks", "cells")
    @classmethod
    def _distinct(cls, value: list[str]) -> list[str]:
        twice = [name for position, name in enumerate(value) if name in value[:position]]
        if twice:
            raise ValueError(f"{twice[0]!r} is given twice")
        return value


def make_spec(values: dict[str, Any], where: str = "study") -> IsoCapacity:
    """Return a checked study.

    Raises:
        InputError: naming `where`, the first value that cannot be used, and why.
    """
    try:
        return IsoCapacity.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        known = f"; known are {', '.join(IsoCapacity.model_fields)}" if first["type"] == "extra_forbidden" else ""
        reason = first["msg"].removeprefix("Value error, ")
        if not reason.startswith(place):  # our own checks name the place themselves
            reason = f"{place} {first['input']!r}: {reason}"
        raise InputError(f"{where}: {reason}{known}") from None


def read_spec(path: Path) -> IsoCapacity:
    """Return the study that a study.yaml describes; what it records under `made` is left aside.

    Raises:
        InputError: for a file or value that cannot be used.
    """
    values = read_yaml(path)
    values.pop("made", None)
    return make_spec(values, str(path))
