"""Networks to train: by name or a user's, told which images they are for."""

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from circuits.errors import InputError
from traces.networks import find_network

CLASSES, IMAGE = ("classes", "num_classes"), "image"  # arguments that a factory may ask for


def make_subject(
    network: str, shape: tuple[int, int, int], classes: int, arguments: Mapping[str, Any] | None = None
) -> nn.Module:
    """Return a network, its weights drawn from torch's own random numbers.

    A factory that has an argument `classes` or `num_classes`, or `image`, is told those of the images.

    Args:
        network: a known network, or `package.module:factory`.
        shape: channels, height and width of an image.
        classes: scores.
        arguments: of the factory, by name.

    Raises:
        InputError: it is unknown or cannot be made with these arguments.
    """
    factory = find_network(network)
    known = parameters_of(factory)
    given = dict(arguments or {})
    for name in given:
        if known is not None and name not in known:
            listed = ", ".join(known) or "none"
            raise InputError(f"network {network!r}: its factory has no argument {name!r}; it has {listed}")
    known = known or {}
    for name in (name for name in CLASSES if name in known):
        given.setdefault(name, classes)
    if IMAGE in known:
        given.setdefault(IMAGE, shape if isinstance(known[IMAGE].default, tuple) else shape[1])
    try:
        module = factory(**given)
    except InputError:
        raise
    except Exception as error:  # a user's factory may raise anything
        raise InputError(f"network {network!r}: raised {_line(error)}") from error
    if not isinstance(module, nn.Module):
        raise InputError(f"network {network!r}: its factory returned a {type(module).__name__}, no torch module")
    return module


def check_subject(module: nn.Module, shape: tuple[int, int, int], classes: int, network: str) -> None:
    """Refuse a network that is not for such images.

    Raises:
        InputError: its weights are on the meta device, it takes no images of this shape, or gives other scores.
    """
    if any(value.is_meta for value in module.parameters()):
        raise InputError(f"network {network!r}: its weights are on the meta device; training needs real ones")
    modes = {part: part.training for part in module.modules()}
    try:
        with torch.no_grad():
            scores = module.eval()(torch.zeros(2, *shape))
    except Exception as error:  # a user's module may raise anything
        raise InputError(f"network {network!r}: takes no images of {shape}: {_line(error)}") from error
    finally:
        for part, training in modes.items():
            part.training = training
    if not isinstance(scores, torch.Tensor) or tuple(scores.shape) != (2, classes):
        got = tuple(scores.shape) if isinstance(scores, torch.Tensor) else type(scores).__name__
        raise InputError(f"network {network!r}: gives {got} for 2 images; it must give (2, {classes}) scores")


def parameters_of(factory: Any) -> dict[str, inspect.Parameter] | None:
    """Return a factory's arguments by name; None where any will do, or nobody knows."""
    try:
        found = dict(inspect.signature(factory).parameters)
    except (TypeError, ValueError):
        return None
    anything = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in found.values())
    return None if anything else found


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
