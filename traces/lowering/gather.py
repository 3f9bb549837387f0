"""Gathers and scatters: embeddings, indexing."""

from dataclasses import replace
from math import prod

from traces.lowering.along import launch
from traces.lowering.elementwise import stream, tensors
from traces.lowering.indices import dense_rows, rows_along, rows_gathered, rows_indexed
from traces.lowering.launch import Call, Launch, lowers
from traces.lowering.masks import filled, without_masks
from traces.operation import View


@lowers("aten.embedding", "aten.index_select", "aten.index", "aten.gather", "aten.take")
def gather(call: Call) -> list[Launch]:
    """Read the indices and the elements they name, write the result."""
    out, operator = call.output(), call.operation.operator
    launches: list[Launch] = []
    if out is None:
        return []
    if operator.startswith("aten.embedding"):
        named = rows_along(call, call.view(0), 0, call.view(1))
        indices = [call.view(1)]
    elif operator.startswith("aten.index_select"):
        named, indices = rows_along(call, call.view(0), _number(call, 1), call.view(2)), [call.view(2)]
    elif operator.startswith("aten.gather"):
        named, indices = rows_gathered(call, call.view(0), _number(call, 1), call.view(2)), [call.view(2)]
    elif operator.startswith("aten.take"):
        flat = replace(call.view(0), shape=(call.view(0).numel,), stride=(1,))
        named, indices = rows_along(call, flat, 0, call.view(1)), [call.view(1)]
    else:
        found = without_masks(call, call.argument(1))
        named = rows_indexed(call, call.view(0), found.given, found.known)
        indices, launches = tensors(found.given), found.launches
    reads = [(dense_rows(view), False) for view in dict.fromkeys(indices)]
    return [*launches, *launch(call, "gather", out, [*reads, (named, False), (dense_rows(out), True)])]


@lowers("aten.max_unpool2d", "aten.max_unpool3d")
def max_unpool(call: Call) -> list[Launch]:
    """Fill the result with zeros, then read values and places and write each value at its place in its channel."""
    x, index, out = call.view(0), call.view(1), call.output()
    if out is None or not out.numel or not x.numel:
        return []
    lead = len(x.shape) - (2 if "2d" in call.operation.operator else 3)
    channels = prod(out.shape[:lead])
    image = replace(out, shape=(channels, out.numel // channels), stride=(out.numel // channels, 1))
    named = rows_gathered(call, image, 1, replace(index, shape=(channels, index.numel // channels)))
    operands = [(dense_rows(x), False), (dense_rows(index), False), (named, True)]
    return [*stream(call, "fill", [], [out]), *launch(call, "max_unpool", x, operands)]


def _number(call: Call, index: int) -> int:
    value = call.argument(index)
    return value if isinstance(value, int) else 0


_ADDING = ("aten.scatter_add", "aten.index_add", "aten.scatter_reduce")


@lowers(*(f"aten.{name}{tail}" for name in ("scatter", "scatter_add", "scatter_reduce", "index_add", "index_put",
                                            "index_copy", "index_fill", "put") for tail in ("", "_")),
        "aten._index_put_impl_", "aten._unsafe_index_put")  # fmt: skip
def scatter(call: Call) -> list[Launch]:
    """Read indices and source, write the elements named (an addition reads them too); not in place, copy first."""
    x, operator = call.view(0), call.operation.operator
    name = operator.split(".")[1]
    out = call.output() or x
    first = [] if name.endswith("_") else stream(call, "copy", [x], [out])
    if name.strip("_") == "put":
        flat = replace(out, shape=(out.numel,), stride=(1,))
        named, indices = rows_along(call, flat, 0, call.view(1)), [call.view(1)]
        source, adding = call.argument(2), bool(call.argument(3, False))
    elif "index_put" in name:
        source, adding = call.argument(2), bool(call.argument(3, False))
        if not adding and (fill := filled(call, out, call.argument(1), source)):
            return first + fill
        found = without_masks(call, call.argument(1))
        named = rows_indexed(call, out, found.given, found.known)
        indices, first = tensors(found.given), first + found.launches
    else:
        find = rows_gathered if name.startswith("scatter") else rows_along
        named, indices = find(call, out, _number(call, 1), call.view(2)), [call.view(2)]
        source, adding = call.argument(3), operator.startswith(_ADDING)
    operands = [(dense_rows(view), False) for view in dict.fromkeys(indices)]
    leader = replace(out, shape=(len(named.at), named.width // out.itemsize))
    if isinstance(source, View) and source.numel:
        used = source
        if name.startswith("scatter") and source.numel != len(named.at):
            used = replace(source, shape=indices[0].shape)  # only the part that the index covers
        operands.append((dense_rows(used), False))
    if adding:
        operands.append((replace(named, atomic=True), False))
    return first + launch(call, name.strip("_"), leader, [*operands, (named, True)])
