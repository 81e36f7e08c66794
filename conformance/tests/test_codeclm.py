"""refaudio.codeclm beyond the laws: numbers, errors, files that mean harm, and a model that trains from scratch."""

from __future__ import annotations

import doctest
import json
import math
import pickle
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from refaudio.codeclm.cache import Cache
from refaudio.codeclm.checkpoint import cast, from_state, load_model, save_model
from refaudio.codeclm.config import CodecLMConfig, Stack
from refaudio.codeclm.config_files import as_transformers, read_config
from refaudio.codeclm.guidance import guide
from refaudio.codeclm.initialise import deviations, initialise
from refaudio.codeclm.layers import heads
from refaudio.codeclm.layouts import Layout, sniff, table
from refaudio.codeclm.model import CodecLM
from refaudio.codeclm.stereo import stereo_model
from refaudio.codeclm.text import cut_text, encode_text, null_text, pad_texts

TINY = CodecLMConfig.tiny()


def asked(config: CodecLMConfig = TINY, count: int = 6) -> tuple[Tensor, Tensor, Tensor]:
    text, mask = pad_texts([encode_text("[S1] hello"), encode_text("[S2] yo")])
    rows = torch.randint(1024, (2, count, config.codebooks), generator=torch.Generator().manual_seed(1))
    rows[:, 0] = config.bos
    return text, mask, rows


@pytest.mark.parametrize("module", ["text", "config", "model"])
def test_the_examples_run(module: str) -> None:
    result = doctest.testmod(import_module(f"refaudio.codeclm.{module}"))
    assert result.attempted
    assert not result.failed


def test_dia_has_its_published_size_and_every_key_in_both_layouts() -> None:
    """On the meta device: 1.6 billion parameters that nobody allocates."""
    start = time.perf_counter()
    config = CodecLMConfig.dia_1_6b_0626()
    with torch.device("meta"):
        model = CodecLM(config)
    assert sum(parameter.numel() for parameter in model.parameters()) == 1_611_160_576
    ours = model.state_dict()
    counts: dict[Layout, int] = {"nari": 343, "transformers": 335}
    for layout, keys in counts.items():
        theirs, problems = table(config, layout).to_theirs(ours)
        assert (len(theirs), problems) == (keys, [])
        assert sniff(theirs) == layout
        back, problems = table(config, layout).to_ours(theirs)
        assert problems == []
        assert {key: tensor.shape for key, tensor in back.items()} == {
            key: tensor.shape for key, tensor in ours.items()
        }
    nari, _ = table(config, "nari").to_theirs(ours)
    assert nari["decoder.layers.17.self_attention.k_proj.weight"].shape == (2048, 4, 128)
    assert nari["encoder.layers.0.self_attention.o_proj.weight"].shape == (16, 128, 1024)
    assert nari["decoder.embeddings.8.weight"].shape == (1028, 2048)
    assert nari["decoder.logits_dense.weight"].shape == (2048, 9, 1028)
    assert nari["decoder.layers.0.mlp.wi_fused.weight"].shape == (2048, 2, 8192)
    assert time.perf_counter() - start < 10


