"""Slow, obvious twin of how a kernel's intervals are cut into steps: one interval after another, sector by sector."""

from tests.naive.intervals import sectors

Interval = tuple[int, int, int, int, bool, int]  # base, stride, rows, width, written, tensor


def steps(intervals: list[Interval], least: int, most: int) -> list[dict[str, int]]:
    """Return each step's first interval, sectors read and written, base and tensor of its first interval, and whether a
    wave begins: after at least `least` sectors, where reading follows writing, or where the step's first tensor is read
    below the place it was last, or again after `most` sectors.
    """
    found: list[dict[str, int]] = []
    written, last = False, 0
    for place, (base, stride, rows, width, write, tensor) in enumerate(intervals):
        turns = written and not write
        if found:
            size = found[-1]["reads"] + found[-1]["writes"]
            back = tensor == found[-1]["tensor"] and (base < last or size >= most)
        if not found or ((turns or back) and size >= least):
            found.append({"first": place, "reads": 0, "writes": 0, "base": base, "tensor": tensor,
                          "wave": int(turns or not found)})  # fmt: skip
        if tensor == found[-1]["tensor"]:
            last = base
        found[-1]["writes" if write else "reads"] += len(sectors(base, stride, rows, width))
        written = write
    return found
