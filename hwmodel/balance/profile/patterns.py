"""Regular expressions that cannot hang: RE2, whose time grows as the text does, whatever pattern it is given."""

import re
from collections.abc import Sequence
from typing import Any

from circuits.errors import InputError

_GROUP = re.compile(r"\(\?P?<(\w+)>")


class Pattern:
    """A pattern of the user's, with at most one group that holds a number.

    Args:
        text: in RE2's syntax: Python's, without looking around and back references.
        what: whose pattern it is, for an error.

    Raises:
        InputError: it cannot be read.
    """

    def __init__(self, text: str, what: str) -> None:
        self.text = text
        self.group, self._named = _one_named_group(text, what)
        import pyarrow as pa

        try:
            self.found_in("")
            if self.group:
                self.numbers([""])
        except (pa.ArrowInvalid, UnicodeEncodeError) as error:
            reason = str(error).removeprefix("Invalid regular expression: ")
            raise InputError(
                f"{what}: pattern {text!r}: {reason}; give a regular expression of RE2 (no looking around)"
            ) from None

    def found_in(self, text: str) -> bool:
        """Say whether the pattern is found anywhere in a text."""
        import pyarrow as pa
        import pyarrow.compute as pc

        found: Any = pc
        clean = text.encode("utf-8", "replace").decode()
        return found.match_substring_regex(pa.array([clean]), self._named)[0].as_py()

    def numbers(self, lines: Sequence[str]) -> list[str]:
        """Return what the group holds in each of the lines in which the pattern is found."""
        import pyarrow as pa
        import pyarrow.compute as pc

        compute: Any = pc
        found = compute.extract_regex(pa.array(lines, pa.string()), self._named)
        return [one[self.group] for one in found.drop_null().to_pylist()]


def _one_named_group(text: str, what: str) -> tuple[str, str]:
    """Return the name of the pattern's group, and the pattern with that name in it; a plain group is `frames`."""
    plain, named, inside, at = [], [], False, 0
    while at < len(text):
        sign = text[at]
        if sign == "\\":
            if text.startswith("\\Q", at):
                end = text.find("\\E", at)
                at = end if end >= 0 else len(text)
            at += 2
            continue
        if inside:
            inside = sign != "]"
        elif sign == "[":
            inside = True
            at += 1 + text.startswith("[^", at)  # a bracket that comes first is itself
            at += text.startswith("]", at)
            continue
        elif sign == "(":
            if not text.startswith("(?", at):
                plain.append(at)
            elif found := _GROUP.match(text, at):
                named.append(found[1])
        at += 1
    if len(plain) + len(named) > 1:
        raise InputError(
            f"{what}: pattern {text!r}: has {len(plain) + len(named)} groups; give one, and (?:...) for others"
        )
    if named:
        return named[0], text.replace(f"(?<{named[0]}>", f"(?P<{named[0]}>")
    if plain:
        return "frames", f"{text[: plain[0]]}(?P<frames>{text[plain[0] + 1 :]}"
    return "", text
