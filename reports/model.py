"""A report as data: text, tables, figures, in the order a reader meets them. Templates turn it into pages."""

import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Kind = Literal["plain", "strong", "emph", "code", "sub"]


@dataclass(frozen=True)
class Span:
    """A stretch of text in one style; the text is never markup."""

    text: str
    kind: Kind = "plain"


Text = list[Span]


def plain(*parts: str | Span) -> Text:
    """Return a text of strings and spans in order."""
    return [part if isinstance(part, Span) else Span(part) for part in parts]


def strong(text: str) -> Span:
    return Span(text, "strong")


def var(name: str) -> list[Span]:
    """Return a quantity such as `E_read`: its letter in italics, what follows the underscore as a subscript."""
    letter, _, index = name.partition("_")
    return [Span(letter, "emph"), *([Span(index, "sub")] if index else [])]


def formula(source: str) -> Text:
    """Return an equation written in words such as `D = reads × t_read`: one-letter names become variables."""
    spans: Text = []
    for word in source.split(" "):
        if spans:
            spans.append(Span(" "))
        spans.extend(var(word) if word[:1].isalpha() and (len(word) == 1 or word[1:2] == "_") else [Span(word)])
    return spans


@dataclass(frozen=True)
class Paragraph:
    text: Text
    type: str = "paragraph"


@dataclass(frozen=True)
class Bullets:
    items: list[Text]
    type: str = "bullets"


@dataclass(frozen=True)
class Equations:
    lines: list[Text]
    type: str = "equations"


@dataclass(frozen=True)
class Code:
    text: str
    type: str = "code"


@dataclass(frozen=True)
class Works:
    """Sources, numbered in order."""

    items: list[Text]
    type: str = "works"


@dataclass(frozen=True)
class Heading:
    """The head of a table's column: what it holds, in which unit, and the heading it shares with its neighbours."""

    title: str
    unit: str = ""
    over: str = ""
    align: Literal["left", "right"] = "right"


@dataclass(frozen=True)
class Table:
    """Rows of texts, one a heading; a row of a single text is the title of the rows below it."""

    caption: Text
    headings: list[Heading]
    rows: list[list[str]]
    note: Text = field(default_factory=list)
    even: bool = True  # columns after the first share the width alike; else the last takes what is left
    type: str = "table"


@dataclass(frozen=True)
class Figure:
    """A drawing: the file's name beside the document, what to see in it, and the same for who cannot see it."""

    file: str
    caption: Text
    alternative: str
    lead: bool = False  # belongs on the first page
    continued: bool = False  # a further part of the figure before it
    type: str = "figure"


@dataclass(frozen=True)
class Beside:
    """Blocks that stand beside each other, and what each takes of the page's width."""

    blocks: Sequence[Paragraph | Table | Figure]
    shares: Sequence[float] = (1, 1)
    type: str = "beside"


Block = Paragraph | Bullets | Equations | Code | Works | Table | Figure | Beside


@dataclass(frozen=True)
class Section:
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Document:
    title: str
    subtitle: str
    short: str  # beside the title, at the head of each further page
    question: str
    answer: Text
    keys: Table
    pictures: list[Figure]
    sections: list[Section]
    date: str  # ISO 8601, or empty where what is told does not depend on the day
    version: str
    dense: bool = False  # smaller type and margins, figures where they are told of: for a page or two

    def as_dict(self) -> dict[str, Any]:
        """Return what a template gets: tables and figures numbered in a reader's order, each section with an anchor."""
        found = asdict(self)
        counts = {"table": itertools.count(1), "figure": itertools.count(1)}
        for block in flat(found):
            if block["type"] in counts:
                block["number"] = 0 if block.get("continued") else next(counts[block["type"]])
        taken: set[str] = set()
        for section in found["sections"]:
            section["anchor"] = anchor(section["title"], taken)
        return found


def flat(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a document's blocks in a reader's order, those that stand beside each other after what holds them."""
    sections = (section["blocks"] for section in document["sections"])
    for block in itertools.chain([document["keys"], *document["pictures"]], *sections):
        yield block
        if block["type"] == "beside":
            yield from block["blocks"]


def anchor(title: str, taken: set[str]) -> str:
    """Return a link's name for `title`, of a-z, 0-9 and hyphens, that `taken` does not hold yet; add it there."""
    plain_letters = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain_letters).strip("-") or "section"
    name = next(name for n in itertools.count(1) if (name := stem if n == 1 else f"{stem}-{n}") not in taken)
    taken.add(name)
    return name
