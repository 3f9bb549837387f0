"""Tensors without memory: a module and its inputs, real or meta, as fake tensors of the same shapes and sharing."""

import copy
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map_only

from traces.errors import InputError


class Faker:
    """Makes fake twins of tensors. Twins of tensors that share a storage share one too; nothing real is read.

    Args:
        stored: the type of the twins of float32 tensors; float32 when None.
    """

    def __init__(self, stored: torch.dtype | None = None) -> None:
        self._types = {torch.float32: stored} if stored else {}
        # Real constants made inside a forward (torch.tensor(...) of a list) are turned into fake ones on the way.
        self.mode = FakeTensorMode(allow_non_fake_inputs=True)
        self._twins: dict[int, torch.Tensor] = {}
        self._bases: dict[tuple[int, torch.dtype], torch.Tensor] = {}
        self._kept: list[torch.Tensor] = []  # so that no identity is reused while this lives

    def twin(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the fake twin of a tensor, on the device "cpu" wherever the tensor is.

        Raises:
            InputError: for a tensor without a strided storage (sparse, quantised, nested).
        """
        known = self._twins.get(id(tensor))
        if known is not None:
            return known
        if tensor.layout != torch.strided or tensor.is_quantized:
            raise InputError(f"tensor of shape {tuple(tensor.shape)}: sparse or quantised; give dense, strided tensors")
        storage = tensor.untyped_storage()
        key = (storage._cdata, tensor.dtype)
        with self.mode, torch.no_grad():
            base = self._bases.get(key)
            if base is None:
                kind = self._types.get(tensor.dtype, tensor.dtype)
                base = torch.empty(storage.nbytes() // tensor.itemsize, dtype=kind, device="cpu")
                self._bases[key] = base
            twin = base.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())
            if isinstance(tensor, nn.Parameter):
                twin = nn.Parameter(twin.detach(), tensor.requires_grad)
            else:
                twin = twin.detach().requires_grad_(tensor.requires_grad)
        self._twins[id(tensor)] = twin
        self._kept.append(tensor)
        return twin

    def module(self, module: nn.Module) -> nn.Module:
        """Return a copy of a module with fake parameters and buffers; the module itself is left alone."""
        held = [*module.parameters(), *module.buffers()]
        with _DeepCopy(self):
            return copy.deepcopy(module, {id(tensor): self.twin(tensor) for tensor in held})

    def tensors(self, tree: Any) -> Any:
        """Return nested tuples, lists and dicts with each tensor replaced by its twin."""
        return tree_map_only(torch.Tensor, self.twin, tree)


class _DeepCopy(TorchFunctionMode):
    """Answers a deep copy of a tensor, wherever the module keeps it, by its twin; a parameter copies by `clone`."""

    def __init__(self, faker: Faker) -> None:
        super().__init__()
        self._faker = faker

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (torch.Tensor.__deepcopy__, torch.Tensor.clone):
            return self._faker.twin(args[0])
        return func(*args, **(kwargs or {}))
