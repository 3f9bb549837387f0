"""The few vector instructions of a set's look-up, as LLVM: sixteen slots compared, or shifted, in one go.

numba has no words for them and does not find them in loops: a compare that gives a bit mask, and a shift by one slot
of the slots before a given one. LLVM lowers both to what the processor has (AVX-512, AVX2, NEON).
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from hwmodel.cache.config import SLOTS

_I32 = ir.IntType(32)
_MASK = ir.VectorType(ir.IntType(1), SLOTS)


def _vector_at(context: Any, builder: Any, array: Any, data: Any, offset: Any) -> tuple[Any, Any, int]:
    """Return (pointer, vector, bytes of an element) of the sixteen elements of `array` from `offset`."""
    pointer = builder.gep(context.make_array(array)(context, builder, data).data, [offset])
    element = ir.IntType(array.dtype.bitwidth)
    pointer = builder.bitcast(pointer, ir.VectorType(element, SLOTS).as_pointer())
    size = array.dtype.bitwidth // 8
    return pointer, builder.load(pointer, align=size), size


def splat(builder: Any, value: Any, lanes: int) -> Any:
    """Return a vector of one value."""
    one = builder.insert_element(ir.Constant(ir.VectorType(value.type, lanes), ir.Undefined), value, _I32(0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(_I32, lanes), [0] * lanes))


def _match(typing: Any, array: Any, offset: Any, value: Any, free: Any) -> Any:  # noqa: ARG001
    """match(array, offset, value, free): bits of the slots from `offset` on that equal `value`, as uint32.

    Slots may differ from it by less than `free`, a power of two: in the bits below.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, found, _ = _vector_at(context, builder, signature.args[0], args[0], args[1])
        apart = builder.xor(found, splat(builder, args[2], SLOTS))
        same = builder.icmp_unsigned("<", apart, splat(builder, args[3], SLOTS))
        return builder.zext(builder.bitcast(same, ir.IntType(SLOTS)), _I32)

    return types.uint32(array, types.intp, array.dtype, array.dtype), emit


def _push(typing: Any, array: Any, offset: Any, value: Any, places: Any) -> Any:  # noqa: ARG001
    """push(array, offset, value, places): shift the slots in `places` (bits 0 to p) by one and put `value` first."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer, old, size = _vector_at(context, builder, signature.args[0], args[0], args[1])
        order = ir.Constant(ir.VectorType(_I32, SLOTS), [0, *range(SLOTS - 1)])
        shifted = builder.shuffle_vector(old, old, order)
        moved = builder.bitcast(builder.trunc(args[3], ir.IntType(SLOTS)), _MASK)
        # The value goes in last: LLVM would make a masked store of a select alone, and such a store is slow to forward.
        new = builder.insert_element(builder.select(moved, shifted, old), args[2], _I32(0))
        builder.store(new, pointer, align=size)
        return context.get_dummy_value()

    return types.void(array, types.intp, array.dtype, types.uint32), emit


def _ones(typing: Any, value: Any) -> Any:  # noqa: ARG001
    """ones(value): the number of bits set in a uint32 or uint64, as its type."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        return builder.ctpop(args[0])

    return value(value), emit


def _lowest(typing: Any, value: Any) -> Any:  # noqa: ARG001
    """lowest(value): the position of the lowest bit set in a uint32 that is not zero."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.uint32(types.uint32), emit


# What the kernels call; the typing argument is numba's own and does not appear in a call.
match: Any = intrinsic(_match)
push: Any = intrinsic(_push)
ones: Any = intrinsic(_ones)
lowest: Any = intrinsic(_lowest)
