"""refaudio scan: every pattern finds its bug and passes the innocent line beside it, and no file stops it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from refaudio.conformance import scan as scanner
from refaudio.conformance.scan import laws_by_key, python_files, scan, suspicions
from refaudio.conformance.scan_patterns import PATTERNS

# For each pattern: what it finds, and the nearest lines that are right.
GUILTY: dict[str, list[str]] = {
    "peak-division": [
        "def f(x):\n    return x / x.abs().max()",
        "def f(x):\n    peak = np.max(np.abs(x))\n    x /= peak\n    return x",
        "y = torch.clamp(audio / torch.max(torch.abs(audio)), -1, 1)",
    ],
    "trim-thirty": ["codes = codes[:, :-30]", "generate(x, extra_steps_after_eos=30)", "trim_frames = 30"],
    "slice-to-minus-n": ["def f(x, max_delay):\n    return x[:, :-max_delay]", "y = x[..., : -self.pad]"],
    "not-strict": ["model.load_state_dict(state, strict=False)", "load_model(\n    m,\n    strict=False,\n)"],
    "silent-except": [
        "try:\n    model.load_state_dict(s)\nexcept Exception:\n    pass",
        "try:\n    encoder.requires_grad_(False)\nexcept:  # old torch\n    pass",
        "for f in files:\n    try:\n        x = load_audio(f)\n    except Exception as e:\n        print(e)",
    ],
    "random-fallback": [
        "try:\n    m = load(p)\nexcept Exception:\n    print('using random weights')\n    m = Model()",
    ],
    "unpickles": ["s = torch.load(path)", "s = torch.load(path, weights_only=False)"],
    "string-sorted": ["for key in sorted(state_dict.keys()):\n    print(key)", "keys = sorted(k for k in ckpt if 'embed' in k)"],
    "guessed-layout": ["if audio.shape[0] < audio.shape[1]:\n    audio = audio.T", "flip = x.size(0) > x.size(1)"],
    "cast-without-clip": ["pcm = (audio * 32767).astype(np.int16)", "y = x * 32767\npcm = y.to(torch.int16)"],
    "alarm": ["signal.alarm(30)", "signal.setitimer(signal.ITIMER_REAL, 3)"],
    "speed-by-len": [
        "def f(audio, s):\n    n = int(len(audio) / s)\n    return np.interp(np.linspace(0, 1, n), grid, audio)",
    ],
    "first-two-channels": ["if wav.shape[0] > 2:\n    wav = wav[:2]", "if x.size(0) > 2:\n    # stereo\n    x = x[:2, :]"],
    "bare-squeeze": ["y = dac.decode(z).squeeze()", "sf.write(p, audio.cpu().squeeze().numpy(), r)"],
    "fixed-rate": ["def f(self, x):\n    sf.write(p, x, 44100)\n    return self.config.sample_rate"],
    "xavier-on-kernel": [
        "class D(nn.Module):\n    def __init__(self):\n        self.weight = nn.Parameter(torch.empty(8, 2, 4))\n"
        "        nn.init.xavier_uniform_(self.weight)",
        "def init(m):\n    if isinstance(m, DenseGeneral):\n        nn.init.xavier_uniform_(m.weight)",
    ],
    "guidance-above-one": ["if cfg_scale > 1:\n    v = two_passes()", "use_cfg = self.guidance_scale > 1.0"],
    "seed-plus-rank": ["np.random.seed(seed + rank)", "seed_everything(args.seed + dist.get_rank())"],
    "divided-loss": [
        "if loss / accum_steps < threshold:\n    stop()",
        "def f():\n    loss = loss / args.grad_accum\n    if loss.item() < t:\n        return True",
    ],
    "empty-selection": ["loss = F.cross_entropy(logits[mask], targets[mask])", "l = F.cross_entropy(\n    a[valid],\n    b[valid])"],
    "batch-dropout": ["if random.random() < self.uncond_prob:\n    text = None", "drop = random.random() < cfg_dropout"],
    "points-for-steps": ["t = torch.linspace(0, 1, steps)", "t = torch.linspace(1.0, 0.0, self.num_steps, device=d)"],
    "clamped-half-step": ["mid = torch.clamp(tau - d / 2, min=0)", "mid = (tau - half).clamp(min=0.0)"],
    "floored-log": ["n = int(math.log2(k_max)) + 1"],
}  # fmt: skip
INNOCENT: dict[str, list[str]] = {
    "peak-division": [
        "def f(x):\n    return x / (x.abs().max() + 1e-8)",
        "def f(x):\n    return x / max(x.abs().max(), 1e-8)",
        "def f(x):\n    peak = x.abs().max()\n    if peak > 1e-4:\n        x = x / peak\n    return x",
        "scale = amax.clamp(min=1e-6)\ny = x.abs() / scale.max()",
    ],
    "trim-thirty": ["codes = codes[:, :-3]", "x = y[-30:]", "lines = text[:30]", "epochs = 30"],
    "slice-to-minus-n": [
        "def f(x, max_delay):\n    return x[:, : x.shape[1] - max_delay]",
        "def f(x, pad):\n    return x[:, :-pad] if pad else x",
        "pad = 3\ny = x[:-pad]",
        "y = x[:-1]",
    ],
    "not-strict": ["for a, b in zip(loads, loaded, strict=False):\n    pass", "model.load_state_dict(state, strict=True)"],
    "silent-except": [
        "try:\n    model.load_state_dict(s)\nexcept KeyError as e:\n    raise ValueError(p) from e",
        "try:\n    os.remove(load_lock)\nexcept FileNotFoundError:\n    pass",
        "try:\n    x = loader()\nexcept ImportError:\n    pass",
    ],
    "random-fallback": [
        "try:\n    m = load(p)\nexcept Exception as e:\n    print('refusing random weights')\n    raise",
        "print('starting from random weights')",
    ],
    "unpickles": ["s = torch.load(path, weights_only=True)", "s = numpy.load(path)"],
    "string-sorted": ["keys = sorted(state_dict, key=number)", "names = sorted(files)"],
    "guessed-layout": ["if audio.shape[0] < other.shape[1]:\n    stop()", "square = x.shape[0] == x.shape[1]"],
    "cast-without-clip": [
        "pcm = (np.clip(audio, -1, 1) * 32767).astype(np.int16)",
        "x = x.clamp(-1, 1)\npcm = (x * 32767).to(torch.int16)",
        "ids = ids.astype(np.int16)",
    ],
    "alarm": ["signal.signal(signal.SIGTERM, stop)", "self.alarm(3)"],
    "speed-by-len": ["def f(x, s):\n    n = int(x.shape[-1] / s)\n    return np.interp(np.linspace(0, 1, n), grid, x)"],
    "first-two-channels": [
        "if wav.shape[0] > 2:\n    raise ValueError('channels')\nwav = wav[:2]",
        "if wav.ndim > 2:\n    wav = wav[:2]",
    ],
    "bare-squeeze": ["y = dac.decode(z).squeeze(1)", "y = mask.squeeze()"],
    "fixed-rate": ["DEFAULT = 44100\n\ndef f(c):\n    return c.sample_rate", "def f(sample_rate=44100):\n    return 1"],
    "xavier-on-kernel": [
        "class D(nn.Module):\n    def __init__(self):\n        self.weight = nn.Parameter(torch.empty(8, 2))\n"
        "        nn.init.xavier_uniform_(self.weight)",
    ],
    "guidance-above-one": ["if cfg_scale != 1:\n    v = two_passes()", "if scale > 1:\n    zoom()", "if cfg_scale > 10:\n    warn()"],
    "seed-plus-rank": ["seed_all(seed, rank)", "np.random.seed(seed + 1)  # rank 0"],
    "divided-loss": ["if loss < threshold:\n    (loss / accum).backward()", "loss = loss / accum\nloss.backward()"],
    "empty-selection": [
        "if mask.any():\n    loss = F.cross_entropy(logits[mask], targets[mask])",
        "loss = F.cross_entropy(logits.view(-1, V), targets.view(-1))",
        "l = F.cross_entropy(logits[0], targets[0])",
    ],
    "batch-dropout": ["drop = torch.rand(batch) < self.uncond_prob", "if random.random() < 0.5:\n    flip()"],
    "points-for-steps": ["t = torch.linspace(0, 1, steps + 1)", "t = torch.linspace(0, 10, steps)"],
    "clamped-half-step": ["tau = torch.clamp(tau, 0, 1)", "mid = tau - d / 2\nx = y.clamp(min=0)"],
    "floored-log": ["n = k_max.bit_length()", "n = int(math.log2(width))"],
}  # fmt: skip


def names(code: str) -> list[str]:
    return [found.name for _, found in suspicions(code.encode())]


def test_every_pattern_is_tested() -> None:
    assert sorted(GUILTY) == sorted(INNOCENT) == sorted(each.name for each in PATTERNS)
    assert len(PATTERNS) >= 20


@pytest.mark.parametrize(("name", "code"), [(name, code) for name, codes in GUILTY.items() for code in codes])
def test_the_bug_is_found(name: str, code: str) -> None:
    assert name in names(code)
    inside = "import torch\n\n\nclass A:\n    @wraps(f)\n    def run(self):\n" + textwrap.indent(
        code, " " * 8
    )
    assert name in names(inside), "in a method as at the top"


@pytest.mark.parametrize(
    ("name", "code"), [(name, code) for name, codes in INNOCENT.items() for code in codes]
)
def test_the_innocent_neighbour_passes(name: str, code: str) -> None:
    assert name not in names(code)


def test_prose_is_no_code() -> None:
    """What a docstring or a comment warns of is not done there."""
    warned = "\n".join(code for codes in GUILTY.values() for code in codes)
    assert names(f'"""\n{warned}\n"""\n' + textwrap.indent(warned, "# ")) == []


def test_every_key_leads_to_laws_or_to_where_they_are_planned() -> None:
    laws = laws_by_key()
    for each in PATTERNS:
        assert laws[each.key] != "no law", each.name
    assert laws["D0 #6"] == "SEED-001, SEED-002"


def test_a_merged_key_leads_where_its_target_does(tmp_path: Path) -> None:
    (tmp_path / "X.toml").write_text(
        '"a" = { merged = "b" }\n"b" = { planned = "LOSS GEN" }\n"c" = { reason = "none" }\n'
    )
    assert laws_by_key(tmp_path) == {"a": "LOSS, GEN, planned", "b": "LOSS, GEN, planned", "c": "no law"}


def test_a_line_says_where_to_look_and_what_to_bind(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import numpy as np\nnp.random.seed(seed + rank)\n")
    found = scan(tmp_path)
    assert found.lines == [
        f"{tmp_path / 'train.py'}:2: look here: seed + rank collides and overflows;"
        " then bind this: seed_all (SEED-001, SEED-002)"
    ]
    assert (
        found.summary
        == "1 files, 1 places to look at; no verdicts: bind the functions, then refaudio check ADAPTER"
    )


def test_what_nobody_here_wrote_is_skipped_and_what_cannot_be_read_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug = b"signal.alarm(3)\n"
    for name in (
        "src/a.py",
        ".git/b.py",
        "myenv/lib/c.py",
        "node_modules/d.py",
        ".hidden.py",
        "notes.txt",
        "src/e.PY",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(bug)
    (tmp_path / "myenv" / "pyvenv.cfg").touch()
    assert [file.name for file in python_files(tmp_path)] == ["a.py"]

    (tmp_path / "src" / "broken.py").write_bytes(bug + b"def (\n")
    (tmp_path / "src" / "null.py").write_bytes(bug + b"\0")
    (tmp_path / "src" / "latin.py").write_bytes(bug + b"x = '\xe9'\n")
    (tmp_path / "src" / "deep.py").write_bytes(bug + b"x = " + b"(" * 5000 + b")" * 5000)
    (tmp_path / "src" / "gone.py").symlink_to(tmp_path / "nowhere.py")
    (tmp_path / "src" / "empty.py").touch()
    monkeypatch.setattr(scanner, "HUGE", 20_000)
    (tmp_path / "src" / "table.py").write_bytes(b"x = 1\n" * 10_000)
    found = scan(tmp_path)
    assert (found.read, found.unreadable, found.unparsable, found.huge, len(found.lines)) == (6, 1, 4, 1, 1)
    assert "1 huge, 1 unreadable, 4 unparsable" in found.summary


def test_a_cycle_of_folders_has_an_end(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    (tmp_path / "a" / "x.py").write_text("signal.alarm(3)\n")
    assert len(scan(tmp_path).lines) == 1


def test_a_thousand_files_take_less_than_a_second(tmp_path: Path) -> None:
    """Of 8 kB each, ordinary lines of networks and of training; processor time, so that a busy machine does not fail."""
    body = "class Layer(nn.Module):\n    def forward(self, audio, scale, mask=None):\n" + (
        "        rows = self.project(audio[:, :-1].float()).view(audio.shape[0], -1)  # frames\n" * 90
    )
    for i in range(1000):
        (tmp_path / f"m{i:03}.py").write_text(
            "import torch\n\n" + body + ("signal.alarm(3)\n" if i % 50 == 0 else "")
        )
    before = time.process_time()
    assert len(scan(tmp_path).lines) == 20
    assert time.process_time() - before < 1


def test_the_command(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("signal.alarm(3)\n")

    def run(path: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "refaudio", "scan", str(path)],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
        )

    for path in tmp_path, tmp_path / "a.py":
        ran = run(path)
        assert (ran.returncode, ran.stderr) == (0, ""), "a suspicion is no verdict"
        assert len(ran.stdout.splitlines()) == 2
    assert run(tmp_path / "nowhere").returncode == 2


def test_a_scan_loads_neither_torch_nor_the_spec() -> None:
    code = "import sys, refaudio.conformance.scan\nprint(*{'torch', 'hypothesis', 'refaudio.spec'} & set(sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.strip() == "", ran.stderr
