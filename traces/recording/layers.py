"""Which layer an operator's call belongs to: by module hooks going forward, by autograd's node going back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch._C._autograd import _get_sequence_nr  # pyright: ignore[reportMissingImports]


class Layers:
    """Names the layer at work.

    Autograd numbers its nodes as they are made, and makes an operator's node just before it calls the operator; so
    the number in hand during a forward call, less one, names the node whose backward belongs to the same layer.
    """

    def __init__(self, module: nn.Module) -> None:
        self.stack: list[str] = []
        self._of_node: dict[int, str] = {}
        self._of_parameter: dict[int, str] = {}
        self._last = ""
        for name, part in module.named_modules():
            for parameter in part.parameters(recurse=False):
                self._of_parameter.setdefault(id(parameter), name)
            part.register_forward_pre_hook(self._enter(name), prepend=True)
            part.register_forward_hook(self._leave, always_call=True)

    def _enter(self, name: str) -> Any:
        def enter(*_: Any) -> None:
            self.stack.append(name)

        return enter

    def _leave(self, *_: Any) -> None:
        self.stack.pop()

    def current(self) -> str:
        """Return the qualified name of the module at work, empty outside any."""
        node = torch._C._current_autograd_node()
        if self.stack:  # forward, or a forward again inside a checkpoint's backward
            layer = self.stack[-1]
            self._of_node.setdefault(_get_sequence_nr() - 1, layer)
        elif node is None:
            layer = self._last
        elif (parameter := getattr(node, "variable", None)) is not None:  # accumulates its gradient
            layer = self._of_parameter.get(id(parameter), self._last)
        else:
            layer = self._of_node.get(node._sequence_nr(), self._last)
        self._last = layer
        return layer

    @contextmanager
    def within(self, name: str) -> Iterator[None]:
        """Be in a module that is run without its hooks."""
        self.stack.append(name)
        try:
            yield
        finally:
            self.stack.pop()

    def forget(self) -> None:
        """Begin anew: what follows is outside any module until one is entered."""
        self.stack.clear()
        self._last = ""
