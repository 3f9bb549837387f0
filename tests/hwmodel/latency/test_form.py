"""Forms: their files go both ways; damaged, hostile or foreign ones end in one line."""

import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from circuits.errors import InputError
from hwmodel.latency.query import container as container_module
from hwmodel.latency.query.container import parse_container, read_container
from hwmodel.latency.query.form import Form, form_of, read_form, write_form
from hwmodel.latency.query.predictor import load
from tests.hwmodel.latency.forms import form_with, forms, space_of, told_whole

ARRAYS = ("table", "pairs", "pair", "base", "factor", "whole")


def written(path: Path, form: Form) -> bytes:
    write_form(form, path)
    return path.read_bytes()


@given(form=forms(most_layers=4), whole=st.booleans())
def test_files_go_both_ways(form, whole, tmp_path_factory):
    form = told_whole(form) if whole else form
    path = tmp_path_factory.mktemp("forms") / "a.safetensors"
    write_form(form, path)
    found = read_form(path)
    for name in Form.__dataclass_fields__:
        left, right = getattr(form, name), getattr(found, name)
        if name in ARRAYS:
            np.testing.assert_array_equal(left, right)
            assert left.dtype == right.dtype
        else:
            assert left == right, name


def test_what_is_said_is_kept(tmp_path):
    said = {"threads": 1, "governor": "performance", "note": "ä"}
    form = form_with((2, 3), conditions=said, provenance={"samples": [1, 2]})
    data = written(tmp_path / "a.safetensors", form)
    found = read_form(tmp_path / "a.safetensors")
    assert (found.conditions, found.provenance) == (said, {"samples": [1, 2]})
    assert written(tmp_path / "b.safetensors", form) == data


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        write_form(form_with((2, 3)), tmp_path / "none" / "a.safetensors")
    with pytest.raises(InputError, match="is no JSON"):
        write_form(form_with((2, 3), conditions={"t": {1, 2}}), tmp_path / "a.safetensors")
    with pytest.raises(InputError, match="is no JSON"):
        write_form(form_with((2, 3), conditions={"t": float("nan")}), tmp_path / "a.safetensors")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("more", "said"), [
    ({"table": np.zeros((2, 4))}, r"table: shape \(2, 4\), not \(2, 3\)"),
    ({"table": np.full((2, 3), np.nan)}, "table: holds what is no finite number"),
    ({"table": np.ones((2, 3))}, "not 0 where a layer has no such choice"),
    ({"table": np.array([["a"] * 3] * 2)}, "table: no array"),
    ({"pairs": np.array([[1, 0]]), "pair": np.zeros((1, 3, 3))}, "pairs: not two layers, the lower first"),
    ({"pairs": np.array([[0, 2]]), "pair": np.zeros((1, 3, 3))}, "pairs: not two layers"),
    ({"pairs": np.array([[-1, 1]]), "pair": np.zeros((1, 3, 3))}, "pairs: not two layers"),
    ({"pairs": np.array([[0.0, 1.0]]), "pair": np.zeros((1, 3, 3))}, "pairs: no array"),
    ({"pairs": np.array([[0, 1], [0, 1]]), "pair": np.zeros((2, 3, 3))}, "pairs: one is given twice"),
    ({"pair": np.ones((1, 3, 3))}, "pair: not 0 where"),
    ({"pair": np.ones((2, 3, 3))}, "pair: shape"),
    ({"base": np.zeros(4)}, "factor: shape"),
    ({"quantiles": ((0.9, 1.0, 1.0), (0.5, 1.0, 1.0))}, "levels rise"),
    ({"noise": -1.0}, "noise: Input should be greater than or equal to 0"),
    ({"offset": float("nan")}, "offset: Input should be a finite number"),
    ({"device": "a\x1b[2J"}, "device: String should match pattern"),
    ({"link": "cube"}, "link: Input should be 'log' or 'identity'"),
    ({"whole": np.ones((2, 6))}, "whole: takes the place of sums"),
    ({"whole": np.ones((2, 5))}, r"whole: shape \(2, 5\), not \(2, 6\)"),
    ({"quantiles": ((1.0, 1.0, 1.0),)}, "levels rise, between 0 and 1"),
])  # fmt: skip
def test_forms_that_do_not_fit(more, said):
    with pytest.raises(InputError, match=said):
        form_with((2, 3), **more)


