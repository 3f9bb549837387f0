"""IMPALA: a policy that acts, and a learner that corrects by V-trace for what it learned meanwhile."""

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from workloads.rl.environments import RUNNING, TRUNCATED
from workloads.rl.networks import ActorCritic
from workloads.rl.placement import Placement
from workloads.rl.recipe import ImpalaRecipe
from workloads.rl.unrolls import Unroll
from workloads.rl.vtrace import vtrace


class ImpalaPolicy:
    """Draws actions from a network's probabilities; records `logits`, from which they were drawn."""

    def __init__(self, network: ActorCritic, placement: Placement, actions: int, seed: int) -> None:
        self.records: dict[str, tuple[int, ...]] = {"logits": (actions,)}
        self.network, self._placement = network, placement
        self._random = np.random.default_rng(seed)

    @torch.inference_mode()
    def act(
        self,
        observation: np.ndarray,
        rows: np.ndarray,  # noqa: ARG002
        began: np.ndarray,  # noqa: ARG002
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        with self._placement.lock, self._placement.inference():
            logits = self.network(self._placement.put(observation))[0].float().cpu().numpy()
        gumbel = self._random.gumbel(size=logits.shape)  # the largest of logits + Gumbel's is a draw of the softmax
        return (logits + gumbel).argmax(axis=1), {"logits": logits}


FIGURES = ("loss", "policy_loss", "value_loss", "entropy", "gradient_norm")


class ImpalaLearner:
    """Takes batches of unrolls; publishes its weights after each.

    Attributes:
        network: learns. optimizer: its own.
    """

    def __init__(self, told: ImpalaRecipe, network: ActorCritic, acting: ActorCritic, placement: Placement) -> None:
        self._told, self.network, self._acting, self._placement = told, network, acting, placement
        self.optimizer = torch.optim.Adam(network.parameters(), lr=told.learning_rate, eps=1e-5)

    def learn(self, unrolls: list[Unroll]) -> dict[str, float]:
        """Take a step of the optimiser; return its losses."""
        batch = {name: self._stacked(name, unrolls) for name in unrolls[0]}
        loss, figures = losses(self.network, batch, self._told)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self._told.clip)
        self.optimizer.step()
        self._placement.publish(self.network, self._acting)
        return {name: float(value) for name, value in figures.items()} | {"gradient_norm": float(norm)}

    def _stacked(self, name: str, unrolls: list[Unroll]) -> torch.Tensor:
        return self._placement.put(np.stack([unroll[name] for unroll in unrolls], axis=1))


def losses(
    network: Any, batch: dict[str, torch.Tensor], told: ImpalaRecipe
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return what to descend, and its parts, of a batch of T steps x B unrolls.

    A step that was cut short by a limit of time is followed by what its own state is worth: the state after it is
    not kept, and is worth nearly as much.
    """
    seen = batch["observation"]
    length, size = batch["action"].shape
    logits, values = network(seen.flatten(0, 1))
    logits, values = logits.view(length + 1, size, -1)[:-1], values.view(length + 1, size)
    log_policy = functional.log_softmax(logits, -1)
    chosen = batch["action"].unsqueeze(-1)
    log_now = log_policy.gather(-1, chosen).squeeze(-1)
    log_then = functional.log_softmax(batch["logits"], -1).gather(-1, chosen).squeeze(-1)
    held = values.detach()
    reward = batch["reward"] + told.discount * held[:-1] * (batch["ended"] == TRUNCATED)
    discount = told.discount * (batch["ended"] == RUNNING)
    target, advantage = vtrace((log_now - log_then).detach(), reward, discount, held[:-1], held[-1])
    policy = -(advantage * log_now).mean()
    value = 0.5 * (target - values[:-1]).square().mean()
    entropy = -(log_policy.exp() * log_policy).sum(-1).mean()
    loss = policy + told.value_weight * value - told.entropy * entropy
    return loss, {
        "loss": loss.detach(),
        "policy_loss": policy.detach(),
        "value_loss": value.detach(),
        "entropy": entropy.detach(),
    }
