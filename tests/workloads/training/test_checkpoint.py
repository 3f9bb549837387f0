"""Checkpoints: what is written comes back; a write that fails leaves the file before."""

import pytest
import torch
from torch import nn

from circuits.errors import InputError
from workloads.training import checkpoint

KIND, MAKER = "kind", "`this test`"


def test_what_is_written_comes_back(tmp_path):
    path = tmp_path / "a.safetensors"
    shared = torch.arange(6.0)
    tensors = {"whole": shared, "part": shared[:3], "turned": torch.rand(2, 3).t(), "none": torch.empty(0)}
    facts = {"text": "ä", "numbers": [1, 0.1]}
    checkpoint.write(path, KIND, tensors, facts)
    found = checkpoint.read_tensors(path, MAKER)
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)
    assert checkpoint.read_facts(path, KIND, MAKER) == facts
    with pytest.raises(InputError, match="no checkpoint of `this test`"):
        checkpoint.read_facts(path, "other", MAKER)


def test_a_write_that_fails_leaves_the_file_before(tmp_path):
    path = tmp_path / "a.safetensors"
    checkpoint.write(path, KIND, {"x": torch.ones(2)}, {})
    before = path.read_bytes()
    with pytest.raises(TypeError):
        checkpoint.write(path, KIND, {"x": torch.zeros(2)}, {"what": object()})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam])
@pytest.mark.parametrize("steps", [0, 2])
def test_module_and_optimizer_go_on_as_they_would_have(optimizer, steps, tmp_path):
    def made():
        torch.manual_seed(0)
        module = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
        options = {"momentum": 0.9} if optimizer is torch.optim.SGD else {}
        return module, optimizer(module.parameters(), lr=0.1, **options)

    def go(module, by, count):
        for _ in range(count):
            by.zero_grad()
            module(torch.arange(12.0).reshape(4, 3)).square().sum().backward()
            by.step()

    whole, by = made()
    go(whole, by, steps)
    path = tmp_path / "a.safetensors"
    checkpoint.write(path, KIND, checkpoint.module_tensors("m", whole) | checkpoint.optimizer_tensors(by), {})
    go(whole, by, 2)
    part, by = made()
    tensors = checkpoint.read_tensors(path, MAKER)
    checkpoint.load_module(path, "m", part, tensors)
    checkpoint.load_optimizer(by, tensors)
    go(part, by, 2)
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), part.state_dict().values(), strict=True))


def test_another_network_is_refused_in_a_line(tmp_path):
    path = tmp_path / "a.safetensors"
    checkpoint.write(path, KIND, checkpoint.module_tensors("m", nn.Linear(2, 2)), {})
    with pytest.raises(InputError, match="of another network: ") as caught:
        checkpoint.load_module(path, "m", nn.Linear(3, 2), checkpoint.read_tensors(path, MAKER))
    assert "\n" not in str(caught.value)
