"""The few vector instructions of a set's look-up, as LLVM: sixteen slots compared, or shifted, in one go.

numba has no words for them and does not find them in loops: a compare that gives a bit mask, and a shift by one slot
of the slots before a given one. LLVM lowers both to what the processor has (AVX-512, AVX2, NEON).
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from hwmodel.cache.config import SLOTS

_I32, _I64 = ir.IntType(32), ir.IntType(64)
_TRUE = ir.Constant(ir.IntType(1), 1)
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


def _store_pushed(builder: Any, pointer: Any, old: Any, value: Any, places: Any, size: int) -> None:
    order = ir.Constant(ir.VectorType(_I32, SLOTS), [0, *range(SLOTS - 1)])
    shifted = builder.shuffle_vector(old, old, order)
    moved = builder.bitcast(builder.trunc(places, ir.IntType(SLOTS)), _MASK)
    # The value goes in last: LLVM would make a masked store of a select alone, and such a store is slow to forward.
    new = builder.insert_element(builder.select(moved, shifted, old), value, _I32(0))
    builder.store(new, pointer, align=size)


def _push(typing: Any, array: Any, offset: Any, value: Any, places: Any) -> Any:  # noqa: ARG001
    """push(array, offset, value, places): shift the slots in `places` (bits 0 to p) by one and put `value` first."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer, old, size = _vector_at(context, builder, signature.args[0], args[0], args[1])
        _store_pushed(builder, pointer, old, args[2], args[3], size)
        return context.get_dummy_value()

    return types.void(array, types.intp, array.dtype, types.uint32), emit


def _serve(typing: Any, array: Any, offset: Any, value: Any, last: Any, orders: Any) -> Any:  # noqa: ARG001
    """serve(array, offset, value, last, orders): put `value` first among sixteen packed slots; return what it took.

    That is the slot that differs from `value` in its lowest byte at most, whose byte the value keeps, or, where there
    is none, the slot of the bit `last`. What lay before it moves back by one. `orders` are the rows of `turns`.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer, old, size = _vector_at(context, builder, signature.args[0], args[0], args[1])
        apart = builder.xor(old, splat(builder, args[2], SLOTS))
        same = builder.icmp_unsigned("<", apart, ir.Constant(old.type, [1 << 8] * SLOTS))
        found = builder.zext(builder.bitcast(same, ir.IntType(SLOTS)), _I32)
        if "+avx512f" in context.codegen().magic_tuple()[2]:  # one instruction permutes sixteen slots by a table's row
            none = builder.or_(found, _I32(1 << SLOTS))
            row = builder.mul(builder.zext(builder.cttz(none, _TRUE), _I64), _I64(2 * SLOTS))
            table = context.make_array(signature.args[4])(context, builder, args[4]).data
            order, keep = (
                builder.load(builder.bitcast(builder.gep(table, [place]), old.type.as_pointer()), align=size)
                for place in (row, builder.add(row, _I64(SLOTS)))
            )
            permute = ir.FunctionType(old.type, [old.type, old.type])
            permute = builder.module.declare_intrinsic("llvm.x86.avx512.permvar.si.512", (), permute)
            turned = builder.call(permute, [old, order])
            first = builder.insert_element(ir.Constant(old.type, [0] * SLOTS), args[2], _I32(0))
            builder.store(builder.or_(builder.and_(turned, keep), first), pointer, align=size)
            return builder.extract_element(turned, _I32(0))
        ends = builder.or_(found, args[3])
        place = builder.zext(builder.cttz(ends, _TRUE), _I64)
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        taken = builder.load(builder.gep(data, [builder.add(args[1], place)]), align=size)
        hit = builder.icmp_unsigned("!=", found, _I32(0))
        first = builder.or_(args[2], builder.select(hit, taken, _I32(0)))
        _store_pushed(builder, pointer, old, first, builder.xor(ends, builder.sub(ends, _I32(1))), size)
        return taken

    return types.uint32(array, types.intp, array.dtype, types.uint32, orders), emit


def turns(ways: int) -> np.ndarray:
    """Return how `serve` turns a set: uint32 (17, 32), a row for each slot it may take, and one where none is found.

    A row's first half says which slot goes where, its second half which bits are kept: not those of a slot that goes.
    """
    rows = np.full((SLOTS + 1, 2, SLOTS), 0xFFFFFFFF, np.uint32)
    for found in range(SLOTS + 1):
        taken = found if found < SLOTS else ways - 1
        rows[found, 0] = [taken, *range(taken), *range(taken + 1, SLOTS)]
    rows[SLOTS, 1, 0] = 0
    return rows.reshape(SLOTS + 1, 2 * SLOTS)


def _ones(typing: Any, value: Any) -> Any:  # noqa: ARG001
    """ones(value): the number of bits set in a uint32 or uint64, as its type."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        return builder.ctpop(args[0])

    return value(value), emit


def _lowest(typing: Any, value: Any) -> Any:  # noqa: ARG001
    """lowest(value): the position of the lowest bit set in a uint32 that is not zero."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        return builder.cttz(args[0], _TRUE)

    return types.uint32(types.uint32), emit


# What the kernels call; the typing argument is numba's own and does not appear in a call.
match: Any = intrinsic(_match)
push: Any = intrinsic(_push)
serve: Any = intrinsic(_serve)
ones: Any = intrinsic(_ones)
lowest: Any = intrinsic(_lowest)
