import numpy as np
import pytest
import torch

from circuits.errors import InputError
from traces.networks import make_network
from workloads.channels import Slim, find_channels
from workloads.images import load_images
from workloads.joslim.cost import make_cost
from workloads.joslim.findings import findings
from workloads.joslim.gaussian import Gaussian
from workloads.joslim.method import METHOD, RunSettings, ShapesSettings
from workloads.joslim.run import one, prepared
from workloads.joslim.train import Sandwich, Visits
from workloads.methods.method import find_method
from workloads.networks.small import vgg_small
from workloads.recipes import build
from workloads.training import Schedule, seeded, train

TINY = {"images": "digits", "side": 8, "limit": 200, "width": 2, "epochs": 1, "batch": 32, "every": 1, "prior": 2,
        "proposed": 2, "judged": 6, "smallest": 0.5, "at": [0.5, 1.0]}  # fmt: skip
NETWORK = "tests.workloads.joslim.test_run:network"


def network():
    return vgg_small(((4,), (8,)), 10, (1, 8, 8))


def test_a_step_gives_each_width_the_gradient_of_its_own_network(small):
    _, channels, space = small
    module = seeded(network, 1).train()
    images, labels = torch.randn(6, 1, 8, 8), torch.arange(6)
    cost = make_cost("macs", module, channels, space, (images,))
    slim = Slim(module, channels)
    visits = Visits(slim, cost, Gaussian(space, cost), load_images("digits", side=8, limit=200).validation, 0, 2)
    loss = Sandwich(visits, 1, 2, 2, 0.0)(images, labels, 0)
    found = {name: value.grad.clone() for name, value in module.named_parameters()}
    module.zero_grad()
    scores = module(images)
    assert loss == torch.nn.functional.cross_entropy(scores, labels)
    total = torch.nn.functional.cross_entropy(scores, labels)
    for row in (*visits.rows, space.least):
        narrow = slim.at(space.widths(row))(images).log_softmax(1)
        total = total - (scores.detach().softmax(1) * narrow).sum(1).mean()
    total.backward()
    assert len(visits.rows) == 2
    for name, value in module.named_parameters():
        torch.testing.assert_close(found[name], value.grad, msg=name)


def test_visits_are_the_prior_then_the_full_network_then_searched(small):
    module, channels, space = small
    cost = make_cost("macs", module, channels, space, module.example_inputs(2))
    visits = Visits(Slim(module, channels), cost, Gaussian(space, cost), load_images("digits").validation, 0, 3)
    for turn in range(3):
        assert len(visits.more(2, turn)) == 2
    places = [space.unit(one.row) for one in visits.proposals]
    assert all(np.ptp(place) < 0.4 for place in places[:3])  # alike, but for rounding
    assert (visits.proposals[3].row == space.most).all()
    assert [one.target is None for one in visits.proposals] == [True] * 4 + [False] * 2
    assert len(visits.rows) == len({tuple(row) for row in visits.rows})


def test_a_training_that_was_cut_off_goes_on_to_the_same_weights_and_widths(small, tmp_path, monkeypatch):
    _, channels, space = small
    images, file = load_images("digits", side=8, limit=200), tmp_path / "one.safetensors"
    monkeypatch.setattr("workloads.training.loop.CHECKPOINT_S", 0.0)

    def trained(stop: int | None, checkpoint):
        module = seeded(network, 5)
        cost = make_cost("macs", module, channels, space, (images.train.images[:2],))
        visits = Visits(Slim(module, channels), cost, Gaussian(space, cost), images.validation, 5, 2)

        def watch(done: float, _total: float, _what: str) -> None:
            if done == stop:
                raise KeyboardInterrupt

        train(module, images, Schedule(3, 32), 5, step=Sandwich(visits, 1, 2, 2, 0.1), checkpoint=checkpoint,
              on_progress=watch)  # fmt: skip
        return module.state_dict(), visits

    whole, visits = trained(None, None)
    with pytest.raises(KeyboardInterrupt):
        trained(9, file)
    again, resumed = trained(None, file)
    assert all(torch.equal(again[name], value) for name, value in whole.items())
    assert [one.row.tolist() for one in resumed.proposals] == [one.row.tolist() for one in visits.proposals]
    assert len(visits.proposals) == 24


