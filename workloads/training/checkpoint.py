"""Checkpoints: tensors and what JSON can say, in one safetensors file, whole or not at all. Nothing in it runs."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from circuits.errors import InputError
from traces.files import replacing


def write(path: Path, kind: str, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> None:
    """Write the file, or leave the one before.

    Args:
        path: of the file; its folder exists.
        kind: whose checkpoint it is: the key under which the file holds the facts.
        tensors: by names without order; two that share memory are stored twice.
        facts: what JSON can say: settings, how far it came.
    """
    whole = {name: value.detach().cpu().clone().contiguous() for name, value in tensors.items()}
    with replacing(path) as beside:
        save_file(whole, beside, {kind: json.dumps(facts)})


def read_facts(path: Path, kind: str, maker: str) -> dict[str, Any]:
    """Return what the file says beside its tensors.

    Args:
        path: of the file.
        kind: as it was written.
        maker: what writes such files, for the error.

    Raises:
        InputError: it is no checkpoint of this kind.
    """
    with _opened(path, maker) as file:
        told = (file.metadata() or {}).get(kind)
    try:
        found = json.loads(told) if told is not None else None
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise InputError(f"{path}: no checkpoint of {maker}")
    return found


def read_tensors(path: Path, maker: str) -> dict[str, torch.Tensor]:
    """Return the file's tensors.

    Raises:
        InputError: it is no checkpoint.
    """
    with _opened(path, maker) as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no dict)


def _opened(path: Path, maker: str) -> Any:
    try:
        return safe_open(path, "pt")
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: no checkpoint: {error}; give one that {maker} wrote") from error


def module_tensors(name: str, module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return a module's parameters and buffers, each under the module's name."""
    return {f"{name}.{key}": value for key, value in module.state_dict().items() if isinstance(value, torch.Tensor)}


def load_module(path: Path, name: str, module: torch.nn.Module, tensors: dict[str, torch.Tensor]) -> None:
    """Load what `module_tensors` gave.

    Raises:
        InputError: it is of another network.
    """
    try:
        module.load_state_dict(under(name, tensors))
    except RuntimeError as error:
        raise InputError(f"{path}: of another network: {' '.join(str(error).split())[:200]}") from error


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Return an optimiser's state of each parameter, such as its momentum."""
    return {
        f"optimizer.{number}.{key}": torch.as_tensor(value)
        for number, state in optimizer.state_dict()["state"].items()
        for key, value in state.items()
        if value is not None
    }


def load_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """Load what `optimizer_tensors` gave; rates stay as they are."""
    kept: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in under("optimizer", tensors).items():
        number, key = name.split(".", 1)
        kept.setdefault(int(number), {})[key] = value
    optimizer.load_state_dict(optimizer.state_dict() | {"state": kept})


def under(name: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the tensors whose names begin so, by the rest of their names."""
    return {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
