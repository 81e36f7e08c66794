"""Text as Dia reads it: UTF-8 bytes, with the speaker tags [S1] and [S2] as the bytes 1 and 2, padded with 0.

>>> encode_text("[S1] hé")
[1, 32, 104, 195, 169]
>>> text, mask = pad_texts([encode_text("hi"), encode_text("")])
>>> text.tolist(), mask.tolist()
([[104, 105], [0, 0]], [[True, True], [False, False]])

Training and generation call the same function: a model that was tuned on the four letters of "[S1]" knows no speakers.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from ..errors import integer, listed

TAGS = {"[S1]": 1, "[S2]": 2}
PAD = 0  # under a mask, and alone: the text that says nothing
LIMIT = 1024  # ids that Dia has positions for
CONTROL = {PAD: "padding", **{id: tag for tag, id in TAGS.items()}}


def encode_text(text: str, limit: int | None = LIMIT) -> list[int]:
    """The ids of a text, at most `limit` of them; ValueError for a longer one, and for the bytes 0, 1 and 2 in it.

    Those mean padding and speakers: typed by a user, they would end the text or change the voice.
    """
    ids = _encoded(text)
    if limit is not None and len(ids) > integer("limit", limit, least=1):
        raise ValueError(
            f"text={_short(text)} must have at most {limit} ids, got {len(ids)}: shorten it, or cut_text(text, {limit})"
        )
    return ids


def cut_text(text: str, limit: int = LIMIT) -> str:
    """The longest beginning of a text that has at most `limit` ids, cut within no character and within no tag."""
    limit = integer("limit", limit, least=0)
    kept, count = 0, 0
    while kept < len(text):
        tag = next((tag for tag in TAGS if text.startswith(tag, kept)), None)
        piece = tag or text[kept]
        count += len(_encoded(piece))
        if count > limit:
            break
        kept += len(piece)
    return text[:kept]


def pad_texts(texts: Sequence[Sequence[int]]) -> tuple[Int64[Tensor, "B S"], Bool[Tensor, "B S"]]:
    """Texts of ids as one batch, padded at the end with 0, and its mask, True where a text has an id: (B, S), S >= 1."""
    rows = [listed(f"texts[{b}]", ids) for b, ids in enumerate(listed("texts", texts))]
    longest = max([1, *map(len, rows)])
    text = torch.full((len(rows), longest), PAD)
    for b, ids in enumerate(rows):
        text[b, : len(ids)] = torch.tensor(ids, dtype=torch.int64)
    lengths = torch.tensor([len(ids) for ids in rows], dtype=torch.int64)
    return text, torch.arange(longest) < lengths[:, None]


def null_text(batch: int, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """What the unconditional branch reads: one padding id, and a mask that lets it be seen, (batch, 1) each.

    Dia pads its null text to the length of the other one. Then all its positions are alike, and so is what attention
    makes of them: one position is the same, at a thousandth of the cost.
    """
    shape = (integer("batch", batch, least=0), 1)
    return torch.full(shape, PAD, device=device), torch.ones(shape, dtype=torch.bool, device=device)


def _encoded(text: str) -> list[int]:
    if not isinstance(text, str):
        raise ValueError(f"text={type(text).__name__} must be a string")
    try:
        raw = text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"text={_short(text)} must be Unicode: {error.reason} at {error.start}") from error
    for id, meaning in CONTROL.items():
        if (at := raw.find(id)) >= 0:
            raise ValueError(
                f"text={_short(text)} must not hold the byte {id}, at {at}: it stands for {meaning}; remove it"
            )
    for tag, id in TAGS.items():
        raw = raw.replace(tag.encode(), bytes([id]))
    return list(raw)


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
