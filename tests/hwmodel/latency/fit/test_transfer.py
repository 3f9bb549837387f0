"""What sources are worth, and that they never cost much."""

import numpy as np
import pytest

from hwmodel.latency.fit.condition import MANY
from hwmodel.latency.fit.features import ROWS_A_COLUMN, Features, basis, of_codes
from hwmodel.latency.fit.transfer import prepare, without_noise
from tests.hwmodel.latency.fit.made import devices, error, unrelated

SEEDS = range(4)


def scaled_error(made, rows):
    """Of the sources' mean shape times one factor."""
    shape = (made.sources / made.sources.mean(axis=1, keepdims=True)).mean(axis=0)
    rest = np.setdiff1d(np.arange(len(shape)), rows)
    scaled = np.median(made.target[rows] / shape[rows]) * shape
    return float(np.abs(scaled[rest] / made.target[rest] - 1).mean())


def test_ten_samples_are_better_than_the_sources_mean_scaled():
    found, scaled, alone = [], [], []
    for seed in SEEDS:
        made = devices(seed)
        rows = np.random.default_rng(seed).permutation(300)[:10]
        found.append(error(made.transfer().fit(rows, made.target[rows]), made.target))
        alone.append(error(made.transfer(0).fit(rows, made.target[rows]), made.target))
        scaled.append(scaled_error(made, rows))
    assert np.mean(found) < 0.85 * np.mean(scaled)
    assert np.mean(found) < 0.5 * np.mean(alone)


@pytest.mark.parametrize("samples", [30, MANY + 10])
def test_sources_that_mislead_are_left(samples):
    with_them, without = [], []
    for seed in SEEDS[:3]:
        made = devices(seed)
        times, rows = unrelated(made, seed), np.random.default_rng(seed).permutation(300)[:samples]
        posterior = made.transfer().fit(rows, times[rows])
        with_them.append(error(posterior, times))
        without.append(error(made.transfer(0).fit(rows, times[rows]), times))
    assert np.mean(with_them) < 1.1 * np.mean(without)
    assert max(np.array(with_them) / without) < 1.3


def test_a_device_of_no_order_shows_in_the_share_without_sources():
    """Its times are another device's, dealt out to the networks anew."""
    shares, errors = [], []
    for seed in SEEDS[:3]:
        made, draw = devices(seed), np.random.default_rng(seed)
        dealt, rows = draw.permutation(made.target), draw.permutation(300)[:30]
        transfer = made.transfer()
        posterior = transfer.fit(rows, dealt[rows])
        shares.append((transfer.fit(rows, made.target[rows]).without_sources, posterior.without_sources))
        errors.append((error(posterior, dealt), error(made.transfer(0).fit(rows, dealt[rows]), dealt)))
    related, other = np.mean(shares, axis=0)
    assert related < 0.05
    assert other > 0.9
    for found, alone in errors:
        assert found < 1.05 * alone


def test_without_sources_no_other_device_is_known():
    made = devices(0)
    assert made.transfer(0).fit(np.arange(5), made.target[:5]).without_sources == pytest.approx(1)


def test_energy_is_more_than_power_times_latency():
    """A source of one device, its latency: energy has a part of its own for each choice."""
    found, line = [], []
    for seed in SEEDS:
        made, draw = devices(seed, noise=0.01), np.random.default_rng(100 + seed)
        latency = made.sources[0]
        more = draw.gamma(1.0, 1.0, (made.codes.shape[1], 4))[np.arange(made.codes.shape[1]), made.codes].sum(axis=1)
        energy = 3.0 * latency * (1 + 0.3 * more / more.mean())
        transfer = prepare(latency[None], ["latency"], made.features, basis(made.codes))
        rows = draw.permutation(300)[:30]
        rest = np.setdiff1d(np.arange(300), rows)
        found.append(error(transfer.fit(rows, energy[rows]), energy))
        line.append(np.abs(np.median(energy[rows] / latency[rows]) * latency[rest] / energy[rest] - 1).mean())
    assert np.mean(found) < 0.8 * np.mean(line)


