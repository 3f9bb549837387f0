"""Operators that move no data: views, allocations, and what only the host does."""

from traces.lowering.launch import Call, Launch, lowers

_NAMES = (
    "_local_scalar_dense", "_reshape_alias", "_unsafe_view", "alias", "as_strided", "chunk", "contiguous", "detach",
    "detach_", "diagonal", "empty", "empty_like", "empty_strided", "expand", "flatten", "is_same_size", "item",
    "lift_fresh", "lift_fresh_copy", "movedim", "narrow", "new_empty", "new_empty_strided", "permute", "requires_grad_",
    "reshape", "resize_", "select", "set_", "slice", "split", "split_with_sizes", "squeeze", "squeeze_", "swapaxes",
    "sym_numel", "sym_size", "sym_storage_offset", "sym_stride", "t", "t_", "transpose", "transpose_", "unbind",
    "unflatten", "unfold", "unsafe_chunk", "unsafe_split", "unsqueeze", "unsqueeze_", "view", "view_as",
)  # fmt: skip
_OTHERS = ("prim.device", "prim.layout", "profiler._record_function_enter", "profiler._record_function_enter_new",
           "profiler._record_function_exit")  # fmt: skip


@lowers(*(f"aten.{name}" for name in _NAMES), *_OTHERS)
def nothing(call: Call) -> list[Launch]:
    """Launch no kernel."""
    del call
    return []
