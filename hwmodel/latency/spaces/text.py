"""Networks as text: a space's own form, such as NAS-Bench-201's, or a list of numbers or of choices' names."""

import json
import re
from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.spaces.space import Space

MOST_CHARACTERS = 16384  # of one network: 256 layers of names of 64
_SHOWN = 80  # characters of a text that an error repeats


def encode(space: Space, codes: np.ndarray) -> list[str]:
    """Return networks, as codes of shape (N, L), in the space's form; as lists of numbers where it has none.

    Raises:
        InputError: for codes that are none of the space.
    """
    rows = space.codes(codes).tolist()
    if not space.text:
        return [str(row) for row in rows]
    parts = space.text.split("{}")
    names = [layer.choices for layer in space.layers]
    return [
        parts[0] + "".join(of[place] + after for of, place, after in zip(names, row, parts[1:], strict=True))
        for row in rows
    ]


def decode(space: Space, texts: Iterable[str], where: str = "networks") -> np.ndarray:
    """Return networks in the space's form, or as JSON lists of numbers or names, as codes of shape (N, L).

    Raises:
        InputError: for the first text that is no network of the space.
    """
    whole, places = _reader(space)
    rows = []
    for number, text in enumerate(texts):
        if not isinstance(text, str) or len(text) > MOST_CHARACTERS:
            raise InputError(f"{where}: network {number}: no text of up to {MOST_CHARACTERS} characters")
        found = whole.fullmatch(text.strip()) if whole else None
        given = list(found.groups()) if found else _listed(text)
        if given is None or len(given) != len(places):
            raise InputError(f"{where}: network {number}: {_short(text)} is none of {space.name}; give {form(space)}")
        try:
            rows.append([of[choice] for of, choice in zip(places, given, strict=True)])
        except (KeyError, TypeError):
            layer, choice = next(
                (layer, choice) for layer, choice in zip(space.layers, given, strict=True)
                if not isinstance(choice, (str, int)) or choice not in _places(layer.choices)
            )  # fmt: skip
            raise InputError(
                f"{where}: network {number}: {_short(str(choice))} is no choice of layer {layer.name!r}; "
                f"give {', '.join(layer.choices)}"
            ) from None
    return np.array(rows, np.int8).reshape(len(rows), len(places))


def form(space: Space) -> str:
    """Return in words how a network of a space is written."""
    numbers = f"a list of {len(space.layers)} numbers from 0"
    return f"{space.text.replace('{}', space.layers[0].choices[0])} or {numbers}" if space.text else numbers


def pattern(space: Space) -> str:
    """Return the regular expression of a space's own form, as JSON Schema has it; empty where it has none."""
    if not space.text:
        return ""
    parts = [_escaped(part) for part in space.text.split("{}")]
    groups = ["|".join(map(_escaped, layer.choices)) for layer in space.layers]
    return f"^{parts[0]}{''.join(f'({of}){after}' for of, after in zip(groups, parts[1:], strict=True))}$"


def _escaped(text: str) -> str:
    """Return text for a regular expression; escapes no more than ECMA-262 allows, as re.escape would."""
    return re.sub(r"[\\^$.*+?()\[\]{}|/]", r"\\\g<0>", text)


def _places(choices: list[str]) -> dict[str | int, int]:
    """Return the place of each choice by its name and by its number."""
    return {name: place for place, name in enumerate(choices)} | {place: place for place in range(len(choices))}


def _reader(space: Space) -> tuple[re.Pattern[str] | None, list[dict[str | int, int]]]:
    return _compiled(space.text, tuple(tuple(layer.choices) for layer in space.layers))


@lru_cache(maxsize=64)
def _compiled(
    text: str, choices: tuple[tuple[str, ...], ...]
) -> tuple[re.Pattern[str] | None, list[dict[str | int, int]]]:
    places = [_places(list(of)) for of in choices]
    if not text:
        return None, places
    parts = [re.escape(part) for part in text.split("{}")]
    # Longer names first: one may begin as another does.
    groups = ["|".join(map(re.escape, sorted(of, key=len, reverse=True))) for of in choices]
    return re.compile(parts[0] + "".join(f"({of}){after}" for of, after in zip(groups, parts[1:], strict=True))), places


def _listed(text: str) -> list[str | int] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) and not any(isinstance(one, (bool, float)) for one in found) else None


def _short(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
