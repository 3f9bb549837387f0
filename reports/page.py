"""A document and its figures to one HTML file that needs nothing else: no network, no fonts, no other file."""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.inline import inlined
from reports.model import Document, flat

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
TEMPLATE = TEMPLATES / "report.html.j2"


def page(document: Document, figures: Mapping[str, bytes], template: Path = TEMPLATE) -> bytes:
    """Return the HTML, in UTF-8, the same bytes for the same input.

    All texts are escaped by the template's engine; of scripts, the page's policy lets a browser run the one that stands
    in `templates/report.js`, known by its hash, and of styles likewise.

    Args:
        document: the report.
        figures: SVG by file name, as the document's figures name them.
        template: a Jinja file, which gets `doc` (the document as `Document.as_dict` gives it), `svg` (a figure's file
            name to its drawing), `style`, `script` and `policy`.
    """
    from markupsafe import Markup

    script, style = (_asset(f"report.{kind}") for kind in ("js", "css"))
    doc = document.as_dict()
    drawn: dict[str, Markup] = {}
    for number, (name, svg) in enumerate(figures.items(), 1):
        drawn[name] = Markup(inlined(svg, f"_f{number}-", _alternative(doc, name)))  # noqa: S704  (escaped by ElementTree)
    text = environment(template.parent).get_template(template.name).render(
        doc=doc, svg=drawn, policy=_policy(script, style),
        style=Markup(style), script=Markup(script),  # noqa: S704  (ours)
    )  # fmt: skip
    return text.encode("utf-8", "replace")


def _alternative(doc: dict[str, Any], file: str) -> str:
    return next((figure["alternative"] for figure in flat(doc) if figure.get("file") == file), "")


def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _policy(script: str, style: str) -> str:
    """Return the content security policy: nothing is fetched, and only this script and this style count."""
    known = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (script, style)]
    return (
        f"default-src 'none'; script-src 'sha256-{known[0]}'; style-src 'sha256-{known[1]}'; base-uri 'none'; "
        "form-action 'none'"
    )


def environment(folder: Path) -> "Environment":
    """Return an engine for the templates in `folder`: it escapes, misses nothing in silence, and is walled in."""
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
