"""The learning curve: a row a second, on the disk as soon as it is known."""

import csv
from pathlib import Path

BASE = ("seconds", "steps", "frames", "episodes", "return_mean", "return_max", "length_mean", "learner_batches")


class Curve:
    """A CSV file that grows. `return_mean`, `return_max` and `length_mean` are of the last episodes; empty: none yet.

    Args:
        path: the file; what it holds is kept up to `steps`.
        figures: names of the learner's figures, columns after `BASE`.
        steps: after which an older run goes on; 0 begins anew.
    """

    def __init__(self, path: Path, figures: tuple[str, ...], steps: int = 0) -> None:
        """Open the file.

        Raises:
            OSError: it cannot be written.
        """
        kept = _rows(path, steps) if steps else []
        self._file = path.open("w", newline="", encoding="utf-8")
        self._csv = csv.DictWriter(
            self._file, (*BASE, *figures), restval="", extrasaction="ignore", lineterminator="\n"
        )
        self._csv.writeheader()
        self._csv.writerows(kept)
        self._file.flush()

    def add(self, row: dict[str, float | None]) -> None:
        """Add a row; a name without a value stays empty."""
        self._csv.writerow({name: "" if value is None else f"{value:.9g}" for name, value in row.items()})
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def _rows(path: Path, steps: int) -> list[dict[str, str]]:
    """Return the rows of a curve up to a number of steps; none where there is no curve."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row.get("steps", "").isdigit() and int(row["steps"]) <= steps]
