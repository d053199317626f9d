"""Waiting at a server that others use too: the term between the network and the tail.

Requests come at random (Poisson), one at a time is served, and all take as long as this candidate's tail: the queue
M/D/1. Its mean is Pollaczek's and Khinchine's; its distribution is Erlang's (1909), in the form whose terms are all
positive (Franx, A simple solution for the M/D/c waiting time distribution, Operations Research Letters 29, 2001).
"""

import math
from functools import lru_cache

from splitsearch.profilers.spread import Spread

__all__ = ["check_load", "waited_at_most", "waiting"]

_TERMS = 40  # fewer than one request arrives in a service time on average: the chance of forty is below 1e-48
_MOST = 0.999  # beyond it, a queue that is stable on paper takes hours to become so


def check_load(load: float) -> str | None:
    """What is wrong with a load, or None: the share of time that the server is busy."""
    if 0 <= load <= _MOST:
        return None
    return f"the load of the server must lie in 0 … {_MOST}, not {load:g}: at 1 the queue grows without end"


def waiting(load: float, service_ms: float) -> Spread:
    """How long a request waits before it is served.

    Args:
        load: share of time that the server is busy, in [0, 1).
        service_ms: how long each request is served.
    """
    if load == 0 or service_ms == 0:
        return Spread.fixed(0.0)
    return Spread(
        mean_ms=service_ms * load / (2 * (1 - load)),
        p50_ms=service_ms * _quantile(load, 0.5),
        p95_ms=service_ms * _quantile(load, 0.95),
    )


def waited_at_most(load: float, time: float) -> float:
    """Probability of waiting no longer than so many service times (Franx, 2001, for one server).

    For (k - 1) <= time < k and u = load * (k - time): exp(-u) * sum over j < k of u^j / j! * P(at most k - j there).
    """
    k = math.floor(time) + 1
    present = _cumulative(load, 64 * math.ceil((k + 1) / 64))
    u = load * (k - time)
    total, term = 0.0, math.exp(-u)
    for j in range(min(k, _TERMS)):
        total += term * present[k - j]
        term *= u / (j + 1)
    return total


@lru_cache(maxsize=64)
def _cumulative(load: float, count: int) -> tuple[float, ...]:
    """Probability that at most 0, 1 … count requests are there, the one in service included.

    From i to i + 1 requests as often as back: p[i + 1] * a[0] = p[0] * P(A > i) + sum over m of p[m] *
    P(A > i + 1 - m), where A requests arrive in one service time. No term is negative, so nothing cancels.
    """
    arrivals = [math.exp(-load) * load**n / math.factorial(n) for n in range(_TERMS)]
    more = [math.fsum(arrivals[n + 1 :]) for n in range(_TERMS)]
    states = [1 - load]
    for i in range(count):
        first = more[i] if i < _TERMS else 0.0
        others = (states[m] * more[i + 1 - m] for m in range(max(1, i + 2 - _TERMS), i + 1))
        states.append((states[0] * first + math.fsum(others)) / arrivals[0])
    sums, reached = [], 0.0
    for state in states:
        reached += state
        sums.append(reached)
    return tuple(sums)


@lru_cache(maxsize=64)
def _quantile(load: float, share: float) -> float:
    """Waiting time, in service times, that so large a share of the requests does not exceed."""
    if share <= 1 - load:  # so many find the server free
        return 0.0
    high = 1.0
    while waited_at_most(load, high) < share:
        high *= 2
    low = high / 2 if high > 1 else 0.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if waited_at_most(load, middle) < share else (low, middle)
    return high
