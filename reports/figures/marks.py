"""Marks of a figure that say their values: an SVG title each, which browsers show and screen readers read."""

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from reports.record import clean

if TYPE_CHECKING:
    from matplotlib.artist import Artist

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_NAMESPACES = {"": SVG, "xlink": XLINK, "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
               "cc": "http://creativecommons.org/ns#", "dc": "http://purl.org/dc/elements/1.1/"}  # fmt: skip
_SIGN = "mark:"
_HEAD = b'<?xml version="1.0" encoding="utf-8"?>\n'

for _prefix, _uri in _NAMESPACES.items():
    ElementTree.register_namespace(_prefix, _uri)


def mark(artist: "Artist", *tips: str) -> None:
    """Let `artist` say `tips` in the SVG: a text a marker for a line or a scatter, a single one for a bar or an area.

    The texts travel in the artist's group id, the one thing matplotlib passes on; `titled` turns them into titles.
    """
    artist.set_gid(_SIGN + json.dumps([clean(tip) for tip in tips]))


def titled(svg: bytes) -> bytes:
    """Return matplotlib's SVG with a title and the class `mark` on each marked artist, or on each of its markers.

    Raises:
        RuntimeError: where a line has other than one text a marker drawn, so that none could be told from another.
    """
    root = ElementTree.fromstring(svg)  # noqa: S314  (our own drawing)
    for group in [g for g in root.iter(f"{{{SVG}}}g") if g.get("id", "").startswith(_SIGN)]:
        tips = json.loads(group.attrib.pop("id").removeprefix(_SIGN))
        targets = list(group.iter(f"{{{SVG}}}use")) or [group]
        if len(targets) != len(tips):
            raise RuntimeError(f"{len(tips)} texts for {len(targets)} marks: {tips[:1]}")
        for target, tip in zip(targets, tips, strict=True):
            target.set("class", "mark")
            title = ElementTree.Element(f"{{{SVG}}}title")
            title.text = tip
            target.insert(0, title)
    return _HEAD + ElementTree.tostring(root, encoding="utf-8") + b"\n"
