"""Options of the command line from a method's settings, and settings from options."""

import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import click
from pydantic import ValidationError

from circuits.errors import InputError
from workloads.methods.method import Settings

Asked = TypeVar("Asked", bound=Settings)
NONE = "none"  # on the command line, for a field that may be left out


def options_of(model: type[Settings]) -> list[click.Option]:
    """Return an option a field: its description as help, its default told; lists are given with commas."""
    found = []
    for name, field in model.model_fields.items():
        text, default = field.description or "", field.get_default(call_default_factory=True)
        told = ",".join(map(str, default)) if isinstance(default, (list, tuple)) else default
        flag = f"--{name.replace('_', '-')}"
        if field.annotation is bool:
            found.append(click.Option([f"{flag}/--no-{flag[2:]}", name], default=None,
                                      help=f"{text}  [default: {'' if default else 'no-'}{flag[2:]}]"))  # fmt: skip
            continue
        shown = "" if told is None or told == "" else f"  [default: {told}]"
        choices = _choices(field.annotation)
        kind: Any = click.Choice(choices) if choices else str
        found.append(click.Option([flag, name], type=kind, help=text + shown,
                                  metavar=None if choices else _metavar(field.annotation)))  # fmt: skip
    return found


def _parts(annotation: Any) -> tuple[Any, ...]:
    """Return what a field may be, None aside."""
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(part for one in get_args(annotation) for part in _parts(one) if part is not type(None))
    if hasattr(annotation, "__metadata__"):
        return _parts(get_args(annotation)[0])
    return (annotation,)


def _may_be_none(annotation: Any) -> bool:
    if hasattr(annotation, "__metadata__"):
        annotation = get_args(annotation)[0]
    return type(None) in get_args(annotation)


def _choices(annotation: Any) -> list[str]:
    parts = _parts(annotation)
    return list(get_args(parts[0])) if len(parts) == 1 and get_origin(parts[0]) is Literal else []


def _is_list(annotation: Any) -> bool:
    return any(get_origin(part) in (list, tuple) or part in (list, tuple) for part in _parts(annotation))


def _metavar(annotation: Any) -> str:
    if _is_list(annotation):
        return "VALUE,..."
    return {int: "N", float: "X"}.get(_parts(annotation)[0], "TEXT")


def settings_of(model: type[Asked], given: Mapping[str, Any]) -> Asked:
    """Return settings from options; those that were not given have their defaults, `none` leaves out what may be.

    Raises:
        InputError: naming the option that cannot be used, and why.
    """
    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        value = given.get(name)
        if value == NONE and _may_be_none(field.annotation):
            values[name] = None
        elif value is not None:
            values[name] = [part.strip() for part in value.split(",")] if _is_list(field.annotation) else value
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).replace("_", "-") if first["loc"] else ""
        what = f"--{name} {first['input']}"[:80] if name else "settings"
        raise InputError(f"{what}: {first['msg'].removeprefix('Value error, ')}") from None
