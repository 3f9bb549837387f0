"""Networks that play Atari games: DQN's, and IMPALA's deep residual one."""

import torch
from torch import nn

from workloads.networks.network import check_batch

WORKS = {
    "mnih2015": "V. Mnih, K. Kavukcuoglu, D. Silver, A. A. Rusu, J. Veness, M. G. Bellemare, A. Graves, M. Riedmiller, "
    "A. K. Fidjeland, G. Ostrovski, S. Petersen, C. Beattie, A. Sadik, I. Antonoglou, H. King, D. Kumaran, "
    "D. Wierstra, S. Legg, D. Hassabis. Human-level control through deep reinforcement learning. Nature 518, "
    "pp. 529-533, 2015. doi:10.1038/nature14236.",
    "espeholt2018": "L. Espeholt, H. Soyer, R. Munos, K. Simonyan, V. Mnih, T. Ward, Y. Doron, V. Firoiu, T. Harley, "
    "I. Dunning, S. Legg, K. Kavukcuoglu. IMPALA: Scalable Distributed Deep-RL with Importance Weighted Actor-Learner "
    "Architectures. International Conference on Machine Learning (ICML), PMLR 80, pp. 1407-1416, 2018. "
    "arXiv:1802.01561.",
}

FRAMES, SIDE = 4, 84  # grey frames of an observation, their pixels a side
ACTIONS = 18  # of the full set
SECTIONS = (16, 32, 32)  # Espeholt et al., figure 3, right: channels of a section


class Player(nn.Module):
    """Scores actions from the last four frames.

    Attributes:
        works: key -> full citation.
    """

    def __init__(self, work: str, body: nn.Sequential, features: int, actions: int, valued: bool) -> None:
        super().__init__()
        self.works = {work: WORKS[work]}
        self.body = body
        self.actions = nn.Linear(features, actions)
        self.value = nn.Linear(features, 1) if valued else None

    def forward(self, frames: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Return scores, batch x actions, and the state's value, batch x 1, where the network has that head.

        Args:
            frames: uint8, batch x 4 x 84 x 84: bytes, as emulators give them.
        """
        x = self.body(frames / 255)
        return self.actions(x) if self.value is None else (self.actions(x), self.value(x))

    def example_inputs(self, batch: int) -> tuple[torch.Tensor, ...]:
        """Return one uint8 tensor of zeros, batch x 4 x 84 x 84.

        Raises:
            InputError: for a batch that is not a whole number of at least 1.
        """
        return (torch.zeros(check_batch(batch), FRAMES, SIDE, SIDE, dtype=torch.uint8),)


class Residual(nn.Module):
    """Two 3 x 3 convolutions, each after a ReLU, around a shortcut. Takes and gives batch x channels x h x w."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv2(self.conv1(x.relu()).relu())


def atari_dqn(actions: int = ACTIONS) -> Player:
    """Return DQN's network: 3 convolutions and 2 fully connected layers, 1,693,362 parameters for 18 actions."""
    body = nn.Sequential(
        nn.Conv2d(FRAMES, 32, 8, stride=4), nn.ReLU(inplace=True),
        nn.Conv2d(32, 64, 4, stride=2), nn.ReLU(inplace=True),
        nn.Conv2d(64, 64, 3), nn.ReLU(inplace=True),
        nn.Flatten(), nn.Linear(64 * 7 * 7, 512), nn.ReLU(inplace=True),
    )  # fmt: skip
    return Player("mnih2015", body, 512, actions, valued=False)


def atari_impala(actions: int = ACTIONS) -> Player:
    """Return IMPALA's deep network: 15 convolutions, 1,094,115 parameters for 18 actions, and a value.

    Without the recurrent layer of figure 3, in whose place four frames at a time remember.
    """
    layers: list[nn.Module] = []
    channels = FRAMES
    for width in SECTIONS:
        pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        layers += [nn.Conv2d(channels, width, 3, padding=1), pool, Residual(width), Residual(width)]
        channels = width
    layers += [nn.ReLU(), nn.Flatten(), nn.Linear(channels * 11 * 11, 256), nn.ReLU(inplace=True)]
    return Player("espeholt2018", nn.Sequential(*layers), 256, actions, valued=True)
