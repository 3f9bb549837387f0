"""ncu's raw page: read as it is printed; whatever else a file holds is read, or refused in one line."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.traces.counters.fake_ncu import COLUMNS
from traces.counters.read import UNITS, Counted, parse_counters, read_counters
from traces.errors import InputError

READ, TIME, BYTES = "lts__t_sectors_srcunit_tex_op_read.sum", "gpu__time_duration.sum", "dram__bytes_read.sum"
METRICS = [BYTES, TIME, READ]
CELL = '7  "<default domain>:outer:none:none:none:none:none:none"  "<default domain>:{}:none:none:none:none:none:none" '
BEFORE = "loss 0.5\n==PROF== Connected to process 7 (/usr/bin/python3.11)\n==PROF== Disconnected from process 7\n"


def page(rows, units=("byte", "nsecond", "sector"), metrics=METRICS, columns=COLUMNS, before=BEFORE, newline="\n"):
    """A raw page of kernels: (name, NVTX range, counts as they are printed). The counts are made up."""
    text = io.StringIO()
    table = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator=newline)
    table.writerow([*columns, *metrics])
    table.writerow([*[""] * len(columns), *units])
    for number, (name, range_, counts) in enumerate(rows):
        values = {"ID": number, "Process ID": 7, "Kernel Name": name, "Device": 0, "CC": "9.0"}
        values |= {column: CELL.format(range_) for column in columns if "Push/Pop" in column}
        table.writerow([*(values.get(column, "") for column in columns), *counts])
    return before + text.getvalue()


def test_kernels_name_their_operator_and_counts_lose_their_scale():
    name = 'void at::native::kernel<(int)4, "x">(int, T2)'
    text = page(
        [
            (name, "hwmodel#12 aten.mm.default", ["1,234,567", "4,096", "96"]),
            ("other", "no mark", ["0", "1.5e3", "n/a"]),
        ]
    )
    first, second = parse_counters(text, "a.csv")
    assert first == Counted(name, 12, {BYTES: 1234567.0, TIME: pytest.approx(4096e-9), READ: 96.0})
    assert second == Counted("other", 0, {BYTES: 0.0, TIME: pytest.approx(1500e-9)})


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("byte", 1), ("Kbyte", 1e3), ("Mbyte", 1e6), ("Gbyte", 1e9), ("sector", 1), ("Ksector", 1e3), ("", 1),
     ("ns", 1e-9), ("usecond", 1e-6), ("msecond", 1e-3), ("second", 1)],
)  # fmt: skip
def test_units_are_scaled(unit, factor):
    (only,) = parse_counters(page([("k", "", ["2.50"])], [unit], [BYTES]), "a.csv")
    assert only.counts == {BYTES: pytest.approx(2.5 * factor)}
    assert UNITS[unit] == pytest.approx(factor)


def test_columns_that_are_no_counts_are_passed_over():
    words = "device__attribute_confidential_computing_mode"  # an H200's ncu 2025.3 prints it by itself
    more = [*METRICS, "Function Cache", "smsp__cycles.avg.per_second", words]
    units = ("byte", "ns", "sector", "", "Ghz", "")
    text = page([("k", "", ["1", "2", "3", "CachePreferNone", "1.4", "No-CC"])], units, more)
    (only,) = parse_counters(text, "a.csv")
    assert list(only.counts) == METRICS


def test_a_page_without_ranges_has_no_operators():
    plain = [column for column in COLUMNS if "Range" not in column]
    assert [one.operation for one in parse_counters(page([("k", "", ["1", "2", "3"])], columns=plain), "a.csv")] == [0]


def test_the_tools_words_and_blank_lines_are_passed_over(tmp_path):
    text = page([("k", "hwmodel#1 aten.mm", ["1", "2", "3"])], newline="\r\n") + "\n==PROF== Report done\n"
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbf" + text.removeprefix(BEFORE).encode())
    assert len(read_counters(path)) == 1


ONE = [("k", "hwmodel#1 aten.mm", ["1", "2", "3"])]
HEAD = BEFORE.count("\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no table of ncu's; record it with ncu --csv --page raw"),
        ("==WARNING== No kernels were profiled.\n", "no table"),
        (page(ONE)[:-20], f"line {HEAD + 3}: cut short"),
        (page(ONE).rstrip("\n").rpartition(",")[0], f"line {HEAD + 3}: has 15 fields of 16"),
        ("\n".join(page(ONE).splitlines()[: HEAD + 1]), f"line {HEAD + 2}: the row of units is missing"),
        (page(ONE).replace('"byte"', '"byte","x"'), f"line {HEAD + 2}: has 17 fields"),
        (page([("k", "", ["27.595.520", "2", "3"])]), f"line {HEAD + 3}: {BYTES} is '27.595.520'.*LC_ALL=C"),
        (page([("k", "", ["65,77", "2", "3"])]), "is '65,77'"),
        (page([("k", "", ["-1", "2", "3"])]), "is '-1'"),
        (page(ONE, metrics=["Section Name", "Metric Name", "Metric Value"]), "details page; record it with --page raw"),
        (page(ONE, metrics=[BYTES, BYTES, READ]), f"line {HEAD + 1}: not the columns"),
        ('"ID","Process ID","Name"\n', "line 1: not the columns"),
    ],
)  # fmt: skip
def test_what_is_no_raw_page_is_one_line(text, words):
    with pytest.raises(InputError, match=f"^a.csv: .*{words}") as error:
        parse_counters(text, "a.csv")
    assert "\n" not in str(error.value)


def test_files_that_cannot_be_read(tmp_path):
    for path in (tmp_path, tmp_path / "absent.csv", tmp_path / "a\0b"):
        with pytest.raises(InputError, match="cannot be read"):
            read_counters(path)


numbers = st.one_of(
    st.integers(0, 10**15).map(lambda n: (f"{n:,}", float(n))),
    st.integers(0, 10**12).map(lambda n: (str(n), float(n))),
    st.integers(0, 10**8).map(lambda n: (f"{n / 100:,.2f}", n / 100)),
    st.just(("n/a", None)),
)
names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp", "Cs"]), max_size=40)


@given(st.lists(st.tuples(names, st.integers(0, 10**6), st.lists(numbers, min_size=3, max_size=3)), max_size=5))
@settings(max_examples=100)
def test_what_is_printed_is_read(rows):
    text = page([(name, f"hwmodel#{call} aten.op", [shown for shown, _ in counts]) for name, call, counts in rows])
    found = parse_counters(text, "a.csv")
    assert [one.name for one in found] == [name for name, _, _ in rows]
    assert [one.operation for one in found] == [call for _, call, _ in rows]
    for one, (_, _, counts) in zip(found, rows, strict=True):
        for metric, factor, (_, value) in zip(METRICS, (1, 1e-9, 1), counts, strict=True):
            assert (metric in one.counts) == (value is not None)
            assert value is None or one.counts[metric] == pytest.approx(value * factor)


def attempt(data: bytes):
    try:
        found = parse_counters(data.decode("utf-8-sig", errors="replace"), "a.csv")
    except InputError as error:
        assert str(error).startswith("a.csv: ")  # noqa: PT017  (that it is raised is not the point)
        assert "\n" not in str(error)  # noqa: PT017
        assert len(str(error)) < 500  # noqa: PT017
    else:
        assert all(value >= 0 for one in found for value in one.counts.values())


@given(st.data())
@settings(max_examples=300)
def test_mutated_pages(data):
    page_ = bytearray(page(ONE * data.draw(st.integers(1, 3))).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(page_)))
        stop = data.draw(st.integers(start, min(len(page_), start + 30)))
        piece = bytes(page_[start:stop])
        odd = [b"", piece * 2, b'"', b",", b"\n", b"\0", b"9" * 400, b"1e99", "\u2028\u0664".encode(), b"=="]
        page_[start:stop] = data.draw(st.sampled_from(odd) | st.binary(max_size=4))
    attempt(bytes(page_))


@given(
    st.binary(max_size=300), st.sampled_from([b"", b'"ID","Process ID",', b'"ID","Process ID","Kernel Name"\n', b"=="])
)
@settings(max_examples=200)
def test_any_bytes(data, head):
    attempt(head + data)