def test_configs_carry_the_published_numbers() -> None:
    assert CodecLMConfig.dia_1_6b() == replace(CodecLMConfig.dia_1_6b_0626(), cross_rotary=True)
    assert (CodecLMConfig.dia_stereo().codebooks, max(CodecLMConfig.dia_stereo().delays)) == (18, 15)
    assert CodecLMConfig.dia_stereo_ramp().delays == (*range(9), *range(9))
    assert CodecLMConfig.dia_1_6b_0626().scale == 1.0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"delays": ()}, "delays=.* must have one entry per codebook"),
        ({"scale": 0.0}, "scale=0.0 must be a number above 0"),
        ({"guidance": "cfg"}, "guidance='cfg' must be 's' or 'w'"),
        ({"cross_kv_heads": 2}, "cross_heads=3 must be a multiple of cross_kv_heads=2"),
        ({"cross_head_dim": 5}, "cross_head_dim=5 must be even"),
        ({"bos": 1028}, "bos=1028 must be at most 1027"),
        ({"max_rows": 0}, "max_rows=0 must be at least 1"),
    ],
)
def test_a_config_that_cannot_be_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        replace(TINY, **change)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a\0b", "must not hold the byte 0, at 1: it stands for padding"),
        ("\x01", r"must not hold the byte 1, at 0: it stands for \[S1\]"),
        ("a" * 1025, "must have at most 1024 ids, got 1025: shorten it, or cut_text"),
        ("\ud800", "must be Unicode"),
    ],
)
def test_a_text_that_cannot_be_read_is_refused_in_one_line(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as refused:
        encode_text(text)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


def test_a_text_is_cut_between_characters_and_tags() -> None:
    assert cut_text("hé", 2) == "h"
    assert cut_text("ab[S1]c", 3) == "ab[S1]"
    assert cut_text("ab[S1]c", 2) == "ab"
    assert cut_text("abc") == "abc"


def test_guidance_in_both_conventions() -> None:
    cond, uncond = torch.tensor([1.0, 2.0]), torch.tensor([0.5, 3.0])
    assert torch.equal(guide(cond, uncond, 3.0, "s"), guide(cond, uncond, 4.0, "w"))
    assert guide(cond, uncond, 0.0, "s") is cond
    assert guide(cond, uncond, 1.0, "w") is cond
    with pytest.raises(ValueError, match="scale=nan must be between"):
        guide(cond, uncond, math.nan, "s")


def test_inputs_that_do_not_fit_are_refused_before_any_work() -> None:
    model = CodecLM(TINY)
    text, mask, rows = asked()
    with pytest.raises(ValueError, match=r"rows: .* must be int64 \(2, R, 3\)"):
        model(text, mask, rows[..., :2])
    with pytest.raises(ValueError, match="must be at most max_rows=64"):
        model(text, mask, rows[:, :1].expand(-1, 65, -1))
    cache = model.begin(text, mask, capacity=4)
    with pytest.raises(ValueError, match="0 of capacity=4 rows are taken"):
        model.advance(cache, rows)
    with pytest.raises(ValueError, match="capacity=65 must be at most 64"):
        model.begin(text, mask, capacity=65)


def test_a_rewound_cache_forgets_its_rows() -> None:
    model = CodecLM(TINY).eval()
    text, mask, rows = asked()
    cache = model.begin(text, mask, capacity=6)
    model.advance(cache, rows)
    cache.rewind()
    torch.testing.assert_close(model.advance(cache, rows[:, :2]), model(text, mask, rows[:, :2]))


def test_a_step_reads_whole_buckets_and_no_more() -> None:
    cache = Cache(
        [], [], torch.ones(1, 1, 1, 1, dtype=torch.bool), torch.zeros(2, 600, 1), None, torch.tensor(0)
    )
    assert (cache.slots(1), cache.slots(256), cache.slots(257), cache.slots(600)) == (256, 256, 512, 600)


def test_the_memory_of_nothing_is_one_constant_vector() -> None:
    model = CodecLM(TINY)
    long = torch.zeros(1, 9, dtype=torch.int64)
    memory, _ = model.encode(long, torch.ones_like(long, dtype=torch.bool))
    short, _ = model.encode(*null_text(1))
    torch.testing.assert_close(memory, short.expand_as(memory))


@pytest.mark.parametrize("layout", ["nari", "transformers"])
def test_what_is_saved_loads_to_the_same_bits(tmp_path: Path, layout: Any) -> None:
    config = replace(TINY, scale=0.5, cross_rotary=True, guidance="w", delays=(*range(12),))
    model = CodecLM(config)
    save_model(model, tmp_path, layout=layout)
    again = load_model(tmp_path)
    assert again.config == config
    ours = model.state_dict()
    assert all(torch.equal(tensor, ours[name]) for name, tensor in again.state_dict().items())


def test_a_file_without_its_folder_and_in_half_precision(tmp_path: Path) -> None:
    model = CodecLM(TINY)
    save_model(model, tmp_path)
    half = load_model(tmp_path / "model.safetensors", config=TINY, dtype=torch.bfloat16)
    assert half.head.weight.dtype == torch.bfloat16
    assert half.decoder.norm.weight.dtype == torch.float32
    logits = half(*asked())
    assert logits.dtype == torch.float32
    assert bool(logits.isfinite().all())
    with pytest.raises(ValueError, match=r"dtype=torch\.int64 must be a floating type"):
        cast(model, torch.int64)


def test_weights_in_several_files_are_one(tmp_path: Path) -> None:
    save_model(CodecLM(TINY), tmp_path)
    from safetensors.torch import load_file, save_file

    state = load_file(tmp_path / "model.safetensors")
    names = sorted(state)
    parts = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, held in parts.items():
        save_file({name: state[name] for name in held}, tmp_path / file)
    index = {"weight_map": {name: file for file, held in parts.items() for name in held}}
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    assert load_model(tmp_path).config == TINY
    index["weight_map"][names[0]] = "../a.safetensors"
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ValueError, match="must name files beside it"):
        load_model(tmp_path)


