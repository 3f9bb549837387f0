import pandas as pd
import pytest

from circuits.errors import InputError
from reports.comparisons import accountings_table, comparison_table, figure_label

ROWS = [
    ("cell.stt.sense_latency_s", "recalled", "ours", 6.5e-10, 1.3e-9, "calibrated"),
    ("iso_capacity.edp_reduction_up_to.stt", "published", "paper", 3.8, 4.18, "modelled"),
    ("workload.vgg16.macs", "recalled", "ours", 1.55e10, 15_470_264_320, "modelled"),
    ("iso_capacity.edp_reduction_up_to.stt", "published", "ours", 3.8, 1.9, "modelled"),
    ("iso_area.dram_access_reduction.sot", "recalled", "paper", 0.2, 0.1, "modelled"),
]
FRAME = pd.DataFrame(ROWS, columns=["name", "status", "circuits", "paper", "ours", "basis"])


def test_a_figure_has_one_row_and_its_topic_a_title() -> None:
    table = comparison_table(FRAME, "All.")
    assert [head.title for head in table.headings] == ["Figure", "Paper", "paper’s caches", "our circuits", "Ratio",
                                                       "Status"]  # fmt: skip
    assert table.rows == [
        ["Bit cells"],
        ["STT-MRAM: sense latency", "650 ps", "-", "1.30 ns", "2.0", "recalled, calibrated"],
        ["At equal capacity"],
        ["STT-MRAM: EDP reduction up to", "3.80", "4.18", "1.90", "0.50", "published"],
        ["Workloads"],
        ["VGG-16: MACs", "15.5 G", "-", "15.5 G", "1.0", "recalled"],
        ["In equal area"],
        ["SOT-MRAM: DRAM access reduction", "0.200", "0.100", "-", "0.50", "recalled"],
    ]


def test_names_of_figures_in_words() -> None:
    assert figure_label("cache.stt.3MiB.leakage_W") == "STT-MRAM, 3 MiB: leakage"
    assert figure_label("iso_area.edp_reduction_up_to.sot.with_dram") == "SOT-MRAM: EDP reduction up to, with DRAM"
    assert figure_label("cell.stt.area_vs_sram") == "STT-MRAM: area vs SRAM"
    assert figure_label("alone") == "alone"


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (pd.concat([FRAME, FRAME.iloc[:1]]), "two rows of cell.stt.sense_latency_s with the same circuits"),
        (FRAME.assign(circuits="theirs"), "circuits 'theirs': unknown; known are paper, ours"),
        (FRAME.assign(paper=0.0), "paper of row 1 is not above 0"),
        (FRAME.drop(columns="status"), "no column 'status'"),
    ],
)
def test_frames_that_compare_nothing_are_refused(frame: pd.DataFrame, says: str) -> None:
    with pytest.raises(InputError, match=says):
        comparison_table(frame, "All.")


def test_two_accountings_stand_side_by_side() -> None:
    rows = [(w, c, 1e-3 * n, 2.0, 3e-3 * n, 1.5) for w in ("one", "two") for n, c in enumerate(("sram", "<x>"), 1)]
    frame = pd.DataFrame(rows, columns=["workload", "cell", "cache_edp_Js", "a", "edp_Js", "b"])
    table = accountings_table(frame, "Both.", {"cell": "Cell"}, {
        "cache alone": {"cache_edp_Js": "EDP", "a": "ratio"}, "with DRAM": {"edp_Js": "EDP", "b": "ratio"},
    }, group="workload")  # fmt: skip
    assert [(head.title, head.unit, head.over) for head in table.headings] == [
        ("Cell", "", ""), ("EDP", "mJ·s", "cache alone"), ("ratio", "", "cache alone"), ("EDP", "mJ·s", "with DRAM"),
        ("ratio", "", "with DRAM")]  # fmt: skip
    assert table.rows[:3] == [
        ["one"],
        ["SRAM", "1.00", "2.00", "3.00", "1.50"],
        ["<x>", "2.00", "2.00", "6.00", "1.50"],
    ]
    assert [row[0] for row in table.rows[3:]] == ["two", "SRAM", "<x>"]
