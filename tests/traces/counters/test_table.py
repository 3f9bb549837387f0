"""Files of counters: whole, read back as written, and refused in one line where they are not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from traces.counters.join import NONE, Row
from traces.counters.metrics import QUANTITIES
from traces.counters.table import COLUMNS, read_table, write_counters
from traces.errors import InputError

counts = st.none() | st.integers(0, 10**15).map(float) | st.floats(0, 1e9)
sides = st.fixed_dictionaries(dict.fromkeys(QUANTITIES, counts))
words = st.text('abc <>,"()#=:', max_size=20).map(lambda text: " ".join(text.split()))
modes = st.sampled_from(["cold", "warm"])
rows = st.builds(Row, words, modes, st.integers(0, 10**6), *[words] * 5, sides, sides, counts, counts)
ABOUT = {"gpu": "NVIDIA H100 80GB HBM3", "clock": "not locked: 1980 MHz"}


@given(st.lists(rows, max_size=4))
@settings(max_examples=60)
def test_what_is_written_is_read(tmp_path_factory, found):
    path = tmp_path_factory.mktemp("table") / "a.counters.csv"
    write_counters(path, ABOUT, found)
    assert read_table(path) == (ABOUT, found)


ROW = Row("net", "cold", 1, "aten.mm", "fc", "forward", "sgemm", "gemm", {**NONE, "l2_reads": 3.0}, NONE)


def put(tmp_path, old, new):
    path = tmp_path / "a.counters.csv"
    write_counters(path, ABOUT, [ROW])
    path.write_text(path.read_text().replace(old, new))
    return path


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("# hwmodel", "# other", "no counters; give a file that"),
        ("counters 1", "counters 2", "of version 2; this hwmodel reads version 1"),
        ("item,mode", "item,moods", "line 4: the columns"),
        ("net,cold", "net,lukewarm", "line 5: mode 'lukewarm'"),
        ("cold,1,", "cold,one,", "line 5: operation 'one'"),
        ("cold,1,", "cold,", "line 5: has 19 fields of 20"),
        (",3,", ",x,", "line 5: 'x' is no count"),
        (",3,", ",-3,", "line 5: '-3' is no count"),
        (",3,", ",inf,", "line 5: 'inf' is no count"),
        ("net,", '"net,', "line 5: no row"),
    ],
)
def test_what_is_no_file_of_counters_is_one_line(tmp_path, old, new, words):
    path = put(tmp_path, old, new)
    with pytest.raises(InputError, match=f"^{path}: .*{words}"):
        read_table(path)


def test_files_that_cannot_be_read_or_written(tmp_path):
    (tmp_path / "b").write_bytes(b"\xff\xfe")
    for path in (tmp_path, tmp_path / "absent", tmp_path / "b"):
        with pytest.raises(InputError, match=str(path)):
            read_table(path)
    with pytest.raises(InputError, match="absent"):
        write_counters(tmp_path / "absent" / "a.csv", ABOUT, [ROW])
    assert len(COLUMNS) == 20
