"""What is assumed of any device before it is measured: terms.yaml."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Assumed:
    """terms.yaml."""

    call_s: float
    product_s_per_MAC: float
    depthwise_s_per_MAC: float
    tile_s: float
    tap_s: float
    weight_s_per_B: float
    value_s_per_B: float
    line_s: float
    far_s_per_B: float
    remote_s_per_B: float
    core_cache_bytes: int
    reused_bytes: int
    vector_channels: int
    tile_rows: tuple[int, ...]
    tile_columns: tuple[int, ...]
    unseen: float
    firmness: float
    unlike: float


@cache
def assumed() -> Assumed:
    import yaml

    with Path(__file__).with_name("terms.yaml").open(encoding="utf-8") as file:
        said = yaml.safe_load(file)
    said.pop("source")
    tiles = {name: tuple(said[name]) for name in ("tile_rows", "tile_columns")}
    return Assumed(**said | tiles)