def rewritten(data: bytes, change) -> bytes:
    """The file with its metadata's mapping changed."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    about = json.loads(header["__metadata__"]["hwmodel"])
    changed = change(about)
    header["__metadata__"]["hwmodel"] = json.dumps(changed if isinstance(changed, list) else about)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


@pytest.mark.parametrize(("change", "said"), [
    (lambda about: about.update(version=2), "version '2', not 1; a newer hwmodel wrote it"),
    (lambda about: about.update(version=True), "version 'True', not 1"),
    (lambda about: about.pop("version"), "version 'None'"),
    (lambda about: about.pop("kind"), "says no kind"),
    (lambda about: about.update(kind="graph"), "of kind 'graph', not 'space'"),
    (lambda about: about.pop("space"), "holds no space"),
    (lambda about: about["space"].update(layers=[]), "layers: List should have at least 1 item"),
    (lambda about: about["space"]["layers"].__delitem__(0), "table: shape"),
    (lambda about: about.update(noise=-1), "noise: Input should be greater than or equal to 0"),
    (lambda about: about.update(noise="1"), "noise: Input should be a valid number"),
    (lambda about: about.update(offset=float("inf")), "Infinity"),
    (lambda about: about.update(link="cube"), "link"),
    (lambda about: about.update(quantity="latency_ms"), "quantity"),
    (lambda about: about.update(more=1), "more: Extra inputs"),
    (lambda about: about.update(quantiles=[[0.9, 1]]), "quantiles.0"),
    (lambda about: about.update(quantiles=[[9, 1, 1]]), "levels rise"),
    (lambda about: [1], "its header is no mapping"),
])  # fmt: skip
def test_metadata_that_is_wrong(tmp_path, change, said):
    data = written(tmp_path / "a.safetensors", form_with((2, 3)))
    path = tmp_path / "b.safetensors"
    path.write_bytes(rewritten(data, change))
    with pytest.raises(InputError, match=said) as error:
        read_form(path)
    assert str(error.value).startswith(str(path))


def test_files_of_others(tmp_path):
    path = tmp_path / "a.safetensors"
    cases = {
        "its header is not whole": b"",
        "not a predictor's file, or damaged": b"\x04\0\0\0\0\0\0\0[[[[",
        "header is not whole": struct.pack("<Q", 2**63) + b"{}",
        "no predictor of hwmodel": save({"a": np.zeros(2)}),
        "is of a type that predictors do not have": save({"a": np.zeros(2, np.complex64)}, {"hwmodel": "{}"}),
        "version 'None'": save({"a": np.zeros(2)}, {"hwmodel": "{}"}),
        "or damaged": struct.pack("<Q", 100_000) + b"[" * 100_000,
    }
    for said, data in cases.items():
        path.write_bytes(data)
        with pytest.raises(InputError, match=said) as error:
            load(path)
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="no such file"):
        read_form(tmp_path / "none")
    with pytest.raises(InputError, match="not a file"):
        read_form(tmp_path)
    about = {"version": 1, "kind": "space", "space": space_of((2,)).model_dump(exclude_none=True)}
    other = parse_container(save({"a": np.zeros(2)}, {"hwmodel": json.dumps(about)}), "x")
    with pytest.raises(InputError, match="other arrays than"):
        form_of(other, "x")


def test_whole_spaces_that_cannot_be():
    form = told_whole(form_with((2, 3)))
    with pytest.raises(InputError, match="whole: a variance is negative"):
        replace(form, whole=-np.ones((2, 6)))
    with pytest.raises(InputError, match=r"whole: drawn has 9.77e\+06 networks, more than"):
        form_with((5,) * 10, whole=np.ones((2, 5)))


def test_large_files_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.safetensors"
    write_form(form_with((2, 3)), path)
    monkeypatch.setattr(container_module, "MOST_BYTES", 100)
    with pytest.raises(InputError, match="larger than"):
        read_container(path)
    with pytest.raises(InputError, match="more than a predictor's file may have"):
        write_form(form_with((2, 3)), tmp_path / "b.safetensors")


def test_numbers_that_are_not_finite_are_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    data = written(path, form_with((2, 3)))
    path.write_bytes(data[:-8] + struct.pack("<d", float("nan")))
    with pytest.raises(InputError, match="holds what is no finite number"):
        read_form(path)


def told(read) -> tuple[str, Form | None]:
    """What an InputError says, or what is read."""
    try:
        return "", read()
    except InputError as error:
        return str(error), None


@given(data=st.data())
def test_damage_is_told_in_one_line_or_harmless(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("damage")
    whole = bytearray(written(folder / "a.safetensors", form_with((2, 3))))
    kind = data.draw(st.sampled_from(["cut", "byte", "insert"]))
    place = data.draw(st.integers(0, len(whole) - 1))
    if kind == "cut":
        del whole[place:]
    elif kind == "byte":
        whole[place] = data.draw(st.integers(0, 255))
    else:
        whole[place:place] = data.draw(st.binary(min_size=1, max_size=9))
    (folder / "b.safetensors").write_bytes(whole)
    said, found = told(lambda: read_form(folder / "b.safetensors"))
    assert "\n" not in said
    assert len(said) < 700
    assert said or found.table.shape == (2, 3)
