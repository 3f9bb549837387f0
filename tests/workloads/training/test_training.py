"""The loop: paired seeds, resumption to the bit, and what a step may do."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from circuits.errors import InputError
from workloads.images import load_images
from workloads.networks.small import resnet_cifar
from workloads.training import Schedule, evaluate, generator, recalibrate, seeded, train
from workloads.training import loop as training_loop

SCHEDULE = Schedule(epochs=2, batch=32, lr=0.05, warmup_epochs=1, augment="shift+flip")


@pytest.fixture(scope="module")
def images():
    return load_images("digits", limit=400)


def network(images, drop=0.0):
    def make():
        return nn.Sequential(resnet_cifar(1, 2, images.classes, images.shape), nn.Dropout(drop))

    return make


def weights(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_it_learns(images):
    module = seeded(network(images), 0)
    history = train(module, images, Schedule(epochs=6, batch=32, lr=0.1), 0)
    assert history.losses[-1] < 0.8 * history.losses[0]
    assert evaluate(module, images.test).accuracy > 0.4  # 0.1 by chance
    assert history.iterations == 6 * (len(images.train.labels) // 32)
    assert history.cpu_s > 0
    assert not module.training


def test_a_seed_repeats_it_whatever_torch_drew_before(images):
    found = []
    for draws in (0, 7):
        torch.rand(draws)
        module = seeded(network(images, 0.1), 5)
        before = torch.get_rng_state()
        train(module, images, SCHEDULE, 5)
        assert torch.equal(torch.get_rng_state(), before)
        found.append(weights(module))
    assert same(*found)


def test_two_variants_with_a_seed_see_the_same_batches(images):
    seen = {}
    for name, draws in (("one", 0), ("other", 3)):
        batches = seen[name] = []
        module = seeded(network(images), 1)

        def step(x, y, iteration, batches=batches, draws=draws, module=module):
            torch.rand(draws)
            batches.append((iteration, x.clone(), y.clone()))
            return functional.cross_entropy(module(x), y)

        train(module, images, SCHEDULE, 1, step=step)
    assert all(
        a[0] == b[0] and torch.equal(a[1], b[1]) and torch.equal(a[2], b[2])
        for a, b in zip(seen["one"], seen["other"], strict=True)
    )
    first = {one[1].numpy().tobytes() for one in seen["one"]}
    assert len(first) == len(seen["one"])


def test_an_epoch_sees_each_image_at_most_once(images):
    seen = []
    module = network(images)()

    def step(x, y, _):
        seen.extend(one.numpy().tobytes() for one in x)
        return functional.cross_entropy(module(x), y)

    train(module, images, Schedule(epochs=1, batch=16, augment="none"), 0, step=step)
    assert len(set(seen)) == len(seen) == len(images.train.labels) // 16 * 16


@pytest.mark.parametrize("drop", [0.0, 0.2])
def test_a_resumed_training_ends_at_the_same_weights(images, drop, tmp_path, monkeypatch):
    monkeypatch.setattr(training_loop, "CHECKPOINT_S", 0.0)
    schedule = Schedule(epochs=3.5, batch=32, lr=0.05, decay="linear", augment="shift")
    whole = seeded(network(images, drop), 2)
    expected = train(whole, images, schedule, 2)
    path = tmp_path / "deep" / "one.safetensors"

    class Killed(BaseException):
        pass

    def killer(at):
        def stop(done, total, what):
            if done == at:
                raise Killed

        return stop

    per_epoch = schedule.per_epoch(len(images.train.labels))
    for at in (per_epoch + 2, 3 * per_epoch + 1):
        with pytest.raises(Killed):
            train(seeded(network(images, drop), 2), images, schedule, 2, checkpoint=path, on_progress=killer(at))
    resumed = seeded(network(images, drop), 99)
    told = []
    history = train(resumed, images, schedule, 2, checkpoint=path, on_progress=lambda done, *_: told.append(done))
    assert told[0] == 3 * per_epoch + 1
    assert same(weights(whole), weights(resumed))
    assert history.losses == expected.losses
    assert history.iterations == expected.iterations
    again = network(images, drop)()
    train(again, images, schedule, 2, checkpoint=path)  # nothing is left to do
    assert same(weights(whole), weights(again))
    assert {one.name for one in path.parent.iterdir()} == {path.name}


class Counting:
    """A step with parameters, numbers and tensors of its own."""

    def __init__(self, module):
        self.module, self.calls, self.total = module, 0, torch.zeros(())
        self.scale = torch.ones((), requires_grad=True)

    def __call__(self, x, y, iteration):
        self.calls += 1
        loss = functional.cross_entropy(self.scale * self.module(x), y)
        self.total += loss.detach()
        return loss

    def state_dict(self):
        return {"calls": self.calls, "total": self.total}

    def load_state_dict(self, state):
        self.calls, self.total = state["calls"], state["total"]


def test_what_a_step_holds_is_resumed_too(images, tmp_path):
    def run(epochs, path, seed=3):
        step = Counting(seeded(network(images), 3))
        parameters = [{"params": step.module.parameters()}, {"params": [step.scale], "lr": 0.5}]
        train(step.module, images, schedule(epochs), seed, step=step, parameters=parameters, checkpoint=path)
        return step

    def schedule(epochs):
        return Schedule(epochs=epochs, batch=32, lr=0.05, decay="constant")

    path = tmp_path / "two.safetensors"
    done, again = run(2, path), run(2, path)
    assert again.calls == done.calls == 2 * schedule(2).per_epoch(len(images.train.labels))
    assert torch.equal(again.total, done.total)
    assert torch.equal(again.scale, done.scale)
    assert done.scale.item() != 1
    with pytest.raises(InputError, match="of a training with epochs 2, not 3") as caught:
        run(3, path)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="of a training with seed 3, not 4"):
        run(2, path, seed=4)


def test_a_checkpoint_of_another_network_or_of_no_training_is_refused(images, tmp_path):
    path = tmp_path / "net.safetensors"
    schedule = Schedule(epochs=0.2, batch=32)
    train(network(images)(), images, schedule, 0, checkpoint=path)
    with pytest.raises(InputError, match="other"):
        train(nn.Sequential(resnet_cifar(1, 3, images.classes, images.shape)), images, schedule, 0, checkpoint=path)
    with pytest.raises(InputError, match="images"):
        train(network(images)(), images.subset(0.5, 0), schedule, 0, checkpoint=path)
    path.write_bytes(b"\x80\x04pickled")
    with pytest.raises(InputError, match="no checkpoint"):
        train(network(images)(), images, schedule, 0, checkpoint=path)


def test_a_step_may_accumulate_gradients_itself(images):
    by_hand, by_loop = (seeded(network(images), 4) for _ in range(2))

    def halves(x, y, _):
        losses = [functional.cross_entropy(by_hand(x), y) / 2 for _ in range(2)]
        for loss in losses:
            loss.backward()
        return sum(losses).detach()

    schedule = Schedule(epochs=0.3, batch=32)
    by_hand.eval()  # without batch statistics both passes are the same
    train(by_hand, images, schedule, 4, step=lambda *a: (by_hand.eval(), halves(*a))[1])
    train(by_loop, images, schedule, 4, step=lambda x, y, _: functional.cross_entropy(by_loop.eval()(x), y))
    for a, b in zip(by_hand.parameters(), by_loop.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_divergence_is_told_and_ends_the_training(images, tmp_path):
    module = seeded(network(images), 0)

    def step(x, y, iteration):
        loss = functional.cross_entropy(module(x), y)
        return loss * float("nan") if iteration == 4 else loss

    path = tmp_path / "nan.safetensors"
    history = train(module, images, Schedule(epochs=2, batch=32), 0, step=step, checkpoint=path)
    assert history.diverged
    assert history.iterations == 4
    assert all(torch.isfinite(value).all() for value in module.parameters())
    again = train(seeded(network(images), 0), images, Schedule(epochs=2, batch=32), 0, checkpoint=path)
    assert again.diverged


def test_groups_have_rates_of_their_own(images):
    module = network(images)()
    still, free = list(module.parameters())[:3], list(module.parameters())[3:]
    before = [value.clone() for value in still]
    schedule = Schedule(epochs=0.3, batch=32)
    train(module, images, schedule, 0, parameters=[{"params": still, "lr": 0.0}, {"params": free}])
    assert all(torch.equal(a, b) for a, b in zip(still, before, strict=True))
    assert any(value.grad.any() for value in free)


def test_evaluation_is_the_naive_one(images):
    module = seeded(network(images), 0)
    module.train()
    found = evaluate(module, images.test, batch=7)
    assert module.training
    module.eval()
    with torch.no_grad():
        scores = torch.stack([module(one[None])[0] for one in images.test.images])
    right = [int(row.argmax()) == int(label) for row, label in zip(scores, images.test.labels, strict=True)]
    assert found.correct.tolist() == right
    assert found.accuracy == pytest.approx(sum(right) / len(right))
    naive = -torch.log_softmax(scores, 1)[range(len(right)), images.test.labels].mean()
    assert found.loss == pytest.approx(naive.item(), rel=1e-5)
    assert evaluate(module.forward, images.test).accuracy == found.accuracy


def test_recalibration_gives_the_mean_over_batches(images):
    module = nn.Sequential(nn.Conv2d(1, 3, 1), nn.BatchNorm2d(3), nn.Dropout(0.5))
    module[1].running_mean.fill_(7)
    recalibrate(module, images.train, 2, batch=50)
    values = [module[0](images.train.images[at : at + 50]) for at in (0, 50)]
    assert module[1].running_mean.allclose(sum(one.mean((0, 2, 3)) for one in values) / 2, atol=1e-5)
    assert module[1].running_var.allclose(sum(one.var((0, 2, 3)) for one in values) / 2, rtol=1e-4)
    assert module.training
    assert module[1].momentum == 0.1
    assert all(value.grad is None for value in module.parameters())
    seen = []
    recalibrate(module, images.train, 3, batch=20, call=lambda x: seen.append(len(x)))
    assert seen == [20, 20, 20]
    recalibrate(module, images.test.images[:30], 9, batch=20, call=lambda x: seen.append(len(x)))
    assert seen[3:] == [20]


def test_chance_has_a_stream_a_purpose():
    draws = {
        (a, b, c): torch.rand((), generator=generator(a, b, c)).item() for a in (0, 1) for b in "xy" for c in (0, 1)
    }
    assert len(set(draws.values())) == 8
    assert torch.rand((), generator=generator(1, "x", 1)).item() == draws[1, "x", 1]


def test_rates():
    flat = Schedule(epochs=4, batch=10, warmup_epochs=1, decay="constant")
    assert [round(flat.rate(at, 50), 3) for at in range(7)] == [0.2, 0.4, 0.6, 0.8, 1, 1, 1]
    cosine = Schedule(epochs=4, batch=10)
    assert cosine.rate(0, 50) == 1
    assert cosine.rate(10, 50) == pytest.approx(0.5)
    linear = Schedule(epochs=4, batch=10, decay="linear")
    assert linear.rate(15, 50) == pytest.approx(0.25)
    steps = Schedule(epochs=10, batch=10, decay="steps", milestones=(0.3, 0.6, 0.8), factor=0.2)
    assert [round(steps.rate(at, 10), 4) for at in (0, 2, 3, 5, 6, 8, 9)] == [1, 1, 0.2, 0.2, 0.04, 0.008, 0.008]
    assert Schedule(epochs=2, batch=64).iterations(10) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": -1}, {"epochs": float("nan")}, {"batch": 0}, {"batch": 2.5}, {"lr": 0}, {"lr": float("inf")},
        {"momentum": 1}, {"weight_decay": -1}, {"label_smoothing": 1}, {"decay": "exponential"}, {"decay": "steps"},
        {"milestones": (0.5,)}, {"decay": "steps", "milestones": (2,)}, {"nesterov": True, "momentum": 0},
        {"augment": "blur"}, {"warmup_epochs": -1},
    ],
)  # fmt: skip
def test_a_schedule_is_checked(wrong):
    with pytest.raises(InputError, match=r"schedule: .*: give "):
        Schedule(**{"epochs": 1, **wrong})