def test_naris_optional_fused_projection_is_read() -> None:
    model = CodecLM(TINY)
    theirs, _ = table(TINY, "nari").to_theirs(model.state_dict())
    for side, attention in ("encoder", "attention"), ("decoder", "self_attention"):
        for i in range(getattr(TINY, side).layers):
            at = f"{side}.layers.{i}.self_attention"
            for name in "qkv":
                del theirs[f"{at}.{name}_proj.weight"]
            theirs[f"{at}.qkv.linear.weight"] = model.get_parameter(
                f"{side}.layers.{i}.{attention}.qkv.weight"
            ).detach()
    torch.testing.assert_close(from_state(theirs, TINY)(*asked()), model(*asked()))


class Harm:
    """A pickle that runs code when it is loaded."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("harm"),)


def _truncated(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def _flipped(folder: Path) -> None:
    file = folder / "model.safetensors"
    raw = bytearray(file.read_bytes())
    raw[-50] ^= 4
    file.write_bytes(raw)


def _pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "dia-v0_1.pth").write_bytes(pickle.dumps({"encoder.embedding.weight": Harm()}))


def _of_another_model(folder: Path) -> None:
    from safetensors.torch import save_file

    save_file({"transformer.wte.weight": torch.zeros(2, 2)}, folder / "model.safetensors")


def _other_config(folder: Path) -> None:
    told = json.loads((folder / "config.json").read_text())
    told["delay_pattern"] = [0, 1]
    told["decoder_config"]["num_channels"] = 2
    (folder / "config.json").write_text(json.dumps(told))


def _wider_config(folder: Path) -> None:
    told = json.loads((folder / "config.json").read_text())
    told["decoder_config"]["intermediate_size"] += 1
    (folder / "config.json").write_text(json.dumps(told))


def _no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def _half_a_config(folder: Path) -> None:
    (folder / "config.json").write_text('{"encoder_config": {}')


def _empty_config(folder: Path) -> None:
    (folder / "config.json").write_text('{"encoder_config": {}, "decoder_config": {}}')


def _no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_truncated, "must be a whole safetensors file"),
        (_flipped, "its contents are damaged"),
        (_pickled, "must hold tensors and plain values alone"),
        (_of_another_model, "weights must be of Dia, in nari's or transformers' layout"),
        (_other_config, "delays=.* must have one entry per codebook: the weights have 3"),
        (_wider_config, "weights must fit the model: .* misshapen"),
        (_no_config, "config.json' must be a readable JSON file"),
        (_half_a_config, "must be a readable JSON file"),
        (_empty_config, "must be a config of Dia: the key .* is missing"),
        (_no_weights, "must hold weights: one of model.safetensors"),
    ],
)
def test_a_checkpoint_that_means_no_good_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Any, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    save_model(CodecLM(TINY), tmp_path)
    spoil(tmp_path)
    with pytest.raises(ValueError, match=says) as refused:
        load_model(tmp_path)
    assert not (tmp_path / "harm").exists()
    first = str(refused.value).split("\n")[0]
    assert len(first) < 400


def test_a_name_that_is_neither_a_path_nor_on_the_hub_is_refused() -> None:
    with pytest.raises(ValueError, match="must be a folder, a file of weights, or owner/name on the Hub"):
        load_model("/nowhere/at/all")


def test_a_config_with_the_first_schema_and_its_contradictions(tmp_path: Path) -> None:
    from refaudio.spec.folders import first_config
    from refaudio.spec.oracles_lm import Shape

    told = first_config(Shape(4))
    (tmp_path / "config.json").write_text(json.dumps(told))
    config = read_config(tmp_path / "config.json")
    assert (config.cross_rotary, config.codebooks, config.decoder) == (True, 4, Stack(2, 18, 22, 4, 2, 6))
    told["data"]["channels"] = 9
    (tmp_path / "config.json").write_text(json.dumps(told))
    with pytest.raises(ValueError, match=r"data\.channels=9 must be 4"):
        read_config(tmp_path / "config.json")


def test_a_config_survives_its_file(tmp_path: Path) -> None:
    for config in (CodecLMConfig.dia_1_6b(), CodecLMConfig.dia_stereo_ramp(), TINY):
        (tmp_path / "config.json").write_text(json.dumps(as_transformers(config)))
        assert read_config(tmp_path / "config.json") == config


@pytest.mark.parametrize("delays", [None, (5, 4, 3, 2, 1, 0)])
def test_stereo_keeps_the_function_of_the_whole_model(delays: Any) -> None:
    mono = CodecLM(TINY).eval()
    text, mask, rows = asked()
    stereo = stereo_model(mono, delays)
    assert stereo.config.codebooks == 6
    made, want = stereo(text, mask, torch.cat([rows, rows], dim=2)), mono(text, mask, rows)
    torch.testing.assert_close(made, torch.cat([want, want], dim=2))


def test_every_projection_begins_with_its_standard_deviation() -> None:
    """Measured over whole matrices, under a scale of 1 and under the textbook's."""
    for scale in (1.0, 0.125):
        config = replace(CodecLMConfig.hundred_million(), scale=scale)
        small = replace(
            config, encoder=replace(config.encoder, layers=1), decoder=replace(config.decoder, layers=1)
        )
        model = CodecLM(small)
        told = dict(deviations(model))
        matrices = {name for name, parameter in model.named_parameters() if parameter.ndim > 1}
        assert matrices == set(told)
        for name, rows in told.items():
            unit = model.get_parameter(name).detach() / rows[:, None]
            assert abs(float(unit.std()) - 1) < 5 / math.sqrt(2 * unit.numel()), name
            assert bool((rows > 0).all())


