"""What a process is there for: by rules that the user gives, by what its meters count, or by its name."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from circuits.errors import InputError
from hwmodel.balance.profile.patterns import Pattern

if TYPE_CHECKING:
    from hwmodel.balance.profile.process import Process

ROLES = {"environment": "actor", "queue": "actor", "inference": "inference", "learner": "learner"}  # phase -> role


class Roles:
    """Names each process's role; a role has a number, in the order they came up in (`names`).

    Args:
        rules: pairs of a name and a pattern that is looked for in the process's name and in its command line; the first
            that is found gives the role.

    Raises:
        InputError: for a pattern that cannot be read.
    """

    def __init__(self, rules: Sequence[tuple[str, str]] = ()) -> None:
        self._rules = [(name, Pattern(pattern, f"role {name}")) for name, pattern in rules]
        self.names: list[str] = []

    def number(self, name: str) -> int:
        """Return the number of a role."""
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)

    def of(self, process: "Process", command: str, phases: Iterable[str]) -> int:
        """Return the number of a process's role.

        Args:
            process: whose.
            command: its command line.
            phases: that its meters count.
        """
        for name, pattern in self._rules:
            if pattern.found_in(process.stat.name) or pattern.found_in(command):
                return self.number(name)
        counted = {ROLES[phase] for phase in phases if phase in ROLES}
        return self.number("+".join(sorted(counted)) if counted else process.stat.name or "unnamed")


def rules(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Return the rules that `NAME=REGEX` say.

    Raises:
        InputError: for a text that is no rule.
    """
    found = []
    for text in texts:
        name, sign, pattern = text.partition("=")
        if not (sign and name.strip() and pattern):
            raise InputError(f"role {text!r}: give NAME=REGEX, such as actor='train.py.*--worker'")
        found.append((name.strip(), pattern))
    return found