def test_a_run_ends_in_rows_and_verdicts_and_runs_no_seed_twice(tmp_path, monkeypatch):
    monkeypatch.setattr("workloads.joslim.surrogate.ITERATIONS", 2)
    settings = RunSettings(**TINY, costs=["macs", "parameters"])  # type: ignore[arg-type]
    found = METHOD.run(settings, tmp_path, [0, 1], 1, None)
    assert [row["variant"] for row in found.rows[:5]] == ["joslim", "uniform", "random", "nsga", "joslim by parameters"]
    for row in found.rows:
        assert row["passes"] == 4 * row["steps"] == 16
        if row["variant"] != "joslim by parameters":
            assert 0 < row["hypervolume_macs"] < 90
    assert {row["variant"] for row in found.rows if "hypervolume_parameters" in row} == {
        "joslim", "joslim by parameters"
    }  # fmt: skip
    assert [claim.seeds for claim in found.claims] == [2] * 5
    assert found.cpu_s > 0
    assert not list((tmp_path / "checkpoints").iterdir())
    monkeypatch.setattr("workloads.joslim.run.one", lambda *_: pytest.fail("runs again"))
    again = METHOD.run(settings, tmp_path, [0, 1], 1, None)
    assert again == found
    with pytest.raises(InputError, match="holds a run with prior 2, not 3"):
        METHOD.run(settings.model_copy(update={"prior": 3}), tmp_path, [0], 1, None)


def test_a_users_module_is_taken_and_one_of_other_classes_refused():
    ground = prepared(RunSettings(**TINY | {"network": NETWORK}))  # type: ignore[arg-type]
    assert ground.space.names == ("conv1_1", "conv2_1")
    with pytest.raises(InputError, match=r"gives \(2, 6\) for 2 images; it must give \(2, 10\) scores"):
        prepared(RunSettings(**TINY | {"network": f"{NETWORK.removesuffix('network')}six"}))  # type: ignore[arg-type]


def six():
    return vgg_small(((4,), (8,)), 6, (1, 8, 8))


def test_images_of_one_class_are_refused(tmp_path):
    path = tmp_path / "one.npz"
    np.savez(path, x=np.random.default_rng(0).random((40, 1, 8, 8), np.float32), y=np.zeros(40, np.int64))
    with pytest.raises(InputError, match="class"):
        prepared(RunSettings(**TINY | {"images": str(path)}))  # type: ignore[arg-type]


def test_a_seed_that_diverged_is_left_out_and_named():
    settings = RunSettings(variants=["joslim", "uniform"], costs=["macs"])
    rows = [
        {"seed": seed, "variant": name, "diverged": seed == 2, "fronts": [], "search_share": 0.05, "within": 0.5}
        | ({} if seed == 2 else {"hypervolume_macs": 80 + seed + (name == "joslim")})
        for seed in range(4)
        for name in ("joslim", "uniform")
    ]
    found = findings(settings, rows, 1.0, 0.9)
    assert [(claim.verdict, claim.seeds, claim.estimate) for claim in found.claims] == [
        ("holds", 3, 1.0),
        ("holds", 3, 5.0),
    ]
    assert any("seeds 2" in note for note in found.notes)


def test_shapes_lie_at_or_below_their_share_of_the_macs():
    settings = ShapesSettings(network="resnet18", targets=2, drawn=1, smallest=0.2)
    recipes = METHOD.shapes(settings)
    module, inputs = make_network("resnet18", 1)
    channels = find_channels(module, inputs)
    assert list(recipes) == [f"resnet18_{share}_{kind}" for share in ("0200", "0447") for kind in ("alike", "drawn1")]
    for name, recipe in recipes.items():
        share = channels.macs(recipe.widths) / channels.macs()
        assert recipe.about["share"] == pytest.approx(share, abs=1e-4)
        assert 0.95 * float(name.split("_")[1]) <= 1000 * share <= float(name.split("_")[1]) + 0.5
    built = build(recipes["resnet18_0200_drawn1"])
    assert built.conv1.out_channels == recipes["resnet18_0200_drawn1"].widths["conv1"]
    assert METHOD.shapes(settings) == recipes
    assert find_method("joslim") is METHOD


def test_a_share_that_no_width_reaches_is_refused():
    with pytest.raises(InputError, match="its narrowest network has"):
        METHOD.shapes(ShapesSettings(network="resnet18", smallest=1e-6))


def test_one_seed_tells_how_far_it_is(tmp_path):
    told: list[float] = []
    settings = RunSettings(**TINY | {"variants": ["uniform"], "costs": ["macs"]})  # type: ignore[arg-type]
    rows = one(settings, tmp_path, 3, told.append)
    assert told[-1] == 1.0
    assert told == sorted(told)
    assert rows[0]["networks"] == 6
