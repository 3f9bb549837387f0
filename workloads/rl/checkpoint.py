"""Checkpoints: weights, the optimiser's state and how far a run came, in one safetensors file. Nothing in it runs."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from circuits.errors import InputError

NAME = "checkpoint.safetensors"
_KEY = "hwmodel_rl"
SAME = ("env", "algorithm", "network")  # what a run that goes on has in common with the one before


class State:
    """What a learner would go on from.

    Args:
        modules: name -> network.
        optimizer: of the network `network`.
        acting: gets the weights of `network`.
    """

    def __init__(
        self, modules: dict[str, torch.nn.Module], optimizer: torch.optim.Optimizer, acting: torch.nn.Module
    ) -> None:
        self.modules, self.optimizer, self.acting = modules, optimizer, acting

    def save(self, folder: Path, facts: dict[str, Any]) -> None:
        """Write the file, whole or not at all.

        Args:
            folder: where `NAME` will stand.
            facts: what JSON can say: settings, and how far the run came.
        """
        tensors = {
            f"{name}.{key}": value
            for name, module in self.modules.items()
            for key, value in module.state_dict().items()
        }
        for number, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{key}": torch.as_tensor(value) for key, value in state.items()}
        tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        beside = folder / f".{NAME}.new"
        save_file(tensors, beside, {_KEY: json.dumps(facts)})
        beside.replace(folder / NAME)

    def load(self, folder: Path) -> None:
        """Go on from a file.

        Raises:
            InputError: it is no checkpoint, or of another network.
        """
        path = folder / NAME
        with _opened(path) as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no dict)
        for name, module in self.modules.items():
            found = {
                key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")
            }
            try:
                module.load_state_dict(found)
            except RuntimeError as error:
                raise InputError(f"{path}: of another network: {' '.join(str(error).split())[:200]}") from error
        self.acting.load_state_dict(self.modules["network"].state_dict())
        kept: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith("optimizer."):
                _, number, key = name.split(".", 2)
                kept.setdefault(int(number), {})[key] = value
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": kept})


def _opened(path: Path) -> Any:
    try:
        return safe_open(path, "pt")
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: no checkpoint: {error}; give a folder that `hwmodel rl train -o` wrote") from error


def facts(folder: Path) -> dict[str, Any]:
    """Return what a checkpoint tells of its run.

    Raises:
        InputError: it is no checkpoint.
    """
    with _opened(folder / NAME) as file:
        told = (file.metadata() or {}).get(_KEY)
    if told is None:
        raise InputError(f"{folder / NAME}: no checkpoint of `hwmodel rl train`")
    return json.loads(told)
