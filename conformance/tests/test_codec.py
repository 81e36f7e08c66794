"""refaudio.codec beyond the laws: how well the weight-free codec does, and what DAC reads and refuses."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from signals import RATE, music, speech
from torch import Tensor

from refaudio.codec import DAC, DACConfig, MDCTCodec, join_planes, planes
from refaudio.codec.dac_layout import config_of, table
from refaudio.codec.mdct import imdct, mdct
from refaudio.conformance.check import check
from refaudio.conformance.report import failure_text
from refaudio.errors import NonFinite
from refaudio.weights.weight_norm import fold, unfold

CODEC = MDCTCodec()
SMALL = DACConfig(encoder_dim=4, decoder_dim=48, size=64)


def decibels(signal: Tensor, rest: Tensor) -> float:
    return 10 * math.log10(float(signal.square().sum() / rest.square().sum()))


@pytest.mark.parametrize(("signal", "least"), [(music, 9.0), (speech, 6.0)], ids=["music", "speech"])
@pytest.mark.parametrize("seed", range(6))
def test_the_weight_free_codec_is_heard(signal: Callable[[int], Tensor], least: float, seed: int) -> None:
    """Signal-to-noise ratio with nine codebooks, rising with each of them, and the level that stays."""
    audio = signal(seed)
    codes = CODEC.encode(audio, RATE)
    ratios = []
    for kept in range(1, 10):
        first = codes.clone()
        first[..., kept:] = 1023  # adds nothing
        heard = CODEC.decode(first)[:, : audio.shape[1]]
        ratios.append(decibels(audio, audio - heard))
    assert ratios[-1] >= least
    assert ratios == sorted(set(ratios)), "strictly rising with every codebook"
    assert abs(decibels(heard, audio)) <= 1.0


@pytest.mark.parametrize("level", [1e-3, 1.9])
def test_quiet_and_loud_audio_is_coded_as_well(level: float) -> None:
    audio = level * music(0, 1.0)
    heard = CODEC.decode(CODEC.encode(audio, RATE))[:, : audio.shape[1]]
    assert decibels(audio, audio - heard) >= 9


def test_silence_is_silence_and_any_code_is_decoded() -> None:
    assert not CODEC.decode(CODEC.encode(torch.zeros(1, 2000), RATE)).any()
    codes = torch.randint(0, 1024, (2, 50, 9), generator=torch.Generator().manual_seed(0))
    assert CODEC.decode(codes).isfinite().all()


@pytest.mark.parametrize("frames", [1, 2, 7])
def test_the_transform_is_orthonormal(frames: int) -> None:
    audio = torch.randn(2, frames * 512, dtype=torch.float64, generator=torch.Generator().manual_seed(frames))
    coefficients = mdct(audio)
    assert torch.allclose(imdct(coefficients), audio, atol=1e-11)
    assert torch.allclose(coefficients.square().sum(), audio.square().sum())


def test_chunks_of_the_weight_free_codec_are_the_whole() -> None:
    audio = music(1, 1.0)
    codes = CODEC.encode(audio, RATE)
    for chunk in (1, 10, len(codes[0]) - 1, len(codes[0]), 10**6):
        assert torch.equal(CODEC.encode(audio, RATE, chunk=chunk), codes)
        assert torch.equal(CODEC.decode(codes, chunk=chunk), CODEC.decode(codes))


CODES = torch.zeros(1, 2, 9, dtype=torch.int64)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: CODEC.encode(torch.zeros(3, 512), RATE), "one or two channels"),
        (lambda: CODEC.encode(torch.zeros(1, 512), 48000), r"rate=48000 must be 44100"),
        (lambda: CODEC.encode(torch.zeros(1, 0), RATE), r"audio.shape=\(1, 0\)"),
        (lambda: CODEC.encode(torch.zeros(1, 512), RATE, chunk=0), "chunk=0 must be at least 1"),
        (lambda: CODEC.decode(CODES + 1024), r"codes must be in 0..1023: 18 of 18 are not, the first 1024"),
        (lambda: CODEC.decode(CODES - 1), "the first -1"),
        (lambda: CODEC.decode(CODES[..., :8]), r"codes.shape=\(1, 2, 8\)"),
        (lambda: CODEC.decode(CODES.expand(3, -1, -1)), "one or two channels"),
        (lambda: CODEC.frames(-1), "samples=-1"),
        (lambda: planes(CODES), "even number"),
        (lambda: join_planes(CODES), "left and right"),
    ],
)  # fmt: skip
def test_refusals_name_what_is_wrong(call: Callable[[], object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call()


def test_what_is_not_finite_carries_its_stage() -> None:
    with pytest.raises(NonFinite, match="audio must be finite"):
        CODEC.encode(torch.full((1, 512), torch.nan), RATE)


def test_nothing_heavy_is_loaded_before_it_is_needed() -> None:
    said = "import sys, refaudio.codec, refaudio.audio; print({'transformers', 'hypothesis', 'dac'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_a_library_that_is_missing_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    monkeypatch.setitem(sys.modules, "dac.model", None)
    for backend, extra in ("transformers", "models"), ("descript", "dac"):
        with pytest.raises(ImportError, match=rf'pip install "refaudio\[{extra}\]"') as raised:
            DAC(SMALL, backend=backend)
        assert "\n" not in str(raised.value)
    with pytest.raises(ValueError, match="backend='tensorflow'"):
        DAC(SMALL, backend="tensorflow")


@pytest.mark.parametrize(
    ("config", "reach"),
    [(DACConfig.dac_44khz(), ((-3733, 4244), (-10, 10))), (DACConfig.dac_24khz(), None)],
)
def test_the_view_of_a_frame_is_counted(config: DACConfig, reach: object) -> None:
    assert config.context == 10
    assert reach is None or (config.encoder_reach(), config.decoder_reach()) == reach


def fresh(config: DACConfig = SMALL, seed: int = 0) -> DAC:
    """A DAC of kernels with some gain: under transformers' own initialisation everything is near silence."""
    pytest.importorskip("transformers")
    torch.manual_seed(seed)
    codec = DAC(config)
    for module in codec.network.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    return codec


