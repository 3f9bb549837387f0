"""Commands as tests ask them: what they return, or their one line."""

import json

from click.testing import CliRunner


def run(command, *arguments):
    """Return (document, "") or (None, the line), whether or not `hwmodel.cli` has given the command its --json."""
    through_json = ["--json"] if getattr(command, "has_json", False) else []
    found = CliRunner().invoke(command, [*map(str, arguments), *through_json], standalone_mode=False)
    if found.exception is not None:
        return None, str(found.exception)
    return json.loads(found.stdout) if through_json else found.return_value, ""
