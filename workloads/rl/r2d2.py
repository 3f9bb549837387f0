"""An R2D2-like learner: a recurrent Q network, learned from sequences that are replayed by priority.

Kapturowski et al. 2019 (workloads/rl/targets.py), without the last action and reward as inputs of the LSTM.
"""

from typing import Any

import numpy as np
import torch
from torch import nn

from workloads.rl.environments import RUNNING, TRUNCATED, Shape
from workloads.rl.networks import features
from workloads.rl.placement import Placement
from workloads.rl.recipe import R2d2Recipe
from workloads.rl.replay import Drawn, Replay
from workloads.rl.targets import n_step, seen, squeeze, stretch

FIGURES = ("loss", "q_mean", "td_error", "gradient_norm")
State = tuple[torch.Tensor, torch.Tensor]


class RecurrentQ(nn.Module):
    """Each action's worth, by a duel of value and advantages, from features that an LSTM remembers."""

    def __init__(self, shape: Shape, network: str) -> None:
        super().__init__()
        self.body, size = features(shape, network)
        self.size = size
        self.cell = nn.LSTMCell(size, size)
        self.value, self.advantage = nn.Linear(size, 1), nn.Linear(size, shape.actions)

    def forward(self, observation: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """Return n x actions and the next state, for n observations and their states, n x size each."""
        state = self.cell(self.body(observation), state)
        return self._worth(state[0]), state

    def unroll(self, observation: torch.Tensor, ended: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """Return T x B x actions and the state after, for T x B observations.

        Args:
            observation: T x B x ...
            ended: whether an episode was over before each, T x B.
            state: before the first.
        """
        length, size = ended.shape
        inputs = self.body(observation.flatten(0, 1)).view(length, size, -1)
        outputs = []
        for step in range(length):
            kept = (~ended[step]).unsqueeze(-1)
            state = self.cell(inputs[step], (state[0] * kept, state[1] * kept))
            outputs.append(state[0])
        return self._worth(torch.stack(outputs)), state

    def _worth(self, hidden: torch.Tensor) -> torch.Tensor:
        advantage = self.advantage(hidden)
        return self.value(hidden) + advantage - advantage.mean(-1, keepdim=True)


class R2d2Policy:
    """Takes the best action, or any with a probability that is each environment's own; records `state`, before it.

    Args:
        network: acts. placement: where.
        environments: how many. actions: how many.
        told: the recipe. seed: of what is random.
    """

    def __init__(
        self, network: RecurrentQ, placement: Placement, environments: int, actions: int, told: R2d2Recipe, seed: int
    ) -> None:
        self.records: dict[str, tuple[int, ...]] = {"state": (2, network.size)}
        self.network, self._placement, self._actions = network, placement, actions
        self._state = torch.zeros(2, environments, network.size, device=placement.device)
        spread = np.arange(environments) / max(1, environments - 1)
        self._epsilon = told.epsilon ** (1 + told.epsilon_power * spread)
        self._random = np.random.default_rng(seed)

    @torch.inference_mode()
    def act(
        self, observation: np.ndarray, rows: np.ndarray, began: np.ndarray
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        with self._placement.lock, self._placement.inference():
            where = self._placement.put(rows)
            state = self._state[:, where] * self._placement.put(~began)[:, None]
            worth, after = self.network(self._placement.put(observation), (state[0], state[1]))
            self._state[:, where] = torch.stack(after)
            best = worth.argmax(-1).cpu().numpy()
        random = self._random.random(len(rows)) < self._epsilon[rows]
        action = np.where(random, self._random.integers(self._actions, size=len(rows)), best)
        return action, {"state": state.transpose(0, 1).cpu().numpy()}


class R2d2Learner:
    """Takes batches of sequences; publishes its weights after each.

    Attributes:
        network: learns. target: follows it now and then. optimizer: the network's.
    """

    def __init__(
        self,
        told: R2d2Recipe,
        network: RecurrentQ,
        target: RecurrentQ,
        acting: RecurrentQ,
        placement: Placement,
        replay: Replay,
    ) -> None:
        self._told, self.network, self.target = told, network, target
        self._acting, self._placement, self._replay = acting, placement, replay
        self.optimizer = torch.optim.Adam(network.parameters(), lr=told.learning_rate, eps=1e-3)
        self._batches = 0

    def learn(self, drawn: Drawn) -> dict[str, float]:
        """Take a step of the optimiser and set the sequences' priorities; return figures of the loss."""
        put = self._placement.put
        batch = {name: put(np.stack([unroll[name] for unroll in drawn.unrolls], axis=1)) for name in drawn.unrolls[0]}
        error, known, worth = errors(self.network, self.target, batch, self._told)
        weights = put(drawn.weights.astype(np.float32))
        loss = 0.5 * (weights * error.square() * known).sum() / known.sum().clamp(min=1)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self._told.clip)
        self.optimizer.step()
        self._batches += 1
        if self._batches % self._told.target_period == 0:
            self.target.load_state_dict(self.network.state_dict())
        self._placement.publish(self.network, self._acting)
        size = (error.detach() * known).abs()
        largest = self._told.priority_largest
        self._replay.set(drawn, (largest * size.amax(0) + (1 - largest) * size.mean(0)).cpu().numpy() + 1e-6)
        figures = {"loss": loss.detach(), "q_mean": worth, "td_error": size.mean(), "gradient_norm": norm}
        return {name: float(value) for name, value in figures.items()}


def errors(
    network: RecurrentQ, target: RecurrentQ, batch: dict[str, Any], told: R2d2Recipe
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the errors of Q, T x B, of which each is known (T x B), and the mean of Q.

    Args:
        network: learns.
        target: says what follows is worth.
        batch: of sequences: `observation` (burn_in + T + 1) x B x ..., the rest (burn_in + T) x B x ...
        told: the recipe.
    """
    warm = told.burn_in
    over = batch["ended"] != RUNNING
    before = torch.cat([torch.zeros_like(over[:1]), over])  # the state at a sequence's begin is right as it is
    state = batch["state"][0].unbind(1)
    observation = batch["observation"]
    with torch.no_grad():
        start, start_target = (state[0], state[1]), (state[0], state[1])
        if warm:
            _, start = network.unroll(observation[:warm], before[:warm], start)
            _, start_target = target.unroll(observation[:warm], before[:warm], start_target)
        later, _ = target.unroll(observation[warm:], before[warm:], start_target)
    worth, _ = network.unroll(observation[warm:], before[warm:], start)
    with torch.no_grad():
        best = worth[1:].argmax(-1, keepdim=True)
        following = stretch(later[1:].gather(-1, best).squeeze(-1))
        ended = batch["ended"][warm:]
        discount = told.discount * (ended == RUNNING)
        wanted = squeeze(n_step(batch["reward"][warm:], discount, following, told.n_step))
        known = seen(ended == TRUNCATED, ended != RUNNING, told.n_step)
    chosen = worth[:-1].gather(-1, batch["action"][warm:].unsqueeze(-1)).squeeze(-1)
    return wanted - chosen, known, worth.detach().mean()
