"""Fused attention, block by block and element by element: slow and obvious.

A tensor is (tensor, address, strides of (batch, head, row, element), bytes of an element, elements of a row). `share`
heads of the queries use one head of keys and values. A block's load of a tile is a set of sectors, asked for in
ascending order; what it stores keeps its rows.
"""

from collections.abc import Iterator

from tests.naive.lowering import L1, Access, chunks, load, store


def element(of, b, h, row, e) -> int:
    _, address, stride, item, _ = of
    return address + (b * stride[0] + h * stride[1] + row * stride[2] + e * stride[3]) * item


def read(of, b, h, rows) -> list[Access]:
    return load([(0, element(of, b, h, row, e)) for row in rows for e in range(of[4])], of[3], of[0])


def write(of, b, h, rows) -> list[Access]:
    return store([[element(of, b, h, row, e) for e in range(of[4])] for row in rows], of[3], of[0])


def scores(bias, b, h, rows, columns) -> list[Access]:
    return load([(0, element(bias, b, h, row, column)) for row in rows for column in columns], bias[3], bias[0])


def tiles(count: int, size: int) -> list[range]:
    return [range(first, min(count, first + size)) for first in range(0, count, size)]


def run(
    blocks: list, resident: int, firsts, steps, lasts, l1: L1 | None = None, marks=None, sms: int = 1, abreast: int = 1
) -> Iterator[Access]:
    """Waves of blocks: each block's first accesses, then step by step each block's, then its last.

    A step of the same mark as a neighbour's on an SM `abreast` is made once, where a wave has more blocks than there
    are such groups of SMs.
    """

    def missed(number: int, made: list[Access]) -> Iterator[Access]:
        yield from l1.missed(number, made) if l1 else made

    for wave in chunks(blocks, resident):
        for number, block in enumerate(wave):
            yield from missed(number, firsts(*block))
        each = [steps(*block) for block in wave]
        for step in range(max(map(len, each))):
            for number, mine in enumerate(each):
                group = [e for e in range(number - number % sms % abreast, number) if len(wave) > sms // abreast]
                alike = [e for e in group if marks and marks(*wave[e])[step:][:1] == marks(*wave[number])[step:][:1]]
                if step < len(mine) and not alike:
                    yield from missed(number, mine[step])
        for number, block in enumerate(wave):
            yield from missed(number, lasts(*block))


def forward(sizes, tile, resident, q, k, v, out, sums, bias=None, causal=False, share=1, splits=1,
            l1=None, **order) -> Iterator[Access]:  # fmt: skip
    """`sizes` are batch, heads, queries, keys; with splits, `out` and `sums` have (split, batch) for their batch."""
    batch, heads, queries, keys = sizes
    blocks = [(ms, split, b, h) for h in range(heads) for b in range(batch) for split in range(splits)
              for ms in tiles(queries, tile[0])]  # fmt: skip
    every = tiles(keys, tile[1])
    share_of = -(-len(every) // splits)

    def marks(ms, split, b, h):
        mine = every[split * share_of : (split + 1) * share_of]
        return [(b, h // share, ns) for ns in reversed(mine) if not causal or ns[0] <= ms[-1]]

    def steps(ms, split, b, h):
        made = []
        for _, _, ns in marks(ms, split, b, h):
            added = scores(bias, b, h, ms, ns) if bias else []
            made.append(read(k, b, h // share, ns) + added + read(v, b, h // share, ns))
        return made

    def lasts(ms, split, b, h):
        place = split * batch + b
        return write(out, place, h, ms) + (write(sums, place, h, ms) if sums else [])

    return run(blocks, resident, lambda ms, _, b, h: read(q, b, h, ms), steps, lasts, l1, marks, **order)


def dots(sizes, tile, resident, grad, out, sums, under_way, l1=None) -> Iterator[Access]:
    batch, heads, queries, _ = sizes
    blocks = [(ms, b, h) for h in range(heads) for b in range(batch) for ms in tiles(queries, tile[0])]

    def firsts(ms, b, h):
        return read(grad, b, h, ms) + read(out, b, h, ms)

    def lasts(ms, b, h):
        return write(sums, b, h, ms) + write(under_way, b, h, ms)

    return run(blocks, resident, firsts, lambda *_: [], lasts, l1)


def backward(
    sizes, tile, resident, grad, q, k, v, sums, products, under_way, dk, dv, bias=None, causal=False, share=1,
    l1=None,
) -> Iterator[Access]:  # fmt: skip
    batch, heads, queries, keys = sizes
    blocks = [(ns, b, h) for h in range(heads) for b in range(batch) for ns in tiles(keys, tile[1])]

    def firsts(ns, b, h):
        return read(k, b, h // share, ns) + read(v, b, h // share, ns)

    def steps(ns, b, h):
        made = []
        for ms in reversed(tiles(queries, tile[0])):
            if causal and ms[-1] < ns[0] and ms[0] // tile[0] < ns[0] // tile[0]:
                continue
            loads = [read(one, b, h, ms) for one in (q, grad, sums, products)]
            loads += [scores(bias, b, h, ms, ns)] if bias else []
            made.append([a for one in (*loads, read(under_way, b, h, ms), write(under_way, b, h, ms)) for a in one])
        return made

    def lasts(ns, b, h):
        return write(dk, b, h, ns) + write(dv, b, h, ns)

    return run(blocks, resident, firsts, steps, lasts, l1)
