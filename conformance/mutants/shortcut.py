"""Shortcut losses as they were got wrong: targets, half steps, weights.

`Naive` is the loss as most trainers write it, in velocities and fractions, right as it stands; each mutant changes one
part of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from . import mutant

Network = Callable[..., Tensor]


def wide(label: Tensor, frames: Tensor) -> Tensor:
    """A label (B, T) over frames (B, T, ...)."""
    return label.reshape(*label.shape, *[1] * (frames.ndim - 2))


def check_labels(tau: Tensor, d: Tensor, k_max: int) -> None:
    """What a careful trainer refuses."""
    if k_max < 1 or k_max & (k_max - 1):
        raise ValueError(f"k_max={k_max} must be a power of two")
    size, place = d * k_max, tau / d
    if (size.log2() % 1).any() or (size < 1).any() or (d > 1).any():
        raise ValueError("d must be a power of two over k_max")
    if (place % 1).any() or (tau < 0).any() or (tau + d > 1).any():
        raise ValueError("tau must be on the grid of d")


class Naive:
    """The right loss, part by part: both branches are means over all frames."""

    def __call__(
        self, network: Network, data: Tensor, tau: Tensor, d: Tensor, k_max: int
    ) -> tuple[Tensor, Tensor]:
        tau, d = self.labels(tau, d, k_max)
        tau, d = tau.expand(data.shape[:2]), self.spread(d, data)
        flow = self.is_flow(d, k_max)
        noise = self.noise(data)
        z = self.noisy(data, noise, tau)
        answer = self.student(network, z, tau, d)
        rows = (~flow).any(1)
        target = data.to(torch.promote_types(data.dtype, torch.float32)).clone()
        if rows.any():
            target[rows] = self.target(network, z[rows], tau[rows], d[rows], k_max, noise[rows])
        return self.branches(answer, target, data, z, tau, flow)

    def labels(self, tau: Tensor, d: Tensor, k_max: int) -> tuple[Tensor, Tensor]:
        check_labels(tau, d.reshape(*d.shape, *[1] * (tau.ndim - d.ndim)), k_max)
        return tau, d

    def spread(self, d: Tensor, data: Tensor) -> Tensor:
        return d.reshape(*d.shape, *[1] * (2 - d.ndim)).expand(data.shape[:2])

    def is_flow(self, d: Tensor, k_max: int) -> Tensor:
        return d == 1 / k_max

    def noise(self, data: Tensor) -> Tensor:
        return torch.randn_like(data)

    def noisy(self, data: Tensor, noise: Tensor, tau: Tensor) -> Tensor:
        level = wide(tau, data).to(torch.promote_types(data.dtype, torch.float32))
        return ((1 - level) * noise + level * data).to(data.dtype)

    def student(self, network: Network, z: Tensor, tau: Tensor, d: Tensor) -> Tensor:
        return network(z, tau, d)

    def target(self, *args: Any) -> Tensor:
        with torch.no_grad():
            return self.taught(*args)

    def taught(
        self, network: Network, z: Tensor, tau: Tensor, d: Tensor, k_max: int, noise: Tensor
    ) -> Tensor:
        first = self.velocity(network(z, tau, self.half(d, k_max)), z, tau)
        between = self.between(z, first, tau, d, noise)
        second = self.second(network(between.to(z.dtype), *self.later(tau, d, k_max)), between, tau, d)
        return self.join(z, first, second, between, tau, d)

    def half(self, d: Tensor, k_max: int) -> Tensor:
        return d / 2

    def later(self, tau: Tensor, d: Tensor, k_max: int) -> tuple[Tensor, Tensor]:
        return tau + d / 2, self.half(d, k_max)

    def velocity(self, answer: Tensor, z: Tensor, tau: Tensor) -> Tensor:
        return (answer - z) / self.left(tau, z)

    def left(self, tau: Tensor, z: Tensor) -> Tensor:
        return wide(1 - tau, z)

    def between(self, z: Tensor, first: Tensor, tau: Tensor, d: Tensor, noise: Tensor) -> Tensor:
        return z + first * wide(d / 2, z)

    def second(self, answer: Tensor, between: Tensor, tau: Tensor, d: Tensor) -> Tensor:
        return self.velocity(answer, between, tau + d / 2)

    def join(
        self, z: Tensor, first: Tensor, second: Tensor, between: Tensor, tau: Tensor, d: Tensor
    ) -> Tensor:
        return z + wide(1 - tau, z) * (first + second) / 2

    def branches(
        self, answer: Tensor, target: Tensor, data: Tensor, z: Tensor, tau: Tensor, flow: Tensor
    ) -> tuple[Tensor, Tensor]:
        if not data.numel():
            raise ValueError("data must hold a frame")
        flows = self.flow(self.errors(answer, data), answer, data, z, tau)
        boots = self.bootstrap(self.errors(answer, target), tau)
        return self.mean(flows, flow), self.mean(boots, ~flow)

    def errors(self, answer: Tensor, target: Tensor) -> Tensor:
        return (
            (answer.to(torch.promote_types(answer.dtype, torch.float32)) - target).square().flatten(2).mean(2)
        )

    def flow(self, errors: Tensor, answer: Tensor, data: Tensor, z: Tensor, tau: Tensor) -> Tensor:
        return (0.9 * tau + 0.1) * errors

    def bootstrap(self, errors: Tensor, tau: Tensor) -> Tensor:
        return (0.9 * tau + 0.1) * errors

    def mean(self, losses: Tensor, chosen: Tensor) -> Tensor:
        return torch.where(chosen, losses, 0).mean()


def bug(name: str, *of: str) -> Callable[[type[Naive]], type[Naive]]:
    """Register a naive loss with one part replaced, as a mutant of shortcut_loss."""

    def register(kind: type[Naive]) -> type[Naive]:
        loss = kind()

        def bug_of_shortcut_loss(network: Network, data: Tensor, tau: Tensor, d: Tensor, k_max: int) -> Any:
            return loss(network, data, tau, d, k_max)

        bug_of_shortcut_loss.__doc__ = kind.__doc__
        mutant(name, *of)(bug_of_shortcut_loss)
        return kind

    return register


@bug("flow-loss-fades-near-data", "dynamics:17")
class FlowLossFades(Naive):
    """the flow loss in data space is multiplied by (1 - tau)^2, which belongs to velocities: near data no gradient is left"""

    def flow(self, errors: Tensor, answer: Tensor, data: Tensor, z: Tensor, tau: Tensor) -> Tensor:
        return (1 - tau) ** 2 * (0.9 * tau + 0.1) * errors


@bug("flow-loss-in-velocities", "dynamics:17")
class FlowLossInVelocities(Naive):
    """the flow loss compares velocities: what is divided by 1 - tau weighs the levels near data a thousandfold"""

    def flow(self, errors: Tensor, answer: Tensor, data: Tensor, z: Tensor, tau: Tensor) -> Tensor:
        return (0.9 * tau + 0.1) * errors / (1 - tau) ** 2


@bug("flow-target-is-the-noisy-input", "dynamics:17")
class FlowTargetIsNoisy(Naive):
    """the flow target is the noisy frame in place of the clean one"""

    def flow(self, errors: Tensor, answer: Tensor, data: Tensor, z: Tensor, tau: Tensor) -> Tensor:
        return (0.9 * tau + 0.1) * self.errors(answer, z)


@bug("flow-loss-on-every-row", "dynamics:27")
class FlowLossOnEveryRow(Naive):
    """rows of coarse steps get the flow loss on top of the bootstrap, and are pulled two ways"""

    def branches(
        self, answer: Tensor, target: Tensor, data: Tensor, z: Tensor, tau: Tensor, flow: Tensor
    ) -> tuple[Tensor, Tensor]:
        bootstrap = super().branches(answer, target, data, z, tau, flow)[1]
        return super().branches(answer, target, data, z, tau, torch.ones_like(flow))[0], bootstrap


@bug("loss-ramp-upside-down", "dynamics:24")
class LossRampUpsideDown(Naive):
    """in both branches the ramp falls from 1 at noise to 0.1 at data, as it was left when the direction of tau was turned"""

    def flow(self, errors: Tensor, answer: Tensor, data: Tensor, z: Tensor, tau: Tensor) -> Tensor:
        return (1 - 0.9 * tau) * errors

    def bootstrap(self, errors: Tensor, tau: Tensor) -> Tensor:
        return (1 - 0.9 * tau) * errors


@bug("mean-loss-times-mean-ramp", "dynamics:24")
class MeanFlowTimesMeanRamp(Naive):
    """the flow loss is the mean error times the mean ramp: no frame has a weight of its own"""

    def flow(self, errors: Tensor, answer: Tensor, data: Tensor, z: Tensor, tau: Tensor) -> Tensor:
        return errors * (0.9 * tau + 0.1).mean(1, keepdim=True)


@bug("ramp-forgotten-on-data", "dynamics:24")
class RampForgottenOnData(Naive):
    """the ramp weighs the bootstrap alone, and the flow loss is a plain mean"""

    def flow(self, errors: Tensor, answer: Tensor, data: Tensor, z: Tensor, tau: Tensor) -> Tensor:
        return errors


@bug("grid-of-sixty-four", "dynamics:7")
class GridOfSixtyFour(Naive):
    """the finest step is taken to be 1/64, whatever the grid: on another one no row learns from data"""

    def is_flow(self, d: Tensor, k_max: int) -> Tensor:
        return d == (1 / 64 if k_max > 1 else 1)


@bug("second-half-is-the-target", "dynamics:18", "dynamics:19")
class SecondHalfIsTheTarget(Naive):
    """the target is the second half step's prediction alone: right where tau + d = 1, and nowhere else"""

    def join(
        self, z: Tensor, first: Tensor, second: Tensor, between: Tensor, tau: Tensor, d: Tensor
    ) -> Tensor:
        return between + second * wide(1 - tau - d / 2, z)


