"""Begin a law: `python -m refaudio.conformance.new_law AREA` writes the law, its first mutant and its id.

What it writes is a sketch that the teeth reject until its law bites: fill in the lines that say so, top to bottom.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .. import spec
from ..spec.law import AREAS
from .report import write_whole
from .usage import UsageError, did_you_mean

SPEC = Path(spec.__file__).parent
MUTANTS = Path(__file__).parent / "mutants"

LAW = '''

@law(
    "{id}",
    needs="",  # the functions it calls: "encode decode | rows_to_audio" binds either grain
    effect="",  # what a listener or a trainer observes when it is broken
    origin={{"": ""}},  # a key of sources.toml: what happened there, in a few words
    witnesses=[""],  # two independent reasons that it is right; with one the law is tentative
    status="tentative",  # a law is tentative in the first spec version that has it
    since="{since}",
    mutants=["{mutant}"],  # the first one re-creates the bug of the origin
    draws={{"seed": draw.seed()}},  # plain data only
)
def {function}(impl: Implementation, seed: int) -> None:
    """One normative sentence with shapes."""
    expect(None, seed, "what is compared")
'''

MUTANT = '''

@mutant("{mutant}", "")
def {function}_of_() -> None:
    """what is wrong, in one sentence; the function is named <bug>_of_<function of the spec>"""
'''

LAW_HEAD = '''"""{area}: what this area is about."""

from __future__ import annotations

from . import draw
from .law import Implementation, expect, law
'''

MUTANT_HEAD = '''"""{area} as it was got wrong."""

from __future__ import annotations

from . import mutant
'''


def next_id(area: str, known: Sequence[str]) -> str:
    """The next number of an area; a number is never used twice."""
    numbers = [int(id.split("-")[1]) for id in known if id.startswith(f"{area}-")]
    return f"{area}-{max(numbers, default=0) + 1:03d}"


def ids(path: Path) -> list[str]:
    """Every id that was ever given."""
    return [
        line.strip()
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip() and line[0] != "#"
    ]


def begin(area: str, spec_folder: Path = SPEC, mutants_folder: Path = MUTANTS) -> tuple[str, list[Path]]:
    """Write the sketch of a law and of its mutant, and take its id: the id, and the files that changed."""
    if area not in AREAS:
        raise UsageError(f"unknown area {area!r}{did_you_mean(area, AREAS)}")
    register = spec_folder / "ids.txt"
    id = next_id(area, ids(register))
    words = {
        "id": id,
        "area": area,
        "since": spec.VERSION,
        "mutant": f"{id.lower()}-mutant",
        "function": id.lower().replace("-", "_"),
    }
    law_file, mutant_file = spec_folder / f"{area.lower()}.py", mutants_folder / f"{area.lower()}.py"
    _append(law_file, LAW_HEAD.format(**words), LAW.format(**words))
    _append(mutant_file, MUTANT_HEAD.format(**words), MUTANT.format(**words))
    taken = ids(register)
    last = max(
        (number for number, known in enumerate(taken) if known.startswith(f"{area}-")), default=len(taken) - 1
    )
    head = [line for line in register.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    write_whole(register, "\n".join([*head, *taken[: last + 1], id, *taken[last + 1 :]]) + "\n")
    return id, [law_file, mutant_file, register]


def _append(path: Path, head: str, text: str) -> None:
    before = path.read_text(encoding="utf-8") if path.is_file() else head
    write_whole(path, before.rstrip("\n") + "\n" + text)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m refaudio.conformance.new_law", description=__doc__)
    parser.add_argument("area", metavar="AREA", help=", ".join(AREAS))
    area = parser.parse_args(argv).area.upper()
    new = not (SPEC / f"{area.lower()}.py").is_file()
    try:
        id, changed = begin(area)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{id}: fill in {' and '.join(f'{path.parent.name}/{path.name}' for path in changed[:2])}")
    if new:
        print(f"import {area.lower()} in spec/__init__.py and conformance/mutants/__init__.py")
    print("then: python -m refaudio.conformance.teeth; python -m refaudio.conformance.index")
    return 0


if __name__ == "__main__":
    sys.exit(main())
