"""`python -m refaudio.benchmarks.first codeclm`: how fast the first family is, beside the libraries people use today.

Each part times its arms in one rotation (interleave.py) and gives rows; they are printed, and written with the machine and
the versions to benchmarks/results/. What cannot be measured here is a row that says so, never a missing one.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from refaudio import __version__

HERE = "refaudio.benchmarks"
SUBJECTS = {"codeclm": ("first_codeclm", "first_dac")}
RESULTS = Path(__file__).parent / "results"
PACKAGES = ("transformers", "descript-audio-codec", "descript-audiotools", "numpy")
Row = Mapping[str, object]


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    cpu = platform.processor() or platform.machine()
    if (info := Path("/proc/cpuinfo")).exists():
        names = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line
        ]
        cpu = names[0] if names else cpu
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": f"{platform.system()} {platform.release()}",
    }


def versions() -> dict[str, str]:
    """Of Python, of torch, of refaudio, and of what it was compared with."""
    found = {"python": platform.python_version(), "torch": torch.__version__, "refaudio": __version__}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def rows(subject: str) -> Iterator[Row]:
    """The rows of every part of a subject."""
    for part in SUBJECTS[subject]:
        try:
            measured = importlib.import_module(f"{HERE}.{part}").rows()
            yield from measured
        except ImportError as missing:
            yield {"workload": part, "implementation": "", "unclaimed": " ".join(str(missing).split())}


def shown(row: Row) -> str:
    """One row as a line of the table."""
    head = f"{row['workload']!s:<52} {row['implementation']!s:<22}"
    if "unclaimed" in row:
        return f"{head} unclaimed: {row['unclaimed']}"
    seconds = float(str(row["seconds"]))
    rest = " ".join(f"{name} {value}" for name, value in row.items() if name not in _OWN)
    ratio, control = (
        f"{float(str(row[name])):6.2f}" if name in row else "     -" for name in ("ratio", "control")
    )
    return f"{head} {1e3 * seconds:10.2f} ms  x ours {ratio}  control {control}  {rest}".rstrip()


_OWN = ("workload", "implementation", "seconds", "ratio", "control", "unclaimed")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog=f"python -m {HERE}.first", description=__doc__)
    parser.add_argument("subject", choices=list(SUBJECTS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--json", type=Path, help="where the rows go; default benchmarks/results/first-SUBJECT.json"
    )
    options = parser.parse_args(argv)
    torch.set_num_threads(options.threads)
    measured = []
    for row in rows(options.subject):
        measured.append(dict(row))
        print(shown(row), flush=True)
    path = options.json or RESULTS / f"first-{options.subject}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {"subject": options.subject, "machine": machine(), "versions": versions(), "rows": measured}
    path.write_text(json.dumps(told, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
