"""Tables of layers and of blocks: sums, spreads, and one line for what does not fit."""

import json
from pathlib import Path

import numpy as np
import pytest

from circuits.errors import InputError
from hwmodel.latency.query.predictor import SpacePredictor
from hwmodel.latency.query.tables import from_blocks, from_table, read_table
from hwmodel.latency.spaces import load_space, make_space

LATENCY = Path(__file__).parents[4] / "shared" / "reference" / "latency"
SPACE = make_space({"name": "two", "layers": [
    {"name": "a", "choices": ["k3", "k5"]}, {"name": "b", "choices": ["k3", "k5", "skip"]}]})  # fmt: skip
TABLE = {"a": {"k3": 1.0, "k5": 2.0}, "b": {"k3": 3, "k5": 4.5}}


def reference(name: str) -> Path:
    path = LATENCY / name
    if not path.exists():
        pytest.skip(f"the published table (../shared/reference/latency/{name}) is not beside this checkout")
    return path


def test_layers_add_up_and_skipping_is_free():
    form = from_table(SPACE, TABLE, "ms", "phone", rest=10)
    assert form.quantity == "latency_s"
    found = SpacePredictor(form).predict(["[0, 0]", '["k5", "skip"]', "[1, 1]"])
    np.testing.assert_allclose(found.mean, [14e-3, 12e-3, 16.5e-3], rtol=1e-14)
    assert found.low is found.high is found.level is None
    joules = from_table(SPACE, TABLE, "mJ", "phone")
    assert joules.quantity == "energy_J"
    assert SpacePredictor(joules).predict([[0, 0]]).mean == pytest.approx(4e-3)


def test_numbers_stand_for_names():
    table = {"a": {"0": 1.0, "1": 2.0}, "b": {"0": 3, "1": 4.5, "2": 0.25}}
    np.testing.assert_allclose(from_table(SPACE, table, "s", "phone").table, [[1, 2, 0], [3, 4.5, 0.25]])


def test_spreads_add_as_variances():
    table = {"a": {"k3": {"mean": 1, "std": 0.3, "count": 5}, "k5": 2}, "b": {"k3": {"mean": 3, "var": 0.16}, "k5": 1}}
    found = SpacePredictor(from_table(SPACE, table, "s", "phone")).predict([[0, 0], [1, 1]])
    np.testing.assert_allclose(found.mean, [4, 3])
    np.testing.assert_allclose(found.high - found.mean, [0.5 * 1.6449, 0], atol=1e-4)
    np.testing.assert_allclose(found.mean - found.low, [0.5 * 1.6449, 0], atol=1e-4)
    assert found.level == 0.9


def test_blocks_are_found_by_their_keys():
    blocks = {"stem": {"mean": 2.0, "std": 0.3}, "mb3": {"mean": 1.0, "std": 0.4}, "mb5": {"mean": 1.5, "std": 0.5}}
    row = {"k3": "mb3", "k5": "mb5"}
    layout = {"constant": ["stem", "stem"], "layers": {"a": row, "b": row | {"skip": None}}}
    found = SpacePredictor(from_blocks(SPACE, blocks, layout, "ms", "phone")).predict([[0, 1], [0, 2]], 0.68)
    np.testing.assert_allclose(found.mean, [6.5e-3, 5e-3])
    np.testing.assert_allclose((found.high - found.mean) / 0.99446e-3, np.sqrt([0.18 + 0.41, 0.18 + 0.16]), rtol=1e-4)
    with pytest.raises(InputError, match="blocks: has no block 'mb7'"):
        from_blocks(SPACE, blocks, {"layers": {"a": {"k3": "mb7"}, "b": {}}}, "ms", "phone")
    with pytest.raises(InputError, match="a layout has `constant`"):
        from_blocks(SPACE, blocks, {"layers": {}, "stages": {}}, "ms", "phone")


