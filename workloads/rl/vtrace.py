"""V-trace: values and advantages of a policy from what an older one did.

L. Espeholt et al. IMPALA: Scalable Distributed Deep-RL with Importance Weighted Actor-Learner Architectures. ICML 2018,
section 4.1, equation 1 and remark 1.
"""

import torch


def vtrace(
    log_ratio: torch.Tensor,
    reward: torch.Tensor,
    discount: torch.Tensor,
    value: torch.Tensor,
    last_value: torch.Tensor,
    rho_limit: float = 1.0,
    c_limit: float = 1.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the targets of the values, and the advantages that weigh the policy's gradient; T x B each.

    Args:
        log_ratio: log of the learner's probability of the action taken over the actor's, T x B.
        reward: of the step, T x B.
        discount: of what follows the step; 0 where it ended an episode, T x B.
        value: of the state before the step, T x B.
        last_value: of the state after the last step, B.
        rho_limit: of the ratio that weighs a step's own error.
        c_limit: of the ratio that weighs what follows.
    """
    ratio = log_ratio.exp()
    rho, c = ratio.clamp(max=rho_limit), ratio.clamp(max=c_limit)
    following = torch.cat([value[1:], last_value[None]])
    error = rho * (reward + discount * following - value)
    carried, above = torch.zeros_like(last_value), []
    for step in range(len(reward) - 1, -1, -1):
        carried = error[step] + discount[step] * c[step] * carried
        above.append(carried)
    target = value + torch.stack(above[::-1])
    after = torch.cat([target[1:], last_value[None]])
    return target, rho * (reward + discount * after - value)
