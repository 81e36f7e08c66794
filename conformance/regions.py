"""How often the cases of each law reach its named regions: a region that is never reached proves nothing.

`python -m refaudio.conformance.regions` prints the counts, and exits 1 on a zero.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ..spec.law import LAWS, Law
from .cases import PROFILES, draw, examples


def counts(law: Law, profile: str) -> tuple[int, dict[str, int]]:
    """How many cases a law draws, and how many of them lie in each of its regions."""
    cases = draw(law, examples(law, profile))
    return len(cases), {name: sum(map(inside, cases)) for name, inside in law.regions.items()}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m refaudio.conformance.regions", description=__doc__)
    parser.add_argument("--profile", default="default", choices=list(PROFILES))
    options = parser.parse_args(argv)
    empty = []
    for law in LAWS.values():
        total, reached = counts(law, options.profile)
        print(f"{law.id} {total} cases: " + ", ".join(f"{name} {count}" for name, count in reached.items()))
        empty += [f"{law.id}: {name}" for name, count in reached.items() if not count]
    for region in empty:
        print(f"error: never reached: {region}")
    return 1 if empty else 0


if __name__ == "__main__":
    sys.exit(main())
