"""Text as it was read wrongly."""

from __future__ import annotations

from . import mutant

TAGS = {b"[S1]": b"\x01", b"[S2]": b"\x02"}
LIMIT = 1024


def _mapped(raw: bytes) -> list[int]:
    for tag, id in TAGS.items():
        raw = raw.replace(tag, id)
    return list(raw)


def _checked(text: str) -> list[int]:
    """The right ids, written as a first reader would."""
    if any(ord(letter) < 3 for letter in text):
        raise ValueError(f"text={text!r} must have no control bytes")
    ids = _mapped(text.encode())
    if len(ids) > LIMIT:
        raise ValueError(f"text must have at most {LIMIT} bytes, got {len(ids)}")
    return ids


@mutant("tags-spelt-out", "codeclm:15")
def tags_spelt_out_of_encode_text(text: str) -> list[int]:
    """tags are read as the four letters that they are written with"""
    _checked(text)
    return list(text.encode())


@mutant("tags-at-the-start-only", "codeclm:15")
def tags_at_the_start_only_of_train_text(text: str) -> list[int]:
    """training maps a tag where the text begins with one; generation maps it everywhere"""
    raw = text.encode()
    for tag, id in TAGS.items():
        if raw.startswith(tag):
            return [*id, *raw[len(tag) :]]
    return list(raw)


@mutant("characters-not-bytes", "codeclm:15")
def characters_not_bytes_of_encode_text(text: str) -> list[int]:
    """ids are code points, cut to a byte: right for ASCII alone"""
    _checked(text)
    for tag, id in TAGS.items():
        text = text.replace(tag.decode(), id.decode())
    return [ord(letter) & 255 for letter in text]


@mutant("any-case-is-a-tag", "codeclm:15")
def any_case_is_a_tag_of_encode_text(text: str) -> list[int]:
    """[s1] is taken for a tag as well, though the model was never trained on it"""
    _checked(text)
    return _mapped(text.replace("[s1]", "[S1]").encode())


@mutant("cuts-in-silence", "codeclm:16")
def cuts_in_silence_of_encode_text(text: str) -> list[int]:
    """what exceeds the limit is cut off, and nobody is told"""
    if any(ord(letter) < 3 for letter in text):
        raise ValueError("control bytes")
    return _mapped(text.encode())[:LIMIT]


@mutant("refuses-the-longest", "codeclm:16")
def refuses_the_longest_of_encode_text(text: str) -> list[int]:
    """a text that just fits is refused: less than is written where at most is meant"""
    if len(text.encode()) >= LIMIT:
        raise ValueError(f"text must have less than {LIMIT} bytes")
    return _checked(text)


@mutant("control-bytes-pass", "codeclm:17")
def control_bytes_pass_of_encode_text(text: str) -> list[int]:
    """raw bytes 0, 1 and 2 are read like all others: as padding, and as speakers"""
    ids = _mapped(text.encode())
    if len(ids) > LIMIT:
        raise ValueError("too long")
    return ids


@mutant("drops-full-stops-too", "codeclm:17")
def drops_punctuation_of_encode_text(text: str) -> list[int]:
    """to be rid of control bytes, a list of characters is dropped from the text, the full stop among them"""
    ids = _mapped("".join(letter for letter in text if letter != "." and ord(letter) > 2).encode())
    if len(ids) > LIMIT:
        raise ValueError("too long")
    return ids
