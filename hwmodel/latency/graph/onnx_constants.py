"""What an ONNX file computes of constants alone: shapes, indices, masks, weights in another form."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.graph.build import Constant, Ref
from hwmodel.latency.graph.shapes import broadcast

if TYPE_CHECKING:
    import onnx

MOST_COMPUTED = 1 << 26  # elements of a result; more is a file that means harm, or weights that need no computing
Arrays = Sequence[np.ndarray]


def _elementwise(arrays: Arrays) -> int:
    return prod(broadcast(*(array.shape for array in arrays)))


def _shape(arrays: Arrays) -> int:
    return max(prod(map(int, arrays[-1].flat)), *(array.size for array in arrays))


def _together(arrays: Arrays) -> int:
    return sum(array.size for array in arrays)


def _at_most(arrays: Arrays) -> int:
    return prod(max(array.size, 1) for array in arrays)


def _steps(arrays: Arrays) -> int:
    start, limit, step = (float(array) for array in arrays)
    return int(abs((limit - start) / step)) if step else 0


def _given(_: Arrays) -> int:
    return 0  # the file holds it


# Operators that are computed -> how many elements their result has at most.
SIZES: Mapping[str, Callable[[Arrays], int]] = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Pow", "Mod", "Equal", "Greater", "GreaterOrEqual", "Less",
                     "LessOrEqual", "And", "Or", "Not", "Where", "Min", "Max", "Neg", "Abs", "Sqrt", "Reciprocal",
                     "Exp", "Log", "Floor", "Ceil", "Round", "Sign", "Cast", "Clip"), _elementwise),
    **dict.fromkeys(("ConstantOfShape", "Expand"), _shape), "Concat": _together, "Constant": _given, "Range": _steps,
    **dict.fromkeys(("Gather", "MatMul"), _at_most),
    **dict.fromkeys(("Slice", "Split", "ReduceProd", "ReduceSum", "ReduceMin", "ReduceMax", "Trilu", "Size",
                     "CumSum"), _together),
}  # fmt: skip


def compute(node: "onnx.NodeProto", inputs: Sequence[Ref | None], version: int) -> list[Ref] | None:
    """Return a node's outputs by ONNX's own reference; None where an input is not known, and for other operators.

    Raises:
        InputError: where it fails, and for a result of too many elements.
    """
    if node.op_type not in SIZES or any(one.name == "sparse_value" for one in node.attribute):
        return None
    names = [f"i{place}" if ref is not None else "" for place, ref in enumerate(inputs)]
    values: dict[str, np.ndarray] = {}
    for name, ref in zip(names, inputs, strict=True):
        if ref is not None and not (isinstance(ref, Constant) and ref.array is not None):
            return None
        if isinstance(ref, Constant) and ref.array is not None:
            values[name] = ref.array
    if SIZES[node.op_type](list(values.values())) > MOST_COMPUTED:
        raise InputError(f"a constant of more than {MOST_COMPUTED} elements")
    try:
        results = _run(node, names, values, version)
    except Exception as error:  # the evaluator's own kinds, and numpy's
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise InputError(f"cannot be computed: {reason}") from error
    return [Constant.of(np.asarray(results[name])) if name else Constant(()) for name in node.output]


def _run(
    node: "onnx.NodeProto", names: Sequence[str], values: Mapping[str, np.ndarray], version: int
) -> dict[str, np.ndarray]:
    from onnx import NodeProto, TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    copy = NodeProto()
    copy.CopyFrom(node)
    del copy.input[:]
    copy.input.extend(names)
    declared = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in values.items()
    ]
    outputs = [name for name in node.output if name]
    ends = [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in outputs]
    graph = helper.make_graph([copy], "constants", declared, ends)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)])
    return dict(zip(outputs, ReferenceEvaluator(model).run(None, dict(values)), strict=True))  # type: ignore[arg-type]
