"""A document and its figures to one HTML file that needs nothing else: no network, no fonts, no other file."""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from circuits.errors import InputError
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
            name to its drawing), `style`, `script` and `policy`. It may include others of its folder, none outside.

    Raises:
        InputError: what went wrong, on one line, where another template than ours fails.
    """
    from markupsafe import Markup

    script, style = (_asset(f"report.{kind}") for kind in ("js", "css"))
    doc = document.as_dict()
    drawn: dict[str, Markup] = {}
    for number, (name, svg) in enumerate(figures.items(), 1):
        drawn[name] = Markup(inlined(svg, f"_f{number}-", _alternative(doc, name)))  # noqa: S704  (escaped by ElementTree)
    given = {"doc": doc, "svg": drawn, "policy": _policy(script, style),
             "style": Markup(style), "script": Markup(script)}  # noqa: S704  (ours)  # fmt: skip
    try:
        text = environment(template.parent).get_template(template.name).render(given)
    except Exception as error:  # a template may fail in any way that an expression may
        if template == TEMPLATE:
            raise
        raise InputError(_told(error, template)) from None
    return text.encode("utf-8", "replace")


def _told(error: Exception, template: Path) -> str:
    """Return what a template's failure was, and its line, on one line."""
    line, frame = getattr(error, "lineno", None), error.__traceback__
    while frame is not None:
        if Path(frame.tb_frame.f_code.co_filename).parent == template.parent:
            line = frame.tb_lineno
        frame = frame.tb_next
    where = f"{template}, line {line}" if line else f"{template}"
    said = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    if isinstance(error, LookupError) and hasattr(error, "templates"):  # jinja2.TemplateNotFound says but the name
        said = f"{said}: no such file in the template's folder"
    return f"{where}: {said}; docs/reports.md tells what a template gets"


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
    from jinja2 import FunctionLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def load(name: str) -> tuple[str, str, None] | None:
        path = folder / name
        inside = path.resolve().is_relative_to(folder.resolve())
        return (path.read_text(encoding="utf-8"), str(path), None) if inside and path.is_file() else None

    return ImmutableSandboxedEnvironment(
        loader=FunctionLoader(load), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
