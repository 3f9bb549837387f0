"""Multiply-accumulates of an operator, from its shapes alone: one a product that is added to a sum."""

from collections.abc import Callable
from math import prod

from traces.operation import Operation, View


def _convolution(operation: Operation) -> int:
    """Sum over the weight's input channels (of a group) and its window for each output element; transposed, input."""
    source, weight, transposed = operation.arguments[0], operation.arguments[1], operation.arguments[6]
    (output,) = operation.outputs
    pixels = source if transposed or output is None else output
    return pixels.numel * prod(weight.shape[1:])


def _convolution_backward(operation: Operation) -> int:
    """Count one convolution for each gradient asked for: input's and weight's."""
    gradient, source, weight = operation.arguments[:3]
    transposed, asked = operation.arguments[7], operation.arguments[10]
    pixels = source if transposed else gradient
    return pixels.numel * prod(weight.shape[1:]) * (int(asked[0]) + int(asked[1]))


def _product(left: View, right: View) -> int:
    """Count m * k * n a batch element of (.., m, k) x (.., k, n)."""
    return left.numel * right.shape[-1]


def _attention(operation: Operation, first: int, of_q: int, of_v: int) -> int:
    """Count `of_q` products along q's heads and `of_v` along v's for each pair of query and key, of a causal mask too.

    q is argument `first`. Forward has one of each, backward three (scores anew, the gradients of q and k) and two.
    """
    q, k, v = operation.arguments[first : first + 3]
    return prod(q.shape[:-1]) * k.shape[-2] * (of_q * q.shape[-1] + of_v * v.shape[-1])


_FUSED = ("flash_attention", "flash_attention_for_cpu", "efficient_attention", "cudnn_attention",
          "fused_attention_overrideable")  # fmt: skip
MACS: dict[str, Callable[[Operation], int]] = {
    "aten.convolution": _convolution,
    "aten.convolution_backward": _convolution_backward,
    "aten.linear": lambda operation: operation.arguments[0].numel * operation.arguments[1].shape[0],
    "aten.mm": lambda operation: _product(operation.arguments[0], operation.arguments[1]),
    "aten.mv": lambda operation: operation.arguments[0].numel,
    "aten.addmv": lambda operation: operation.arguments[1].numel,
    "aten._int_mm": lambda operation: _product(operation.arguments[0], operation.arguments[1]),
    "aten._weight_int4pack_mm": lambda operation: operation.arguments[0].numel * 8 * operation.arguments[1].shape[0],
    "aten.bmm": lambda operation: _product(operation.arguments[0], operation.arguments[1]),
    "aten.addmm": lambda operation: _product(operation.arguments[1], operation.arguments[2]),
    "aten.baddbmm": lambda operation: _product(operation.arguments[1], operation.arguments[2]),
    "aten.scaled_dot_product_attention": lambda operation: _attention(operation, 0, 1, 1),
    **{f"aten._scaled_dot_product_{name}": lambda operation: _attention(operation, 0, 1, 1) for name in _FUSED},
    **{
        f"aten._scaled_dot_product_{name}_backward": lambda operation: _attention(operation, 1, 3, 2) for name in _FUSED
    },
}


def is_product(operator: str) -> bool:
    """Return whether an operator, named with its overload, is sums of products."""
    return operator.rsplit(".", 1)[0] in MACS


def operation_macs(operation: Operation) -> int:
    """Return the multiply-accumulates of one call; 0 for operators that are no sums of products."""
    count = MACS.get(operation.operator.rsplit(".", 1)[0])
    return count(operation) if count else 0
