"""The three access modes: when tags and data are looked up, and which columns move."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.array.bank import Bank
from circuits.array.gates import Cost

MODES = ("normal", "fast", "sequential")


@dataclass(frozen=True)
class Totals:
    """What a cache costs, a row for each tag organisation and a column for each data organisation."""

    read_latency_s: Any
    write_latency_s: Any
    read_energy_J: Any
    write_energy_J: Any
    leakage_W: Any
    area_m2: Any


@dataclass(frozen=True)
class Compare:
    """The comparators at the tag bank's port."""

    delay_s: float
    energy_J: float
    leakage_W: float
    area_m2: float


def guarded(totals: Totals, encode: Cost, decode: Cost) -> Totals:
    """Return the cache with an encoder in front of every write, and a decoder behind every read, of a line."""
    return Totals(
        totals.read_latency_s + decode.delay_s,
        totals.write_latency_s + encode.delay_s,
        totals.read_energy_J + decode.energy_J,
        totals.write_energy_J + encode.energy_J,
        totals.leakage_W + encode.leakage_W + decode.leakage_W,
        totals.area_m2 + encode.area_m2 + decode.area_m2,
    )


def combine(mode: str, tag: Bank, data: Bank, compare: Compare) -> Totals:
    """Return the cache for every pair of a tag bank and a data bank.

    normal: the set's row is opened and its bit lines move while the tags are compared; the hit way then selects its
    columns, which alone are sensed and sent. fast: all ways are sensed and sent, the hit way is chosen at the port.
    sequential: the data bank is asked after the tags, for one way. A write needs to know its way in every mode;
    in the first two it overlaps opening the row with the tags.
    """
    hit = tag.tree_s + tag.open_read_s + tag.bit_line_s + tag.sense_s + tag.tree_s + compare.delay_s
    hit = np.asarray(hit)[:, None]
    to_read = data.tree_s + data.open_read_s + data.bit_line_s
    to_write = data.tree_s + data.open_write_s
    if mode == "sequential":
        read = hit + to_read + data.sense_s + data.tree_s
        write = hit + to_write + data.write_s
    else:
        late = np.maximum(hit + data.tree_s, to_write) + data.select_s
        write = late + data.write_s
        if mode == "normal":
            read = np.maximum(hit + data.tree_s, to_read) + data.select_s + data.sense_s + data.tree_s
        else:
            read = np.maximum(hit, to_read + data.sense_s + data.tree_s) + compare.delay_s / 2
    ask = np.asarray(tag.read_J + tag.move_J + compare.energy_J)[:, None]
    return Totals(
        read,
        write,
        ask + data.read_J + data.move_J,
        ask + data.write_J,
        np.asarray(tag.leakage_W)[:, None] + data.leakage_W + compare.leakage_W,
        np.asarray(tag.area_m2)[:, None] + data.area_m2 + compare.area_m2,
    )
