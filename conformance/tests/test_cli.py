"""Every error of the command line is one line that says what to type next: exit 2, no traceback, nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from refaudio.cli import main

ROOT = Path(__file__).parents[2]
ADAPTERS = {
    "a_fork": "def make_config(codebooks, delays):\n    return delays\n\n\nclass Model:\n    pass\n",
    "raises_on_import": "raise RuntimeError('no\\ncheckpoint')\n",
    "needs_kernels": "import missing_kernels.ops\n",
    "is_no_python": "def delay(\n",
    "quits_on_import": "import sys\n\nsys.exit(0)\n",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with adapters, where one stands."""
    for name, text in ADAPTERS.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("REFAUDIO_PROFILE", raising=False)
    yield tmp_path
    for name in ADAPTERS:
        sys.modules.pop(name, None)


def complaint(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line that a command which cannot be run answers with."""
    try:
        code: object = main(words)
    except SystemExit as stopped:
        code = stopped.code
    said = capsys.readouterr()
    assert (code, said.out) == (2, ""), said
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    return said.err


BAD_ADAPTERS = {
    "nowhere": "run from the folder that holds it, or install it",
    "nowhere.adapter": "no module 'nowhere'",
    "a_fork.adapter": "no module 'a_fork.adapter' here",
    "a_fork.py": "refaudio check a_fork\n",
    "./forks/dia.py": "refaudio check forks.dia\n",
    "a_fork:Modle": "a_fork has no 'Modle'; did you mean 'Model'?",
    "a_fork:Model.inner": "a_fork has no 'inner'",
    "raises_on_import": "RuntimeError: no checkpoint (",
    "needs_kernels": "refaudio.conformance.bind.stub_imports('missing_kernels')",
    "is_no_python": "SyntaxError",
    "quits_on_import": "quits_on_import",
    "": "adapter",
}


@pytest.mark.parametrize(("adapter", "says"), BAD_ADAPTERS.items())
def test_an_adapter_that_cannot_be_loaded(
    adapter: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert says in complaint(capsys, "check", adapter)


DECLARED = {
    "EOS = 'stagered'": "EOS='stagered' of adapter 'declares' must be one of 'staggered',",
    "EOS = {'codecml': 'none'}": "names the family 'codecml'; did you mean 'codeclm'?",
    "EOS = {'codeclm': 'nun'}": "EOS='nun' of adapter 'declares' must be one of",
    "IMPLEMENTATION = 'dia'": "IMPLEMENTATION='dia' of adapter 'declares' must be a dict",
    "NOT_CLAIMED = {'DELAY-0005': 'no'}": "did you mean 'DELAY-005'?",
    "NOT_CLAIMED = {5: 'no'}": "NOT_CLAIMED",
    "NOT_CLAIMED = {'DELAY-005': ''}": "must give a reason",
    "FAMILIES = ['codecml']": "did you mean 'codeclm'?",
    "FAMILIES = 5": "FAMILIES",
    "SIZES = {'codebook': [9]}": "did you mean 'codebooks'?",
    "SIZES = {'codebooks': 9}": "must be a list of the values that work",
    "SIZES = {'codebooks': ['nine']}": "SIZES",
    "SIZES = {'delays': [0, 1]}": "SIZES",
}


@pytest.mark.parametrize(("declares", "says"), DECLARED.items(), ids=DECLARED)
def test_a_declaration_with_a_slip(
    declares: str, says: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "declares.py").write_text(f"{ADAPTERS['a_fork']}\n\n{declares}\n")
    try:
        assert says in complaint(capsys, "check", "declares", "--profile", "quick")
    finally:
        sys.modules.pop("declares", None)


def test_an_error_in_an_adapter_is_named_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    said = complaint(capsys, "check", "raises_on_import")
    assert "raises_on_import.py:1); try: python -c 'import raises_on_import'\n" in said


BAD_WORDS = {
    "explain DELAY-02": "did you mean DELAY-0",
    "explain delay-002": "did you mean DELAY-002?",
    "explain TOKEN-999": "unknown law 'TOKEN-999'",
    "check a_fork --only DELAY-0002": "did you mean DELAY-002?",
    "check a_fork --profile quik": "did you mean 'quick'?",
    "check a_fork --device cudda": "did you mean 'cuda'?",
    "check a_fork --device cuda0": "unknown device 'cuda0'",
    "check a_fork --device tpu": "unknown device 'tpu'",
    "check a_fork --family DELEY": "did you mean 'DELAY'?",
    "check a_fork --family codecml": "did you mean 'codeclm'?",
    "check a_fork --colour": "--colour; try: refaudio",
    "check a_fork --random soon": "'soon'; try: refaudio check --help",
    "check": "required: adapter; try: refaudio check --help",
    "chekc a_fork": "did you mean 'check'?",
    "check a_fork --example {}": "add --only ID",
    "check a_fork --only DELAY-005 --example nonsense": "'nonsense' is no JSON",
    "check a_fork --only DELAY-005 --example [1]": "must be one JSON object",
    "check a_fork --only DELAY-005 --example {}": "must give codebooks, delays: got nothing",
    'check a_fork --only DELAY-005 --example {"delays":[0],"frames":2}': "got delays, frames",
    "check a_fork --expected nowhere.toml": "--write-expected nowhere.toml",
    "matrix nowhere.json": "refaudio check ADAPTER --json nowhere.json",
}


@pytest.mark.parametrize(("words", "says"), BAD_WORDS.items())
def test_a_command_that_cannot_be_run(words: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert says in complaint(capsys, *words.split())


KNOWN = '[[expected]]\nlaw = "DELAY-005"\nreason = "ours"\nexample = { codebooks = 2, delays = [0] }\n'
BAD_FILES = {
    'sepc = "2026.1"': "unknown key 'sepc'; did you mean 'spec'?",
    KNOWN.replace("reason", "raeson"): "unknown key 'raeson'; did you mean 'reason'?",
    KNOWN.replace('reason = "ours"\n', ""): "must give reason",
    KNOWN.replace("ours", ""): "must give reason",
    KNOWN.replace("DELAY-005", "DELAY-0005"): "did you mean 'DELAY-005'?",
    KNOWN.replace("codebooks", "books"): "must give codebooks, delays",
    KNOWN + 'when = "on tuesdays"': "must read like 'torch<2.9', 'cpu' or 'cuda'",
    "[claims]\nDELAY-0002 = 1.0": "did you mean 'DELAY-002'?",
    "spec = ": "is no valid TOML",
    # values of another type, or of another form, than what --write-expected writes
    'spec = "latest"': "spec",
    KNOWN + "when = 2.9": "when",
    KNOWN.replace("{ codebooks = 2, delays = [0] }", "2"): "example",
    '[claims]\nDELAY-005 = "all"': "DELAY-005",
    'claims = ["DELAY-005"]': "claims",
    "expected = 5": "expected",
    "# caf\N{LATIN SMALL LETTER E WITH ACUTE}": "utf-8",
}


@pytest.mark.parametrize(("text", "says"), BAD_FILES.items(), ids=BAD_FILES.values())
def test_a_file_of_expectations_with_a_slip(
    text: str, says: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "refaudio.toml").write_bytes(text.encode("latin-1"))
    said = complaint(capsys, "check", "a_fork", "--expected", "refaudio.toml", "--profile", "quick")
    assert says in said
    assert "refaudio.toml" in said


@pytest.mark.parametrize("option", ["--json", "--write-expected"])
def test_a_file_that_cannot_be_written_is_noticed_before_the_laws_run(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A thorough check takes long, and what it found would be lost."""
    said = complaint(capsys, "check", "a_fork", "--profile", "quick", option, "no/such/file")
    assert "no/such" in said
    assert ".partial" not in said


def test_a_file_of_expectations_that_cannot_be_rewritten_is_noticed_before_the_laws_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "refaudio.toml").write_text("spec = ")
    words = ["check", "a_fork", "--profile", "quick", "--write-expected", "refaudio.toml"]
    assert "is no valid TOML" in complaint(capsys, *words)


def test_a_missing_extra_is_named() -> None:
    code = (
        "import sys; sys.modules.update(hypothesis=None); from refaudio.cli import main\n"
        "print([main(words.split()) for words in ('check a_fork', 'explain DELAY-001', 'matrix a.json')])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout == "[2, 2, 2]\n", ran.stderr
    assert ran.stderr == 'error: hypothesis is not installed: pip install "refaudio[check]"\n' * 3


def test_a_reader_who_has_enough_hears_no_complaint() -> None:
    """`refaudio ... | head`"""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "refaudio", "explain", "DELAY-005"]
    run = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (run.returncode, run.stderr) == (128 + signal.SIGPIPE, b"")
