"""TEXT: what a language model reads, UTF-8 bytes with speaker tags, in training as in generation."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable

import torch

from . import draw, draw_lm
from .law import REFUSALS, Implementation, expect, expect_that, law

TAGS = {"[S1]": 1, "[S2]": 2}
LIMIT = 1024  # what an implementation that declares no TEXT_LIMIT is asked for


def ids_of(text: str) -> list[int]:
    """UTF-8 bytes, with 1 and 2 in the place of the tags."""
    ids, at, raw = [], 0, text.encode()
    while at < len(raw):
        tag = next((tag for tag in TAGS if raw.startswith(tag.encode(), at)), None)
        ids.append(TAGS[tag] if tag else raw[at])
        at += len(tag) if tag else 1
    return ids


def _read(impl: Implementation, text: str) -> list[int]:
    """The ids that an implementation makes of a text, at the grain at which it is bound, without padding at the end."""
    made = impl.encode_text(text) if impl.has("encode_text") else impl.train_text(text)
    ids = torch.as_tensor(made).flatten().tolist()
    while ids and ids[-1] == 0:
        ids.pop()
    return ids


@law(
    "TEXT-001",
    needs="encode_text | train_text",
    effect="every speaker has the same voice, or a voice that changes at random: the model never sees the tags that it was trained with",
    origin={
        "codeclm:15": "a fork's trainer spells [S1] out as four letters, and maps other tags at the start of a text alone",
    },
    witnesses=[
        "closed form: UTF-8, and one byte a tag",
        "nari's encode and the trainers derived from it give the same ids",
    ],
    since="2026.1",
    mutants=["tags-spelt-out", "tags-at-the-start-only", "characters-not-bytes", "any-case-is-a-tag"],
    draws={"text": draw_lm.sentence()},
    regions={
        "a tag": lambda case: "[S1]" in case["text"] or "[S2]" in case["text"],
        "a tag later": lambda case: case["text"].rfind("[S") > 0,
        "beyond ASCII": lambda case: not case["text"].isascii(),
        "empty": lambda case: not case["text"],
    },
)
def reads_bytes_and_tags(impl: Implementation, text: str) -> None:
    """A text is its UTF-8 bytes, [S1] and [S2] are the bytes 1 and 2 wherever they stand, and nothing else is special."""
    expect(_read(impl, text), ids_of(text), "the ids of a text")


@law(
    "TEXT-002",
    needs="encode_text",
    effect="the end of a long text is not spoken, and nothing said so",
    origin={"codeclm:16": "texts are cut at 1024 bytes, silently, amid a character"},
    witnesses=[
        "definition: what is not read cannot be spoken",
        "transformers' tokenizer does not cut unless it is asked to",
    ],
    since="2026.1",
    mutants=["cuts-in-silence", "refuses-the-longest", "characters-not-bytes"],
    draws={"more": draw.choice(0, 1, 2, 7, 100), "character": draw.choice("a", "é", "中")},
    regions={
        "just fits": lambda case: case["more"] == 0,
        "too long": lambda case: case["more"] > 0,
        "cut within a character": lambda case: case["character"] != "a" and case["more"] > 0,
    },
)
def reports_a_cut(impl: Implementation, more: int, character: str) -> None:
    """A text of as many bytes as the model reads is read whole; a longer one is refused, or read whole, or cut with a warning."""
    limit = int(impl.number("TEXT_LIMIT") or LIMIT)
    width = len(character.encode())
    fits = "a" * (limit % width) + character * (limit // width)
    expect(_read(impl, fits), ids_of(fits), "a text that just fits")
    if more:
        text = fits + character * more
        told, ids = _told(lambda: _read(impl, text))
        expect_that(
            told or ids == ids_of(text),
            "a text that is too long",
            got=f"{len(ids)} of {len(ids_of(text))} ids, and no word of it",
            want="a refusal, a warning, or all ids",
        )


def _told(call: Callable[[], list[int]]) -> tuple[bool, list[int]]:
    """Whether a call refused or warned, through `warnings` or `logging`, and what it returned."""
    heard: list[logging.LogRecord] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record)

    listener = Listener(logging.WARNING)
    logging.getLogger().addHandler(listener)
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            ids = call()
    except REFUSALS:
        return True, []
    finally:
        logging.getLogger().removeHandler(listener)
    return bool(warned or heard), ids


@law(
    "TEXT-003",
    needs="encode_text",
    effect="a text that was pasted from somewhere ends early, or changes the speaker amid a sentence",
    origin={"codeclm:17": "the bytes 0, 1 and 2 in a user's text act as padding and as speaker tags"},
    witnesses=[
        "definition: 0 is padding and 1, 2 are speakers, which only tags may call",
        "counting: a text calls as many speakers as it has tags",
    ],
    since="2026.1",
    mutants=["control-bytes-pass", "drops-full-stops-too"],
    draws={
        "before": draw.choice("", "a", "two words"),
        "byte": draw.choice(0, 1, 2),
        "after": draw.choice("", "b", "[S1"),
    },
    regions={
        "padding": lambda case: case["byte"] == 0,
        "a speaker": lambda case: case["byte"] > 0,
        "at the start": lambda case: not case["before"],
    },
)
def control_bytes_mean_nothing(impl: Implementation, before: str, byte: int, after: str) -> None:
    """The characters U+0000 to U+0002 in a text are refused, dropped or escaped: they never become the ids 0, 1 and 2."""
    plain = f"{before}. {after}."
    expect(_read(impl, plain), ids_of(plain), "the same text without it")
    try:
        ids = _read(impl, f"{before}.{chr(byte)}{after}.")
    except REFUSALS:
        return
    expect([ids.count(id) for id in (0, 1, 2)], [0, 0, 0], "how often 0, 1 and 2 are among the ids")
