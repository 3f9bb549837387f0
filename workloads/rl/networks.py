"""Networks of the players: of what is seen, features; of these, a policy and a value, or each action's worth."""

import math

import torch
from torch import nn

from circuits.errors import InputError
from workloads.networks.atari import atari_dqn, atari_impala
from workloads.rl.environments import Shape


def features(shape: Shape, network: str) -> tuple[nn.Module, int]:
    """Return a module from observations to features, and how many these are.

    Pictures: `shallow` of Espeholt et al. 2018, figure 3 (left), without its LSTM; `dqn` of Mnih et al. 2015; `deep` of
    Espeholt et al., figure 3 (right). Numbers: two layers of 64 with tanh.

    Raises:
        InputError: observations are neither pictures as Atari's nor a list of numbers.
    """
    if len(shape.observation) == 1 and shape.dtype == "float32":
        (size,) = shape.observation
        return nn.Sequential(_linear(size, 64), nn.Tanh(), _linear(64, 64), nn.Tanh()), 64
    if len(shape.observation) != 3 or shape.dtype != "uint8" or shape.observation[1:] != (84, 84):
        raise InputError(
            f"observations of shape {shape.observation}, {shape.dtype}: there is no network for these; "
            "--device emulated needs none"
        )
    if network == "shallow":
        layers = [
            _orthogonal(nn.Conv2d(shape.observation[0], 16, 8, stride=4)), nn.ReLU(inplace=True),
            _orthogonal(nn.Conv2d(16, 32, 4, stride=2)), nn.ReLU(inplace=True),
            nn.Flatten(), _orthogonal(nn.Linear(32 * 9 * 9, 256)), nn.ReLU(inplace=True),
        ]  # fmt: skip
        return Pictures(nn.Sequential(*layers)), 256
    player, size = (atari_dqn(shape.actions), 512) if network == "dqn" else (atari_impala(shape.actions), 256)
    return Pictures(player.body), size


def _orthogonal(layer: nn.Linear | nn.Conv2d, gain: float = math.sqrt(2)) -> nn.Module:
    nn.init.orthogonal_(layer.weight, gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _linear(inputs: int, outputs: int, gain: float = math.sqrt(2)) -> nn.Module:
    return _orthogonal(nn.Linear(inputs, outputs), gain)


class Pictures(nn.Module):
    """Scales bytes to 0...1 before a body. Takes uint8, n x channels x 84 x 84."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body
        for weights in body.parameters():
            if weights.dim() == 4:  # twice as fast to train on a processor
                weights.data = weights.data.contiguous(memory_format=torch.channels_last)

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        return self.body(observation.float().mul_(1 / 255))


class ActorCritic(nn.Module):
    """A policy's logits, n x actions, and the state's value, n."""

    def __init__(self, shape: Shape, network: str) -> None:
        super().__init__()
        self.body, size = features(shape, network)
        self.policy, self.value = _linear(size, shape.actions, 0.01), _linear(size, 1, 1.0)

    def forward(self, observation: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.body(observation)
        return self.policy(x), self.value(x).squeeze(-1)
