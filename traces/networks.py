"""Networks by name: those that installed packages offer, and any factory of a module that can be imported."""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traces.errors import InputError

if TYPE_CHECKING:
    from traces.lowered import Unknown
    from traces.lowering import Options
    from traces.trace import Trace

GROUP = "hwmodel.networks"
FILES = "hwmodel.network_files"  # entry points by a file's suffix: from a path and a name in it to a factory


def known_networks() -> list[str]:
    """Return the names under which installed packages offer networks; none of them is imported."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def find_network(name: str) -> Callable[..., Any]:
    """Return the factory of a network: a function that returns a torch module with `example_inputs(batch)`.

    Args:
        name: a name that an installed package offers under the entry-point group `hwmodel.networks`;
            `package.module:factory`, looked up in the current folder too; or `FILE.yaml:NAME`, where an installed
            package reads such files.

    Raises:
        InputError: for a name that is neither, and for a module that cannot be imported.
    """
    file, colon, inner = name.rpartition(":")
    if colon:
        readers = {entry.name: entry for entry in entry_points(group=FILES)}
        suffix = Path(file).suffix
        return readers[suffix].load()(Path(file), inner) if suffix in readers else _imported(name)
    known = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in known:
        raise unknown_network(name)
    try:
        return known[name].load()
    except Exception as error:
        raise InputError(f"network {name!r}: {known[name].value} cannot be loaded: {_line(error)}") from error


def unknown_network(name: str) -> InputError:
    """Return the error that says which networks are known."""
    listed = ", ".join(known_networks()) or "none"
    return InputError(
        f"network {name!r}: unknown; known are {listed}; or give package.module:factory or FILE.yaml:NAME"
    )


def _imported(name: str) -> Callable[..., Any]:
    place, _, attribute = name.partition(":")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        value: Any = import_module(place)
        for part in attribute.split("."):
            value = getattr(value, part)
    except Exception as error:  # the user's module may raise anything at its import
        reason = f"cannot be imported: {_line(error)}; give package.module:factory"
        raise InputError(f"network {name!r}: {reason}") from error
    if not callable(value):
        raise InputError(f"network {name!r}: not a function that returns a torch module but a {type(value).__name__}")
    return value


def make_network(
    name: str, batch: int, shape: tuple[int, ...] | None = None, arguments: Mapping[str, Any] | None = None
) -> tuple[Any, tuple[Any, ...]]:
    """Return a network's module and its example inputs, without memory where its factory allows.

    Args:
        name: as for `find_network`.
        batch: number of examples, at least 1.
        shape: of one example, for a module that has no `example_inputs`; None asks the module.
        arguments: of the factory, by name.

    Raises:
        InputError: for a batch, shape or name that cannot be used, and where the factory raises or makes no module.
    """
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise InputError(f"batch {batch!r}: not a number of examples; give a whole number from 1")
    factory = find_network(name)
    module = _weightless(partial(factory, **(arguments or {})), f"network {name!r}")
    return module, _inputs(module, batch, shape, f"network {name!r}")


def _inputs(module: Any, batch: int, shape: tuple[int, ...] | None, what: str) -> tuple[Any, ...]:
    import torch
    from torch import nn

    if not isinstance(module, nn.Module):
        raise InputError(f"{what}: its factory returned a {type(module).__name__}; it must return a torch.nn.Module")
    if shape is not None:
        try:
            return (torch.empty(batch, *shape, device="meta"),)
        except RuntimeError as error:  # its bytes overflow 64 bits
            raise InputError(f"{what}: inputs of {batch} x {shape}: {_line(error)}; give a smaller shape") from None
    example = getattr(module, "example_inputs", None)
    if not callable(example):
        raise InputError(f"{what}: has no example_inputs(batch); give the shape of an example with --input 3x224x224")
    made = _weightless(lambda: example(batch), f"{what}: example_inputs")
    return tuple(made) if isinstance(made, (tuple, list)) else (made,)


def _weightless(make: Callable[[], Any], what: str) -> Any:
    """Call `make` with tensors that have shapes but no memory; in earnest where it needs their values."""
    import torch

    try:
        with torch.device("meta"):
            return make()
    except Exception:  # noqa: S110  (some factories compute with what they make; the next try says what is wrong)
        pass
    try:
        return make()
    except Exception as error:
        raise InputError(f"{what}: raised {_line(error)}") from error


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def capture_network(
    name: str,
    batch: int,
    phase: str = "training",
    gpu: str = "gtx1080ti",
    *,
    shape: tuple[int, ...] | None = None,
    unknown: "Unknown" = "error",
    options: "Options | None" = None,
    arguments: Mapping[str, Any] | None = None,
    dtype: str = "fp32",
    checkpoint: bool = False,
    steps: int = 1,
) -> "Trace":
    """Return the trace of a network by name, made with `arguments`; see `find_network` and, for the rest, `capture`.

    Raises:
        InputError: for values that cannot be used.
    """
    from traces.lowered import capture

    module, inputs = make_network(name, batch, shape, arguments)
    if arguments:
        name += f"({', '.join(f'{key}={value}' for key, value in arguments.items())})"
    return capture(module, inputs, phase, gpu=gpu, network=name, unknown=unknown, options=options, dtype=dtype,
                   checkpoint=checkpoint, steps=steps)  # fmt: skip


def count_macs(factory: Callable[[], Any]) -> int:
    """Return the multiply-accumulates of one example's forward pass through the module that `factory` makes.

    Raises:
        InputError: where it makes no module with `example_inputs`, or the module raises.
    """
    from traces.recording import record

    module = _weightless(factory, "network")
    return record(module, _inputs(module, 1, None, "network"), "inference").macs
