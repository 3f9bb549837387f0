"""The stream of a grid of thread blocks, element by element: slow and obvious.

A block is its sets of results; a slab is a list of reduction indices; an operand is a function from a result's index
and a reduction's index to a byte address. What a block loads together (one operand, one slab, one group) is a set of
sectors, asked for in ascending order.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

SECTOR = 32
Access = tuple[int, bool, int]  # sector, write, tensor


def sectors(first: int, last: int) -> range:
    """Sectors that bytes `first` to `last` (included) lie in."""
    return range(first // SECTOR, last // SECTOR + 1)


def expand(batches: Iterator) -> Iterator[tuple[int, bool, int, int]]:
    """Yield (sector, write, tensor, kernel) of every access of a stream of intervals."""
    for batch in batches:
        for base, stride, rows, width, write, tensor, kernel in zip(*(c.tolist() for c in batch), strict=True):
            for row in range(rows):
                start = base + row * stride
                for sector in sectors(start, start + width - 1):
                    yield sector, write, tensor, kernel


def load(addresses: list[tuple[Any, int]], item: int, tensor: int) -> list[Access]:
    """A block's load of (group, address) elements: group by group, each sector once, ascending."""
    groups: dict[Any, set[int]] = {}
    for group, address in addresses:
        groups.setdefault(group, set()).update(sectors(address, address + item - 1))
    return [(sector, False, tensor) for group in sorted(groups) for sector in sorted(groups[group])]


def store(rows: list[list[int]], item: int, tensor: int) -> list[Access]:
    """A block's store of rows of element addresses: a row's sectors, rows joined where they touch."""
    spans: list[list[int]] = []
    for row in rows:
        for address in sorted(row):
            if spans and spans[-1][1] == address:
                spans[-1][1] = address + item
            else:
                spans.append([address, address + item])
    return [(sector, True, tensor) for first, end in spans for sector in sectors(first, end - 1)]


def tile_order(ms: list, ns: list, raster: str, swizzle: int) -> list[tuple]:
    """Tiles (along M, along N) in the order of their blocks: along one axis, `swizzle` tiles of the other abreast."""
    long, across = (ms, ns) if raster == "m" else (ns, ms)
    pairs = [(one, other) for group in chunks(across, swizzle) for one in long for other in group]
    return pairs if raster == "m" else [(i, j) for j, i in pairs]


class L1:
    """What blocks on the same SM loaded and still hold: lines of four sectors, the least recently used given up."""

    def __init__(self, sms: int, lines: int, around: set[int] | None = None) -> None:
        """Reads of the tensors `around` are L2's own, as it adds to them."""
        self.held: list[OrderedDict[int, set[int]]] = [OrderedDict() for _ in range(sms)]
        self.lines, self.around = lines, around or set()

    def missed(self, block: int, accesses: list[Access]) -> Iterator[Access]:
        held = self.held[block % len(self.held)]
        for sector, write, tensor in accesses:
            line = sector // 4
            if not write and tensor not in self.around:
                if line not in held and len(held) == self.lines:
                    held.popitem(last=False)
                valid = held.setdefault(line, set())
                held.move_to_end(line)
                if sector in valid:
                    continue
                valid.add(sector)
            yield sector, write, tensor


