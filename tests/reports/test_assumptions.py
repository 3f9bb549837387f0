from pathlib import Path

from reports.assumptions import figures_table, sentences
from reports.results import read_study
from tests.reports.synthetic import write_study

GIVEN = [
    "Each run begins with an empty cache.",
    "16nm: transistors.on_current_n_A_per_m = 1430 (assumed: moved along a line of 2.25 mS/um)",
    "16nm: leakage.threshold_drift_V_per_K = 0.0005 (assumed: usual for silicon)",
    "stt: junction.resistance_area_ohm_m2 = 5e-12 (assumed: low enough to write)",
    "stt: write.pulse_limit_s = 9e-09 (assumed: (within) ten nanoseconds)",
    "figures: figures.address_bits = 40 (assumed: physical address)",
    "stt: shape = round (assumed: no reason)",
    "global wires: repeated",
]


def test_figures_go_to_a_table_and_sentences_stay(tmp_path: Path) -> None:
    study = read_study(write_study(tmp_path / "s", assumptions=GIVEN))
    assert sentences(study) == [GIVEN[0], GIVEN[-1]]
    table = figures_table(study)
    assert table is not None
    assert table.rows == [
        ["16nm"],
        ["transistors on current n", "1.43 kA/m", "moved along a line of 2.25 mS/um"],
        ["leakage threshold drift", "500 µV/K", "usual for silicon"],
        ["STT-MRAM"],
        ["junction resistance area", "5.00 pΩ·m²", "low enough to write"],
        ["write pulse limit", "9 ns", "(within) ten nanoseconds"],
        ["shape", "round", "no reason"],
        ["figures"],
        ["address bits", "40", "physical address"],
    ]


def test_none_assumed_no_table(tmp_path: Path) -> None:
    assert figures_table(read_study(write_study(tmp_path / "s", assumptions=[]))) is None
