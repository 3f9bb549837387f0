"""Commands as tests ask them: what they return, or their one line."""

from click.testing import CliRunner


def run(command, *arguments):
    """Return (document, "") or (None, the line)."""
    found = CliRunner().invoke(command, list(map(str, arguments)), standalone_mode=False)
    return found.return_value, str(found.exception or "")
