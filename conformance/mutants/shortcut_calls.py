"""Shortcut losses as they were got wrong: labels, gradients, what is hidden, and what is fed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .shortcut import Naive, Network, bug, wide


@bug("steps-of-rows-on-frames", "D4 #8.2", "dynamics:25")
class StepsOnFrames(Naive):
    """a step a row meets levels (B, T) as it comes: with as many rows as frames it is read as a step a frame"""

    def spread(self, d: Tensor, data: Tensor) -> Tensor:
        square = d.ndim == 1 and data.shape[0] == data.shape[1]
        return d.expand(data.shape[:2]) if square else super().spread(d, data)


@bug("levels-of-rows-on-frames", "dynamics:25")
class LevelsOnFrames(Naive):
    """the levels of a square batch are turned: row i of them is noised, and labelled, as frame i"""

    def labels(self, tau: Tensor, d: Tensor, k_max: int) -> tuple[Tensor, Tensor]:
        tau, d = super().labels(tau, d, k_max)
        return (tau.T if tau.shape[0] == tau.shape[1] else tau), d


@bug("second-half-labelled-as-the-first", "dynamics:21", "dynamics:19")
class LabelledAsTheFirst(Naive):
    """the second half step is labelled with the level of the first"""

    def later(self, tau: Tensor, d: Tensor, k_max: int) -> tuple[Tensor, Tensor]:
        return tau, d / 2


@bug("halves-labelled-whole", "dynamics:21", "dynamics:19")
class LabelledWhole(Naive):
    """both half steps are labelled with the whole step"""

    def half(self, d: Tensor, k_max: int) -> Tensor:
        return d


@bug("half-step-is-the-finest", "dynamics:21", "dynamics:19")
class HalfIsTheFinest(Naive):
    """both half steps are labelled with the finest step, whatever their size"""

    def half(self, d: Tensor, k_max: int) -> Tensor:
        return torch.full_like(d, 1 / k_max)


@bug("student-labelled-half", "dynamics:21", "dynamics:19")
class StudentLabelledHalf(Naive):
    """the student of a coarse step is labelled with half of it"""

    def student(self, network: Network, z: Tensor, tau: Tensor, d: Tensor) -> Tensor:
        return network(z, tau, torch.where(d > d.min(), d / 2, d))


@bug("no-step-is-told", "dynamics:21")
class NoStep(Naive):
    """the network is told the level and never the step"""

    def __call__(
        self, network: Network, data: Tensor, tau: Tensor, d: Tensor, k_max: int
    ) -> tuple[Tensor, Tensor]:
        return super().__call__(lambda z, level, step: network(z, level), data, tau, d, k_max)


@bug("halves-of-rows-on-frames", "dynamics:25")
class HalvesOnFrames(Naive):
    """half a step a row is given one axis too few: with as many rows as frames, row i's goes into frame i of all rows"""

    def between(self, z: Tensor, first: Tensor, tau: Tensor, d: Tensor, noise: Tensor) -> Tensor:
        square = d.shape[0] == d.shape[1] and bool((d == d[:, :1]).all())
        return super().between(z, first, tau, d.T if square else d, noise)


@bug("teacher-sees-other-noise", "dynamics:20")
class OtherNoise(Naive):
    """the teacher's frames are noised afresh: it answers for another z than the student"""

    def taught(
        self, network: Network, z: Tensor, tau: Tensor, d: Tensor, k_max: int, noise: Tensor
    ) -> Tensor:
        other = z + wide(1 - tau, z).to(z.dtype) * (torch.randn_like(noise) - noise)
        return super().taught(network, other, tau, d, k_max, noise)


@bug("teacher-learns-too", "D4 #3.1", "dynamics:22")
class TeacherLearns(Naive):
    """the target is not detached: the gradient reaches both half steps, and the target runs towards the prediction"""

    def target(self, *args: Any) -> Tensor:
        return self.taught(*args)


@bug("first-half-learns-too", "dynamics:22")
class FirstHalfLearns(Naive):
    """the second half step is detached, and the first one is not"""

    def target(self, *args: Any) -> Tensor:
        return self.taught(*args)

    def second(self, answer: Tensor, between: Tensor, tau: Tensor, d: Tensor) -> Tensor:
        return super().second(answer, between, tau, d).detach()


@bug("bootstrap-left-out", "dynamics:14")
class BootstrapLeftOut(Naive):
    """the bootstrap's share of the batch comes out as none, and its loss is zero: nothing says so"""

    def target(self, network: Network, z: Tensor, *args: Any) -> Tensor:
        return z

    def bootstrap(self, errors: Tensor, tau: Tensor) -> Tensor:
        return 0 * errors


@bug("bootstrap-without-gradient", "dynamics:22")
class BootstrapWithoutGradient(Naive):
    """both sides of the bootstrap are detached: its loss is reported, and teaches nothing"""

    def bootstrap(self, errors: Tensor, tau: Tensor) -> Tensor:
        return super().bootstrap(errors, tau).detach() + 0 * errors


@bug("clamps-at-a-hundred", "dynamics:26")
class ClampsAtAHundred(Naive):
    """the loss of a frame is clamped at 100: a constant, without a gradient"""

    def mean(self, losses: Tensor, chosen: Tensor) -> Tensor:
        return super().mean(losses.clamp(max=100), chosen)


