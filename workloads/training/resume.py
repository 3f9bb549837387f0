"""What a training goes on from."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

from circuits.errors import InputError
from workloads.images import ImageSet
from workloads.training import checkpoint
from workloads.training.schedule import Schedule

_KIND = "hwmodel_training"
_MAKER = "a training of this tool"
FORMAT = 1


class Resume:
    """A training's checkpoint.

    Args:
        path: of the file.
        module: with its weights and buffers. optimizer: with its momentum, and parameters that are not the module's.
        step: what of it has `state_dict()` and `load_state_dict(...)` is kept too.
        images, schedule, seed: which must be the same when the training goes on.
    """

    def __init__(
        self,
        path: Path,
        module: nn.Module,
        optimizer: torch.optim.Optimizer,
        step: Any,
        images: ImageSet,
        schedule: Schedule,
        seed: int,
    ) -> None:
        self._path, self._module, self._optimizer = path, module, optimizer
        self._step = step if hasattr(step, "state_dict") and hasattr(step, "load_state_dict") else None
        own = {id(value) for value in (*module.parameters(), *module.buffers())}
        trained = [value for group in optimizer.param_groups for value in group["params"]]
        self._beside = [value for value in trained if id(value) not in own]
        settings = {"format": FORMAT, "images": images.fingerprint, "seed": seed, **schedule.document()}
        self._settings = json.loads(json.dumps(settings))

    def save(self, history: dict[str, Any]) -> None:
        """Write the file, whole or not at all."""
        tensors = checkpoint.module_tensors("module", self._module) | checkpoint.optimizer_tensors(self._optimizer)
        tensors |= {f"beside.{place}": value for place, value in enumerate(self._beside)}
        facts: dict[str, Any] = {"settings": self._settings, "history": history}
        if self._step is not None:
            state = self._step.state_dict()
            tensors |= {f"step.{key}": value for key, value in state.items() if isinstance(value, torch.Tensor)}
            facts["step"] = {key: value for key, value in state.items() if not isinstance(value, torch.Tensor)}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        checkpoint.write(self._path, _KIND, tensors, facts)

    def load(self) -> dict[str, Any]:
        """Load what is there, and return the history; without a file nothing, and no history.

        Raises:
            InputError: the file is no checkpoint, or of another training.
        """
        if not self._path.exists():
            return {}
        facts = checkpoint.read_facts(self._path, _KIND, _MAKER)
        try:
            settings, history = dict(facts["settings"]), dict(facts["history"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{self._path}: no checkpoint of {_MAKER}") from error
        for name, ours in self._settings.items():
            if settings.get(name) != ours:
                raise InputError(
                    f"{self._path}: of a training with {name} {settings.get(name)}, not {ours}; "
                    "give the same, or remove the file"
                )
        tensors = checkpoint.read_tensors(self._path, _MAKER)
        beside = checkpoint.under("beside", tensors)
        if [tuple(value.shape) for value in self._beside] != [tuple(value.shape) for value in beside.values()]:
            raise InputError(f"{self._path}: of a training with other parameters; remove the file")
        checkpoint.load_module(self._path, "module", self._module, tensors)
        checkpoint.load_optimizer(self._optimizer, tensors)
        with torch.no_grad():
            for place, value in enumerate(self._beside):
                value.copy_(beside[str(place)])
        if self._step is not None:
            self._step.load_state_dict(checkpoint.under("step", tensors) | facts.get("step", {}))
        return history