def test_no_parameter_is_left_as_memory_held_it() -> None:
    model = CodecLM(TINY)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(math.nan)
    initialise(model, torch.Generator().manual_seed(3))
    assert all(bool(parameter.isfinite().all()) for parameter in model.parameters())
    other = CodecLM(TINY)
    initialise(other, torch.Generator().manual_seed(3))
    assert all(
        torch.equal(a, b)
        for a, b in zip(model.state_dict().values(), other.state_dict().values(), strict=True)
    )


def logits_of_attention(model: CodecLM, text: Tensor, mask: Tensor, rows: Tensor) -> float:
    """The largest standard deviation of attention logits over the layers of the decoder."""
    seen = []

    def watch(module: Any, inputs: tuple[Tensor, ...], made: Tensor) -> None:
        q, k, _ = torch.split(heads(made, attention.head_dim), attention.sizes, dim=1)
        k = k.repeat_interleave(q.shape[1] // k.shape[1], dim=1)
        seen.append(float((q @ k.mT * attention.scale).std()))

    for layer in model.decoder.layers:
        attention: Any = layer.self_attention
        hook = attention.qkv.register_forward_hook(watch)
        with torch.no_grad():
            model(text, mask, rows)
        hook.remove()
    return max(seen)


@pytest.mark.parametrize("scale", [1.0, 64**-0.5])
def test_two_hundred_steps_from_scratch_keep_attention_bounded(scale: float) -> None:
    """Dia's scale with weights that go with it learns, and its softmax stays soft; with ordinary weights it starts spiked."""
    config = replace(
        TINY,
        encoder=Stack(1, 16, 24, 1, 1, 64),
        decoder=Stack(2, 24, 32, 2, 1, 64),
        cross_heads=1,
        cross_kv_heads=1,
        cross_head_dim=64,
        vocabulary=40,
        eos=36,
        pad=37,
        bos=38,
        scale=scale,
    )
    model = CodecLM(config)
    generator = torch.Generator().manual_seed(0)
    text = torch.randint(3, 256, (4, 5), generator=generator)
    mask = torch.ones_like(text, dtype=torch.bool)
    rows = torch.randint(36, (4, 9, 3), generator=generator)
    assert logits_of_attention(model, text, mask, rows) < 1.5
    steps = torch.optim.Adam(model.parameters(), lr=2e-3)
    losses, norms = [], []
    for _ in range(200):
        logits = model(text, mask, rows[:, :-1])
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 2), rows[:, 1:].flatten())
        steps.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norms.append(
            math.sqrt(sum(float(p.grad.square().sum()) for p in model.parameters() if p.grad is not None))
        )
        steps.step()
        losses.append(float(loss.detach()))
    assert abs(losses[0] - math.log(40)) < 0.3
    assert losses[-1] < 0.5
    assert max(norms) < 5
    assert logits_of_attention(model, text, mask, rows) < 12


def test_the_lost_month_begins_with_a_spiked_softmax() -> None:
    """Ordinary weights under a scale of 1: the logits deviate by the root of 64."""
    config = replace(TINY, decoder=Stack(2, 48, 32, 2, 1, 64))
    model = CodecLM(config)
    with torch.no_grad():
        for layer in model.decoder.layers:
            layer.get_parameter("self_attention.qkv.weight")[:128] *= 8
    text, mask, rows = asked(config)
    assert logits_of_attention(model, text, mask, rows) > 5
