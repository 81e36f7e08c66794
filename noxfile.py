"""Every check of this repository, each in an environment of its own: `python -m nox --list` names them."""

from __future__ import annotations

import json
import re
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

import nox

ROOT = Path(__file__).resolve().parent
PINS = ROOT / "constraints.txt"
PEER_PINS = ROOT / "constraints-peers.txt"
REFERENCE = "refaudio.conformance.adapters.reference"

nox.options.default_venv_backend = "venv"
nox.options.error_on_external_run = True
nox.options.reuse_venv = "no"
nox.options.sessions = ["mutants", "tests", "package", "style"]
nox.options.stop_on_first_error = True


def install(session: nox.Session, *what: str, pins: Path = PINS) -> None:
    """Install under the pins, without bytecode: for torch alone that is 15 s of 23 (measured)."""
    session.install("--no-compile", "-c", str(pins), *what)


@nox.session
def conformance(session: nox.Session) -> None:
    """The main job: the spec against refaudio itself, without exceptions; then the pages about it are fresh."""
    install(session, "-e", ".[check]")
    report = Path(session.create_tmp(), "report.json")
    session.run("refaudio", "check", REFERENCE, "--json", str(report))
    counts = json.loads(report.read_text())["summary"]
    excepted = {status for status, count in counts.items() if count} - {"laws", "pass", "tentative"}
    if excepted:
        session.error(f"refaudio has no exceptions among the laws of its families, but: {sorted(excepted)}")
    session.run("refaudio", "matrix", str(report))
    session.run("python", "-m", "refaudio.conformance.index", "--check")
    session.run("python", "-m", "refaudio.conformance.matrix", "--check")
    session.run("python", "-m", "refaudio.conformance.parity", "--check")


@nox.session
def mutants(session: nox.Session) -> None:
    """The teeth: each law kills, each mutant dies, no comparison is idle, and every named region is reached."""
    install(session, "-e", ".[check]")
    session.run("python", "-m", "refaudio.conformance.teeth", "--check")
    session.run("python", "-m", "refaudio.conformance.regions")


