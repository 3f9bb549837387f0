"""Names of assumptions, conditions and spans of time, as a datasheet tells them."""

from circuits.cache.design import CacheDesign
from hwmodel.units import show
from reports.assumptions import quantity
from reports.labels import cell_label, digits

CIRCUITS = ("older", "mended", "default", "cacti", "columns")  # files of figures of the circuits around the cells
_YEAR_S = 365.25 * 86400.0
_SPANS = ((_YEAR_S, "years"), (86400.0, "days"), (3600.0, "hours"))


def assumption_label(name: str) -> str:
    """Return an assumption's name in words: `stt.junction.half_bias_V` -> `STT-MRAM: junction half bias`."""
    return _named(name, 0.0)[0]


def spoken(name: str) -> str:
    """Return an assumption's name as a sentence takes it: `junction half bias (STT-MRAM)`."""
    subject, _, words = assumption_label(name).partition(": ")
    return f"{words} ({subject})" if words else subject


def moved_label(name: str, base: object) -> str:
    """Return an assumption's name with its value: `STT-MRAM: junction half bias, 500 mV`."""
    words, value = _named(name, base)
    return f"{words}, {value}"


def _named(name: str, base: object) -> tuple[str, str]:
    file, _, rest = name.partition(".")
    if not rest or not isinstance(base, float):
        return name, str(base)
    words, value = quantity(rest.removeprefix("figures."), f"{base:.4g}")
    return f"{'circuits' if file in CIRCUITS else node_label(cell_label(file))}: {words}", value


def node_label(node: str) -> str:
    """Return a node's name with a space before its unit; other names as they are."""
    number = node.removesuffix("nm")
    return f"{number} nm" if number.isdecimal() and number != node else node


def lasting(seconds: float) -> str:
    """Return a span of time in the largest unit that it fills: 3.2e9 -> `101 years`, 2e-4 -> `200 µs`."""
    for size, name in _SPANS:
        if seconds >= size:
            span = seconds / size
            return f"over 1,000 {name}" if span > 1000 else f"{digits(span)} {name}"
    return show("span_s", float(f"{seconds:.3g}"))


def target_words(target: str) -> str:
    known = {"edap": "energy × latency × area", "edp": "energy × latency"}
    return known.get(target, target.replace("-", " ").replace("edp", "energy × latency"))


def headline(design: CacheDesign) -> str:
    node = node_label(design.node)
    return f"{show('capacity_bytes', design.capacity_bytes)} {cell_label(design.cell)} cache at {node}"
