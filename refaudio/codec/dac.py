"""DAC, the trained codec of Dia, over either of two libraries and from either of their checkpoint layouts.

Both are loaded when a DAC is made, and not before: transformers with `refaudio[models]`, descript-audio-codec with
`refaudio[dac]`.
"""

import json
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from ..errors import unknown
from ..weights.files import State, read
from ..weights.load import load as fill
from ..weights.load import plain_names
from ..weights.weight_norm import fold, unfold
from .base import Codec
from .dac_layout import DACConfig, config_of, is_descript, table

BACKENDS = ("transformers", "descript")
FILES = ("model.safetensors", "pytorch_model.bin", "weights.pth")
NAMES = {  # in transformers' config.json
    "sampling_rate": "rate",
    "encoder_hidden_size": "encoder_dim",
    "downsampling_ratios": "strides",
    "decoder_hidden_size": "decoder_dim",
    "n_codebooks": "codebooks",
    "codebook_size": "size",
    "codebook_dim": "codebook_dim",
}


class DAC(Codec):
    """Descript's audio codec: audio (C, N) -> codes (C, ceil(N / hop), K) and back, each channel by itself.

    Made with fresh weights; `DAC.load` reads published ones. Codes of the same audio may differ between devices,
    dtypes and libraries where two entries of a codebook are as near: compare what they are decoded to.
    """

    def __init__(self, config: DACConfig, *, backend: str = "transformers") -> None:
        if backend not in BACKENDS:
            raise unknown("backend", backend, BACKENDS)
        self.config, self.backend = config, backend
        self.rate, self.hop, self.codebooks, self.size = (
            config.rate,
            config.hop,
            config.codebooks,
            config.size,
        )
        self.context = config.context
        build = _transformers if backend == "transformers" else _descript
        self.network: Any = build(config).eval().requires_grad_(False)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        rate: int | None = None,
        backend: str = "transformers",
        keep_weight_norm: bool = False,
    ) -> "DAC":
        """The DAC of a folder (config.json beside its weights) or of a file, .safetensors or .pth, in either layout.

        rate: where a file does not tell it. keep_weight_norm: descript's network computes each kernel anew, as it was
        trained, instead of once; the same function, slower.
        """
        folder, file = _found(Path(path))
        archive = _archive(file)
        at = "state_dict" if isinstance(archive.get("state_dict"), dict) else None  # descript's own files
        state, _ = plain_names(read(file, at=at))
        folded, problems = fold(state)
        if problems:
            raise ValueError(f"path={str(path)!r} must hold the weights of a DAC: {'; '.join(problems[:3])}")
        told = _told(folder, archive)
        if rate is None and "rate" not in told:
            raise ValueError(f"rate=None must be given: {file.name} does not tell it")
        config = _config(folded, told["rate"] if rate is None else rate)
        for name, value in told.items():
            if (tuple(value) if isinstance(value, list) else value) != (has := getattr(config, name)):
                raise ValueError(
                    f"{name}={has!r} of {file.name} must agree with what its config tells: {value!r}"
                )
        codec = cls(config, backend=backend)
        codec.fill(state, keep_weight_norm=keep_weight_norm)
        return codec

    def fill(self, state: State, *, keep_weight_norm: bool = False) -> None:
        """Take all weights from tensors by name, in either layout; ValueError, and nothing taken, where they do not fit."""
        layout = table(self.config)
        if self.backend == "transformers":
            fill(self.network, state, layout if is_descript(state) else None, cast=True)
            return
        pairs = any(name.endswith("weight_g") for name in state)
        if keep_weight_norm and pairs and is_descript(state):
            fill(self.network, state, cast=True)
            return
        state, problems = fold(state)
        if not is_descript(state):
            state, unfit = layout.to_theirs(state)
            problems += unfit
        if problems:
            raise ValueError(f"weights must fit the model: {'; '.join(problems[:5])}")
        normed = any(name.endswith("weight_g") for name in self.network.state_dict())
        kernels = [name for name, tensor in state.items() if name.endswith("weight") and tensor.ndim == 3]
        fill(self.network, unfold(state, kernels, "weight_g") if normed else state, cast=True)
        if normed and not keep_weight_norm:
            for module in self.network.modules():
                if hasattr(module, "weight_g"):
                    nn.utils.remove_weight_norm(module)
            self.network.requires_grad_(False)

    def _encode(self, audio: Tensor) -> Tensor:
        self._check_mode()
        planes = audio[:, None].to(next(self.network.parameters()))
        coded = self.network.encode(planes)
        codes: Tensor = coded.audio_codes if self.backend == "transformers" else coded[1]
        return codes.transpose(1, 2).contiguous()

    def _decode(self, codes: Tensor) -> Tensor:
        self._check_mode()
        books = codes.transpose(1, 2).to(next(self.network.parameters()).device, torch.int64)
        latents = self.network.quantizer.from_codes(books)[0]
        audio = self.network.decoder(latents)[:, 0]
        # Each odd stride of a decoder leaves its output a little short: 8 samples of 32000 at 24 kHz.
        whole = pad(audio, (0, codes.shape[1] * self.hop - audio.shape[1]))
        return whole.to(torch.promote_types(whole.dtype, torch.float32))

    def _check_mode(self) -> None:
        if self.network.training:
            raise ValueError(
                "network.training=True must be False: its quantiser drops codebooks at random; call network.eval()"
            )


