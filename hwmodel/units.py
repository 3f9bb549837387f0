"""SI inside, engineering units for people: a quantity's unit is the suffix of its name.

`read_latency_s` holds seconds, `area_m2` square metres, `capacity_bytes` bytes. `show` turns the stored number into
what a person reads (ns, mm², MiB); machines read the stored number.
"""

import math
from numbers import Integral, Real

# suffix of a name -> (symbol, power of the unit); power 0: people use no prefix with it
_SI = {
    "_s": ("s", 1),
    "_J": ("J", 1),
    "_Js": ("J·s", 1),
    "_W": ("W", 1),
    "_m": ("m", 1),
    "_m2": ("m²", 2),
    "_V": ("V", 1),
    "_A": ("A", 1),
    "_F": ("F", 1),
    "_Hz": ("Hz", 1),
    "_ohm": ("Ω", 1),
    "_K": ("K", 0),
}
_ACRONYMS = ("dram", "ecc", "edap", "edp", "gpu", "l2")
_PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}


def unit_of(name: str) -> str:
    """Return the suffix of `name` that names its unit (`_s`, `_J`, `_bytes`...), or the empty string."""
    tail = "_" + name.rsplit("_", 1)[-1]
    return tail if "_" in name and (tail in _SI or tail == "_bytes") else ""


def label_of(name: str) -> str:
    """Return the name of a quantity without its unit, in words: `dram_energy_J` -> `DRAM energy`."""
    words = name.removesuffix(unit_of(name)).split("_")
    return " ".join(word.upper() if word in _ACRONYMS else word for word in words)


def scale_of(name: str, values: list[float]) -> tuple[float, str]:
    """Return (factor, unit) that make the largest of `values` readable: number * factor is in unit."""
    unit = unit_of(name)
    largest = float(f"{max((abs(v) for v in values if math.isfinite(v)), default=0.0):.4g}")  # as it will be read
    if unit == "_bytes":
        power = min(int(math.log2(largest) // 10), 4) if largest >= 1024 else 0
        return 1024.0**-power, ("B", "KiB", "MiB", "GiB", "TiB")[power]
    if unit not in _SI:
        return 1.0, ""
    symbol, power = _SI[unit]
    if power == 0 or largest == 0:
        return 1.0, symbol
    decades = round(math.log10(largest), 9) + 3 * (power - 1)  # people say 0.94 mm², not 940,000 µm²
    exponent = min(max(3 * math.floor(decades / (3 * power)), -18), 12)
    return 10.0 ** (-exponent * power), _PREFIXES[exponent] + symbol


def show(name: str, value: object) -> str:
    """Return `value`, stored under `name`, as a person reads it: `show("read_latency_s", 2.9e-9)` -> `2.9 ns`."""
    if isinstance(value, bool) or value is None or not isinstance(value, Real):
        return "-" if value is None else str(value)
    if isinstance(value, Integral) and not unit_of(name):
        return f"{int(value):,}"
    number = float(value)
    if not math.isfinite(number):
        return "-" if math.isnan(number) else str(number)
    factor, unit = scale_of(name, [number])
    return f"{number * factor:.4g} {unit}".rstrip()