@nox.session
def power(session: nox.Session) -> None:
    """How many cases a law needs to kill each of its mutants, over 20 seeds: minutes, and no part of CI."""
    install(session, "-e", ".[check]")
    session.run("python", "-m", "refaudio.conformance.power", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """The engine's own tests, with the shapes and types of refaudio checked at every call."""
    install(session, "-e", ".[test,models]")  # models: DAC is held to the laws over transformers
    alone = {"OMP_NUM_THREADS": "1"}  # a core each: two workers with two threads each wait for one another
    session.run("pytest", "-n", "auto", "--dist", "loadfile", *session.posargs, env=alone)


@nox.session
def package(session: nox.Session) -> None:
    """Wheel and sdist hold what git tracks; the wheel works far from here, with the laws of the checkout."""
    install(session, "hatchling")
    with tempfile.TemporaryDirectory() as home:
        wheel = build(session, Path(home))
        python = str(Path(home, "env", "bin", "python"))
        session.run("python", "-m", "venv", str(Path(home, "env")))
        pip = (python, "-m", "pip", "install", "-q", "--no-compile", "-c", str(PINS))
        session.run(*pip, f"{wheel}[check]", external=True)
        session.chdir(home)
        check_from_outside(session, python)
        same_laws_everywhere(session, python)


def build(session: nox.Session, home: Path) -> Path:
    """Build sdist and wheel, and the wheel again from the sdist; compare their files with git's; give the wheel."""
    session.run("hatchling", "build", "-d", str(home / "dist"))
    (wheel,) = (home / "dist").glob("*.whl")
    (sdist,) = (home / "dist").glob("*.tar.gz")
    session.run("python", "-m", "tarfile", "-e", str(sdist), str(home / "sdist"))
    (unpacked,) = (home / "sdist").iterdir()
    with session.chdir(unpacked):
        session.run("hatchling", "build", "-t", "wheel", "-d", str(home / "again"))
    if contents(wheel) != contents(home / "again" / wheel.name):
        session.error("the wheel built from the sdist differs from the wheel built from the checkout")

    listing = session.run("git", "ls-files", external=True, silent=True).splitlines()
    tracked = [f for f in listing if f.startswith(("refaudio/", "spec/", "conformance/", "benchmarks/"))]
    info = "-".join(wheel.name.split("-")[:2]) + ".dist-info/"
    files = {name for name in contents(wheel) if not name.startswith(info)}
    compare(session, "wheel", files, {place for f in tracked if (place := in_a_wheel(f))})
    files = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    around = {".gitignore", "LICENSE", "PKG-INFO", "README.md", "hatch_build.py", "pyproject.toml"}
    compare(session, "sdist", files, around.union(tracked))
    return wheel


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def in_a_wheel(tracked: str) -> str | None:
    """Where a tracked file lies in the wheel; said here a second time, as the witness of hatch_build.py."""
    path = PurePosixPath(tracked)
    if path.parts[0] == "refaudio":
        return tracked
    at_home = path.suffix == ".md" or {"tests", "examples", "findings", "results"}.intersection(path.parts)
    return None if at_home else f"refaudio/{tracked}"


def compare(session: nox.Session, kind: str, got: set[str], want: set[str]) -> None:
    if got != want:
        session.error(f"{kind}: unknown to git: {sorted(got - want)}; left out: {sorted(want - got)}")


def check_from_outside(session: nox.Session, python: str) -> None:
    """The spec runs from the wheel, and bites: the README's adapter fails as the README says, under -O too."""
    readme = (ROOT / "README.md").read_text()
    adapter, failure = (
        re.findall(rf"```{kind}\n(.*?)```", readme, re.DOTALL)[0] for kind in ("python", "text")
    )
    Path("fork.py").write_text(adapter)
    for optimized in [], ["-O"]:
        check = (python, *optimized, "-m", "refaudio", "check")
        session.run(*check, REFERENCE, "--profile", "quick", external=True)
        said = session.run(*check, "fork", external=True, silent=True, success_codes=[1])
        if unsaid := [line for line in failure.splitlines() if line.strip() not in said]:
            session.error(f"the README promises {unsaid}, and refaudio check says:\n{said}")


def same_laws_everywhere(session: nox.Session, python: str) -> None:
    """The register of laws is the same from the wheel, an editable install and a bare checkout."""
    ask = (
        "import refaudio.benchmarks, refaudio.conformance, refaudio.spec as spec\n"
        "print(spec.__file__, *(f'{law.id} {law.title}' for law in spec.LAWS.values()), sep='\\n')"
    )

    def laws(home: Path) -> list[str]:
        where, *found = session.run(python, "-c", ask, external=True, silent=True).splitlines()
        if not found or not Path(where).is_relative_to(home):
            session.error(f"{len(found)} laws came from {where}, not from {home}")
        return found

    wheel = laws(Path(python).parents[1])
    session.run(python, "-m", "pip", "install", "-q", "--no-deps", "-e", str(ROOT), external=True)
    editable = laws(ROOT)
    session.run(python, "-m", "pip", "uninstall", "-q", "-y", "refaudio", external=True)
    session.chdir(ROOT)
    bare = laws(ROOT)
    if not wheel == editable == bare:
        session.error(f"the laws differ: wheel {wheel}, editable {editable}, bare checkout {bare}")


@nox.session
def style(session: nox.Session) -> None:
    """Format, lint, and strict types on the built wheel: only there does mypy see refaudio.spec."""
    install(session, ".[test,bench]", "mypy", "ruff", "tomli")  # tomli: types are checked as of 3.10
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    for file in sorted(Path("spec").rglob("*.py")):
        if re.search(r"\brefaudio\b", file.read_text(), flags=re.IGNORECASE):
            session.error(f"{file} names refaudio: a law speaks only to the implementation it is handed")
    session.chdir(session.create_tmp())  # in the checkout mypy would read the checkout
    session.run("mypy", "--config-file", str(ROOT / "pyproject.toml"), "-p", "refaudio")


@nox.session
def peers(session: nox.Session) -> None:
    """Other people's code: run its adapters and findings; rewrites conformance/results/ and MATRIX.md."""
    install_peers(session, "check")
    for adapter in sorted(Path("conformance/adapters/peers").glob("[!_]*.py")):
        check_peer(session, adapter)
    session.run("python", "-m", "refaudio.conformance.matrix")
    for script in sorted(Path("conformance/findings").glob("*.py")):
        session.run("python", str(script))


def check_peer(session: nox.Session, adapter: Path) -> None:
    """Hold a peer to its known failures and keep the report; what is not installed keeps the report it has."""
    report = Path(session.create_tmp(), f"{adapter.stem}.json")
    report.unlink(missing_ok=True)
    known = adapter.with_suffix(".toml")
    expected = ("--expected", str(known)) if known.exists() else ()
    name = f"refaudio.conformance.adapters.peers.{adapter.stem}"
    session.run("refaudio", "check", name, *expected, "--json", str(report), success_codes=[0, 2])
    if report.exists():
        report.replace(Path("conformance/results", report.name))
    else:
        session.warn(f"{adapter.stem} is unavailable here")


@nox.session
def parity(session: nox.Session) -> None:
    """Our models beside other people's, on the same weights; rewrites conformance/PARITY.md."""
    install_peers(session, "check,models")
    session.run("python", "-m", "refaudio.conformance.parity", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Speed: ours beside the installed peers, interleaved; without addopts, whose type checks cost time."""
    install_peers(session, "check,bench")
    session.run("pytest", "-o", "addopts=", "benchmarks", *session.posargs)


# All that its world model imports, but torchvision, which wants a torch of its own.
DREAMER4_NEEDS = (
    "accelerate adam-atan2-pytorch assoc-scan beartype discrete-continuous-embed-readout einx frozendict "
    "h-net-dynamic-chunking hl-gauss-pytorch loguru memmap-replay-buffer PoPE-pytorch torch-einops-utils "
    "vector-quantize-pytorch vit-pytorch x-mlps-pytorch x-transformers"
)


def install_peers(session: nox.Session, extras: str) -> None:
    """Install refaudio and, under their own pins, the libraries of conformance/adapters/peers; some may be missing."""
    install(session, "-e", f".[{extras},peers]", pins=PEER_PINS)
    alone = (
        "audiocraft",
        "moshi",
        "descript-audiotools",
        "descript-audio-codec",
        "torchcodec",
        "dreamer4",
        *DREAMER4_NEEDS.split(),
        "k-diffusion",
    )  # each pins what no adapter needs of it
    for peer in alone:
        session.install("--no-compile", "--no-deps", "-c", str(PEER_PINS), peer, success_codes=[0, 1])