def _transformers(config: DACConfig) -> nn.Module:
    try:
        from transformers import DacConfig, DacModel
    except (ImportError, OSError) as missing:
        raise ImportError(_missing("transformers", "models", missing)) from missing
    made = DacConfig(
        encoder_hidden_size=config.encoder_dim,
        downsampling_ratios=list(config.strides),
        decoder_hidden_size=config.decoder_dim,
        n_codebooks=config.codebooks,
        codebook_size=config.size,
        codebook_dim=config.codebook_dim,
        sampling_rate=config.rate,
    )
    made.hidden_size = config.latent
    network: nn.Module = DacModel(made)
    return network


def _descript(config: DACConfig) -> nn.Module:
    try:
        from dac.model import DAC as Network
    except (ImportError, OSError) as missing:  # OSError: a torchaudio of another torch
        raise ImportError(_missing("descript-audio-codec", "dac", missing)) from missing
    network: nn.Module = Network(
        encoder_dim=config.encoder_dim,
        encoder_rates=list(config.strides),
        latent_dim=config.latent,
        decoder_dim=config.decoder_dim,
        decoder_rates=list(reversed(config.strides)),
        n_codebooks=config.codebooks,
        codebook_size=config.size,
        codebook_dim=config.codebook_dim,
        sample_rate=config.rate,
    )
    return network


def _missing(name: str, extra: str, reason: Exception) -> str:
    said = " ".join(str(reason).split())[:200]
    return f'backend needs {name}, which cannot be imported here ({said}): pip install "refaudio[{extra}]"'


def _found(path: Path) -> tuple[Path | None, Path]:
    """The folder, if it is one, and the file of the weights."""
    if not path.is_dir():
        if not path.is_file():
            raise ValueError(f"path={str(path)!r} must be a folder or a file of weights: there is none")
        return None, path
    for name in FILES:
        if (path / name).is_file():
            return path, path / name
    raise ValueError(f"path={str(path)!r} must hold one of {', '.join(FILES)}")


def _archive(file: Path) -> dict[str, Any]:
    """What a .pth tells beside its tensors; nothing where it is none. `read` is what refuses damaged files."""
    try:
        found = torch.load(file, map_location="meta", weights_only=True)
    except Exception:  # `read` says what is wrong with it
        return {}
    return found if isinstance(found, dict) else {}


def _told(folder: Path | None, archive: dict[str, Any]) -> dict[str, Any]:
    """What the files tell of the config: config.json of the folder, or the metadata of descript's file."""
    if folder is not None and (folder / "config.json").is_file():
        try:
            found = json.loads((folder / "config.json").read_text())
        except ValueError as damaged:
            raise ValueError(f"path={str(folder / 'config.json')!r} must be JSON: {damaged}") from damaged
        return {ours: found[theirs] for theirs, ours in NAMES.items() if theirs in found}
    metadata = archive.get("metadata")
    kwargs = metadata.get("kwargs") if isinstance(metadata, dict) else None
    rate = kwargs.get("sample_rate") if isinstance(kwargs, dict) else None
    return {} if rate is None else {"rate": rate}


def _config(state: State, rate: int) -> DACConfig:
    """The config of tensors in either layout."""
    if not is_descript(state):
        return config_of(state, rate)
    blocks = {name.split(".")[2] for name in state if name.startswith("encoder.block.")}
    strides = (1,) * max(1, len(blocks) - 3)  # a table needs their number alone
    ours, _ = table(DACConfig(strides=strides, decoder_dim=2 ** len(strides))).to_ours(state)
    return config_of(ours, rate)
