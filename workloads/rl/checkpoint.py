"""A run's checkpoints: weights, the optimiser's state and how far it came."""

from pathlib import Path
from typing import Any

import torch

from workloads.training import checkpoint

NAME = "checkpoint.safetensors"
_KIND = "hwmodel_rl"
_MAKER = "`hwmodel rl train -o`"
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
        tensors = checkpoint.optimizer_tensors(self.optimizer)
        for name, module in self.modules.items():
            tensors |= checkpoint.module_tensors(name, module)
        checkpoint.write(folder / NAME, _KIND, tensors, facts)

    def load(self, folder: Path) -> None:
        """Go on from a file.

        Raises:
            InputError: it is no checkpoint, or of another network.
        """
        path = folder / NAME
        tensors = checkpoint.read_tensors(path, _MAKER)
        for name, module in self.modules.items():
            checkpoint.load_module(path, name, module, tensors)
        self.acting.load_state_dict(self.modules["network"].state_dict())
        checkpoint.load_optimizer(self.optimizer, tensors)


def facts(folder: Path) -> dict[str, Any]:
    """Return what a checkpoint tells of its run.

    Raises:
        InputError: it is no checkpoint.
    """
    return checkpoint.read_facts(folder / NAME, _KIND, _MAKER)
