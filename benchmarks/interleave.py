"""Clocks that survive a shared machine: every arm in turn, in blocks of equal time and random order.

On a busy two-core machine the ratio of two functions measured one after the other spread by 190 %, of blocks of
equal calls by 137 %, and of blocks of equal time, best against best, by 3 %: the longer block is interrupted more.
"""

import random
import time
from collections.abc import Callable, Mapping


def interleave(
    arms: Mapping[str, Callable[[], object]],
    *,
    rounds: int = 60,
    block: float = 1e-3,
    seed: int = 0,
    wait: Callable[[], object] = lambda: None,
) -> dict[str, float]:
    """The least seconds a call of each arm took, over `rounds` blocks of about `block` seconds.

    Divide two of them for a ratio; name one function twice for the control, whose ratio should be 1. `wait` ends
    a block where calls return before they are done: torch.cuda.synchronize.
    """
    calls = {name: _calls(arm, block, wait) for name, arm in arms.items()}
    best = dict.fromkeys(arms, float("inf"))
    order, shuffle = list(arms), random.Random(seed).shuffle
    for _ in range(rounds):
        shuffle(order)
        for name in order:
            best[name] = min(best[name], _block(arms[name], calls[name], wait) / calls[name])
    return best


def _calls(arm: Callable[[], object], block: float, wait: Callable[[], object]) -> int:
    arm()  # allocations and caches of the first call
    once = min(_block(arm, 1, wait) for _ in range(3))
    return max(1, round(block / once))


def _block(arm: Callable[[], object], calls: int, wait: Callable[[], object]) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        arm()
    wait()
    return time.perf_counter() - start
