"""Machines that kernels are lowered for: data in YAML, one file a GPU, each figure with its source."""

import math
import re
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, get_type_hints

from traces.errors import InputError

_FOLDER = Path(__file__).parent
MAX_FILE_BYTES = 1 << 20


@dataclass(frozen=True)
class Tile:
    """The piece of a product one thread block computes: m x n results, `depth_bytes` of the reduction at a time."""

    m: int
    n: int
    depth_bytes: int
    threads_per_block: int
    registers_per_thread: int


@dataclass(frozen=True)
class AttentionTile:
    """How fused attention is cut for heads of up to `head_most` elements: queries a block, keys a step.

    The backward kernel gives a block `back_keys` keys and goes through queries `back_queries` at a time.
    """

    head_most: int
    queries: int
    keys: int
    threads_per_block: int
    registers_per_thread: int
    back_queries: int
    back_keys: int
    back_threads_per_block: int
    back_registers_per_thread: int


@dataclass(frozen=True)
class Gpu:
    """A GPU as a lowering and a time model see it; a name carries its unit, sources are in `sources` and `works`."""

    name: str
    title: str
    sms: int
    cores_per_sm: int
    threads_per_sm: int
    blocks_per_sm: int
    registers_per_sm: int
    shared_bytes_per_sm: int
    core_Hz: float
    l1_bytes: int
    l1_holds_global_loads: bool
    line_bytes: int
    sector_bytes: int
    l2_bytes: int
    l2_simulated_bytes: int
    l2_slices: int
    l2_simulated_slices: int
    l2_ways: int
    dram_kind: str
    dram_bytes: int
    dram_bytes_per_s: float
    memory_Hz: float
    pass_threads_per_block: int
    pass_elements_per_thread: int
    foreach_threads_per_block: int
    foreach_elements_per_thread: int
    foreach_elements_per_block: int
    pool_threads_per_block: int
    tensor_core_shape: str  # of a 16-bit product, m x n x k as the instruction's name has it; none where there is none
    tiles: tuple[Tile, ...]  # of elements of 4 bytes and more, the largest first
    half_tiles: tuple[Tile, ...]  # of smaller elements
    tf32_tiles: tuple[Tile, ...]  # of floats whose products round to TF32; empty where there is no such instruction
    attention: tuple[AttentionTile, ...]  # by head_most, ascending; the last serves all longer heads
    float_attention: tuple[AttentionTile, ...]  # of heads of float32; empty where they are cut as all are
    attention_splits_keys: bool  # whether its library's attention cuts the keys where there are few queries
    float_images: str  # nhwc | nchw: how its library's kernels for convolutions of float32 want images
    splits_products: bool  # whether its library cuts the reduction of a product with a small grid
    split_least_slabs: int
    merged_requests: int  # most requests of one sector, made at about the same time, that reach L2 as one
    abreast_sms: int  # SMs whose blocks march so close together that their requests are merged
    sources: dict[str, str]  # figure -> key of works
    works: dict[str, str]  # key -> citation

    def resident(self, threads_per_block: int, registers_per_thread: int = 0) -> int:
        """Return how many blocks of a kernel the whole machine holds at once (a wave)."""
        blocks = min(self.blocks_per_sm, self.threads_per_sm // threads_per_block)
        if registers_per_thread:
            blocks = min(blocks, self.registers_per_sm // (threads_per_block * registers_per_thread))
        return self.sms * max(1, blocks)

    def tiles_of(self, itemsize: int, products: str = "") -> tuple[Tile, ...]:
        """Return the GEMM tiles for elements of `itemsize` bytes, the largest first; `products` as of an operation."""
        if itemsize == 4 and products == "tf32" and self.tf32_tiles:
            return self.tf32_tiles
        return self.tiles if itemsize >= 4 else self.half_tiles

    def attention_tile(self, head: int, itemsize: int = 2) -> AttentionTile:
        """Return how attention is cut for heads of `head` elements of `itemsize` bytes."""
        tiles = (self.float_attention if itemsize >= 4 else ()) or self.attention
        return next((tile for tile in tiles if head <= tile.head_most), tiles[-1])

    def wave(self, tile: Tile) -> int:
        """Return how many blocks of a GEMM kernel the whole machine holds at once."""
        return self.resident(tile.threads_per_block, tile.registers_per_thread)


def known_gpus() -> list[str]:
    """Return the names of the GPUs that come with the package."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def load_gpu(name: str | Path) -> Gpu:
    """Return the GPU of that name, or the one a user's YAML file describes.

    Raises:
        InputError: for a name that is neither, and for a file with missing, unknown or impossible figures.
    """
    if str(name) in known_gpus():
        return _shipped(str(name))
    path = Path(name)
    if path.suffix not in {".yaml", ".yml"}:
        raise InputError(f"gpu {str(name)!r}: not known; give one of {', '.join(known_gpus())}, or a .yaml file")
    return _read(path)


@lru_cache
def _shipped(name: str) -> Gpu:
    return _read(_FOLDER / f"{name}.yaml")


def _read(path: Path) -> Gpu:
    import yaml

    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InputError(f"gpu {str(path)!r}: cannot be read ({error.strerror}); give a readable .yaml file") from None
    if len(text) > MAX_FILE_BYTES:
        raise InputError(f"gpu {str(path)!r}: more than 1 MiB; give a description like gtx1080ti.yaml")
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise InputError(f"gpu {str(path)!r}: not YAML; give a description like gtx1080ti.yaml") from None
    if not isinstance(document, dict):
        raise InputError(f"gpu {str(path)!r}: not a mapping of figures; give a description like gtx1080ti.yaml")
    return _gpu(document, str(path))


def _gpu(document: dict[Any, Any], where: str) -> Gpu:
    figures = {field.name for field in fields(Gpu)} - {"name", "works", "sources"}
    wanted = figures | {"name", "works"}
    for problem, keys in (("missing", wanted - set(document)), ("unknown", set(map(str, document)) - wanted)):
        if keys:
            raise InputError(f"gpu {where!r}: {problem} {', '.join(sorted(keys))}; give the keys of gtx1080ti.yaml")
    works = document["works"]
    if not isinstance(works, dict) or not all(isinstance(v, str) for pair in works.items() for v in pair):
        raise InputError(f"gpu {where!r}: works must map keys to citations")
    if not isinstance(document["name"], str):
        raise InputError(f"gpu {where!r}: name must be text")
    values: dict[str, Any] = {"name": document["name"], "works": works, "sources": {}}
    types = get_type_hints(Gpu)
    for key in figures:
        entry = document[key]
        if not isinstance(entry, dict) or set(entry) != {"value", "source"} or entry["source"] not in works:
            raise InputError(f"gpu {where!r}: {key} must be {{value: .., source: a key of works}}")
        values["sources"][key] = entry["source"]
        kind = _LISTS.get(key)
        where_key = f"gpu {where!r}: {key}"
        if key in _MAY_LACK and entry["value"] == "none":
            values[key] = ()
        elif kind:
            values[key] = _list(entry["value"], kind, where_key)
        else:
            values[key] = _figure(entry["value"], types[key], where_key)
    return Gpu(**values)


def _figure(value: object, kind: type, where: str) -> object:
    """Return a figure as `kind`; numbers must be positive and finite."""
    if kind in {str, bool} and isinstance(value, kind):
        return value
    number = value if isinstance(value, (int, float)) and not isinstance(value, bool) else 0
    if kind is float and isinstance(value, str) and re.fullmatch(r"\d+(\.\d*)?[eE]\d+", value, re.ASCII):
        number = float(value)  # YAML 1.1 reads 484e9, without a sign, as text
    if (kind is float and 0 < number < math.inf) or (kind is int and isinstance(number, int) and 0 < number < 1 << 50):
        return kind(number)
    right = {str: "text", bool: "true or false", int: "a whole positive number", float: "a positive number"}[kind]
    raise InputError(f"{where} is {value!r}; give {right}")


_LISTS: dict[str, type] = {"tiles": Tile, "half_tiles": Tile, "tf32_tiles": Tile,
                           "attention": AttentionTile, "float_attention": AttentionTile}  # fmt: skip
_MAY_LACK = {"tf32_tiles", "float_attention"}  # lists of what older machines have not; none stands for them


def _list(value: object, kind: type, where: str) -> tuple[Any, ...]:
    """Return a list of mappings as a tuple of `kind`, whose fields are all whole positive numbers."""
    names = {field.name for field in fields(kind)}
    if not isinstance(value, list) or not value or not all(isinstance(t, dict) and set(t) == names for t in value):
        raise InputError(f"{where} must be a list of {{{', '.join(sorted(names))}}}")
    return tuple(kind(**{key: _figure(t[key], int, f"{where}: {key}") for key in names}) for t in value)
