"""Records of sixty-four accesses at a time, as LLVM.

What is true or false of an access is one bit of a word: whether it is the last of its record, writes, or touches the
first sector of a line, the second, ... "Does any access of this record ...?" is then an addition: ones below each
record's last bit, plus the bits asked about, carry into that last bit where any is set. There is no branch: how many
records a word holds is hard to predict. Records end where a word ends; that changes no count.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from hwmodel.cache.config import SECTOR_BYTES
from hwmodel.cache.vectors import splat

WORD = 64  # accesses
LANES = 8  # addresses compared at once: one vector of 512 bits, two of 256
SLACK = 16  # entries that `word` may write past the last record
_I1, _I8, _I16, _I32, _I64 = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64))
_SECTOR_BITS = SECTOR_BYTES.bit_length() - 1
_ONES = 2**64 - 1


def _at(builder: Any, pointer: Any, offset: Any, vector: ir.VectorType) -> Any:
    return builder.bitcast(builder.gep(pointer, [offset]), vector.as_pointer())


def _same(value: int, kind: Any, lanes: int) -> Any:
    return ir.Constant(ir.VectorType(kind, lanes), [value] * lanes)


def _as_bits(builder: Any, word: Any) -> Any:
    """Return a word as a vector of its bits."""
    return builder.bitcast(word, ir.VectorType(_I1, word.type.width))


def _joined(builder: Any, parts: list[Any]) -> Any:
    """Return vectors end to end as one."""
    while len(parts) > 1:
        lanes = 2 * parts[0].type.count
        order = ir.Constant(ir.VectorType(_I32, lanes), list(range(lanes)))
        parts = [builder.shuffle_vector(*pair, order) for pair in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


def _interleaved(builder: Any, one: Any, other: Any) -> Any:
    """Return the entries of two vectors in turn, as a vector of entries of twice the length."""
    lanes, bits = one.type.count, one.type.element.width
    order = [side for lane in range(lanes) for side in (lane, lanes + lane)]
    both = builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(_I32, 2 * lanes), order))
    return builder.bitcast(both, ir.VectorType(ir.IntType(2 * bits), lanes))


def _looked_at(builder: Any, pointer: Any, low: Any) -> tuple[list[Any], Any, list[Any]]:
    """Return (lines as vectors; as words: which accesses another line follows, and each bit of a sector's place)."""
    vector, step = ir.VectorType(_I64, LANES), splat(builder, builder.shl(_I64(1), low), LANES)
    shift = splat(builder, low, LANES)
    lines, others, lowest = [], [], []
    for part in range(0, WORD, LANES):
        here, then = (builder.load(_at(builder, pointer, _I64(part + more), vector), align=8) for more in (0, 1))
        lines.append(builder.lshr(here, shift))
        others.append(builder.icmp_unsigned(">=", builder.xor(here, then), step))
        lowest.append(builder.trunc(here, ir.VectorType(_I8, LANES)))
    byte = _joined(builder, lowest)  # all that tells apart the sectors of a line of up to 256 B
    within = builder.sub(builder.shl(_I64(1), builder.sub(low, _I64(_SECTOR_BITS))), _I64(1))
    places = []
    for bit in range(3):
        one = builder.and_(byte, _same(1 << (_SECTOR_BITS + bit), _I8, WORD))
        found = builder.bitcast(builder.icmp_unsigned("!=", one, _same(0, _I8, WORD)), _I64)
        own = builder.icmp_unsigned("!=", builder.and_(within, _I64(1 << bit)), _I64(0))
        places.append(builder.select(own, found, _I64(0)))
    return lines, builder.bitcast(_joined(builder, others), _I64), places


def _bytes(builder: Any, words: list[Any]) -> Any:
    """Return for each access the byte whose bit k is the word k's, as a vector of 64."""
    found = _same(0, _I8, WORD)
    for place, word in enumerate(words):
        value = builder.select(_as_bits(builder, word), _same(1 << place, _I8, WORD), _same(0, _I8, WORD))
        found = builder.or_(found, value)
    return found


def _compressed(builder: Any, vector: Any, chosen: Any) -> Any:
    """Return the chosen entries of a vector first, in order; what follows them is undefined."""
    name = f"llvm.experimental.vector.compress.v{vector.type.count}i{vector.type.element.width}"
    kind = ir.FunctionType(vector.type, [vector.type, chosen.type, vector.type])
    compress = builder.module.declare_intrinsic(name, (), kind)
    return builder.call(compress, [vector, chosen, ir.Constant(vector.type, ir.Undefined)])


def _store_chosen(builder: Any, pointer: Any, count: Any, parts: list[Any], chosen: Any) -> None:
    """Store those entries whose bits are set in the word `chosen`, one after another from `count` on."""
    lanes, size = parts[0].type.count, parts[0].type.element.width // 8
    for number, part in enumerate(parts):
        before = builder.and_(chosen, _I64((1 << number * lanes) - 1))
        place = builder.add(count, builder.ctpop(before))
        mask = builder.trunc(builder.lshr(chosen, _I64(number * lanes)), ir.IntType(lanes))
        packed = _compressed(builder, part, _as_bits(builder, mask))
        builder.store(packed, _at(builder, pointer, place, part.type), align=size)


def _sift(typing: Any, array: Any, offset: Any, mask: Any, target: Any, place: Any) -> Any:  # noqa: ARG001
    """sift(array, offset, mask, target, place): copy those of sixteen entries whose bits are set, side by side.

    Up to sixteen entries of the target are written, of which only the first ones mean anything.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        lanes = 512 // array.dtype.bitwidth  # longer vectors LLVM would split, by way of the stack
        vector = ir.VectorType(ir.IntType(array.dtype.bitwidth), lanes)
        data = [context.make_array(signature.args[i])(context, builder, args[i]).data for i in (0, 3)]
        mask = builder.zext(builder.trunc(args[2], _I16), _I64)
        source = builder.gep(data[0], [args[1]])
        parts = [
            builder.load(_at(builder, source, _I64(at), vector), align=array.dtype.bitwidth // 8)
            for at in range(0, SLACK, lanes)
        ]
        _store_chosen(builder, data[1], args[4], parts, mask)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.uint32, target, types.intp), emit


def _kinds(typing: Any, is_write: Any, begin: Any) -> Any:  # noqa: ARG001
    """kinds(is_write, begin): of 64 accesses from `begin` on, which write, as bits; and of those one further on."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = builder.gep(context.make_array(signature.args[0])(context, builder, args[0]).data, [args[1]])
        found = builder.load(_at(builder, pointer, _I64(0), ir.VectorType(_I8, WORD)), align=1)
        writes = builder.bitcast(builder.icmp_unsigned("!=", found, _same(0, _I8, WORD)), _I64)
        last = builder.load(builder.gep(pointer, [_I64(WORD)]), align=1)
        last = builder.select(builder.icmp_unsigned("!=", last, _I8(0)), _I64(1 << (WORD - 1)), _I64(0))
        then = builder.or_(builder.lshr(writes, _I64(1)), last)
        return context.make_tuple(builder, signature.return_type, (writes, then))

    return types.UniTuple(types.uint64, 2)(is_write, types.intp), emit


def _word(sectors: int, mixed: bool) -> Callable[..., Any]:
    """Return the code for lines of at most `sectors` sectors, and for records that may mix kinds, or not."""

    def word(
        typing: Any, address: Any, begin: Any, low: Any, writes: Any, apart: Any, last: Any,  # noqa: ARG001
        line: Any, what: Any, count: Any,  # noqa: ARG001
    ) -> Any:  # fmt: skip
        """word(address, begin, low, writes, apart, last, line, what, count): append the records of 64 accesses.

        From `begin` on; one more is read. `writes`, as bits, and `apart`: those after which a record ends in any case.
        `last` is the bit of the last access that is to be taken. Returns the new count of records.
        """

        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            def data(place: int) -> Any:
                return context.make_array(signature.args[place])(context, builder, args[place]).data

            _, begin, low, writes, apart, last, _, _, count = args
            lines, ends, places = _looked_at(builder, builder.gep(data(0), [begin]), low)
            valid = builder.or_(last, builder.sub(last, _I64(1)))
            ends = builder.or_(builder.and_(builder.or_(ends, apart), valid), last)
            below = builder.not_(ends)

            def within(one: Any) -> Any:
                """Return the last bit of each record in which any bit is set."""
                one = builder.and_(one, valid)
                return builder.and_(builder.or_(builder.add(builder.and_(one, below), below), one), ends)

            touched = [_I64(_ONES)] * sectors
            for sector in range(sectors):
                for bit in range((sectors - 1).bit_length()):
                    side = places[bit] if sector >> bit & 1 else builder.not_(places[bit])
                    touched[sector] = builder.and_(touched[sector], side)
            mask = _bytes(builder, [within(one) for one in touched])
            kind = writes
            dirty = builder.select(_as_bits(builder, writes), mask, _same(0, _I8, WORD))
            if mixed:
                first = builder.or_(builder.shl(ends, _I64(1)), _I64(1))
                kind = within(builder.and_(writes, first))
                dirty = _bytes(builder, [within(builder.and_(one, writes)) for one in touched])
            kind = builder.sext(_as_bits(builder, kind), mask.type)
            entries = _interleaved(builder, *(_interleaved(builder, mask, other) for other in (dirty, kind)))
            quarters = [list(range(at, at + SLACK)) for at in range(0, WORD, SLACK)]
            vector = ir.VectorType(_I32, SLACK)
            parts = [builder.shuffle_vector(entries, entries, ir.Constant(vector, one)) for one in quarters]
            _store_chosen(builder, data(6), count, lines, ends)
            _store_chosen(builder, data(7), count, parts, ends)
            return builder.add(count, builder.ctpop(ends))

        whole = types.uint64
        return whole(address, types.intp, whole, whole, whole, whole, line, what, whole), emit

    return word


kinds: Any = intrinsic(_kinds)
sift: Any = intrinsic(_sift)
pure_4, mixed_4, pure_8, mixed_8 = (intrinsic(_word(sectors, mixed)) for sectors in (4, 8) for mixed in (False, True))