@pytest.mark.parametrize(("table", "said"), [
    ({"a": TABLE["a"]}, "lacks layer 'b' of two"),
    (TABLE | {"c": {}}, "layer 'c' is none of two; leave it out"),
    (TABLE | {"a": {"k3": 1}}, "layer 'a', choice 'k5': 'None' is no number from 0"),
    (TABLE | {"a": {"k3": 1, "k5": 2, "k7": 3}}, "layer 'a' of two has no choice 'k7'"),
    (TABLE | {"a": {"k3": -1, "k5": 2}}, "'-1' is no number from 0"),
    (TABLE | {"a": {"k3": float("nan"), "k5": 2}}, "'nan' is no number from 0"),
    (TABLE | {"a": {"k3": True, "k5": 2}}, "'True' is no number"),
    (TABLE | {"a": {"k3": {"std": 1}, "k5": 2}}, "give a number, or mean with std or var"),
    (TABLE | {"a": [1, 2]}, "lacks layer 'a'"),
])  # fmt: skip
def test_tables_that_do_not_fit(table, said):
    with pytest.raises(InputError, match=said):
        from_table(SPACE, table, "ms", "phone")


def test_other_arguments_that_are_wrong():
    with pytest.raises(InputError, match="unit 'h': unknown; give one of s, ms"):
        from_table(SPACE, TABLE, "h", "phone")
    with pytest.raises(InputError, match="has no layer 'z' that could be left out"):
        from_table(SPACE, TABLE, "ms", "phone", left_out=("z",))


@pytest.mark.parametrize(("name", "text", "said"), [
    ("a.json", "[1]", "holds no mapping"), ("a.json", "{", "not JSON"), ("a.json", "[" * 100_000, "not JSON"),
    ("a.json", " " * (1 << 21), "larger than"), ("a.yaml", "- 1", "holds no mapping"),
])  # fmt: skip
def test_files_that_are_no_table(tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=said):
        read_table(tmp_path / name)
    with pytest.raises(InputError, match="No such file"):
        read_table(tmp_path / f"none-{name}")


def test_single_path_takes_what_it_published():
    """80.4 ms: the rest holds the first block, of 16 channels, and the last, of 320, which are not searched."""
    table = read_table(reference("singlepath_pixel1_ms.json"))
    form = from_table(load_space("single_path"), table, "ms", "pixel1", rest=19.5999, left_out=("0", "21"))
    found = "[0, 0, 0, 4, 3, 0, 0, 0, 3, 0, 0, 0, 3, 2, 2, 2, 3, 3, 3, 3]"
    assert 1e3 * SpacePredictor(form).predict(found).mean[0] == pytest.approx(80.4, abs=0.05)


def test_a_published_stage_of_blocks_with_their_variances():
    blocks = read_table(reference("proxyless_pixel1_ms.yaml"))
    name = "expanded_conv-input:14x14x80-output:14x14x80-expand:{}-kernel:{}-stride:1-idskip:1"
    kinds = {f"e{e}k{k}": (e, k) for e in (3, 6) for k in (3, 5, 7)}
    declared = {"name": "stage", "layers": [{"name": str(n), "choices": [*kinds, "skip"]} for n in range(3)]}
    row = {kind: name.format(*parts) for kind, parts in kinds.items()} | {"skip": None}
    layout = {"constant": ["Conv-input:224x224x3-output:112x112x32"], "layers": {str(n): row for n in range(3)}}
    form = from_blocks(make_space(declared), blocks, layout, "ms", "pixel1")
    found = SpacePredictor(form).predict('["e3k3", "e3k5", "skip"]')
    taken = [blocks[key] for key in (layout["constant"][0], row["e3k3"], row["e3k5"])]
    assert found.mean[0] == pytest.approx(1e-3 * sum(block["mean"] for block in taken))
    spread = 1e-3 * sum(block["var"] for block in taken) ** 0.5
    assert found.high[0] - found.mean[0] == pytest.approx(1.64485 * spread, rel=1e-4)


def test_files_of_json_and_yaml(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(TABLE))
    (tmp_path / "a.yaml").write_text("a: {k3: 1.0, k5: 2.0}\nb: {k3: 3, k5: 4.5}\n")
    assert read_table(tmp_path / "a.json") == read_table(tmp_path / "a.yaml") == TABLE
