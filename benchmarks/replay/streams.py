"""Four streams of sector accesses, as addresses and, where a program would have them so, as intervals."""

from collections.abc import Callable

import numpy as np

from traces.stream import Intervals

SECTOR = 32


def _batch(base: np.ndarray, stride: int, rows: int, width: int, write: np.ndarray) -> Intervals:
    count = len(base)
    full = [np.full(count, value) for value in (stride, rows, width)]
    zero = np.zeros(count, np.uint32)
    kinds = (np.uint64, np.int64, np.uint32, np.uint32, np.bool_, np.uint32, np.uint32)
    return Intervals(*(np.asarray(c, k) for c, k in zip((base, *full, write, zero, zero), kinds, strict=True)))


def expand(batch: Intervals) -> tuple[np.ndarray, np.ndarray]:
    """Return a batch as (addresses, kinds); its rows must be of one shape and of whole sectors."""
    rows, width, stride = int(batch.rows[0]), int(batch.width[0]), int(batch.stride[0])
    offsets = (np.arange(rows)[:, None] * stride + np.arange(0, width, SECTOR)).ravel().astype(np.uint64)
    address = (batch.base[:, None] + offsets).ravel()
    return address, np.repeat(batch.write, len(offsets))


def stream(accesses: int, rng: np.random.Generator) -> Intervals:  # noqa: ARG001
    """A copy: a block of 4 KiB read, then written elsewhere, each byte once."""
    blocks = accesses // 256
    start = np.arange(blocks, dtype=np.uint64) * np.uint64(4096)
    base = np.stack([start, start + np.uint64(1 << 34)], axis=1).ravel()
    return _batch(base, 4096, 1, 4096, np.tile([False, True], blocks))


def zipf(accesses: int, rng: np.random.Generator) -> Intervals:
    """Sectors of 64 MiB drawn by Zipf's law with exponent 0.9, one in five written."""
    sectors = 1 << 21
    weight = np.cumsum(np.arange(1, sectors + 1, dtype=np.float64) ** -0.9)
    rank = np.searchsorted(weight, rng.random(accesses) * weight[-1])
    base = rng.permutation(sectors).astype(np.uint64)[rank] * np.uint64(SECTOR)
    return _batch(base, SECTOR, 1, SECTOR, rng.random(accesses) < 0.2)


def gemm(accesses: int, rng: np.random.Generator) -> Intervals:  # noqa: ARG001
    """C = A B, float32, row-major, B transposed, N = 4096: blocks of 128 x 128, 32 deep, 64 in step."""
    side, tile, slab = 4096, 128, 32
    pitch, blocks = side * 4, side // tile
    a, b = 0, 1 << 27
    tiles = [(m, n) for n in range(blocks) for m in range(blocks)]
    wave, k = 64, np.arange(side // slab)
    bases = []
    per_block = len(k) * 2 * tile * slab * 4 // SECTOR
    for first in range(0, len(tiles), wave):
        m, n = np.array(tiles[first : first + wave]).T
        rows = np.stack([a + m * tile * pitch, b + n * tile * pitch], axis=1).ravel()
        bases.append((rows[None, :] + k[:, None] * slab * 4).ravel())
        if len(bases) * wave * per_block >= accesses:
            break
    base = np.concatenate(bases)[: accesses // (tile * slab * 4 // SECTOR)].astype(np.uint64)
    return _batch(base, pitch, tile, slab * 4, np.zeros(len(base), bool))


def conv(accesses: int, rng: np.random.Generator) -> Intervals:  # noqa: ARG001
    """A 3 x 3 convolution of VGG-16's conv3_1 (56 x 56, 128 to 256 channels, NHWC float32) as implicit GEMM.

    Blocks of one row of outputs by 128 filters, 32 channels deep, 56 blocks at a time in step; weights, inputs.
    """
    size, channels, slab = 56, 128, 32
    pixel = channels * 4
    rows_of_image, padded = size, size + 2
    taps = [(r, s, c) for r in range(3) for s in range(3) for c in range(0, channels, slab)]
    bases = []
    per_image = rows_of_image * len(taps)
    sectors = size * slab * 4 // SECTOR
    images = -(-accesses // (per_image * 2 * sectors))
    weights = 1 << 33
    for image in range(images):
        origin = image * padded * padded * pixel
        for half in range(2):
            for place, (r, s, c) in enumerate(taps):
                out = np.arange(rows_of_image)
                x = origin + ((out + r) * padded + s) * pixel + c * 4
                w = np.full(rows_of_image, weights + half * 128 * 9 * pixel + place * 128 * slab * 4)
                bases.append(np.stack([x, w], axis=1).ravel())
    base = np.concatenate(bases)[: accesses // sectors].astype(np.uint64)
    return _batch(base, pixel, size, slab * 4, np.zeros(len(base), bool))


STREAMS: dict[str, Callable[[int, np.random.Generator], Intervals]] = {
    "stream": stream,
    "zipf": zipf,
    "gemm": gemm,
    "conv": conv,
}