def grid(
    m: int, n: int, slabs: list[list], tile: tuple[int, int], resident: int, batches: int, splits: int,
    loads: list[Callable], stores: list[Callable], raster: str = "m", swizzle: int = 1, l1: L1 | None = None,
    sms: int = 1, abreast: int = 1,
) -> Iterator[Access]:  # fmt: skip
    """Yield the accesses of all blocks that L1, if any, does not catch, wave by wave, slab by slab.

    `loads` are functions (batch, results along M, results along N, slab) -> accesses, `stores` the same with the split
    in the place of the slab. What a block loads in a step as an earlier one does, on its SM or on one `abreast`, is
    loaded once, unless the wave has no more blocks than there are such groups of SMs.
    """
    ms = [range(i, min(m, i + tile[0])) for i in range(0, m, tile[0])]
    ns = [range(i, min(n, i + tile[1])) for i in range(0, n, tile[1])]
    share = -(-len(slabs) // splits)
    tiles = tile_order(ms, ns, raster, swizzle)
    order = [(z, s, j, i) for z in range(batches) for s in range(splits) for i, j in tiles]
    for first in range(0, len(order), resident):
        wave = order[first : first + resident]
        for step in range(share):
            loaded: set[tuple] = set()
            for block, (z, s, j, i) in enumerate(wave):
                if s * share + step < len(slabs):
                    for number, one in enumerate(loads):
                        made = one(z, i, j, slabs[s * share + step])
                        key = (block % sms // abreast, number, *made)
                        if abreast > 1 and len(wave) > sms // abreast and key in loaded:
                            continue
                        loaded.add(key)
                        yield from l1.missed(block, made) if l1 else made
        for block, (z, s, j, i) in enumerate(wave):
            for one in stores:
                made = one(z, i, j, s)
                yield from l1.missed(block, made) if l1 else made


def chunks(items: list, size: int) -> list[list]:
    return [items[i : i + size] for i in range(0, len(items), size)]


Place = tuple[int, ...]  # of a pixel: image, (depth,) row, column; of a filter: the same without the image


def pixels(n: int, size: Place) -> list[Place]:
    return list(product(range(n), *map(range, size)))


def number(place: Place, size: Place) -> int:
    """The place's number, the last axis counted fastest; the first axis of `place` has no size."""
    found = 0
    for at, length in zip(place, (1, *size), strict=True):
        found = found * length + at
    return found


class Convolution:
    """Index arithmetic of y[n, .., p, q, k] = sum over .., r, s, c of x[n, .., h, w, g * C + c] * w[k, .., r, s, c].

    In as many dimensions as `size` has.
    """

    def __init__(self, n, size, c, k, window, stride, padding, dilation, groups=1):
        self.n, self.size, self.c, self.k, self.window, self.groups = n, tuple(size), c, k, tuple(window), groups
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.out_size = tuple(
            (length + 2 * padding[i] - dilation[i] * (window[i] - 1) - 1) // stride[i] + 1
            for i, length in enumerate(size)
        )
        self.group_channels, self.group_filters = c // groups, k // groups
        self.out = pixels(n, self.out_size)
        self.inside = pixels(n, self.size)

    def x(self, pixel: Place, position: Place, c: int) -> int | None:
        """Index of an input element in NHWC, None in the padding."""
        image, *out = pixel
        at = [o * self.stride[i] + position[i] * self.dilation[i] - self.padding[i] for i, o in enumerate(out)]
        inside = all(0 <= a < length for a, length in zip(at, self.size, strict=True))
        return number((image, *at), self.size) * self.c + c if inside else None

    def filter(self, k: int, position: Place, c: int) -> int:
        return number((k, *position), self.window) * self.group_channels + c

    def y(self, pixel: Place, k: int) -> int:
        return number(pixel, self.out_size) * self.k + k

    def tied(self, pixel: Place, position: Place) -> Place | None:
        """The output pixel to which a filter position carries an input pixel, None where there is none."""
        image, *at = pixel
        carried = [
            divmod(a + self.padding[i] - position[i] * self.dilation[i], self.stride[i]) for i, a in enumerate(at)
        ]
        there = all(not rest and 0 <= o < length for (o, rest), length in zip(carried, self.out_size, strict=True))
        return (image, *(o for o, _ in carried)) if there else None

    @property
    def flat(self) -> bool:
        return self.groups == 1 and self.dilation[-1] == 1

    def part(self, position: Place) -> Place:
        """What is loaded together: a filter row, or a filter position where its columns lie apart."""
        return position[:-1] if self.flat else position

    def positions(self) -> list[Place]:
        return list(product(*map(range, self.window)))

    def forward(self, tile, slab, resident, x, w, y, item, **order) -> Iterator[Access]:
        """x, w and y are (tensor, address)."""
        if self.flat and self.c < slab:
            columns = list(product(range(self.window[-1]), range(self.c)))
            lines = list(product(*map(range, self.window[:-1])))
            slabs = [[((*line, s), c) for s, c in part] for part in chunks(columns, slab) for line in lines]
        else:
            parts = chunks(list(range(self.group_channels)), slab)
            slabs = [[(at, c) for c in part] for part in parts for at in self.positions()]

        def images(z, i, _, terms):
            found = [self.x(self.out[pixel], at, z * self.group_channels + c) for pixel in i for at, c in terms]
            return load([(0, x[1] + e * item) for e in found if e is not None], item, x[0])

        def filters(z, _, j, terms):
            ks = [z * self.group_filters + k for k in j]
            return load([(0, w[1] + self.filter(k, *term) * item) for k in ks for term in terms], item, w[0])

        def results(z, i, j, _):
            rows = [[y[1] + self.y(self.out[pixel], z * self.group_filters + k) * item for k in j] for pixel in i]
            return store(rows, item, y[0])

        m, n = len(self.out), self.group_filters
        return grid(m, n, slabs, tile, resident, self.groups, 1, [images, filters], [results], **order)

    def by_planes(self, tile, slab, resident, x, w, y, item) -> Iterator[Access]:
        """As `forward`, of an image, filters and a result that lie plane by plane; a slab has whole channels.

        What windows reach of a plane is read in stretches, each with those like it of all the slab's planes.
        """
        area = self.size[0] * self.size[1]
        out_area = self.out_size[0] * self.out_size[1]
        taps = len(self.positions())

        def images(z, i, _, channels):
            made = []
            for image in sorted({self.out[pixel][0] for pixel in i}):
                mine = [self.out[pixel] for pixel in i if self.out[pixel][0] == image]
                reached = {self.x(pixel, at, 0) for pixel in mine for at in self.positions()} - {None}
                stretches: list[list[int]] = []
                for e in sorted(index // self.c - image * area for index in reached):
                    if stretches and (e - stretches[-1][1] - 1) * item < SECTOR:
                        stretches[-1][1] = e
                    else:
                        stretches.append([e, e])
                for first, last in stretches:
                    at = [
                        x[1] + ((image * self.c + c) * area + e) * item
                        for c in channels
                        for e in range(first, last + 1)
                    ]
                    made += load([(0, one) for one in at], item, x[0])
            return made

        def filters(z, _, j, channels):
            at = [w[1] + ((k * self.c + c) * taps + t) * item for k in j for c in channels for t in range(taps)]
            return load([(0, one) for one in at], item, w[0])

        def results(z, i, j, _):
            made = []
            for image in sorted({self.out[pixel][0] for pixel in i}):
                mine = [pixel - image * out_area for pixel in i if self.out[pixel][0] == image]
                made += store(
                    [[y[1] + ((image * self.k + k) * out_area + e) * item for e in mine] for k in j], item, y[0]
                )
            return made

        slabs = chunks(list(range(self.c)), slab)
        return grid(len(self.out), self.k, slabs, tile, resident, 1, 1, [images, filters], [results])

    def data_gradient(self, tile, slab, resident, dy, w, dx, item) -> Iterator[Access]:
        parts = chunks(list(range(self.group_filters)), slab)
        slabs = [[(at, k) for k in part] for part in parts for at in self.positions()]

        def gradients(z, i, _, terms):
            found = [(self.tied(self.inside[pixel], at), k) for pixel in i for at, k in terms]
            ks = z * self.group_filters
            return load([(0, dy[1] + self.y(o, ks + k) * item) for o, k in found if o is not None], item, dy[0])

        def filters(z, _, j, terms):
            ks = z * self.group_filters
            return load([(0, w[1] + self.filter(ks + k, at, c) * item) for c in j for at, k in terms], item, w[0])

        def results(z, i, j, _):
            return store([[dx[1] + (pixel * self.c + z * self.group_channels + c) * item for c in j] for pixel in i],
                         item, dx[0])  # fmt: skip

        m, n = len(self.inside), self.group_channels
        return grid(m, n, slabs, tile, resident, self.groups, 1, [gradients, filters], [results])

    def weight_gradient(self, tile, slab, resident, x, dy, dw, item, splits=1) -> Iterator[Access]:
        """With splits, `dw` is the workspace (groups, splits, filters, columns)."""
        columns = [(at, c) for at in self.positions() for c in range(self.group_channels)]
        slabs = chunks(self.out, slab)

        def gradients(z, i, _, terms):
            ks = z * self.group_filters
            return load([(0, dy[1] + self.y(pixel, ks + k) * item) for pixel in terms for k in i], item, dy[0])

        def images(z, _, j, terms):
            found = []
            for at, c in (columns[index] for index in j):
                found += [(self.part(at), self.x(pixel, at, z * self.group_channels + c)) for pixel in terms]
            return load([(g, x[1] + e * item) for g, e in found if e is not None], item, x[0])

        def results(z, i, j, split):
            before = (z * splits + split) * self.group_filters
            return store([[dw[1] + ((before + k) * len(columns) + e) * item for e in j] for k in i], item, dw[0])

        m, n = self.group_filters, len(columns)
        return grid(m, n, slabs, tile, resident, self.groups, splits, [gradients, images], [results])

    def slice(self, z: int, lanes: int) -> tuple[range, range]:
        """Channels and filters of slice z of a depthwise convolution."""
        filters = lanes * self.k // self.c
        return range(z * lanes, (z + 1) * lanes), range(z * filters, (z + 1) * filters)

    def slice_part(self, lanes: int, position: Place) -> Place:
        overlap = self.stride[-1] <= self.window[-1] or lanes == self.c
        return position[:-1] if overlap and self.dilation[-1] == 1 else position

    def slice_filters(self, z, lanes, w) -> list[Access]:
        return load([(0, w[1] + self.filter(k, at, 0) * 4) for k in self.slice(z, lanes)[1]
                     for at in self.positions()], 4, w[0])  # fmt: skip

    def depthwise(self, lanes, share, resident, x, w, y) -> Iterator[Access]:
        def images(z, i, _, __):
            found = [(self.slice_part(lanes, at), self.x(self.out[e], at, c)) for e in i
                     for at in self.positions() for c in self.slice(z, lanes)[0]]  # fmt: skip
            return load([(g, x[1] + e * 4) for g, e in found if e is not None], 4, x[0])

        def results(z, i, __, ___):
            return store([[y[1] + self.y(self.out[e], k) * 4 for k in self.slice(z, lanes)[1]] for e in i], 4, y[0])

        filters, m = lanes * self.k // self.c, len(self.out)
        loads = [images, lambda z, *_: self.slice_filters(z, lanes, w)]
        return grid(m, filters, [[0]], (share, filters), resident, self.c // lanes, 1, loads, [results])

    def depthwise_data_gradient(self, lanes, share, resident, dy, w, dx) -> Iterator[Access]:
        def gradients(z, i, __, ___):
            held = [(self.inside[e][:-1], o) for e, o in self.reach(i)]
            ks = self.slice(z, lanes)[1]
            return load([(g, dy[1] + self.y(o, k) * 4) for g, o in held for k in ks], 4, dy[0])

        def results(z, i, __, ___):
            return store([[dx[1] + (e * self.c + c) * 4 for c in self.slice(z, lanes)[0]] for e in i], 4, dx[0])

        loads, m = [gradients, lambda z, *_: self.slice_filters(z, lanes, w)], len(self.inside)
        return grid(m, lanes, [[0]], (share, lanes), resident, self.c // lanes, 1, loads, [results])

    def depthwise_weight_gradient(self, lanes, slab, resident, x, dy, dw, splits) -> Iterator[Access]:
        """With splits, `dw` is the workspace (slices, splits, filters of a slice, window)."""

        def gradients(z, _, __, terms):
            return load([(0, dy[1] + self.y(e, k) * 4) for e in terms for k in self.slice(z, lanes)[1]], 4, dy[0])

        def images(z, _, __, terms):
            found = [(self.slice_part(lanes, at), self.x(e, at, c)) for e in terms for at in self.positions()
                     for c in self.slice(z, lanes)[0]]  # fmt: skip
            return load([(g, x[1] + e * 4) for g, e in found if e is not None], 4, x[0])

        def results(z, _, __, split):
            count = lanes * self.k // self.c * len(self.positions())
            return store([[dw[1] + ((z * splits + split) * count + e) * 4 for e in range(count)]], 4, dw[0])

        slabs = chunks(self.out, slab)
        return grid(1, 1, slabs, (1, 1), resident, self.c // lanes, splits, [gradients, images], [results])

    def reach(self, inputs) -> list[tuple[int, Place]]:
        """Input pixels with the output pixels whose windows span them, gaps of a dilated window counted in."""

        def spans(pixel, o):
            axes = range(len(self.size))
            reach = [(self.window[a] - 1) * self.dilation[a] for a in axes]
            start = [o[a + 1] * self.stride[a] - self.padding[a] for a in axes]
            return pixel[0] == o[0] and all(start[a] <= pixel[a + 1] <= start[a] + reach[a] for a in axes)

        return [(e, o) for e in inputs for o in self.out if spans(self.inside[e], o)]

    def pool(self, share, resident, x, outputs) -> Iterator[Access]:
        """A block's output pixels read their windows filter row by filter row; outputs (tensor, address, item)."""

        def images(_, i, __, terms):
            found = [(self.part(at), self.x(self.out[pixel], at, c)) for pixel in i for at, c in terms]
            return load([(g, x[1] + e * 4) for g, e in found if e is not None], 4, x[0])

        def writer(target):
            tensor, address, item = target
            return lambda _, i, j, __: store([[address + (o * self.c + c) * item for c in j] for o in i], item, tensor)

        terms = [(at, c) for at in self.positions() for c in range(self.c)]
        stores = [writer(target) for target in outputs]
        return grid(len(self.out), self.c, [terms], (share, self.c), resident, 1, 1, [images], stores)

    def pool_backward(self, share, resident, inputs, dx) -> Iterator[Access]:
        """A block's input pixels read the outputs whose windows hold them; inputs (tensor, address, item)."""

        def reader(source):
            tensor, address, item = source

            def read(_, i, __, ___):
                held = [(self.inside[e][:-1], o) for e, o in self.reach(i)]
                return load([(g, address + self.y(o, k) * item) for g, o in held for k in range(self.k)], item, tensor)

            return read

        def write(_, i, j, __):
            return store([[dx[1] + (pixel * self.c + c) * 4 for c in j] for pixel in i], 4, dx[0])

        m = len(self.inside)
        return grid(m, self.c, [[0]], (share, self.c), resident, 1, 1, [reader(one) for one in inputs], [write])


def product_stream(
    m, n, depth, tile, slab, resident, a, b, c, item, batches=1, splits=1, bias=None, **order
) -> Iterator[Access]:
    """C[i, j] = sum over k of A[i, k] B[k, j]; a, b, c and bias are (tensor, address, (batch, row, column) strides).

    With splits, c is the workspace (batches, splits, m, n), and a bias is not read.
    """

    def left(z, i, _, terms):
        return load(
            [(0, a[1] + (z * a[2][0] + e * a[2][1] + k * a[2][2]) * item) for e in i for k in terms], item, a[0]
        )

    def right(z, _, j, terms):
        return load(
            [(0, b[1] + (z * b[2][0] + k * b[2][1] + e * b[2][2]) * item) for e in j for k in terms], item, b[0]
        )

    def added(z, i, j, _):
        return load(
            [(0, bias[1] + (z * bias[2][0] + e * bias[2][1] + f * bias[2][2]) * item) for e in i for f in j],
            item, bias[0],
        )  # fmt: skip

    def results(z, i, j, split):
        start = z * c[2][0] + split * m * n if splits > 1 else z * c[2][0]
        return store([[c[1] + (start + e * c[2][1] + f * c[2][2]) * item for f in j] for e in i], item, c[0])

    ends = [added, results] if bias else [results]
    slabs = chunks(list(range(depth)), slab)
    return grid(m, n, slabs, tile, resident, batches, splits, [left, right], ends, **order)