@bug("loss-without-the-square-of-what-is-left", "dynamics:18")
class WithoutTheSquare(Naive):
    """the bootstrap compares velocities and is not multiplied by (1 - tau)^2"""

    def bootstrap(self, errors: Tensor, tau: Tensor) -> Tensor:
        return (0.9 * tau + 0.1) * errors / (1 - tau) ** 2


@bug("what-is-left-not-squared", "dynamics:18")
class NotSquared(Naive):
    """the bootstrap in velocities is multiplied by 1 - tau, and not by its square"""

    def bootstrap(self, errors: Tensor, tau: Tensor) -> Tensor:
        return (0.9 * tau + 0.1) * errors / (1 - tau)


@bug("what-is-left-averaged-over-frames", "dynamics:18")
class AveragedOverFrames(Naive):
    """the factor (1 - tau)^2 is taken of the mean level of a clip"""

    def bootstrap(self, errors: Tensor, tau: Tensor) -> Tensor:
        return (0.9 * tau + 0.1) * errors / (1 - tau) ** 2 * (1 - tau.mean(1, keepdim=True)) ** 2


@bug("bootstrap-ramp-upside-down", "dynamics:24")
class BootstrapRampUpsideDown(Naive):
    """the ramp of the bootstrap alone falls from noise to data"""

    def bootstrap(self, errors: Tensor, tau: Tensor) -> Tensor:
        return (1 - 0.9 * tau) * errors


