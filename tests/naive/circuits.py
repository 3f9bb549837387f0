"""The slow, obvious search for a cache: loops over organisations, one at a time, in plain Python.

It shares the subarray's physics with the package, one organisation a call, and redoes enumeration, floor plan, H-tree,
access modes, targets and the choice of the best.
"""

import math
from dataclasses import dataclass

import numpy as np

from circuits.array import gates, subarray
from circuits.array.figures import Figures
from circuits.array.row import Layout
from circuits.cells.cell import Cell
from circuits.devices.node import Node


@dataclass
class Way:
    """One organisation of a bank and what it costs."""

    choice: tuple[int, ...]
    numbers: dict[str, float]


def organisations(words: int, bits: int, group: int, rows: tuple, muxes: tuple, active: tuple, fanouts: tuple) -> list:
    found = set()
    for r in rows:
        for m in muxes:
            for a in active:
                for f in fanouts:
                    mux = m * group
                    columns = math.ceil(bits * mux / a)
                    if not 16 <= columns <= 2048 or a > bits or mux > max(words, group):
                        continue
                    groups = math.ceil(words / (r * mux))
                    found.add((math.ceil(words / (groups * mux)), columns, a, mux, f, groups))
    return sorted(found)


def only(value: object) -> float:
    return float(np.asarray(value).ravel()[0])


def bank(node: Node, cell: Cell, figures: Figures, bits: int, choice: tuple[int, ...]) -> Way:
    rows, columns, active, mux, fanout, groups = choice
    one = subarray.build(node, cell, figures, Layout(*(np.array([float(v)]) for v in (rows, columns, mux, fanout))))
    x = {name: only(getattr(one, name)) for name in ("width_m", "height_m", "leakage_W")}
    x |= {name: only(value) for name, value in vars(one.columns).items()}
    x |= {"open_read_s": only(one.read_row.delay_s), "open_write_s": only(one.write_row.delay_s)}
    x |= {"open_read_J": only(one.read_row.energy_J), "open_write_J": only(one.write_row.energy_J)}
    x["leakage_W"] = only(one.leakage_W)
    wire = gates.repeated(gates.Inverter.of(node), node.wires["global"], figures.repeater_slack)
    leaf = x["width_m"] * x["height_m"]
    side = math.sqrt(leaf * active)
    address = math.log2(max(rows * mux * groups, 2))
    stem = 1.5 * (groups - 1) * side
    length = bits * (stem + groups * (side if active > 1 else 0))
    length += address * (stem + groups * 1.5 * (active - 1) * math.sqrt(leaf))
    area = groups * active * leaf + length * wire.repeater_m2_per_m
    way = max(1.5 * math.sqrt(area) - (x["width_m"] + x["height_m"]) / 2, 0)
    half = wire.J_per_m / 2
    ask = address * half * (way + 1.5 * (active - 1) * math.sqrt(leaf))
    move = bits * half * way
    numbers = {
        "area": area,
        "leakage": groups * active * x["leakage_W"] + length * wire.W_per_m,
        "tree": way * wire.s_per_m,
        "open_read": x["open_read_s"],
        "open_write": x["open_write_s"],
        "bit_line": x["bit_line_s"],
        "select": x["select_s"],
        "sense": x["sense_s"],
        "write": x["write_s"],
        "read_J": ask + active * (x["open_read_J"] + x["read_J"]),
        "write_J": ask + move + active * (x["open_write_J"] + x["write_J"]),
        "move_J": move,
        "fits": bool(x["fits"]),
    }
    return Way(choice, numbers)


def totals(
    mode: str, tag: dict, data: dict, compare_s: float, compare_J: float, compare_W: float, compare_m2: float
) -> dict:
    hit = 2 * tag["tree"] + tag["open_read"] + tag["bit_line"] + tag["sense"] + compare_s
    opened = data["tree"] + data["open_read"] + data["bit_line"]
    if mode == "sequential":
        read = hit + opened + data["sense"] + data["tree"]
        write = hit + data["tree"] + data["open_write"] + data["write"]
    else:
        write = max(hit + data["tree"], data["tree"] + data["open_write"]) + data["select"] + data["write"]
        if mode == "normal":
            read = max(hit + data["tree"], opened) + data["select"] + data["sense"] + data["tree"]
        else:
            read = max(hit, opened + data["sense"] + data["tree"]) + compare_s / 2
    ask = tag["read_J"] + tag["move_J"] + compare_J
    return {
        "read_latency_s": read,
        "write_latency_s": write,
        "read_energy_J": ask + data["read_J"] + data["move_J"],
        "write_energy_J": ask + data["write_J"],
        "leakage_W": tag["leakage"] + data["leakage"] + compare_W,
        "area_m2": tag["area"] + data["area"] + compare_m2,
    }


def edap(t: dict) -> float:
    energy = (t["read_energy_J"] + t["write_energy_J"]) / 2
    return energy * (t["read_latency_s"] + t["write_latency_s"]) / 2 * t["area_m2"]