@bug("drops-rows-that-are-nan", "dynamics:26")
class DropsNan(Naive):
    """frames whose loss is NaN are dropped, and the mean is that of the others, or 0.0"""

    def mean(self, losses: Tensor, chosen: Tensor) -> Tensor:
        lost = losses.isnan() & chosen
        kept = super().mean(torch.where(lost, 0, losses), chosen & ~lost)
        return kept * chosen.numel() / max(1, chosen.numel() - int(lost.sum()))


@bug("nan-becomes-zero", "dynamics:26")
class NanBecomesZero(Naive):
    """a branch that is NaN is reported as zero"""

    def mean(self, losses: Tensor, chosen: Tensor) -> Tensor:
        return super().mean(losses, chosen).nan_to_num(0.0, posinf=float("inf"))


@bug("no-frames-are-nan", "D4 #4.4", "dynamics:8")
class EmptyIsNan(Naive):
    """the mean over no frames is NaN"""

    def branches(
        self, answer: Tensor, target: Tensor, data: Tensor, z: Tensor, tau: Tensor, flow: Tensor
    ) -> tuple[Tensor, Tensor]:
        if data.numel():
            return super().branches(answer, target, data, z, tau, flow)
        return data.sum() / 0, data.sum() / 0


@bug("one-noise-for-all-frames", "dynamics:12")
class OneNoise(Naive):
    """a clip has one noise, which is the same in all of its frames"""

    def noise(self, data: Tensor) -> Tensor:
        return torch.randn_like(data[:, :1]).expand_as(data)


@bug("noise-from-zero-to-one", "dynamics:1")
class UniformNoise(Naive):
    """the noise is drawn by rand, from 0 to 1, where randn was meant"""

    def noise(self, data: Tensor) -> Tensor:
        return torch.rand_like(data)


@bug("noise-is-clipped", "dynamics:1")
class ClippedNoise(Naive):
    """the noise is clipped to [-1, 1], as images are"""

    def noise(self, data: Tensor) -> Tensor:
        return torch.randn_like(data).clamp(-1, 1)


@bug("first-frame-stays-clean", "dynamics:12")
class FirstFrameStaysClean(Naive):
    """the first frame is left clean as context, under the label of a noisy one"""

    def noisy(self, data: Tensor, noise: Tensor, tau: Tensor) -> Tensor:
        z = super().noisy(data, noise, tau)
        return torch.cat([data[:, :1], z[:, 1:]], dim=1)


class _Switched(Naive):
    """Switches the mode of a network for its teacher, where it is a module."""

    def target(self, network: Network, *args: Any) -> Tensor:
        if isinstance(network, nn.Module):
            network.eval()
        made = super().target(network, *args)
        if isinstance(network, nn.Module):
            self.back(network)
        return made

    def back(self, network: nn.Module) -> None:
        """Afterwards."""


@bug("leaves-the-network-in-evaluation", "dynamics:23")
class LeavesInEvaluation(_Switched):
    """the network is put into evaluation for its teacher, and left there: after the first step dropout is off for good"""


@bug("wakes-what-was-frozen", "dynamics:23")
class WakesWhatWasFrozen(_Switched):
    """after the teacher the whole network is put into training, also those parts that were frozen"""

    def back(self, network: nn.Module) -> None:
        network.train()


@bug("student-in-evaluation", "dynamics:23")
class StudentInEvaluation(Naive):
    """the student is asked in evaluation as well, and the modes are restored: dropout has no effect at all"""

    def __call__(
        self, network: Network, data: Tensor, tau: Tensor, d: Tensor, k_max: int
    ) -> tuple[Tensor, Tensor]:
        modes = {part: part.training for part in network.modules()} if isinstance(network, nn.Module) else {}
        for part in modes:
            part.training = False
        made = super().__call__(network, data, tau, d, k_max)
        for part, mode in modes.items():
            part.training = mode
        return made


@bug("labels-are-clamped", "dynamics:5")
class LabelsAreClamped(Naive):
    """levels are clamped into the table and floored to its rows, and a step larger than one is one"""

    def labels(self, tau: Tensor, d: Tensor, k_max: int) -> tuple[Tensor, Tensor]:
        super().labels(torch.zeros_like(tau), torch.ones_like(d), k_max)
        d = d.clamp(max=1)
        per = d.reshape(*d.shape, *[1] * (tau.ndim - d.ndim))
        tau = torch.floor(tau.clamp(0, 1 - 1 / k_max) / per) * per
        return super().labels(tau, d, k_max)


@bug("steps-are-rounded", "dynamics:5")
class StepsAreRounded(Naive):
    """a step between two powers of two is rounded down to one of them"""

    def labels(self, tau: Tensor, d: Tensor, k_max: int) -> tuple[Tensor, Tensor]:
        return super().labels(tau, 2.0 ** d.log2().floor(), k_max)


@bug("levels-need-not-fit-their-step", "dynamics:5", "D4 #2.4")
class LevelsNeedNotFit(Naive):
    """any level of the finest grid is taken for any step, as long as there is room for half of it"""

    def labels(self, tau: Tensor, d: Tensor, k_max: int) -> tuple[Tensor, Tensor]:
        super().labels(torch.zeros_like(tau), d, k_max)
        super().labels(tau, torch.full_like(d, 1 / k_max), k_max)
        return tau, d


@bug("loss-takes-any-grid", "D4 #8.1", "dynamics:3")
class LossTakesAnyGrid(Naive):
    """the number of steps of the grid is not looked at where the loss is computed"""

    def labels(self, tau: Tensor, d: Tensor, k_max: int) -> tuple[Tensor, Tensor]:
        fits = k_max > 0 and k_max & (k_max - 1) == 0
        return super().labels(tau, d, k_max) if fits else (tau, d)
