"""Weights on disk: safetensors or a weights-only .pth, told apart by content; never a pickle with code in it."""

import hashlib
import json
import os
import pickle
import re
import secrets
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

State = dict[str, Tensor]
DIGEST = (
    "sha256"  # in the metadata of what we write: safetensors itself cannot tell a flipped bit from a weight
)


def read(path: str | os.PathLike[str], *, at: str | None = None) -> State:
    """The tensors of a file by name, on the CPU; ValueError of one line for a file that is damaged or holds more.

    at: the entry that holds them, where a .pth has several (`{"state_dict": ..., "metadata": ...}`).
    """
    path = Path(path)
    with path.open("rb") as file:
        start = file.read(9)
    if len(start) == 9 and start[8:] == b"{":  # the length of the header in 8 bytes, and the header
        if at is not None:
            raise _refusal(path, f"must have an entry at={at!r}, but a safetensors file has one level")
        return _read_safetensors(path)
    if start.startswith((b"PK\x03\x04", b"\x80")):  # a zip archive, or a bare pickle, as older ones are
        return _read_torch(path, at, zipped=start[:2] == b"PK")
    raise _refusal(path, "must be a safetensors or .pth file: this is neither, or its beginning is damaged")


def write(state: Mapping[str, Tensor], path: str | os.PathLike[str]) -> None:
    """Write tensors as safetensors with a digest of their bytes: the whole file, or none and the old one stays."""
    path = Path(path)
    empty = [name for name, tensor in state.items() if tensor.is_meta]
    if empty:
        raise ValueError(f"state must hold numbers: on the meta device are {_names(empty)}")
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    seen: set[int] = set()
    for name, tensor in tensors.items():
        if (
            tensor.untyped_storage().data_ptr() in seen
        ):  # tied weights: safetensors wants each tensor by itself
            tensors[name] = tensor.clone()
        seen.add(tensor.untyped_storage().data_ptr())
    part = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        part.touch(0o666, exist_ok=False)
        mode = part.stat().st_mode  # as the umask has it; save_file's own is 0600
        save_file(tensors, part, metadata={"format": "pt", DIGEST: _digest(tensors)})
        part.chmod(mode)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except SafetensorError as error:  # a full disk, among others
        raise OSError(f"{path}: {error}") from error
    finally:
        part.unlink(missing_ok=True)


def _read_safetensors(path: Path) -> State:
    try:
        with safe_open(path, framework="pt") as file:
            state: State = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            written = (file.metadata() or {}).get(DIGEST)
    except (SafetensorError, ValueError, RuntimeError, KeyError, AttributeError) as error:
        raise _refusal(path, "must be a whole safetensors file", error) from error
    if written is not None and written != _digest(state):
        raise _refusal(path, f"must have the {DIGEST} that its header tells: its contents are damaged")
    return state


def _read_torch(path: Path, at: str | None, *, zipped: bool) -> State:
    if zipped:
        _check_archive(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # about protocols of old pickles, which weights_only reads or refuses
            found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f"it calls {named[1]}" if named else "it is damaged, or a pickle of something else"
        raise _refusal(path, f"must hold tensors and plain values alone: {what}") from error
    except (
        Exception
    ) as error:  # a damaged pickle stops its reader in any way: KeyError, EOFError, struct.error, ...
        raise _refusal(path, "must be a whole .pth file", error) from error
    return _state(path, found, at)


def _check_archive(path: Path) -> None:
    """Every member has the checksum that the archive tells: torch.load does not look (600 flipped bits, 555 passed)."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except Exception as error:  # a flipped bit in a header stops zipfile in any way
        raise _refusal(path, "must be a whole .pth file", error) from error
    if damaged is not None:
        raise _refusal(path, f"must be a whole .pth file: {damaged} is damaged")


def _state(path: Path, found: object, at: str | None) -> State:
    """The tensors by name, in the entry `at` or at the top."""
    entries = found if isinstance(found, Mapping) else {}
    if at is not None:
        if at not in entries:
            raise _refusal(path, f"must have an entry at={at!r}: it has {_names(entries)}")
        found = entries[at]
    if not isinstance(found, Mapping) or not found:
        raise _refusal(path, f"must hold tensors by name: it holds {type(found).__name__}")
    odd = [name for name, value in found.items() if not (isinstance(name, str) and _plain(value))]
    if odd:
        inner = [name for name, value in found.items() if isinstance(value, Mapping)]
        hint = f"; name the entry: at={inner[0]!r}" if inner else ""
        raise _refusal(path, f"must hold tensors by name, but {_names(odd)} are none{hint}")
    return dict(found)


def _plain(value: object) -> bool:
    return isinstance(value, Tensor) and value.layout is torch.strided and not value.is_quantized


def _digest(state: Mapping[str, Tensor]) -> str:
    """SHA-256 of names, dtypes, shapes and bytes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        digest.update(json.dumps([name, str(tensor.dtype), [*tensor.shape]]).encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _names(names: Iterable[object], most: int = 5) -> str:
    listed = [str(name) for name in names]
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more if listed else "none"


def _refusal(path: Path, rule: str, error: Exception | None = None) -> ValueError:
    reason = f" ({' '.join(str(error).split())[:200]})" if error is not None and str(error) else ""
    return ValueError(f"path={str(path)!r} {rule}{reason}")
