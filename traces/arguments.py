"""Arguments of a network's factory, as they are typed: length=384, rows=1000,200, variant=small."""

from typing import Any

import click


class Argument(click.ParamType):
    """A name, and a number, several numbers, or a word."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        name, equals, text = value.partition("=")
        if not (name.isidentifier() and equals and text):
            self.fail(f"{value!r} names no argument; give one such as length=384", param, ctx)
        return name, tuple(map(_number, text.split(","))) if "," in text else _number(text)


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
