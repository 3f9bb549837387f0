"""Activations that a network spells in sums and products, by their names."""

from math import isclose, sqrt

from hwmodel.latency.graph.draft import Draft, like, number
from hwmodel.latency.graph.graph import Node

PRECISION = 1e-4  # of constants as files hold them, such as 0.16667 for a sixth


def composed(draft: Draft, node: Node) -> bool:
    """Name the activation whose last step a product is."""
    for name, source in (("hardswish", _hardswish), ("hardsigmoid", _hardsigmoid), ("silu", _silu), ("gelu", _gelu)):
        value = source(draft, node) if not node.attributes["activation"] else None
        if value is not None and draft.shape(value) == node.output.shape:
            draft.put(like(node, "activation", (value,), {"activation": name}))
            return True
    return False


def _silu(draft: Draft, node: Node) -> str | None:
    return _times_itself(draft, node, "sigmoid")


def _times_itself(draft: Draft, node: Node, activation: str) -> str | None:
    """Return x of x * activation(x)."""
    for x, gate in _orders(node):
        if _activated(draft, gate, activation) == x:
            return x
    return None


def _hardsigmoid(draft: Draft, node: Node) -> str | None:
    """Return x of relu6(x + 3) / 6."""
    return _raised(draft, node.inputs[0]) if _is(node, 1 / 6) else None


def _hardswish(draft: Draft, node: Node) -> str | None:
    """Return x of x * hardsigmoid(x), of (x * relu6(x + 3)) / 6, of (x / 6) * relu6(x + 3)."""
    x = _times_itself(draft, node, "hardsigmoid")
    if x is not None:
        return x
    inner = draft.maker(node.inputs[0], "mul")
    if _is(node, 1 / 6) and inner is not None and not inner.attributes["activation"]:
        return next((x for x, gate in _orders(inner) if _raised(draft, gate) == x), None)
    for part, gate in _orders(node):
        sixth, x = draft.maker(part, "mul"), _raised(draft, gate)
        if sixth is not None and x is not None and _is(sixth, 1 / 6) and sixth.inputs == (x,):
            return x
    return None


def _gelu(draft: Draft, node: Node) -> str | None:
    """Return x of x * (1 + erf(x / sqrt 2)) / 2, the half at either place."""
    if _is(node, 0.5):
        inner = draft.maker(node.inputs[0], "mul")
        return None if inner is None else next((x for x, rest in _orders(inner) if _error(draft, rest) == x), None)
    for part, rest in _orders(node):
        half, x = draft.maker(part, "mul"), _error(draft, rest)
        if half is not None and x is not None and _is(half, 0.5) and half.inputs == (x,):
            return x
    return None


def _error(draft: Draft, name: str) -> str | None:
    """Return x of 1 + erf(x / sqrt 2)."""
    node = draft.maker(name, "add")
    if node is None or number(node) != 1 or node.attributes["activation"]:
        return None
    scaled = draft.maker(_activated(draft, node.inputs[0], "erf") or "", "mul")
    return scaled.inputs[0] if scaled is not None and _is(scaled, sqrt(0.5)) else None


def _raised(draft: Draft, name: str) -> str | None:
    """Return x of relu6(x + 3), the activation fused or not."""
    node = draft.maker(_activated(draft, name, "relu6") or "", "add") or draft.maker(name, "add")
    if node is None or number(node) != 3:
        return None
    fused = node.attributes["activation"]
    return node.inputs[0] if fused == ("relu6" if node.output.name == name else None) else None


def _activated(draft: Draft, name: str, activation: str) -> str | None:
    """Return x of activation(x), where that is a layer of its own."""
    node = draft.maker(name, "activation")
    return node.inputs[0] if node is not None and node.attributes["activation"] == activation else None


def _is(node: Node, factor: float) -> bool:
    """Return whether a product is with this number."""
    found = number(node)
    return len(node.inputs) == 1 and found is not None and isclose(found, factor, rel_tol=PRECISION)


def _orders(node: Node) -> list[tuple[str, str]]:
    """Return the operands of a product of two values, either way round."""
    return [] if len(node.inputs) != 2 else [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])]