def descript_state(codec: DAC) -> dict[str, Tensor]:
    """Its weights as descript's own files hold them, weight norm included."""
    state, problems = table(codec.config).to_theirs(codec.network.state_dict())
    assert not problems
    kernels = [name for name, tensor in state.items() if name.endswith("weight") and tensor.ndim == 3]
    return unfold(state, kernels, "weight_g")


def test_both_layouts_have_every_tensor_at_full_size() -> None:
    pytest.importorskip("transformers")
    with torch.device("meta"):
        codec = DAC(DACConfig.dac_44khz())
    ours = codec.network.state_dict()
    theirs, problems = table(codec.config).to_theirs(ours)
    kernels = [name for name, tensor in theirs.items() if name.endswith("weight") and tensor.ndim == 3]
    normed = {**{name: None for name in theirs if name not in kernels}, **{f"{k}_g": 0 for k in kernels}}
    assert (problems, sum(p.numel() for p in codec.network.parameters())) == ([], 76_620_777)
    assert (len(ours), len(theirs), len(normed) + len(kernels)) == (223, 223, 301)
    for config in DACConfig.dac_44khz(), DACConfig.dac_44khz_16kbps(), DACConfig.dac_24khz():
        with torch.device("meta"):
            assert config_of(DAC(config).network.state_dict(), config.rate) == config


def test_either_layout_is_read(tmp_path: Path) -> None:
    codec = fresh()
    audio = 0.3 * torch.randn(2, 3000, generator=torch.Generator().manual_seed(0))
    codes = codec.encode(audio, RATE)
    codec.network.save_pretrained(tmp_path / "transformers")
    metadata = {"kwargs": {"sample_rate": 44100, "encoder_dim": 4}}
    torch.save({"state_dict": descript_state(codec), "metadata": metadata}, tmp_path / "weights.pth")
    torch.save(fold(descript_state(codec))[0], tmp_path / "folded.pth")
    for read in (
        DAC.load(tmp_path / "transformers"),
        DAC.load(tmp_path / "weights.pth"),
        DAC.load(tmp_path / "folded.pth", rate=44100),
        DAC.load(tmp_path / "transformers" / "model.safetensors", rate=44100),
    ):
        assert read.config == codec.config
        assert torch.equal(read.encode(audio, RATE), codes)
        assert torch.equal(read.decode(codes), codec.decode(codes))


