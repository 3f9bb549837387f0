"""A figure's SVG made fit to stand within a page: names of its own, no styles, nothing but what is drawn."""

import re
from xml.etree import ElementTree

from reports.figures.marks import SVG, XLINK

_URL = re.compile(r"url\(#([^)]+)\)")
_SPACE = re.compile(r"\s+")
_DROPPED = ("metadata", "style")


def inlined(svg: bytes, prefix: str, alternative: str) -> str:
    """Return an SVG that may stand in HTML beside others.

    Args:
        svg: a figure as `reports.figures.canvas.draw` makes it.
        prefix: of the figure's ids, of which none but those referred to stay; another for each figure of a page.
        alternative: what the figure shows, for who cannot see it.
    """
    root = ElementTree.fromstring(svg)  # noqa: S314  (our own drawing)
    _clear_background(root)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in [f"{{{SVG}}}{name}" for name in _DROPPED]:
                parent.remove(child)
    used = _referred(root)
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{SVG}}}")
        _tidy(element, used, prefix)
    box = root.get("viewBox", "")
    root.attrib.clear()
    root.attrib |= {"class": "chart", "viewBox": box, "role": "img", "aria-label": alternative}
    return ElementTree.tostring(root, encoding="unicode")


def _clear_background(root: ElementTree.Element) -> None:
    """Take away the white below the figure and below each of its axes, for the page has a colour of its own."""
    for group in root.iter(f"{{{SVG}}}g"):
        if re.fullmatch(r"(figure|axes)_\d+", group.get("id", "")):
            first = next(iter(group), None)
            if first is not None and first.get("id", "").startswith("patch_"):
                group.remove(first)


def _referred(root: ElementTree.Element) -> set[str]:
    texts = [value for element in root.iter() for value in element.attrib.values()]
    return {name for text in texts for name in _URL.findall(text)} | {text[1:] for text in texts if text[:1] == "#"}


def _tidy(element: ElementTree.Element, used: set[str], prefix: str) -> None:
    """Make styles attributes, so that a page's policy may refuse styles, and give ids their prefix."""
    style = element.attrib.pop("style", "")
    for rule in filter(None, map(str.strip, style.split(";"))):
        name, _, value = rule.partition(":")
        element.set(name.strip(), value.strip())
    target = element.attrib.pop(f"{{{XLINK}}}href", None)
    if target is not None:
        element.set("href", f"#{prefix}{target[1:]}")
    name = element.attrib.pop("id", None)
    if name in used:
        element.set("id", f"{prefix}{name}")
    for name, value in element.attrib.items():
        element.set(name, _SPACE.sub(" ", _URL.sub(rf"url(#{prefix}\1)", value)).strip())
    if element.tag != "title":
        element.text = None
    element.tail = None
