"""refaudio.weights: round trips bit for bit, refusals that list everything at once, and files that mean harm."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import pickle
import stat
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, weight_norm

from refaudio.weights import files
from refaudio.weights.files import read, write
from refaudio.weights.load import export, load, plain_names
from refaudio.weights.tables import Part, Table, ignore, join, permute, reshape, rule, split, transpose
from refaudio.weights.weight_norm import fold, unfold


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def same(got: Mapping[str, Tensor], want: Mapping[str, Tensor]) -> bool:
    return got.keys() == want.keys() and all(
        got[key].dtype == want[key].dtype and torch.equal(got[key], want[key]) for key in want
    )


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(4, 10, bias=False)
        self.embed = nn.Parameter(torch.zeros(12, 3, 4))
        self.gate = nn.Linear(4, 5)
        self.up = nn.Linear(4, 5, bias=False)
        self.register_buffer("steps", torch.zeros(2, dtype=torch.int64))


def table() -> Table:
    """A layout with everything that the upstream ones have: head axes, fused parts, numbered keys, dead buffers."""
    kernel = (reshape((4, -1, 2), (4, -1)), transpose())
    return Table(
        join(
            [
                Part("net.q.kernel", kernel, 6),
                Part("net.k.kernel", kernel, 2),
                Part("net.v.kernel", kernel, 2),
            ],
            "qkv.weight",
        ),
        rule("net.tables.{*}.weight", "embed"),
        split(
            Part("net.wi", (permute(1, 2, 0), reshape((2, 5, 4), (10, 4)))),
            [Part("gate.weight", size=5), Part("up.weight", size=5)],
        ),
        rule("net.gate_bias", "gate.bias", reshape((1, -1, 1), (-1,))),
        rule("net.steps", "steps"),
        ignore("net.inv_freq", "made from the config", lambda: torch.tensor([1.0, 0.01])),
    )


def theirs() -> dict[str, Tensor]:
    state = {
        "net.q.kernel": draw(4, 3, 2, seed=1),
        "net.k.kernel": draw(4, 1, 2, seed=2),
        "net.v.kernel": draw(4, 1, 2, seed=3),
        "net.wi": draw(4, 2, 5, seed=4),
        "net.gate_bias": draw(1, 5, 1, seed=5),
        "net.steps": torch.tensor([3, 4]),
        "net.inv_freq": torch.tensor([1.0, 0.01]),
    }
    numbers = sorted(
        map(str, range(12))
    )  # 0, 1, 10, 11, 2, ...: as a file that was sorted as strings has them
    return state | {f"net.tables.{n}.weight": torch.full((3, 4), float(n)) for n in numbers}


def test_a_table_reads_and_writes_the_very_bits() -> None:
    ours, problems = table().to_ours(theirs())
    assert problems == []
    assert torch.equal(ours["qkv.weight"][:6], theirs()["net.q.kernel"].reshape(4, 6).T)
    assert torch.equal(ours["gate.weight"], theirs()["net.wi"][:, 0].T)
    assert torch.equal(ours["up.weight"], theirs()["net.wi"][:, 1].T)
    back, problems = table().to_theirs(ours)
    assert problems == []
    assert same(back, theirs())


def test_numbered_keys_are_stacked_as_numbers() -> None:
    ours, _ = table().to_ours(theirs())
    assert ours["embed"][:, 0, 0].tolist() == list(range(12))


def test_a_gap_in_the_numbers_is_missed() -> None:
    state = theirs()
    del state["net.tables.7.weight"]
    assert table().to_ours(state)[1] == ["missing net.tables.7.weight"]


def test_layers_by_number_keep_theirs() -> None:
    layers = Table(rule("h.{i}.mlp.{j}.w", "layers.{i}.experts.{j}.weight", transpose()))
    state = {f"h.{i}.mlp.{j}.w": draw(2, 3, seed=10 * i + j) for i in (0, 2, 10) for j in range(2)}
    ours, problems = layers.to_ours(state)
    assert problems == []
    assert torch.equal(ours["layers.10.experts.1.weight"], state["h.10.mlp.1.w"].T)
    assert same(layers.to_theirs(ours)[0], state)
    assert layers.to_ours({"h.01.mlp.0.w": draw(2, 3)})[1] == ["unexpected h.01.mlp.0.w"], (
        "01 is not how 1 is written"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"net.q.kernel": draw(4, 2, 2)}, "must have 6 along dimension 0"),
        ({"net.q.kernel": draw(2, 3, 4)}, "must be (4, -1, 2)"),  # as many numbers, in another order
        ({"net.gate_bias": draw(5)}, "must be (1, -1, 1)"),
        ({"net.wi": draw(4, 2)}, "misshapen net.wi (4, 2)"),
        ({"net.tables.3.weight": draw(3, 5)}, "misshapen net.tables.0.weight"),
        ({"other": draw(1)}, "unexpected other"),
    ],
)
def test_a_table_says_what_does_not_fit(change: dict[str, Tensor], said: str) -> None:
    (problem,) = table().to_ours(theirs() | change)[1]
    assert said in problem


def test_a_table_that_cannot_go_back_is_refused() -> None:
    for make in (
        lambda: join([Part("a"), Part("b")], "ab"),
        lambda: Table(rule("a.{i}", "b")),
        lambda: Table(ignore("a.{i}.inv_freq", "many", lambda: torch.zeros(1))),
        lambda: reshape((-1, -1), (4,)),
        lambda: permute(0, 2),
    ):
        with pytest.raises(ValueError, match="must"):
            make()


def test_two_rules_for_one_key_are_noticed() -> None:
    assert Table(rule("a", "b"), rule("a", "c")).to_ours({"a": draw(1)})[1] == [
        "ambiguous a: two rules read it"
    ]
    assert "twice" in Table(rule("a", "c"), rule("b", "c")).to_ours({"a": draw(1), "b": draw(1)})[1][0]


def test_loading_is_exact_and_exporting_its_inverse(tmp_path: Path) -> None:
    safetensors.torch.save_file(theirs(), tmp_path / "theirs.safetensors")
    torch.save(theirs(), tmp_path / "theirs.pth")
    for name in "theirs.safetensors", "theirs.pth":
        model = Block()
        load(model, tmp_path / name, table())
        assert same(model.state_dict(), table().to_ours(theirs())[0])
        export(model, tmp_path / "back.safetensors", table())
        assert same(read(tmp_path / "back.safetensors"), theirs())


def test_everything_that_is_wrong_is_told_at_once_and_nothing_changes() -> None:
    state = table().to_ours(theirs())[0]
    del state["up.weight"]
    state |= {
        "left.over": draw(1),
        "gate.bias": draw(6),
        "gate.weight": state["gate.weight"].double(),
        "steps": torch.zeros(2),
        "qkv.weight": state["qkv.weight"].clone().fill_(float("nan")),
    }
    model = Block()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.raises(ValueError, match="weights must fit the model") as told:
        load(model, state)
    assert str(told.value).splitlines() == [
        "weights must fit the model: 1 missing, 1 unexpected, 1 misshapen, 2 of another dtype, 1 not finite",
        "  missing up.weight",
        "  unexpected left.over",
        "  misshapen gate.bias: (6,) for (5,)",
        "  of another dtype steps: torch.float32 for torch.int64",
        "  of another dtype gate.weight: torch.float64 for torch.float32: cast=True converts",
        "  not finite qkv.weight",
    ]
    assert same(model.state_dict(), before)


def test_a_missing_tensor_is_named_as_the_file_would() -> None:
    state = theirs()
    del state["net.gate_bias"]
    with pytest.raises(ValueError, match=r"missing gate\.bias \(from net\.gate_bias\)"):
        load(Block(), state, table())


def test_the_list_of_another_models_file_has_an_end() -> None:
    with pytest.raises(ValueError, match="and 80 more unexpected") as told:
        load(nn.Linear(2, 2), {f"k{i}": draw(1) for i in range(100)})
    assert len(str(told.value).splitlines()) < 30


def test_casting_is_asked_for() -> None:
    model = nn.Linear(3, 2).to(torch.bfloat16)
    state = {"weight": draw(2, 3), "bias": draw(2)}
    load(model, state, cast=True)
    assert torch.equal(model.weight, state["weight"].to(torch.bfloat16))
    with pytest.raises(ValueError, match="not finite bias"):
        load(model.to(torch.float16), state | {"bias": torch.full((2,), 1e6)}, cast=True)


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."])
def test_prefixes_are_stripped_on_both_sides(prefix: str, tmp_path: Path) -> None:
    state = {"0.weight": draw(2, 3), "0.bias": draw(2, seed=1)}
    plain = nn.Sequential(nn.Linear(3, 2))
    load(plain, {prefix + key: value for key, value in state.items()})
    assert same(plain.state_dict(), state)

    class Wrapper(nn.Module):
        def __init__(self, name: str, inner: nn.Module) -> None:
            super().__init__()
            self.add_module(name, inner)

    wrapped: nn.Module = nn.Sequential(nn.Linear(3, 2))
    for name in reversed(prefix.split(".")[:-1]):
        wrapped = Wrapper(name, wrapped)
    load(wrapped, state)
    export(wrapped, tmp_path / "plain.safetensors")
    assert same(read(tmp_path / "plain.safetensors"), state)


def test_real_wrappers_load_and_export_plainly(tmp_path: Path) -> None:
    inner = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    inner[0] = torch.compile(inner[0], backend="eager")  # a prefix in the middle: 0._orig_mod.weight
    state = {key.replace("_orig_mod.", ""): draw(*value.shape) for key, value in inner.state_dict().items()}
    load(inner, state)
    export(inner, tmp_path / "plain.safetensors")
    assert same(read(tmp_path / "plain.safetensors"), state)


def test_names_that_collide_without_their_prefix_are_refused() -> None:
    _, problems = plain_names({"a.w": 1, "a._orig_mod.w": 2, "module.b": 3})
    assert problems == ["ambiguous a.w: there with and without a prefix"]
    assert plain_names({"module.a": 1, "b": 2})[0] == {"module.a": 1, "b": 2}, "a module of that name"


CONVOLUTIONS = [
    nn.Conv1d(3, 5, 7),
    nn.ConvTranspose1d(3, 5, 4, stride=2),  # (in, out, k): g counts the inputs
    nn.ConvTranspose1d(4, 4, 6),  # a square one hides the wrong axis from shapes
    nn.Conv1d(1, 1, 3),
    nn.ConvTranspose1d(1, 6, 3),
    nn.Linear(3, 5),
]


@pytest.mark.parametrize("spelling", ["weight_g", "parametrizations"])
@pytest.mark.parametrize("plain", CONVOLUTIONS, ids=str)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
def test_folding_is_what_torchs_modules_compute(spelling: str, plain: nn.Module, dtype: torch.dtype) -> None:
    wide = torch.promote_types(dtype, torch.float32)
    norm = weight_norm if spelling == "weight_g" else parametrizations.weight_norm
    normed = norm(copy.deepcopy(plain)).to(wide)
    state = {
        key: draw(*value.shape, seed=i).to(dtype)
        for i, (key, value) in enumerate(normed.state_dict().items())
    }
    normed.load_state_dict(state)
    folded, problems = fold(state)
    assert problems == []
    target = copy.deepcopy(plain).to(dtype)
    load(target, state)
    assert same(target.state_dict(), folded)
    x = draw(
        2,
        3 if isinstance(plain, nn.Linear) else target.weight.shape[0 if "Transpose" in str(plain) else 1],
        9,
    )
    x = x[:, :, 0] if isinstance(plain, nn.Linear) else x
    normed(x.to(wide))  # the old spelling computes its weight on the way
    assert torch.equal(folded["weight"], normed.weight.detach().to(dtype))


def test_what_cannot_be_folded_is_told() -> None:
    g, v = torch.ones(3, 1, 1), draw(3, 2, 5)
    dead = v.clone()
    dead[1] = 0
    new = "a.parametrizations.weight.original"
    cases: list[tuple[dict[str, Tensor], str]] = [
        ({"a.weight_g": g}, "missing a.weight_v, the other half of a.weight_g"),
        ({"a.weight_v": v}, "missing a.weight_g"),
        ({"a.weight_g": torch.ones(2, 1, 1), "a.weight_v": v}, "misshapen a.weight"),
        ({"a.weight_g": torch.ones(3, 2, 1), "a.weight_v": v}, "misshapen a.weight"),
        ({"a.weight_g": torch.ones(3), "a.weight_v": v}, "misshapen a.weight"),
        ({"a.weight_g": g, "a.weight_v": v, "a.weight": v}, "ambiguous a.weight"),
        ({"a.weight_g": g, "a.weight_v": v, new + "0": g, new + "1": v}, "ambiguous a.weight"),
        ({"a.weight_g": g, "a.weight_v": dead}, "not finite a.weight"),
    ]
    for state, said in cases:
        assert any(problem.startswith(said) for problem in fold(state)[1]), said


@pytest.mark.parametrize("spelling", ["weight_g", "parametrizations"])
def test_unfolding_is_undone_by_folding_bit_for_bit(spelling: str) -> None:
    state = {"a.weight": draw(3, 2, 5), "a.bias": draw(3), "weight": draw(1, 4)}
    pairs = unfold(state, ["a.weight", "weight"], spelling)  # type: ignore[arg-type]
    assert "a.weight" not in pairs
    assert same(fold(pairs)[0], state)


def test_a_model_with_weight_norm_takes_the_pairs_as_they_are() -> None:
    model = parametrizations.weight_norm(nn.Conv1d(2, 3, 5))
    state = {key: draw(*value.shape) for key, value in model.state_dict().items()}
    load(model, state)
    assert same(model.state_dict(), state)


def test_a_model_on_the_meta_device_gets_numbers() -> None:
    with torch.device("meta"):
        model = Block()
        model.up.weight.requires_grad_(False)
    load(model, theirs(), table())
    assert same(model.state_dict(), table().to_ours(theirs())[0])
    assert not any(value.is_meta for value in model.state_dict().values())
    assert (model.qkv.weight.requires_grad, model.up.weight.requires_grad) == (True, False)


def test_tied_weights_stay_tied_from_the_meta_device() -> None:
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
        model[1].weight = model[0].weight
    load(
        model,
        {f"{i}.{name}": draw(*shape) for i in (0, 1) for name, shape in (("weight", (3, 3)), ("bias", (3,)))},
    )
    assert model[0].weight is model[1].weight


def test_what_no_checkpoint_fills_may_not_stay_on_the_meta_device() -> None:
    with torch.device("meta"):
        model = nn.Linear(2, 2)
        model.register_buffer("table", torch.zeros(3), persistent=False)
    state = {"weight": draw(2, 2), "bias": draw(2)}
    with pytest.raises(ValueError, match="without numbers table"):
        load(model, state)
    with pytest.raises(ValueError, match="without numbers weight"):
        load(nn.Linear(2, 2), state | {"weight": torch.zeros(2, 2, device="meta")})


def test_a_layout_is_checked_in_full_size_without_a_number() -> None:
    big = Table(
        rule("w.{i}.kernel", "layers.{i}.weight", reshape((2048, 16, 128), (2048, 2048)), transpose())
    )
    state = {f"w.{i}.kernel": torch.empty(2048, 16, 128, device="meta") for i in range(200)}
    ours, problems = big.to_ours(state)
    assert (problems, len(ours)) == ([], 200)
    assert ours["layers.7.weight"].shape == (2048, 2048)


# --- files ---


def small() -> dict[str, Tensor]:
    return {
        "a.weight": draw(3, 4),
        "half": draw(5).to(torch.bfloat16),
        "n": torch.tensor(7),
        "none": torch.zeros(0, 2),
    }


def refusal(path: Path, at: str | None = None) -> str:
    with pytest.raises(ValueError, match="must") as told:
        read(path, at=at)
    text = str(told.value)
    assert "\n" not in text
    assert text.startswith(f"path={str(path)!r} must")
    return text


def test_reading_gives_back_what_was_written(tmp_path: Path) -> None:
    write(small(), tmp_path / "a.safetensors")
    torch.save(small(), tmp_path / "a.pth")
    torch.save(small(), tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    for name in "a.safetensors", "a.pth", "old.pth":
        assert same(read(tmp_path / name), small())


def test_the_suffix_does_not_matter(tmp_path: Path) -> None:
    write(small(), tmp_path / "a.bin")
    assert same(read(tmp_path / "a.bin"), small())


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_with_code_in_it_is_refused_and_does_not_run(tmp_path: Path, zipped: bool) -> None:
    torch.save(
        small() | {"bomb": Bomb(tmp_path / "ran")}, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped
    )
    assert "it calls posix.system" in refusal(tmp_path / "a.pth")
    (tmp_path / "bare.pth").write_bytes(pickle.dumps({"bomb": Bomb(tmp_path / "ran")}))
    refusal(tmp_path / "bare.pth")
    assert not (tmp_path / "ran").exists()


def test_whatever_is_no_checkpoint_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "file"
    wrong: list[bytes] = [
        b"",
        b"{",
        b"hello, this is a text",
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
        b"\x93NUMPY\x01\x00",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n",
        b"PK\x03\x04" + bytes(200),
        b"\x80\x02" + bytes(50),
        pickle.dumps({"a": 1}),
        struct.pack("<Q", 2) + b"{}" + b"left over",
        struct.pack("<Q", 2**62) + b"{}",
        struct.pack("<Q", 10) + b'{"a": 1}  ',
    ]
    for content in wrong:
        path.write_bytes(content)
        refusal(path)
    with pytest.raises(OSError, match="missing"):
        read(tmp_path / "missing")


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    for name in "a.safetensors", "a.pth":
        write(small(), tmp_path / name) if "safe" in name else torch.save(small(), tmp_path / name)
        whole, cut = (tmp_path / name).read_bytes(), tmp_path / f"cut-{name}"
        for length in range(0, len(whole), 3 if "safe" in name else 61):
            cut.write_bytes(whole[:length])
            refusal(cut)


def test_a_flipped_bit_is_refused_or_harmless(tmp_path: Path) -> None:
    """safetensors has no checksum: a flip in the numbers would be another weight, but for the digest that we write."""
    for name in "a.safetensors", "a.pth":
        write(small(), tmp_path / name) if "safe" in name else torch.save(small(), tmp_path / name)
        whole, flipped = (tmp_path / name).read_bytes(), tmp_path / f"flipped-{name}"
        harmless = 0
        bits = range(0, 8 * len(whole), 5 if "safe" in name else 61)
        for bit in bits:
            content = bytearray(whole)
            content[bit // 8] ^= 1 << bit % 8
            flipped.write_bytes(content)
            with contextlib.suppress(ValueError):
                assert same(read(flipped), small()), f"bit {bit} of {name} made another weight"
                harmless += 1
        assert harmless < len(bits) / 2, "padding, and what a reader has no use for"


def test_files_without_a_digest_are_read_too(tmp_path: Path) -> None:
    safetensors.torch.save_file(small(), tmp_path / "a.safetensors")
    assert same(read(tmp_path / "a.safetensors"), small())


def test_the_entry_of_a_training_checkpoint_is_named_by_the_caller(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save({"state_dict": small(), "metadata": {"kwargs": {"rate": 44100}}, "step": 3}, path)
    assert same(read(path, at="state_dict"), small())
    assert "name the entry: at='state_dict'" in refusal(path)
    assert "it has state_dict, metadata, step" in refusal(path, at="model")
    assert "must hold tensors by name" in refusal(path, at="step")
    write(small(), tmp_path / "a.safetensors")
    assert "one level" in refusal(tmp_path / "a.safetensors", at="state_dict")


def test_what_is_written_is_plain_safetensors(tmp_path: Path) -> None:
    shared = draw(3, 4)
    state = {"a": shared, "tied": shared, "turned": draw(4, 2).T, "leaf": nn.Parameter(draw(2))}
    write(state, tmp_path / "a.safetensors")
    found = safetensors.torch.load_file(tmp_path / "a.safetensors")
    assert all(torch.equal(found[key], state[key]) for key in state)
    mode = stat.S_IMODE((tmp_path / "a.safetensors").stat().st_mode)
    (tmp_path / "other").touch()
    assert mode == stat.S_IMODE((tmp_path / "other").stat().st_mode)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.safetensors"
    write(small(), path)
    before = path.read_bytes()

    def half(tensors: object, part: Path, **_: object) -> None:
        part.write_bytes(before[:20])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(files, "save_file", half)
        with pytest.raises(OSError, match="No space left"):
            write({"a": draw(9)}, path)
    with pytest.raises(ValueError, match="must hold numbers"):
        write({"a": torch.zeros(1, device="meta")}, path)
    with pytest.raises(OSError, match="nowhere"):
        write(small(), tmp_path / "nowhere" / "a.safetensors")
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.safetensors"]


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "refaudio", *map(str, words)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_rewrites_a_checkpoint(tmp_path: Path) -> None:
    torch.save(
        {"ema": {f"module._orig_mod.{key}": value for key, value in small().items()}}, tmp_path / "a.pth"
    )
    ran = command("export", tmp_path / "a.pth", tmp_path / "a.safetensors", "--at", "ema")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert same(read(tmp_path / "a.safetensors"), small())
    header = (tmp_path / "a.safetensors").read_bytes()
    assert set(json.loads(header[8 : 8 + struct.unpack("<Q", header[:8])[0]])) == {*small(), "__metadata__"}
    for source in "a.pth", "missing.pth":
        ran = command("export", tmp_path / source, tmp_path / "b.safetensors")
        assert ran.returncode == 2
        assert ran.stderr.startswith("error: ")
        assert ran.stderr.count("\n") == 1
    assert not (tmp_path / "b.safetensors").exists()


def test_generate_says_what_is_to_come() -> None:
    for words in ["generate"], ["generate", "dia", "--text", "hello"]:
        ran = command(*words)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert ran.stderr.startswith("error: no model is installed yet; to come: ")
        assert ran.stderr.count("\n") == 1
    assert "No model is installed yet" in command("generate", "--help").stdout
