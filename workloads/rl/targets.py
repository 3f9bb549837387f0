"""What Q values should be: n-step double Q-learning, on a scale that squeezes large returns.

S. Kapturowski, G. Ostrovski, J. Quan, R. Munos, W. Dabney. Recurrent Experience Replay in Distributed Reinforcement
Learning. ICLR 2019, section 2.3 and equation 1.
"""

import torch

_SLOPE = 1e-3  # of the scale, for large values


def squeeze(value: torch.Tensor) -> torch.Tensor:
    """Return sign(x) (sqrt(|x| + 1) - 1) + 0.001 x."""
    return value.sign() * ((value.abs() + 1).sqrt() - 1) + _SLOPE * value


def stretch(value: torch.Tensor) -> torch.Tensor:
    """Undo `squeeze`."""
    root = (1 + 4 * _SLOPE * (value.abs() + 1 + _SLOPE)).sqrt()
    return value.sign() * (((root - 1) / (2 * _SLOPE)).square() - 1)


def n_step(reward: torch.Tensor, discount: torch.Tensor, following: torch.Tensor, steps: int) -> torch.Tensor:
    """Return returns of up to `steps` rewards and what follows, T x B; fewer rewards at the end of the sequence.

    Args:
        reward: of each step, T x B.
        discount: of what follows each step; 0 where an episode ended, T x B.
        following: worth of the state after each step, T x B.
        steps: n.
    """
    length = len(reward)
    found = torch.zeros_like(reward)
    weight = torch.ones_like(reward)
    for ahead in range(steps):
        left = length - ahead  # steps from which `ahead` more can be seen
        if left <= 0:
            break
        found[:left] += weight[:left] * reward[ahead:]
        weight[:left] *= discount[ahead:]
        if ahead == steps - 1:
            found[:left] += weight[:left] * following[ahead:]
        else:
            found[left - 1] += weight[left - 1] * following[-1]  # the sequence's end comes before the n-th reward
    return found


def seen(cut: torch.Tensor, ended: torch.Tensor, steps: int) -> torch.Tensor:
    """Return whether a step's return can be known, T x B: not where a limit of time hides what follows.

    Args:
        cut: whether a step was cut short by a limit of time, T x B.
        ended: whether an episode was over with a step, T x B.
        steps: n.
    """
    length = len(cut)
    known, going = torch.ones_like(cut), torch.ones_like(cut)
    for ahead in range(min(steps, length)):
        left = length - ahead
        known[:left] &= ~(going[:left] & cut[ahead:])
        going[:left] &= ~(ended[ahead:] | cut[ahead:])
    return known
