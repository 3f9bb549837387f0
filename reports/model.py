"""A report as data: text, tables, figures, in the order a reader meets them. Templates turn it into pages."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

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

    def as_dict(self) -> dict[str, object]:
        return asdict(self)
