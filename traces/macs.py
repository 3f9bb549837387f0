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


def _attention(operation: Operation) -> int:
    """Count both products, each queries x keys for each element of a head: the whole square.

    A causal mask halves what is needed; the field's tables, and torch's own counter, count the square all the same.
    """
    inner, outer = _squares(*operation.arguments[:3])
    return inner + outer


def _attention_backward(operation: Operation) -> int:
    """Count five products for the forward pass's two: q k' anew, and the gradients of weights, v, q and k."""
    inner, outer = _squares(*operation.arguments[1:4])
    return 3 * inner + 2 * outer


def _squares(query: View, key: View, value: View) -> tuple[int, int]:
    """Return the products in q k' and in the weights' product with v."""
    rows = query.numel // query.shape[-1]
    return rows * key.shape[-2] * query.shape[-1], rows * key.shape[-2] * value.shape[-1]


MACS: dict[str, Callable[[Operation], int]] = {
    "aten.convolution": _convolution,
    "aten.convolution_backward": _convolution_backward,
    "aten.mm": lambda operation: _product(operation.arguments[0], operation.arguments[1]),
    "aten.bmm": lambda operation: _product(operation.arguments[0], operation.arguments[1]),
    "aten.addmm": lambda operation: _product(operation.arguments[1], operation.arguments[2]),
    "aten.baddbmm": lambda operation: _product(operation.arguments[1], operation.arguments[2]),
    "aten._weight_int4pack_mm": lambda operation: operation.arguments[0].numel * 8 * operation.arguments[1].shape[0],
    "aten._scaled_dot_product_efficient_attention": _attention,
    "aten._scaled_dot_product_efficient_attention_backward": _attention_backward,
    "aten._scaled_dot_product_flash_attention": _attention,
    "aten._scaled_dot_product_flash_attention_backward": _attention_backward,
}


def is_product(operator: str) -> bool:
    """Return whether an operator, named with its overload, is sums of products."""
    return operator.rsplit(".", 1)[0] in MACS


def operation_macs(operation: Operation) -> int:
    """Return the multiply-accumulates of one call; 0 for operators that are no sums of products."""
    count = MACS.get(operation.operator.rsplit(".", 1)[0])
    return count(operation) if count else 0