@pytest.mark.parametrize(
    "config", [SMALL, DACConfig(24000, 4, (2, 4, 5, 8), 48, size=64)], ids=["even", "odd"]
)
def test_dac_obeys_the_laws_of_codecs(config: DACConfig) -> None:
    codec = fresh(config)
    bound = SimpleNamespace(
        RATE=codec.rate,
        HOP=codec.hop,
        FAMILIES=["CODEC"],
        encode=lambda audio: codec.encode(audio, codec.rate),
        encode_at=codec.encode,
        encode_batch=lambda clips: codec.encode_batch(clips, codec.rate),
        encode_long=lambda audio: codec.encode(audio, codec.rate, chunk=40),
        decode=codec.decode,
        frames=codec.frames,
    )
    report = check(bound, profile="quick")
    assert report.counts["pass"] == 11, "\n".join(map(failure_text, report.results))
    assert report.counts["unclaimed"] == 3


def test_chunks_of_dac_are_the_whole_in_float64() -> None:
    codec = fresh()
    codec.network.double()
    audio = 0.3 * torch.randn(
        1, 60 * 512 + 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    codes = codec.encode(audio, RATE)
    whole = codec.decode(codes)
    assert whole.dtype == torch.float64
    for chunk in (7, 30, 31):
        assert torch.equal(codec.encode(audio, RATE, chunk=chunk), codes)
        assert float((codec.decode(codes, chunk=chunk) - whole).norm() / whole.norm()) < 1e-13


def test_a_codec_in_training_mode_is_refused() -> None:
    codec = fresh()
    codec.network.train()
    with pytest.raises(ValueError, match=r"call network.eval\(\)"):
        codec.encode(torch.zeros(1, 512), RATE)


class Harm:
    """A pickle that runs a command when it is read."""

    def __reduce__(self) -> tuple[object, ...]:
        return print, ("harm",)


def spoil(name: str, folder: Path, codec: DAC) -> Path:
    """A folder or a file with one thing wrong."""
    weights = folder / "model.safetensors"
    config = json.loads((folder / "config.json").read_text())
    if name == "nothing":
        weights.unlink()
    elif name == "truncated":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif name == "config":
        (folder / "config.json").write_text(json.dumps({**config, "n_codebooks": 8}))
    elif name == "no json":
        (folder / "config.json").write_text("{")
    elif name == "no rate":
        (folder / "config.json").unlink()
    elif name == "code":
        torch.save({"state_dict": {"decoder.model.0.bias": Harm()}, "metadata": {}}, folder / "weights.pth")
        return folder / "weights.pth"
    elif name == "another model":
        torch.save({"weight": torch.zeros(2)}, folder / "weights.pth")
        return folder / "weights.pth"
    elif name == "half a pair":
        state = descript_state(codec)
        del state["decoder.model.0.weight_g"]
        torch.save(state, folder / "weights.pth")
        return folder / "weights.pth"
    return folder


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nothing", "must hold one of"),
        ("truncated", "must be a whole safetensors file"),
        ("config", "codebooks=9 of model.safetensors must agree"),
        ("no json", "must be JSON"),
        ("no rate", "rate=None must be given"),
        ("code", "must hold tensors and plain values alone"),
        ("another model", "those of a DAC"),
        ("half a pair", "must hold the weights of a DAC: missing decoder.model.0.weight_g"),
    ],
)
def test_what_is_wrong_with_a_checkpoint_is_one_line(name: str, says: str, tmp_path: Path) -> None:
    codec = fresh()
    codec.network.save_pretrained(tmp_path)
    path = spoil(name, tmp_path, codec)
    with pytest.raises(ValueError, match=says) as raised:
        DAC.load(path, rate=44100 if name in ("another model", "half a pair") else None)
    assert "\n" not in str(raised.value)