@bug("bootstrap-without-ramp", "dynamics:24")
class BootstrapWithoutRamp(Naive):
    """the ramp weighs the flow loss alone"""

    def bootstrap(self, errors: Tensor, tau: Tensor) -> Tensor:
        return errors


@bug("mean-bootstrap-times-mean-ramp", "dynamics:24")
class MeanBootstrapTimesMeanRamp(Naive):
    """the bootstrap is the mean error of a clip times its mean ramp"""

    def bootstrap(self, errors: Tensor, tau: Tensor) -> Tensor:
        return errors * (0.9 * tau + 0.1).mean(1, keepdim=True)


@bug("an-epsilon-in-the-denominator", "dynamics:19", "dynamics:28")
class AnEpsilon(Naive):
    """a thousandth is added to 1 - tau against a division by zero that cannot occur on the grid"""

    def left(self, tau: Tensor, z: Tensor) -> Tensor:
        return wide(1 - tau, z) + 1e-3


@bug("an-epsilon-of-a-tenth", "dynamics:28", "dynamics:19")
class AnEpsilonOfATenth(Naive):
    """1 - tau is clamped to at least 0.1, against spikes near data: the last tenth of the way is never learnt right"""

    def left(self, tau: Tensor, z: Tensor) -> Tensor:
        return wide(1 - tau, z).clamp(min=0.1)


@bug("divides-past-the-step", "dynamics:28")
class DividesPastTheStep(Naive):
    """the second half step is divided by what is left behind its end, 1 - tau - d: nothing, on the last point"""

    def second(self, answer: Tensor, between: Tensor, tau: Tensor, d: Tensor) -> Tensor:
        return self.velocity(answer, between, tau + d)


@bug("second-half-divided-by-the-first", "dynamics:19")
class DividedByTheFirst(Naive):
    """the second half step is divided by 1 - tau of the first"""

    def second(self, answer: Tensor, between: Tensor, tau: Tensor, d: Tensor) -> Tensor:
        return self.velocity(answer, between, tau)


@bug("fresh-noise-between-the-halves", "dynamics:20", "dynamics:19")
class FreshNoise(Naive):
    """between the half steps the first prediction is noised afresh"""

    def between(self, z: Tensor, first: Tensor, tau: Tensor, d: Tensor, noise: Tensor) -> Tensor:
        return self.noisy(z + first * self.left(tau, z), torch.randn_like(noise), tau + d / 2)


@bug("true-noise-between-the-halves", "dynamics:20", "dynamics:19")
class TrueNoise(Naive):
    """between the half steps the first prediction is mixed with the noise that the data was mixed with, which no step knows"""

    def between(self, z: Tensor, first: Tensor, tau: Tensor, d: Tensor, noise: Tensor) -> Tensor:
        return self.noisy(z + first * self.left(tau, z), noise, tau + d / 2)


@bug("whole-step-in-the-first-half", "dynamics:19")
class WholeStep(Naive):
    """the first half step goes a whole step, and is followed by the second"""

    def between(self, z: Tensor, first: Tensor, tau: Tensor, d: Tensor, noise: Tensor) -> Tensor:
        return z + first * wide(d, z)


@bug("first-half-not-divided", "dynamics:19")
class NotDivided(Naive):
    """the first half step goes from z to the prediction, d/2 of the way, without the division by 1 - tau"""

    def between(self, z: Tensor, first: Tensor, tau: Tensor, d: Tensor, noise: Tensor) -> Tensor:
        return z + first * self.left(tau, z) * wide(d / 2, z)
