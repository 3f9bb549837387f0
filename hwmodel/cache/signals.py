"""Words by which threads inside kernels tell each other how far they are, as LLVM's atomic loads and stores."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

STEP = 8  # int64 between two threads' words: each has a line of this machine's cache to itself
_SIZE = 8


def _pointer(context: Any, builder: Any, array: Any, data: Any, place: Any) -> Any:
    return builder.gep(context.make_array(array)(context, builder, data).data, [place])


def _tell(typing: Any, words: Any, place: Any, value: Any) -> Any:  # noqa: ARG001
    """tell(words, place, value): set a word of int64; whoever hears it sees all that was written before."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1])
        builder.store_atomic(args[2], pointer, "release", _SIZE)
        return context.get_dummy_value()

    return types.void(words, types.intp, types.int64), emit


def _hear(typing: Any, words: Any, place: Any) -> Any:  # noqa: ARG001
    """hear(words, place): the word as it now is."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1])
        return builder.load_atomic(pointer, "acquire", _SIZE, typ=ir.IntType(64))

    return types.int64(words, types.intp), emit


def _claim(typing: Any, words: Any, place: Any, value: Any, then: Any) -> Any:  # noqa: ARG001
    """claim(words, place, value, then): set a word to `then` where it is `value`; return whether it was."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1])
        found = builder.cmpxchg(pointer, args[2], args[3], "acq_rel", "acquire")
        return builder.extract_value(found, 1)

    return types.boolean(words, types.intp, types.int64, types.int64), emit


tell: Any = intrinsic(_tell)
hear: Any = intrinsic(_hear)
claim: Any = intrinsic(_claim)
