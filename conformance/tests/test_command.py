"""`command:` adapters: a stand-alone program held to the laws, and everything that a program can do wrong."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from programs import program, started

from refaudio.cli import main
from refaudio.conformance.check import check
from refaudio.conformance.command import load_command
from refaudio.conformance.load import load
from refaudio.conformance.process import ProgramFailed, ProgramHung
from refaudio.conformance.usage import UsageError

SOURCE = Path(__file__).parents[1] / "examples" / "port.c"
HELD = {"DELAY-001", "DELAY-002", "DELAY-003", "DELAY-004", "DELAY-008", "DELAY-009", "DELAY-013"}


@pytest.fixture(autouse=True)
def batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the folders of the batches are made; a test may look for what was left behind."""
    folder = tmp_path / "batches"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    return folder


def compiled(folder: Path, source: str) -> str:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    (folder / "port.c").write_text(source)
    strict = ["-O2", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    subprocess.run([compiler, *strict, "-o", "port", "port.c"], cwd=folder, check=True)
    return f"command:{shlex.quote(str(folder / 'port'))} {{op}} {{dir}}"


def busy(work: Callable[[], object]) -> float:
    """The seconds that processors spent on this, in this process and in those that it waited for."""
    before = os.times()
    work()
    return sum(os.times()[:4]) - sum(before[:4])


def test_a_program_in_c_is_held_to_a_hundred_cases_in_two_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TMPDIR")  # as a user would run it
    name = compiled(tmp_path, SOURCE.read_text())
    report = check(name)
    assert {result.id for result in report.results if result.status == "pass"} == HELD
    assert report.exit_code == 0
    assert all(report[id].cases >= 100 for id in HELD)
    slow = [
        id for id in HELD if report[id].seconds > 2
    ]  # the machine may be busy: then what it took in fact counts
    assert all(busy(lambda id=id: check(name, only=id)) < 2 for id in slow)
    assert report.as_json()["implementation"]["name"] == "port in C"
    assert report["DELAY-006"].reason == "no rows_to_audio"


def test_the_bug_of_a_program_is_named(tmp_path: Path) -> None:
    right = "complete = in.size[1] - 1 - largest(delays, count)"
    source = SOURCE.read_text().replace(right, "complete = in.size[1] - 1 - 30")
    assert right not in source
    result = check(compiled(tmp_path, source), only="DELAY-002", profile="quick")["DELAY-002"]
    assert result.status == "fail"
    assert result.example == {"delays": [0], "frames": 1, "batch": 1, "seed": 0, "keep": 0}
    assert [line.split(":")[0] for line in result.mutant] == ["behaves like mutant undelay-trims-thirty"]
    again = shlex.split(result.command)[1:]
    assert main(again) == 1


def test_status_3_declines_the_case_and_says_why(tmp_path: Path) -> None:
    source = SOURCE.read_text().replace('\\"none\\"', '\\"staggered\\"')
    result = check(compiled(tmp_path, source), only="DELAY-012", profile="quick")["DELAY-012"]
    assert (result.status, result.reason) == ("unclaimed", "the program gave status 3: rows never end here")


CONFIG = """
codebooks, delays = arguments
if codebooks != len(delays):
    (folder / "out.json").write_text(json.dumps("one delay a codebook"))
    return {misfit}
(folder / "out.json").write_text(json.dumps(delays))
return 0
"""


@pytest.mark.parametrize(("misfit", "status"), [(4, "pass"), (3, "unclaimed"), (1, "error"), (255, "error")])
def test_status_4_is_a_refusal_and_others_are_errors(tmp_path: Path, misfit: int, status: str) -> None:
    name = program(tmp_path, CONFIG.format(misfit=misfit), "make_config")
    result = check(name, only="DELAY-005", profile="quick")["DELAY-005"]
    assert result.status == status
    if status == "error":
        assert f"the program gave status {misfit}: one delay a codebook" in result.message


def test_one_process_serves_all_cases_of_a_round(tmp_path: Path) -> None:
    name = program(tmp_path, CONFIG.format(misfit=4), "make_config")
    assert check(name, only="DELAY-005")["DELAY-005"].status == "pass"
    assert started(tmp_path) == ["describe"] + ["make_config"] * 3


def test_a_law_that_hands_over_a_codec_or_an_iterator_is_unclaimed(tmp_path: Path) -> None:
    name = program(tmp_path, "return 0", "rows_to_audio", "stream")
    report = check(name, only=["DELAY-006", "DELAY-010"], profile="quick")
    assert [result.status for result in report.results] == ["unclaimed"] * 2
    assert report["DELAY-006"].reason == "rows_to_audio is handed a EchoCodec, which no file can hold"
    assert started(tmp_path) == ["describe"]


def test_what_seeds_python_is_not_bound(tmp_path: Path) -> None:
    adapter = load(program(tmp_path, "return 0", "seed_all", "noise", "nois_batch", "banana"))
    assert list(adapter.functions) == ["noise"]
    notes = "; ".join(adapter.notes)
    assert "'seed_all' is not bound" in notes
    assert "'nois_batch' is no function of the spec: did you mean 'noise_batch'?" in notes
    assert "'banana' is no function of the spec" in notes


NOISE = """
seed, index, shape = arguments
state = {state}
count = 1
for size in shape:
    count *= size
state = hash((seed, index, state))
values = [(state * 6364136223846793005 ** (i + 1) >> 33) % 2001 / 1000 - 1 for i in range(count)]
(folder / "out.safetensors").write_bytes(tensor("noise", "F32", shape, struct.pack(f"<{{count}}f", *values)))
return 0
"""


@pytest.mark.parametrize(("state", "status"), [("0", "pass"), ("number", "fail")])
def test_a_generator_that_runs_on_within_a_process_is_seen(tmp_path: Path, state: str, status: str) -> None:
    name = program(tmp_path, NOISE.format(state=state), "noise")
    case = {"seed": 0, "index": 1, "shape": [2]}
    assert check(name, only="SEED-003", example=case)["SEED-003"].status == status
    if status == "pass":
        assert check(name, only="SEED-003", profile="quick")["SEED-003"].status == status


def test_a_crash_is_an_error_of_the_one_case(tmp_path: Path, batches: Path) -> None:
    crash = "if codebooks == 9:\n    sys.stderr.write('no 9')\n    os.abort()\n"
    body = CONFIG.format(misfit=4).replace("if codebooks", crash + "if codebooks", 1)
    name = program(tmp_path, body, "make_config")
    result = check(name, only="DELAY-005")["DELAY-005"]
    assert result.status == "error"
    assert result.example is not None
    assert 9 in (result.example["codebooks"], len(result.example["delays"]))
    assert "the program ended with SIGABRT: no 9" in result.message
    assert "\n" not in result.message
    assert list(batches.iterdir()) == []


def test_an_exit_code_counts_even_when_all_calls_were_served(tmp_path: Path) -> None:
    body = "(folder / 'out.json').write_text('[0]')\n(folder / 'status').write_text('0')\nos._exit(9)"
    name = program(tmp_path, body, "pattern")
    with pytest.raises(ProgramFailed, match="exit code 9"):
        load(name).functions["pattern"]("dia")


def test_a_program_that_hangs_is_ended_and_not_shrunk(tmp_path: Path, batches: Path) -> None:
    body = "import subprocess\nsubprocess.Popen(['sleep', '777.25'])\ntime.sleep(777.25)"
    name = program(tmp_path, body, "make_config", seconds=0.5)
    report = check(name, only="DELAY-005")
    assert (report["DELAY-005"].status, report.exit_code) == ("error", 1)
    assert "ProgramHung: the program did not end within 0.5 s" in report["DELAY-005"].message
    assert started(tmp_path) == ["describe", "make_config"]
    assert list(batches.iterdir()) == []
    left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if b"777.25" in _bytes(path)]
    assert left == []


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it ended while we looked
        return b""


