"""Tables and samples as files hold them, and one line for those that do not."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from circuits.errors import InputError
from hwmodel.latency.fit import table as module
from hwmodel.latency.fit.device import places, usable
from hwmodel.latency.fit.samples import read_samples
from hwmodel.latency.fit.table import family, join, named, of_frame, read

CELLS = [
    "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|avg_pool_3x3~2|",
    "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
]


def written(folder, text, name="t.csv"):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder / name


def test_parquet_and_csv_are_read_alike(tmp_path):
    frame = pd.DataFrame({"arch": ["[0, 1, 2]", "[2, 1, 0]", "[1, 1, 1]"], "a_1": [1.0, 2.0, np.nan], "b": [1, 2, 3]})
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    for path in (tmp_path / "t.parquet", tmp_path / "t.csv"):
        found = read(path)
        assert found.names == ["[0, 1, 2]", "[2, 1, 0]", "[1, 1, 1]"]
        np.testing.assert_array_equal(found.codes, [[0, 1, 2], [2, 1, 0], [1, 1, 1]])
        np.testing.assert_array_equal(found.devices["a_1"], [1, 2, np.nan])
        assert list(found.devices) == ["a_1", "b"]
        assert usable(found, ["a_1"]).names == found.names[:2]
        assert set(found.features.additive) == {"counts", "choices"}


@pytest.mark.parametrize("spelled", ["[0, 1, 2]", "(0,1,2)", "0 1 2", "0;1; 2", " 0, 1 ,2 ", "[0 1\n 2]"])
def test_lists_of_choices_however_they_are_written(spelled):
    found = of_frame(pd.DataFrame({"arch": [spelled, "[2, 2, 1]"], "a": [1, 2]}), "t.csv")
    np.testing.assert_array_equal(found.codes, [[0, 1, 2], [2, 2, 1]])
    assert "\n" not in found.names[0]
    assert places(found, ["[0,1,2]", "2 2 1"], "s.csv").tolist() == [0, 1]


def test_numbers_that_run_together_are_told_apart():
    found = of_frame(pd.DataFrame({"arch": ["1 23", "12 3"], "a": [1, 2]}), "t.csv")
    assert places(found, ["[1, 23]", "[12, 3]"], "s.csv").tolist() == [0, 1]


def test_lists_in_parquet(tmp_path):
    codes = np.random.default_rng(0).integers(0, 9, (4, 40))
    pd.DataFrame({"arch": codes.tolist(), "a": [1.0, 2, 3, 4]}).to_parquet(tmp_path / "t.parquet")
    found = read(tmp_path / "t.parquet")
    np.testing.assert_array_equal(found.codes, codes)
    assert not any("\n" in name for name in found.names)


def test_cells_have_their_dead_branches_beside_them():
    found = of_frame(pd.DataFrame({"arch": CELLS, "a": [1, 2]}), "t.csv")
    assert {"choices", "live choices"} <= set(found.features.additive)
    with pytest.raises(InputError, match=r"t.csv: network 1: '\|what' is none of nasbench201"):
        of_frame(pd.DataFrame({"arch": [CELLS[0], "|what"], "a": [1, 2]}), "t.csv")


def test_networks_described_by_quantities():
    frame = pd.DataFrame({"model": ["x", "y"], "FLOPS": [1e9, 2e9], "size": [5, 5], "heads": [1, 2], "a": [1, 2]})
    found = of_frame(frame, "t.csv")
    np.testing.assert_array_equal(found.quantities, [[1e9], [2e9]])  # of one size all, which tells nothing
    assert list(found.devices) == ["heads", "a"]
    found = of_frame(frame, "t.csv", ["heads"])
    assert found.quantities.shape == (2, 2)
    assert list(found.devices) == ["a"]
    assert of_frame(frame[["model", "a"]], "t.csv").features.additive == {}
    frame["FLOPS"] = [1e9, np.nan]
    assert of_frame(frame, "t.csv").quantities is None


@pytest.mark.parametrize("names", [
    ["1", "2"], ["[1, 2]", "[1, 2, 3]"], ["[1, 2]", "x"], ["[1, 99]", "[1, 2]"], ["[1, -2]", "[1, 2]"],
    ["[" + "1" * 5000 + ", 2]"] * 2, ["", "[1, 2]"], ["1  " * 60 + "x"] * 2, ["\u0661 \u0662"] * 2,
])  # fmt: skip
def test_names_that_are_no_choices(names):
    found = of_frame(pd.DataFrame({"arch": names, "a": [1, 2]}), "t.csv")
    assert found.codes is None
    assert list(found.devices) == ["a"]


def test_columns_of_text_are_no_devices():
    frame = pd.DataFrame({"arch": ["x", "y"], "a": ["1", "2 ms"], "b": [True, False], "c": [1, 2]})
    found = of_frame(frame, "t.csv")
    assert list(found.devices) == ["c"]
    with pytest.raises(InputError, match=r"t.csv: no column of numbers 'a'; devices are c$"):
        found.device("a")


def test_one_network_and_none():
    with pytest.raises(InputError, match="0 architectures have a number"):
        usable(of_frame(pd.DataFrame({"arch": ["x"], "a": [np.nan]}), "t.csv"), ["a"])
    with pytest.raises(InputError, match="1 architectures have a number on each of the sources; needs two"):
        usable(of_frame(pd.DataFrame({"arch": ["[0, 1]"], "a": [1.0]}), "t.csv"), ["a"])
    for frame in (pd.DataFrame({"arch": [], "a": []}), pd.DataFrame({"arch": ["x"]}), pd.DataFrame()):
        with pytest.raises(InputError, match="needs a column of architectures, a column a device, and a row"):
            of_frame(frame, "t.csv")


def test_numbers_that_are_no_times_are_left_out():
    frame = pd.DataFrame({"arch": list("vwxyz"), "a": [1, 0, -1, np.inf, 1e300], "b": [1, 1, 1, 1, 1]})
    frame = pd.concat([frame, frame[:1].assign(arch="u")])
    assert usable(of_frame(frame, "t.csv"), ["a"]).names == ["v", "u"]
    assert len(usable(of_frame(frame, "t.csv"), []).names) == 6


def test_columns_of_one_name(tmp_path):
    frame = pd.DataFrame([["x", 1.0, 2.0]], columns=["arch", "a", "a"])
    with pytest.raises(InputError, match=r"t.csv: column 'a': give each a name of its own"):
        of_frame(frame, "t.csv")
    with pytest.raises(InputError, match="give each a name of its own"):
        of_frame(pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")])), "t.csv")
    assert read(written(tmp_path, "arch,a\nx,1,\ny,2,\n")).devices["a"].tolist() == [1, 2]  # a comma at each end
    assert list(read(written(tmp_path, "arch,a,a\nx,1,2\n")).devices) == ["a", "a.1"]


@pytest.mark.parametrize("content", [
    b"", b"\n\n", b"\x00\xff\xfe", b"PAR1", b"PAR1" + bytes(200) + b"PAR1", b"arch,a\nx,1,2,3\n", b'arch,a\n"x,1\n',
    b"arch,a\n\xff,1\n", b"arch\n", b"arch,a\n", bytes(1000), b"{}", b"\x80\x04\x95",
])  # fmt: skip
@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_files_that_are_no_tables(tmp_path, content, name):
    with pytest.raises(InputError) as raised:
        read(written(tmp_path, content, name))
    assert str(raised.value).startswith(f"{tmp_path / name}: ")
    assert "\n" not in str(raised.value)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.sampled_from(["t.csv", "t.parquet"]))
def test_garbage_is_a_table_or_one_line(tmp_path, content, name):
    try:
        read(written(tmp_path, content, name))
    except InputError as error:
        said = str(error)
    else:
        said = ""
    assert "\n" not in said


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.integers(1, 40))
@example(1552411, 1)  # of what pandas noted in the file
def test_damaged_parquet_is_a_table_or_one_line(tmp_path, seed, count):
    draw = np.random.default_rng(seed)
    pd.DataFrame({"arch": ["[0, 1]", "[1, 0]"], "a": [1.0, 2.0]}).to_parquet(tmp_path / "t.parquet")
    content = bytearray((tmp_path / "t.parquet").read_bytes())
    for place in draw.integers(0, len(content), count):
        content[place] = draw.integers(256)
    try:
        read(written(tmp_path, bytes(content), "t.parquet"))
    except InputError as error:
        said = str(error)
    else:
        said = ""
    assert "\n" not in said


def test_an_index_is_no_device(tmp_path):
    frame = pd.DataFrame({"arch": ["x", "y", "z"], "a": [1.0, 2.0, 3.0]}).iloc[[2, 0]]
    frame.to_parquet(tmp_path / "t.parquet")
    found = read(tmp_path / "t.parquet")
    assert (found.names, list(found.devices)) == (["z", "x"], ["a"])


def test_files_that_are_not_there(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="No such file"):
        read(tmp_path / "none.csv")
    with pytest.raises(InputError, match="not a file"):
        read(tmp_path)
    monkeypatch.setattr(module, "LARGEST_BYTES", 3)
    with pytest.raises(InputError, match="1 GiB at most"):
        read(written(tmp_path, "arch,a\nx,1\n"))


def test_a_table_of_too_many_choices(monkeypatch):
    monkeypatch.setattr(module, "MOST_NUMBERS", 10)
    with pytest.raises(InputError, match=r"t.csv: 2 architectures of 3 layers are too many"):
        of_frame(pd.DataFrame({"arch": ["[0, 1, 2]"] * 2, "a": [1, 2]}), "t.csv")


def test_columns_by_name_and_by_pattern():
    frame = pd.DataFrame([["x", *range(1, 5)]], columns=["arch", "p|cpu", "p|gpu", "q_1", "q[1]"])
    table = of_frame(frame, "t.csv")
    assert named(table, "q_*, p|gpu,p|*") == ["q_1", "p|gpu", "p|cpu"]
    assert named(table, "q[1]") == ["q[1]"]
    assert named(table, "") == []
    with pytest.raises(InputError, match=r"no column of numbers 'z\*'; devices are p\|cpu, p\|gpu"):
        named(table, "z*")


def test_columns_of_spread_are_no_devices_unless_they_are_named():
    frame = pd.DataFrame({"net": ["a", "b"]} | {name: [1.0, 2.0] for name in ("p|mean", "p|std", "q_std", "Standard")})
    table = of_frame(frame, "t.csv")
    assert named(table, "*") == ["p|mean", "Standard"]
    assert named(table, "p|*,q_std") == ["p|mean", "q_std"]
    assert [family(name) for name in ("p|cpu|1_2", "q_1", "r")] == ["p", "q", "r"]


def test_tables_of_the_same_quantities_are_joined():
    one, other = (
        of_frame(pd.DataFrame({"model": [name], "FLOPS": [2.0], "size": [3.0], "a": [1.0], name: [1.0]}), f"{name}.csv")
        for name in "xy"
    )
    with pytest.raises(InputError, match=r"y.csv: its architectures are not described"):
        join(one, other)  # of one architecture no quantity says anything
    frames = [pd.DataFrame({"m": ["x", "y"], "FLOPS": [2.0, k], "a": [1.0, k], f"b{k}": 1.0}) for k in (3.0, 4.0)]
    both = join(*(of_frame(frame, "t.csv") for frame in frames))
    assert list(both.devices) == ["a"]
    assert both.devices["a"].tolist() == [1, 3, 1, 4]
    with pytest.raises(InputError, match="has none of the devices"):
        join(*(of_frame(frame.drop(columns="a"), "t.csv") for frame in frames))


@pytest.mark.parametrize(("text", "unit", "factor", "quantity"), [
    ('arch,ms\n\n"[0, 1]",2.5\nx, 3\n', "ms", 1e-3, "latency_s"),
    ('a,b\n"[0, 1]",2.5,other\nx,3\n', "uJ", 1e-6, "energy_J"),
])  # fmt: skip
def test_samples(tmp_path, text, unit, factor, quantity):
    found = read_samples(written(tmp_path, text), unit)
    assert (found.names, found.quantity) == (["[0, 1]", "x"], quantity)
    np.testing.assert_allclose(found.values, [2.5 * factor, 3 * factor])


@pytest.mark.parametrize(("text", "said"), [
    ("", "no samples"), ("arch,ms\n", "no samples"),
    ("arch,ms\nx\n", "line 2: give an architecture and a number in ms"),
    ("arch,ms\n\n\nx,fast\n", "line 4: give an architecture"), ("arch,ms\nx,-1\n", "line 2: -1 is no time"),
    ("arch,ms\nx,nan\n", "line 2: nan is no time"), ("arch,ms\nx,inf\n", "inf is no time"),
    ("arch,ms\nx,0\n", "0 is no time"),
    ("arch,ms\nx,1e-300\n", "is no time"), ("x,3\ny,4\n", "line 1: is a sample already; give a line of names"),
    ('arch,ms\n"x', "not CSV"), ("arch,ms\n\udcff,1\n", "not CSV"),
])  # fmt: skip
def test_samples_that_are_none(tmp_path, text, said):
    path = written(tmp_path, text.encode(errors="surrogateescape"))
    with pytest.raises(InputError) as raised:
        read_samples(path, "ms")
    assert str(raised.value).startswith(f"{path}: ")
    assert said in str(raised.value)


def test_samples_of_no_unit_and_of_no_file(tmp_path):
    with pytest.raises(InputError, match="unit 'hours': unknown"):
        read_samples(written(tmp_path, "a,b\nx,1\n"), "hours")
    with pytest.raises(InputError, match="No such file"):
        read_samples(tmp_path / "none.csv", "ms")


def test_an_architecture_that_the_table_lacks():
    found = of_frame(pd.DataFrame({"arch": ["x", "y"], "a": [1, 2]}), "t.csv")
    with pytest.raises(InputError, match=r"s.csv: architecture 'z': not in t.csv, or without a number"):
        places(found, ["x", "z"], "s.csv")
