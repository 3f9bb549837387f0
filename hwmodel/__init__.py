"""What does this network cost on that memory, that phone, that machine?"""

from importlib.util import find_spec
from pathlib import Path

__version__ = "0.1.0"


def _check_siblings() -> None:
    """Refuse to run beside another distribution's `circuits` or `traces` (both names are taken on the package index).

    Raises:
        ImportError: naming the file that stands in our package's place and what to do.
    """
    home = Path(__file__).resolve().parent.parent
    for name in ("circuits", "traces", "workloads", "reports"):
        spec = find_spec(name)
        if spec is None:
            raise ImportError(
                f"hwmodel: its package {name!r} is missing; reinstall hwmodel in an environment of its own"
            )
        if spec.origin is None or Path(spec.origin).resolve().parent != home / name:
            raise ImportError(
                f"hwmodel: {spec.origin or name!r} is another distribution's {name!r} standing in the place of ours; "
                f"install hwmodel in an environment of its own (python -m venv .venv)"
            )


_check_siblings()
