"""DPM-Solver++(3M) SDE: three D's, and fresh noise at every step.

Tentative: the formulas are k-diffusion's `sample_dpmpp_3m_sde` in our words, and `python -m refaudio.benchmarks.orders`
compares the two numerically where k-diffusion is installed; no closed form stands behind them here.
"""

from collections.abc import Iterator
from math import exp, expm1, inf, sqrt

from torch import Tensor

from .step import Run, drawn

ETA = 1.0  # how much of the noise is fresh: 0 would be the ODE


def dpmpp_3m_sde(run: Run, x: Tensor) -> Iterator[Tensor]:
    """x' = sigma'/sigma e^(-eta h) x - alpha' expm1(-(1 + eta) h) D + what the last two D's add + fresh noise.

    Noise of disjoint intervals is independent, so it is drawn where it is needed: there is no interval that could be
    outside of a tree of it (diffusers #13274).
    """
    known: list[tuple[Tensor, float]] = []  # D and h of the steps before, the last one first
    for i in run.steps:
        data, h = run.data(x, run.times[i]), run.log_snr[i + 1] - run.log_snr[i]
        if run.sigma[i + 1] == 0:
            x = data
        else:
            h_eta = (1 + ETA) * h
            bent = -expm1(-h_eta) * data + _curve(data, h, h_eta, known)
            fresh = run.sigma[i + 1] * sqrt(-expm1(-2 * h * ETA)) * drawn(run)
            x = run.sigma[i + 1] / run.sigma[i] * exp(-h * ETA) * x + run.alpha[i + 1] * bent + fresh
        known = [(data, h), *known[:1]]
        yield x


def _curve(data: Tensor, h: float, h_eta: float, known: list[tuple[Tensor, float]]) -> Tensor | float:
    """phi2 d1 - phi3 d2: the slope and the bend of D over log(alpha / sigma), from divided differences."""
    if h == inf or not known or known[0][1] == inf:
        return 0.0
    phi2 = expm1(-h_eta) / h_eta + 1
    phi3 = phi2 / h_eta - 0.5
    one, r_one = known[0][0], known[0][1] / h
    slope = (data - one) / r_one
    if len(known) < 2 or known[1][1] == inf:
        return phi2 * slope
    r_two = known[1][1] / h
    bend = (slope - (one - known[1][0]) / r_two) / (r_one + r_two)
    return phi2 * (slope + bend * r_one) - phi3 * bend
