"""The order of each solver on a mixture of Gaussians, ours beside those of the peers that are installed.

`python -m refaudio.benchmarks.orders [--json FILE]`: the error in float64 against the closed form, the map of quantiles,
on equal steps; and how far our DPM-Solver++ 3M-SDE is from k-diffusion's on the same noise.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from refaudio import flow
from refaudio.conformance.adapter import Adapter
from refaudio.conformance.load import load
from refaudio.conformance.run import Bound
from refaudio.conformance.usage import UsageError
from refaudio.spec.oracles_flow import Gaussian
from refaudio.spec.scripts_solve import Ideal, Language, language, levels_of, run, state
from refaudio.spec.solve_order import MIXTURES, ORDERS, quantiles

REFERENCE = "refaudio.conformance.adapters.reference"
PEERS = [
    "diffusers_flow_match",
    "flow_matching",
    "k_diffusion",
]  # the last stubs what it lacks, where others would look


def adapters() -> dict[str, Adapter]:
    """Ours, and those of the peers that can be imported here."""
    found = {"refaudio": load(REFERENCE)}
    for peer in PEERS:
        try:
            found[peer] = load(f"refaudio.conformance.adapters.peers.{peer}")
        except UsageError:
            continue
    return {name: adapter for name, adapter in found.items() if "integrate" in adapter.functions}


def order(adapter: Adapter, method: str) -> float | None:
    """The least order over the mixtures, or None where the implementation does not know the method."""
    if method not in adapter.sizes.get("method", [method]):
        return None
    _, few, many = ORDERS[method]
    impl, x = Bound(adapter, ["integrate"], area="SOLVE"), quantiles(48)
    speaks = language(impl, method)
    alpha, sigma = (float(part) for part in speaks.path(torch.tensor(speaks.start, dtype=torch.float64)))
    orders = []
    for mixture in MIXTURES:
        want = mixture.end(x, alpha, sigma)
        errors = []
        for steps in few, many:
            got = run(impl, Ideal(speaks, mixture), x.clone(), levels_of([1] * steps, speaks.start), method)
            errors.append(float((got.to(torch.float64) - want).norm()))
        orders.append(math.log(errors[0] / errors[1]) / math.log(many / few))
    return min(orders)


def three_m_sde(steps: Sequence[int] = (2, 3, 5, 20)) -> dict[str, float] | None:
    """The largest difference between our 3M-SDE and k-diffusion's, from the same noise at every step, in float64."""
    try:
        load("refaudio.conformance.adapters.peers.k_diffusion")  # with what stands in for its other imports
        from k_diffusion import external, sampling
    except (ImportError, UsageError):
        return None
    found = {}
    for count in steps:
        x = state(0, 2, 3, 5, torch.float64)
        levels = torch.tensor(levels_of([1] * count, 0.95), dtype=torch.float64)
        network = Ideal(Language("data at 0", "v"), Gaussian(0.5, 0.75))
        ours = flow.solve(network, x, levels, flow.V, "dpmpp-3m-sde", generator=7)
        fresh = _same_noise(7, x)
        sigmas = torch.tan(levels * math.pi / 2)
        start = x / torch.cos(levels[0] * math.pi / 2)
        theirs = sampling.sample_dpmpp_3m_sde(
            external.VDenoiser(network),
            start,
            sigmas,
            disable=True,
            noise_sampler=lambda *at, fresh=fresh: fresh(),
        )
        found[str(count)] = float((ours - theirs).abs().max())
    return found


def _same_noise(seed: int, x: Tensor) -> Callable[[], Tensor]:
    """What our solver draws from this seed, step by step."""
    from refaudio.flow.noise import Noise

    return Noise(seed, x).draw


def machine() -> dict[str, str]:
    """Where this was measured."""
    return {
        "machine": f"{platform.machine()}, {platform.system()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m refaudio.benchmarks.orders", description=__doc__)
    parser.add_argument("--json", type=Path, help="write what was measured")
    options = parser.parse_args(argv)
    found = adapters()
    names = {name: f"{name} {each.implementation.get('version', '')}".strip() for name, each in found.items()}
    table: dict[str, dict[str, Any]] = {}
    print(" | ".join(["method", "least", *names.values()]))
    for method, (least, few, many) in ORDERS.items():
        orders = {names[name]: order(adapter, method) for name, adapter in found.items()}
        table[method] = {"least": least, "steps": [few, many], "orders": orders}
        print(" | ".join([f"{method} ({few} to {many} steps)", str(least), *map(_shown, orders.values())]))
    apart = three_m_sde()
    if apart is not None:
        print("dpmpp-3m-sde, largest difference from k-diffusion by steps:", apart)
    print(machine())
    if options.json:
        said = {"machine": machine(), "orders": table, "3m-sde from k-diffusion": apart}
        options.json.write_text(json.dumps(said, indent=1) + "\n")
    ours = {method: row["orders"][names["refaudio"]] for method, row in table.items()}
    return int(any(ours[method] < row["least"] for method, row in table.items()))


def _shown(order: float | None) -> str:
    return "-" if order is None else f"{order:.2f}"


if __name__ == "__main__":
    sys.exit(main())
