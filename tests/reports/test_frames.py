import pandas as pd
import pytest

from circuits.errors import InputError
from reports.frames import checked

FRAME = pd.DataFrame({"cell": ["sram", "a\x00b"], "x": [1, 2.5], "gap": [float("nan"), 3], "zero": [0, 1]})


def test_columns_come_back_clean() -> None:
    found = checked(FRAME, "f", ["cell"], ["zero"], positive=["x"], blank=["gap"])
    assert found["cell"].tolist() == ["sram", "a b"]
    assert list(found) == ["cell", "zero", "x", "gap"]
    assert found["x"].tolist() == [1.0, 2.5]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"texts": ["none"]}, "f: no column 'none'; there are cell, x, gap, zero"),
        ({"numbers": ["gap"]}, "f: gap of row 1 is not a finite number"),
        ({"numbers": ["cell"]}, "f: cell of row 1 is not a finite number"),
        ({"positive": ["zero"]}, "f: zero of row 1 is not above 0"),
    ],
)
def test_what_cannot_be_used_is_named(columns: dict, says: str) -> None:
    with pytest.raises(InputError, match=says):
        checked(FRAME, "f", **columns)


def test_empty_names_infinities_and_no_rows() -> None:
    with pytest.raises(InputError, match="cell of row 2 is empty"):
        checked(FRAME.assign(cell=["a", None]), "f", ["cell"])
    with pytest.raises(InputError, match="x of row 2 is not a finite"):
        checked(FRAME.assign(x=[1, float("inf")]), "f", blank=["x"])
    with pytest.raises(InputError, match="no rows"):
        checked(FRAME.iloc[:0], "f", ["cell"])
