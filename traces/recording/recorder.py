"""Everything a run asks of a device, in order: a dispatch mode that records each operator's call."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from traces.lowering.interpolation import is_fused
from traces.macs import is_product
from traces.operation import Operation, View
from traces.recording.layers import Layers
from traces.recording.masks import Masks
from traces.recording.memory import Memory

# Told of each recorded operation while its tensors live, with a function that lends it device memory for a workspace:
# allocate(bytes, name) -> (index of the tensor, byte address).
Each = Callable[[Operation, Callable[[int, str], tuple[int, int]]], None]

KINDS = {"forward": "activation", "backward": "gradient", "optimizer": "optimizer"}
# Operators that only make a tensor or ask about one, though their schema does not say so.
STILL = {"_assert_async", "_local_scalar_dense", "_reshape_alias", "_unsafe_view", "empty", "empty_like",
         "empty_strided", "equal", "is_nonzero", "is_same_size", "lift", "lift_fresh", "new_empty",
         "new_empty_strided", "resize_", "result_type", "set_"}  # fmt: skip


def moves_data(func: Any) -> bool:
    """Return whether an operator reads or writes elements; views, also in place, queries and allocations do not."""
    if func.namespace in ("prim", "profiler") or func.overloadpacket.__name__ in STILL:
        return False
    if torch.Tag.inplace_view in func.tags:  # such as t_
        return False
    returned = [one.alias_info for one in func._schema.returns]
    return not returned or any(alias is None or alias.is_write for alias in returned)


class Recorder(TorchDispatchMode):
    """Records calls while `recording`; follows storages always, so that memory is in the state a step leaves it in."""

    def __init__(
        self, memory: Memory, layers: Layers, each: Each | None = None, products: str = "", mask_share: float = 0.5
    ) -> None:
        super().__init__()
        self.masks = Masks(mask_share)
        self.products = products
        self.memory = memory
        self.layers = layers
        self.each = each
        self.phase = "forward"
        self.recording = False
        self.operations: list[Operation] = []
        self.kept: frozenset[int] = frozenset()  # storages that outlive the run

    def finished(self) -> None:
        self.kept = self.memory.living()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = self.masks.call(func, args, kwargs)
        if func.namespace in ("prim", "profiler"):
            return result
        layer = self.layers.current()
        role = func.overloadpacket.__name__
        # What is made while a module runs is an activation, also where a checkpoint's block runs again.
        name, kind = f"{layer}.{role}".lstrip("."), KINDS["forward" if self.layers.stack else self.phase]
        leaves = [] if result is None else tree_leaves(result)
        for position, tensor in enumerate(leaves):
            if isinstance(tensor, torch.Tensor):
                self.memory.track(tensor, f"{name}:{position}" if position else name, kind)
        if self.recording and moves_data(func):

            def plain(value: Any) -> Any:
                return self._plain(value, name)

            outputs = tuple(value if isinstance(value := plain(one), View) else None for one in leaves)
            options = {key: plain(value) for key, value in kwargs.items()}
            given = tuple(map(plain, args))
            products = self.products if is_product(str(func)) else ""
            operation = Operation(str(func), given, options, outputs, layer, self.phase, products)
            self.operations.append(operation)
            if is_fused(operation):
                self.memory.tie(leaves[0], args[0])
            if self.each:
                with self.memory.workspaces(layer) as allocate:
                    self.each(operation, allocate)
        return result

    def _plain(self, value: Any, name: str) -> Any:
        if isinstance(value, torch.Tensor):
            return self.memory.view(value, name, "buffer")
        if isinstance(value, (list, tuple)):
            return [self._plain(one, name) for one in value]
        if value is None or isinstance(value, (bool, int, float, complex, str)):
            return value
        return int(value) if isinstance(value, torch.SymInt) else str(value)