def test_a_source_that_is_the_device_itself_is_found():
    made = devices(3)
    sources = np.concatenate([made.sources, made.target[None]])
    transfer = prepare(sources, [*made.families, "d"], made.features)
    rows = np.arange(10)
    assert error(transfer.fit(rows, made.target[rows]), made.target) < error(
        made.transfer().fit(rows, made.target[rows]), made.target
    )


def test_described_sources_lie_nearer_to_the_truth_than_measured_ones():
    quiet, loud = (devices(8, noise=noise) for noise in (0.0, 0.1))
    described, weights = without_noise(loud.sources, basis(loud.codes))
    assert weights is not None
    assert weights.shape == (6, 41)
    truth = quiet.sources * (loud.sources.mean(axis=1) / quiet.sources.mean(axis=1))[:, None]
    assert np.abs(described / truth - 1).mean() < 0.5 * np.abs(loud.sources / truth - 1).mean()


def test_sources_of_few_networks_are_taken_as_they_are():
    made = devices(9, networks=ROWS_A_COLUMN * 41 - 1)
    described, weights = without_noise(made.sources, basis(made.codes))
    assert weights is None
    np.testing.assert_array_equal(described, made.sources)


def test_a_times_of_next_to_nothing_does_no_harm():
    made = devices(10)
    made.sources[0, 0] = 1e-200
    described, _ = without_noise(made.sources, basis(made.codes))
    assert np.isfinite(described).all()
    assert (described > 0).all()


@pytest.mark.parametrize("times", [[], [1.0, -1.0], [1.0, np.nan], [0.0]])
def test_what_are_no_samples(times):
    made = devices(0, networks=20)
    with pytest.raises(ValueError, match="positive, finite numbers"):
        made.transfer(1).fit(np.arange(len(times)), np.array(times))


@pytest.mark.parametrize("sources", [0, 1, 2, 4])
@pytest.mark.parametrize("rows", [[0], [1, 1], [0, 1, 2], [2, 2, 2, 0]])
def test_tables_of_three_networks(sources, rows):
    made = devices(11, networks=3, of_family=2)
    posterior = made.transfer(sources).fit(np.array(rows), made.target[rows])
    mean, variance = posterior.logarithm(np.arange(3))
    assert np.isfinite(mean).all()
    assert (variance > 0).all()
    assert made.transfer(sources).distances(posterior).size in {0, 4 * 2}


@pytest.mark.parametrize(
    "features", [Features(), of_codes(np.ones((40, 3), int)), of_codes(np.zeros((40, 3), int), np.zeros((40, 3), int))]
)
def test_features_that_tell_nothing(features):
    made = devices(12, networks=40)
    rows = np.arange(6)
    for sources in (0, 1, 6):
        transfer = prepare(made.sources[:sources], made.families[:sources], features)
        mean, variance = transfer.fit(rows, made.target[rows]).logarithm(np.arange(40))
        assert np.isfinite(mean).all()
        assert (variance > 0).all()


@pytest.mark.parametrize("samples", [5, 30, MANY + 5])
def test_samples_of_very_different_scale(samples):
    made = devices(13, networks=100)
    times = made.target * 10.0 ** np.random.default_rng(0).integers(-12, 12, 100)
    posterior = made.transfer().fit(np.arange(samples), times[:samples])
    assert np.isfinite(posterior.logarithm(np.arange(100))).all()


@pytest.mark.parametrize("samples", [4, MANY + 5])
def test_the_same_samples_twice_are_surer(samples):
    made = devices(14, networks=100)
    rows = np.arange(samples)
    once = made.transfer().fit(rows, made.target[rows])
    twice = made.transfer().fit(np.tile(rows, 2), np.tile(made.target[rows], 2))
    assert twice.logarithm(rows)[1].mean() < once.logarithm(rows)[1].mean()


def test_learning_tells_how_far_it_is():
    made, told = devices(0), []
    prepare(made.sources, made.families, made.features, basis(made.codes), lambda *steps: told.append(steps))
    total = told[0][1]
    assert told == [(step, total) for step in range(1, total + 1)]