def test_after_three_hangs_a_program_is_left_alone(tmp_path: Path) -> None:
    pattern = load(program(tmp_path, "time.sleep(60)", "pattern", seconds=0.2)).functions["pattern"]
    for _ in range(5):
        with pytest.raises(ProgramHung):
            pattern("dia")
    assert started(tmp_path) == ["describe"] + ["pattern"] * 3


GARBAGE = {
    "return None": "the program wrote no status",
    "return 'done'": "the status 'done' is no number",
    "return '-1'": "the status '-1' is no number",
    "return 0": "neither out.json nor out.safetensors was written",
    "(folder / 'out.json').write_text('[0, 1'); return 0": "out.json is no JSON",
    "(folder / 'out.json').write_text('[NaN]'); return 0": "NaN is no number in JSON",
    "(folder / 'out.json').write_text('[' * 100000); return 0": "out.json is no JSON",
    "(folder / 'out.json').write_bytes(bytes([255, 0])); return 0": "out.json is no JSON",
    """(folder / 'out.json').write_text('{"tensor": "x"}'); return 0""": "out.json names tensor 'x'",
    """(folder / 'out.json').write_text('{"tensor": ["x"]}'); return 0""": "out.json names tensor ['x']",
    """(folder / 'out.json').write_text('{"float": {}}'); return 0""": "out.json holds the float {}",
    "(folder / 'out.json').symlink_to('/dev/zero'); return 0": "out.json cannot be read",
    "os.mkfifo(folder / 'out.json'); return 0": "out.json is no plain file",
    "(folder / 'out.json').mkdir(); return 0": "out.json is no plain file",
    "open(folder / 'out.json', 'w').truncate(2**41); return 0": "bytes: at most 1048576 are read",
    "open(folder / 'out.safetensors', 'w').truncate(2**41); return 0": "bytes: at most 16777216 are read",
    "(folder / 'out.safetensors').write_bytes(b''); return 0": "out.safetensors is no safetensors file",
    "(folder / 'out.safetensors').write_bytes(b'x' * 99); return 0": "out.safetensors is no safetensors file",
    "(folder / 'out.safetensors').write_bytes(tensor('x', 'I64', [2], b'x' * 16)[:-1]); return 0": "no safetensors file",
    "(folder / 'out.safetensors').write_bytes(tensor('x', 'I64', [3], b'x' * 16)); return 0": "no safetensors file",
    "(folder / 'out.safetensors').write_bytes(tensor('x', 'I65', [2], b'x' * 16)); return 0": "no safetensors file",
    "(folder / 'out.safetensors').write_bytes(tensor('x', 'C64', [2], b'x' * 16)); return 0": "has the dtype torch.complex64",
    "(folder / 'out.safetensors').write_bytes(struct.pack('<Q', 2**62) + b'{}'); return 0": "no safetensors file",
    "(folder / 'out.safetensors').write_bytes(struct.pack('<Q', 2) + b'{}'); return 0": "out.safetensors holds 0 tensors",
}  # fmt: skip


@pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_one_line(tmp_path: Path, batches: Path, body: str) -> None:
    pattern = load(program(tmp_path, body, "pattern")).functions["pattern"]
    with pytest.raises(ProgramFailed) as raised:
        pattern("dia")
    assert GARBAGE[body] in str(raised.value)
    assert "\n" not in str(raised.value)
    assert list(batches.iterdir()) == []


def test_a_program_may_warn(tmp_path: Path) -> None:
    body = (
        "(folder / 'warnings').write_text('too quiet\\n'); (folder / 'out.json').write_text('[0]'); return 0"
    )
    pattern = load(program(tmp_path, body, "pattern")).functions["pattern"]
    with pytest.warns(UserWarning, match="too quiet"):
        assert pattern("dia") == [0]


def test_sizes_conventions_and_reasons_are_declared(tmp_path: Path) -> None:
    declared = {
        "conventions": {"EOS": "one row"},
        "sizes": {"codebooks": [9]},
        "families": ["DELAY"],
        "not_claimed": {"DELAY-005": "patterns come from a registry"},
    }
    adapter = load(program(tmp_path, "return 3", "delay", "make_config", **declared))
    assert (adapter.conventions, adapter.sizes) == ({"EOS": "one row"}, {"codebooks": [9]})
    assert check(adapter, only="DELAY-005")["DELAY-005"].reason == "patterns come from a registry"


