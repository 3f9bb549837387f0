from pathlib import Path

import pytest

from circuits.errors import InputError
from circuits.yaml_file import read_yaml


def test_reads_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: 1.0e-9\nb: {c: [1, two, '1e-9']}\n")
    assert read_yaml(path) == {"a": 1e-9, "b": {"c": [1, "two", "1e-9"]}}


def test_numbers_without_a_point_or_a_sign_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: [1e-9, -6E+8, 2.5e3, 1.e2]\nb: [1e, e3, 0x1e3, 1e-9m, '1e3']\n")
    assert read_yaml(path) == {"a": [1e-9, -6e8, 2500.0, 100.0], "b": ["1e", "e3", 0x1E3, "1e-9m", "1e3"]}


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    for text in ("a: 1\n", "a: 22\n"):
        path.write_text(text)
        assert read_yaml(path) == {"a": int(text[3:])}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: 1\na: 2\n", "'a' is given twice"),
        ("- 1\n", "holds no mapping"),
        ("", "holds no mapping"),
        ("a: [1\n", "not YAML"),
        ("a: !!python/object/apply:os.system [ls]\n", "not YAML"),
        ("{a: {b: 1, b: 2}}", "'b' is given twice"),
        ("? [1, 2]\n: 3\n", "not YAML"),
        ("[" * 5000, "not YAML"),
        ("a: &x [*x]\n", ""),
    ],
)
def test_refuses_what_could_be_misread(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    if not reason:
        read_yaml(path)
        return
    with pytest.raises(InputError, match=reason) as caught:
        read_yaml(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_refuses_bytes_that_are_not_text_and_files_that_are_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not YAML"):
        read_yaml(path)
    with pytest.raises(InputError, match="No such file"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="directory"):
        read_yaml(tmp_path)


def test_refuses_a_huge_file_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    with path.open("wb") as file:
        file.truncate(1 << 34)
    with pytest.raises(InputError, match="larger than"):
        read_yaml(path)
