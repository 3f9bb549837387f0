"""Weights and widths together: steps that train several widths at once, and the search that says which."""

import dataclasses
import time
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from workloads.channels import Slim
from workloads.images import Split
from workloads.joslim.cost import Cost
from workloads.joslim.searchers import Chance, Proposal, Searcher, Seen
from workloads.training.chance import number

HISTORY_IMAGES = 64  # of a loss that the search is told


@dataclasses.dataclass
class Visits:
    """Widths that were looked at, and those to look at next.

    First come widths whose units are all at one place, then the full network, then what the searcher proposes of all
    that was visited, told the losses that the weights have by then. A searcher that goes by chance is asked at once.

    Attributes:
        slim: the network. cost: of its widths. searcher: proposes them.
        validation: images for losses: one batch a search, batch normalisation by that batch's own statistics.
        seed: of all chance.
        prior: widths that come first.
        rows: each visited once. proposals: all of them, in order.
        search_s, history_s: processor time of proposing, and of computing the losses for it.
    """

    slim: Slim
    cost: Cost
    searcher: Searcher
    validation: Split
    seed: int
    prior: int
    rows: list[np.ndarray] = dataclasses.field(default_factory=list)
    proposals: list[Proposal] = dataclasses.field(default_factory=list)
    search_s: float = 0.0
    history_s: float = 0.0

    def more(self, count: int, turn: int) -> list[np.ndarray]:
        """Return the rows of the next visits; `turn` numbers the calls."""
        before = len(self.proposals)
        draw = np.random.default_rng(number(self.seed, "widths", turn))
        self._visit([Proposal(row) for row in self._first()[len(self.proposals) :][:count]])
        missing = count - (len(self.proposals) - before)
        if missing:
            seen = self.seen(turn, HISTORY_IMAGES)
            began = time.process_time()
            found = self.searcher.propose(seen, missing, draw)
            self.search_s += time.process_time() - began
            self._visit(found)
        return [one.row for one in self.proposals[before:]]

    def _visit(self, made: list[Proposal]) -> None:
        self.proposals += made
        for one in made:
            if not any((one.row == row).all() for row in self.rows):
                self.rows.append(one.row)

    def _first(self) -> list[np.ndarray]:
        if isinstance(self.searcher, Chance):
            return []
        space = self.cost.space
        draw = np.random.default_rng(number(self.seed, "prior"))
        return [*space.alike(draw.random(self.prior)), space.most]

    def seen(self, turn: int, most: int | None = None) -> Seen:
        """Return what was visited, as the weights are now; nothing where widths go by chance.

        Args:
            turn: numbers the calls.
            most: images of a loss at most; None takes all validation images.
        """
        if isinstance(self.searcher, Chance):
            empty = np.empty(0)
            return Seen(np.empty((0, len(self.cost.space)), np.int64), empty, empty)
        began = time.process_time()
        rows = np.stack(self.rows)
        drawn = np.random.default_rng(number(self.seed, "history", turn))
        chosen = torch.from_numpy(drawn.permutation(len(self.validation.labels))[:most])
        images, labels = self.validation.images[chosen], self.validation.labels[chosen]
        module, space = self.slim.module, self.cost.space
        training = module.training
        module.train()
        with torch.no_grad():
            losses = [float(functional.cross_entropy(self.slim.at(space.widths(row))(images), labels)) for row in rows]
        module.train(training)
        self.history_s += time.process_time() - began
        return Seen(rows, np.nan_to_num(losses, nan=1e3, posinf=1e3), np.array([self.cost.share(row) for row in rows]))

    def state_dict(self) -> dict[str, Any]:
        return {
            "proposals": [[one.row.tolist(), one.target, one.found] for one in self.proposals],
            "rows": [row.tolist() for row in self.rows],
            "searcher": self.searcher.state_dict(),
            "seconds": [self.search_s, self.history_s],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.proposals = [Proposal(np.array(row), target, found) for row, target, found in state["proposals"]]
        self.rows = [np.array(row) for row in state["rows"]]
        self.searcher.load_state_dict(state["searcher"])
        self.search_s, self.history_s = state["seconds"]


@dataclasses.dataclass
class Sandwich:
    """A step that trains the full network by its labels, and widths and the smallest network by the full one's scores.

    J. Yu, T. Huang, Universally slimmable networks, ICCV 2019. The four gradients are summed.

    Attributes:
        visits: says which widths.
        every: steps from one call for widths to the next.
        proposed: widths that are asked for then, and trained in turn until the next.
        sampled: widths a step, beside the full and the smallest.
        smoothing: of the labels.
    """

    visits: Visits
    every: int
    proposed: int
    sampled: int
    smoothing: float
    now: list[np.ndarray] = dataclasses.field(default_factory=list)

    def __call__(self, images: torch.Tensor, labels: torch.Tensor, step: int) -> torch.Tensor:
        """Accumulate the gradients, and return the full network's loss."""
        slim, space = self.visits.slim, self.visits.cost.space
        if step % self.every == 0:
            self.now = self.visits.more(self.proposed, step)
        first = step % self.every * self.sampled
        chosen = [self.now[place % len(self.now)] for place in range(first, first + self.sampled)]
        scores = slim.module(images)
        loss = functional.cross_entropy(scores, labels, label_smoothing=self.smoothing)
        loss.backward()
        wanted = scores.detach().softmax(1)
        for row in (*chosen, space.least):
            functional.cross_entropy(slim.at(space.widths(row))(images), wanted).backward()
        return loss.detach()

    def state_dict(self) -> dict[str, Any]:
        return {"visits": self.visits.state_dict(), "now": [row.tolist() for row in self.now]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.visits.load_state_dict(state["visits"])
        self.now = [np.array(row) for row in state["now"]]
