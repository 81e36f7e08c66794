"""From what one hears or sees to the laws behind it: `refaudio symptom clicks at every chunk`."""

from __future__ import annotations

import difflib
import math
import re
from collections import Counter
from collections.abc import Iterable

from ..spec.law import LAWS, Law

MOST = 5  # laws that are told before it only says how many there are
WEIGHTS = {"effect": 3.0, "title": 2.0, "origin": 1.0}  # effects are written in the words of who suffers them
SILENT = frozenset(
    "a after all an and any are as at be but by do does for from has have i in is it its me my no not of on one or "
    "our out so that the their them then there they this to too was what when which while who will with you".split()
)
ENDINGS = (
    "ations",
    "ation",
    "ings",
    "ing",
    "edly",
    "ness",
    "ies",
    "ied",
    "ers",
    "ed",
    "er",
    "es",
    "ly",
    "s",
    "e",
    "y",
)


def stem(word: str) -> str:
    """The word without its ending: clicks, clicked and clicking are one.

    >>> stem("clicks"), stem("clicking"), stem("clipped"), stem("clip")
    ('click', 'click', 'clip', 'clip')
    """
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    doubled = len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls"
    return word[:-1] if doubled else word


def stems(text: str) -> list[str]:
    """The stems of a text, without the words that say nothing."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return [stem(word) for word in words if word not in SILENT]


def _fields(law: Law) -> dict[str, str]:
    origin = " ".join(f"{key} {text}" for key, text in law.origin.items())
    return {"effect": law.effect, "title": f"{law.id} {law.title}", "origin": origin}


def search(words: str) -> list[Law]:
    """The laws that speak of these words, best first: those of more of the words, then of rarer ones, then of effects."""
    asked = list(dict.fromkeys(stems(words)))
    laws = [law for law in LAWS.values() if law.status != "withdrawn"]
    texts = {law.id: {name: set(stems(text)) for name, text in _fields(law).items()} for law in laws}
    spread = Counter(word for fields in texts.values() for word in set().union(*fields.values()))
    scores: dict[str, float] = {}
    for law in laws:
        for word in asked:
            weight = max(
                (WEIGHTS[name] for name, found in texts[law.id].items() if word in found), default=0.0
            )
            if weight:
                scores[law.id] = scores.get(law.id, 0.0) + weight * (1 + math.log(len(laws) / spread[word]))
    return sorted((law for law in laws if law.id in scores), key=lambda law: -scores[law.id])


def answer(words: str) -> tuple[bool, list[str]]:
    """Whether anything was found, and the lines to tell: each law, what it is heard by, and what to type next."""
    found = search(words)
    if not found:
        return False, _hints(words)
    lines = []
    for law in found[:MOST]:
        lines += [f"{law.id}  {law.effect}", f"  refaudio explain {law.id}"]
    if len(found) > MOST:
        lines.append(f"and {len(found) - MOST} more: add a word to narrow it down")
    lines.append(f"to hold your code to the first: refaudio check YOURS --only {found[0].id}")
    return True, lines


def _hints(words: str) -> list[str]:
    """What could be asked in place of words that no law speaks of."""
    known = _said(law.effect for law in LAWS.values())
    asked = [word for word in re.findall(r"[a-z0-9]+", words.lower()) if word not in SILENT]
    close = [match for word in asked for match in difflib.get_close_matches(word, known, n=2, cutoff=0.7)]
    common = [word for word, _ in known.most_common(12)]
    hint = f"did you mean {' or '.join(dict.fromkeys(close))}?" if close else f"try: {', '.join(common)}"
    return [
        f"nothing found for {words!r}; {hint}",
        "say what is heard or seen: refaudio symptom clicks at every chunk",
    ]


def _said(texts: Iterable[str]) -> Counter[str]:
    """The words in which effects are told, by how many of them use each."""
    return Counter(
        word for text in texts for word in set(re.findall(r"[a-z]{4,}", text.lower())) if word not in SILENT
    )
