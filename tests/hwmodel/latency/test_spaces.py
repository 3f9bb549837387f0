"""Search spaces: as declared, as text and as codes; and one line for what is none."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from circuits.errors import InputError
from hwmodel.latency.spaces import canonical_codes, decode, encode, known_spaces, load_space, make_space, pattern
from tests.naive.latency import canonical

TINY = {"name": "tiny", "layers": [{"name": "a", "choices": ["x", "y", "z"]}, {"name": "b", "choices": ["x", "skip"]}]}
ARCH = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_1x1~1|none~2|"


@pytest.mark.parametrize(("name", "layers", "size"), [
    ("nasbench201", 6, 15625), ("fbnet", 22, 9**22), ("single_path", 20, 4**5 * 5**15),
])  # fmt: skip
def test_shipped_spaces(name, layers, size):
    space = load_space(name)
    assert (space.name, len(space.layers), space.size) == (name, layers, size)
    assert name in known_spaces()


def test_text_of_nasbench201():
    space = load_space("nasbench201")
    codes = decode(space, [ARCH])
    assert codes.tolist() == [[3, 3, 4, 1, 2, 0]]
    assert codes.dtype == np.int8
    assert encode(space, codes) == [ARCH]


def test_lists_of_numbers_or_names():
    space = make_space(TINY)
    assert decode(space, ["[2, 0]", ' ["z","skip"]', '["y", 1]']).tolist() == [[2, 0], [2, 1], [1, 1]]
    assert encode(space, np.array([[2, 0]])) == ["[2, 0]"]


@given(st.sampled_from(["nasbench201", "fbnet", "single_path"]), st.integers(0, 2**32))
def test_text_and_codes_go_both_ways(name, seed):
    space = load_space(name)
    codes = space.sample(5, np.random.default_rng(seed))
    assert (decode(space, encode(space, codes)) == codes).all()
    assert (decode(space, [str(row) for row in codes.tolist()]) == codes).all()


def test_a_pattern_tells_text_from_other_text():
    found = re.compile(pattern(load_space("nasbench201")))
    assert found.search(ARCH)
    for other in (ARCH + "|", ARCH.replace("none", "zero"), ARCH.replace("|", "/"), ""):
        assert not found.search(other)
    assert not pattern(load_space("fbnet"))


@pytest.mark.parametrize(("text", "said"), [
    ("", "network 0: '' is none of nasbench201"),
    (ARCH + "|", "is none of nasbench201"),
    ("[1, 2]", "is none of nasbench201"),
    ("[1, 2, 3, 4, 5, 0]", "'5' is no choice of layer '1-3'; give none, skip_connect"),
    ("[1, 2, 3, 4, -1, 0]", "'-1' is no choice"),
    ("[1, 2, 3, 4, true, 0]", "is none of nasbench201"),
    ("[1, 2, 3, 4, 1.0, 0]", "is none of nasbench201"),
    ("[1, 2, 3, 4, null, 0]", "'None' is no choice"),
    ("[1, 2, 3, 4, [1], 0]", r"'\[1\]' is no choice"),
    ("[" * 9999, "is none of nasbench201"),
    ("9" * 5000, "is none of nasbench201"),
    ("x" * 20000, "no text of up to"),
])  # fmt: skip
def test_text_that_is_no_network(text, said):
    with pytest.raises(InputError, match=said) as error:
        decode(load_space("nasbench201"), [text])
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(("codes", "said"), [
    ([[0, 2]], "network 0: 2 is no choice of layer 'b'; give 0 to 1"),
    ([[0, 1], [-1, 0]], "network 1: -1 is no choice of layer 'a'"),
    ([[0, 2**62]], "no choice of layer 'b'"),
    ([[0.0, 1.0]], "not whole numbers"),
    ([[True, False]], "not whole numbers"),
    ([["a", "b"]], "not whole numbers"),
    ([[0], [0, 1]], "not whole numbers"),
    ([[0, 2**70]], "not whole numbers"),
    ([[0, 1, 0]], r"shape \(1, 3\); tiny has 2 layers"),
    ([[[0, 1]]], r"shape \(1, 1, 2\)"),
    (None, "not whole numbers"),
])  # fmt: skip
def test_codes_that_are_none(codes, said):
    with pytest.raises(InputError, match=said):
        make_space(TINY).codes(codes)


def test_codes_are_checked_and_shaped():
    space = make_space(TINY)
    assert space.codes([2, 1]).tolist() == [[2, 1]]
    assert space.codes(np.zeros((0, 2), np.int64)).shape == (0, 2)
    wide = np.arange(8, dtype=np.uint8).reshape(2, 4)[:, ::3] % 2
    assert space.codes(wide).flags.c_contiguous
    assert space.codes(wide).dtype == np.int8


def test_all_samples_and_one_hot():
    space = make_space(TINY)
    every = space.all_codes()
    assert every.tolist() == [[a, b] for a in range(3) for b in range(2)]
    drawn = space.sample(2000, np.random.default_rng(0))
    numbers, counts = np.unique(drawn, axis=0, return_counts=True)
    assert numbers.tolist() == every.tolist()
    assert counts.min() > 250
    ones = space.one_hot(every)
    assert ones.shape == (6, 2, 3)
    assert (ones.argmax(axis=2) == every).all()
    assert (ones.sum(axis=2) == 1).all()
    assert space.present.tolist() == [[True, True, True], [True, True, False]]
    with pytest.raises(InputError, match=r"space fbnet: 9.85e\+20 networks, more than"):
        load_space("fbnet").all_codes()


def test_dead_branches_of_every_cell():
    space = load_space("nasbench201")
    codes = space.all_codes()
    found = canonical_codes(space, codes)
    edges = space.cell.edges
    picked = np.random.default_rng(0).choice(len(codes), 2000, replace=False)
    assert found[picked].tolist() == [canonical(edges, 0, code) for code in codes[picked].tolist()]
    assert (canonical_codes(space, found) == found).all()
    assert len(np.unique(found, axis=0)) == 9445  # cells without dead edges; X. Dong's 6,466 also merge equal branches


@given(st.data())
def test_dead_branches_of_any_cell(data):
    nodes = data.draw(st.integers(2, 5))
    pairs = [[a, b] for b in range(nodes) for a in range(b)]
    extra = data.draw(st.lists(st.sampled_from(pairs), max_size=4, unique_by=tuple))
    edges = data.draw(st.permutations([[n, n + 1] for n in range(nodes - 1)] + [e for e in extra if e[1] - e[0] > 1]))
    layers = [{"name": str(n), "choices": ["op", "none"]} for n in range(len(edges))]
    space = make_space({"name": "any", "layers": layers, "cell": {"edges": edges, "absent": "none"}})
    codes = space.all_codes()
    assert canonical_codes(space, codes).tolist() == [canonical(space.cell.edges, 1, code) for code in codes.tolist()]


def test_spaces_without_a_cell_have_nothing_dead():
    space = load_space("fbnet")
    codes = space.sample(10, np.random.default_rng(0))
    assert (canonical_codes(space, codes) == codes).all()


@pytest.mark.parametrize(("changed", "said"), [
    ({"layers": []}, "layers: List should have at least 1 item"),
    ({"layers": [{"name": "a", "choices": ["x", "x"]}]}, "one is given twice"),
    ({"layers": [{"name": "a", "choices": ["x"]}] * 2}, "layers: a name is given twice"),
    ({"layers": [{"name": "a", "choices": [1]}]}, "layers.0.choices.0: Input should be a valid string"),
    ({"layers": [{"name": "a", "choices": ["x"], "size": 3}]}, "layers.0.size"),
    ({"name": ""}, "name: String should have at least 1 character"),
    ({"name": "a\nb"}, "name: String should match"),
    ({"colour": 1}, "colour: Extra inputs are not permitted; known are name, source"),
    ({"text": "{}"}, "has 1 places"),
    ({"text": "{}{}"}, "after a place must stand"),
    ({"text": "{}x{}"}, "after a place must stand"),
    ({"cell": {"edges": [[0, 1]], "absent": "skip"}}, "1 edges for 2 layers"),
    ({"cell": {"edges": [[0, 1], [1, 2]], "absent": "skip"}}, "layer 'a' has no choice 'skip'"),
    ({"cell": {"edges": [[0, 1], [2, 1]], "absent": "x"}}, "edges lead from a node to one of a higher number"),
    ({"cell": {"edges": [[0, 1], [3, 4]], "absent": "x"}}, "nodes are numbered from 0"),
    ({"cell": 3}, "cell"),
])  # fmt: skip
def test_files_that_declare_no_space(tmp_path: Path, changed, said):
    path = tmp_path / "my.yaml"
    path.write_text(yaml.safe_dump(TINY | changed))
    with pytest.raises(InputError, match=said) as error:
        load_space(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_unknown_spaces_and_files():
    with pytest.raises(InputError, match="space 'darts': unknown; known are fbnet, nasbench201, single_path, or give"):
        load_space("darts")
    with pytest.raises(InputError, match="No such file"):
        load_space("none.yaml")
