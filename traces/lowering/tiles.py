"""Which tile a GEMM kernel computes a product with, and whether it splits the reduction."""

from dataclasses import dataclass

from traces.gpus import Gpu, Tile


@dataclass(frozen=True)
class Choice:
    """A tile, its slab in elements, and the slices the reduction is cut into."""

    tile: Tile
    slab: int
    splits: int

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.tile.m, self.tile.n, self.slab

    @property
    def shared_bytes(self) -> int:
        """Shared memory of a block: two slabs of either operand, one loaded while the other is used."""
        return 2 * (self.tile.m + self.tile.n) * self.tile.depth_bytes


def choose(
    gpu: Gpu, m: int, n: int, slabs: int, itemsize: int, batches: int = 1, split: bool = False, products: str = ""
) -> Choice:
    """Return the tile for a product of `m` x `n` results.

    The rule: the first tile, the largest first, that gives every SM a block, as it is or, where a split is allowed,
    with the reduction cut so that the grid fills a wave and no slice is shorter than the GPU file's
    `split_least_slabs`; else the tile with most blocks. It is assumed: the libraries' own choice is not public.

    Args:
        gpu: the machine.
        m: rows of the product.
        n: columns of the product.
        slabs: slabs of the reduction when a slab is `depth_bytes` deep.
        itemsize: bytes of an element.
        batches: products of one launch.
        split: whether the reduction may be cut into slices.
        products: arithmetic, where it is not the elements' type; see `Operation`.
    """

    def blocks(tile: Tile) -> int:
        return -(-m // tile.m) * -(-n // tile.n) * batches

    def choice(tile: Tile, splits: int = 1) -> Choice:
        return Choice(tile, max(1, tile.depth_bytes // itemsize), splits)

    tiles = gpu.tiles_of(itemsize, products)
    for tile in tiles:
        if blocks(tile) >= gpu.sms:
            return choice(tile)
        splits = min(-(-gpu.wave(tile) // blocks(tile)), slabs // gpu.split_least_slabs) if split else 1
        if splits > 1 and splits * blocks(tile) >= gpu.sms:
            per_split = -(-slabs // splits)
            return choice(tile, -(-slabs // per_split))
    return choice(max(tiles, key=blocks))