DESCRIBED = {
    "describes 'size'; did you mean 'sizes'?": {"size": {}},
    "functions='delay' of adapter": {"functions": "delay"},
    "functions=['a b'] of adapter": {"functions": ["a b"]},
    "offers nothing": {"functions": []},
    "declares 'EOF'; did you mean 'EOS'?": {"conventions": {"EOF": "none"}},
    "EOS='never' of adapter": {"conventions": {"EOS": "never"}},
    "SIZES of adapter": {"sizes": {"codebook": [9]}},
    "unknown family 'DELAYS'": {"families": ["DELAYS"]},
    "families=[9] of adapter": {"families": [9]},
    "seconds=-1 of adapter": {"seconds": -1},
    "names the unknown law 'DELAY-01'": {"not_claimed": {"DELAY-01": "why"}},
}


@pytest.mark.parametrize("says", DESCRIBED)
def test_a_wrong_description_is_one_line_and_exit_code_2(
    tmp_path: Path, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    described = {"functions": ["delay"], **DESCRIBED[says]}
    name = program(tmp_path, "return 0", **described)
    assert main(["check", name]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("command:", "must name a program, {op} and {dir}; try: refaudio check 'command:./port {op} {dir}'"),
        ("command:./port {op}", "must name a program, {op} and {dir}"),
        ("command:{op} {dir}", "must name a program, {op} and {dir}"),
        ("command:./port {op} '{dir}", "cannot be split into words: No closing quotation"),
        ("command:./missing {op} {dir}", "cannot run './missing': No such file or directory"),
        ("command:/etc/passwd {op} {dir}", "cannot run '/etc/passwd': Permission denied"),
        ("command:false {op} {dir}", "does not describe itself: the program ended with exit code 1"),
        ("command:true {op} {dir}", "wrote no status; try: mkdir -p d/0001; true describe d; cat d/0001/out.json"),
    ],
)  # fmt: skip
def test_a_command_that_cannot_work_is_one_line_and_exit_code_2(
    name: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", name]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def test_describing_has_a_time_out_of_its_own(tmp_path: Path) -> None:
    script = tmp_path / "sleeper.py"
    script.write_text("import time; time.sleep(60)")
    with pytest.raises(UsageError, match=r"does not describe itself: the program did not end within 0\.3 s"):
        load_command(f"command:{sys.executable} {script} {{op}} {{dir}}", seconds=0.3)


def test_there_is_no_shell(tmp_path: Path) -> None:
    name = program(
        tmp_path, "(folder / 'out.json').write_text(json.dumps(sys.argv[3:])); return 0", "pattern"
    )
    got = load(f"{name} ; touch {tmp_path}/made $HOME").functions["pattern"]("dia")
    assert got == [";", "touch", f"{tmp_path}/made", "$HOME"]
    assert not (tmp_path / "made").exists()


def test_a_thousand_values_cross_unharmed(tmp_path: Path) -> None:
    echo = "import shutil\n(folder / 'out.json').write_text(json.dumps(arguments))\n" \
        "if (folder / 'in.safetensors').exists(): shutil.copy(folder / 'in.safetensors', folder / 'out.safetensors')\n" \
        "return 0"  # fmt: skip
    pattern = load(program(tmp_path, echo, "pattern")).functions["pattern"]
    generator = torch.Generator().manual_seed(0)
    numbers = torch.randn(2, 3, 4, generator=generator)
    tensors = [
        numbers.to(dtype)
        for dtype in (torch.bool, torch.uint8, torch.int8, torch.int64, torch.float16, torch.bfloat16, torch.float64)
    ]  # fmt: skip
    tensors += [numbers.transpose(0, 2), numbers[:0], numbers[0, 0, 0], numbers.expand(5, 2, 3, 4)]
    plain = [2**70, -1, 0.1, True, None, "a\nb", float("inf"), {"of": [1.5]}]
    got = pattern(*tensors, plain)
    for sent, back in zip([*tensors, plain], got, strict=True):
        if isinstance(sent, torch.Tensor):
            assert (back.dtype, back.shape) == (sent.dtype, sent.shape)
            assert torch.equal(back, sent)
        else:
            assert back == sent
