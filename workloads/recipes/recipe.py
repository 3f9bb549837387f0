"""How a network is made of another: what a file of recipes holds, checked as it is read."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from circuits.errors import InputError

Count = Annotated[int, Field(ge=1, le=1 << 20)]
Bits = Annotated[int, Field(ge=1, le=8)]
Side = Annotated[int, Field(ge=1, le=1 << 14)]


class Recipe(BaseModel):
    """A network of another's: narrower or wider, pooled, of fewer bits.

    What is named is done in the order of the fields.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    network: str  # a known network, or package.module:factory
    arguments: dict[str, Any] = {}  # of its factory, by name
    input: Annotated[list[Count], Field(min_length=1, max_length=4)] | None = None  # shape of an example; None asks it
    widths: dict[str, Count] = {}  # unit -> channels; see workloads.channels
    virtual_pooling: list[str] = []  # convolutions that are strided, their maps interpolated
    fused: bool = False  # whether those maps are interpolated as they are read, never stored
    weight_bits: Bits | dict[str, Bits] | None = None  # of all weights, or by layer; None leaves them as dtype has them
    about: dict[str, Any] = {}  # what the method says of it; changes nothing


def make_recipe(values: Any, where: str) -> Recipe:
    """Return a checked recipe.

    Raises:
        InputError: naming `where`, the first value that cannot be used, and why.
    """
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        known = f"; known are {', '.join(Recipe.model_fields)}" if first["type"] == "extra_forbidden" else ""
        given = f" {first['input']!r}"[:80] if place else ""
        raise InputError(f"{where}: {place}{given}: {first['msg'].removeprefix('Value error, ')}{known}") from None
