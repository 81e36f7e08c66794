"""`command:` adapters: a program in any language, behind a command line with {op} and {dir} in it.

The program is told a function and a folder of calls (process.py says what is in it). Asked to `describe`, it writes
into the one out.json what a Python adapter declares about itself:

    {"functions": ["delay", "undelay"], "conventions": {"EOS": "none"}, "implementation": {"name": "port"},
     "families": ["DELAY"], "sizes": {"codebooks": [9]}, "not_claimed": {"DELAY-012": "why"}, "seconds": 60}

All but the functions may be left out; `seconds` is what a process may take for its batch. Needs a POSIX system.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from ..spec.conventions import CONVENTIONS
from .adapter import Adapter, spec_functions
from .declared import read
from .process import SECONDS, Program, ProgramFailed, serve
from .rounds import Remote
from .usage import UsageError, did_you_mean
from .wire import Request

PREFIX = "command:"
EXAMPLE = "command:./port {op} {dir}"
# Functions whose effect is on the process that calls them: another program cannot have it.
OF_THIS_PROCESS = {"seed_all": "the generators that it seeds are those of Python"}


def load_command(name: str, seconds: float = SECONDS) -> Adapter:
    """The adapter of a command line, as its program describes itself."""
    program = Program(words(name), seconds)
    described = _described(name, program)
    functions = _checked(name, described)
    program.seconds = float(described.get("seconds", seconds))
    bound = {function: Remote(program, function) for function in functions if function not in OF_THIS_PROCESS}
    target = SimpleNamespace(
        **bound,
        **described.get("conventions", {}),
        IMPLEMENTATION=described.get("implementation", {}),
        SIZES=described.get("sizes", {}),
        FAMILIES=described.get("families", []),
        NOT_CLAIMED=described.get("not_claimed", {}),
    )
    adapter = read(name, target)
    notes = [
        f"{function!r} is not bound: {OF_THIS_PROCESS[function]}"
        for function in functions
        if function not in bound
    ]
    return replace(adapter, notes=[*adapter.notes, *notes, *_unknown(functions, adapter)])


def words(name: str) -> list[str]:
    """The command line of "command:...", split as a shell would, with no shell."""
    try:
        line = shlex.split(name.removeprefix(PREFIX))
    except ValueError as error:
        raise UsageError(
            f"adapter {name!r} cannot be split into words: {error}; try: refaudio check {shlex.quote(EXAMPLE)}"
        ) from error
    if not line or not all(any(place in word for word in line[1:]) for place in ("{op}", "{dir}")):
        raise UsageError(
            f"adapter {name!r} must name a program, {{op}} and {{dir}}; try: refaudio check {shlex.quote(EXAMPLE)}"
        )
    return line


def _described(name: str, program: Program) -> Mapping[str, Any]:
    """What the program answers to `describe`."""
    request = Request("describe", json.dumps({"function": "describe", "arguments": []}).encode(), b"")
    again = f"; try: mkdir -p d/0001; {shlex.join(program.line('describe', 'd'))}; cat d/0001/out.json"
    try:
        answer = serve(program, [request])[0].value()
    except (ProgramFailed, NotImplementedError, ValueError) as error:
        raise UsageError(f"adapter {name!r} does not describe itself: {error}{again}") from error
    if not isinstance(answer, dict):
        raise UsageError(f"adapter {name!r} describes itself with {answer!r}, no JSON object{again}")
    return answer


def _object_of_text(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


def _names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


_FORMS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "functions": (lambda value: _names(value) and all(map(str.isidentifier, value)), "a list of names"),
    "conventions": (_object_of_text, "an object of text"),
    "implementation": (_object_of_text, "an object of text"),
    "families": (_names, "a list of names"),
    "sizes": (lambda value: isinstance(value, dict), "an object of lists"),
    "not_claimed": (_object_of_text, "an object of reasons"),
    "seconds": (lambda value: type(value) in (int, float) and 0 < value <= 3600, "a number up to 3600"),
}


def _checked(name: str, described: Mapping[str, Any]) -> list[str]:
    """The functions that a program offers; every error of its description is one line."""
    for key, value in described.items():
        if key not in _FORMS:
            raise UsageError(f"adapter {name!r} describes {key!r}{did_you_mean(key, _FORMS)}")
        holds, form = _FORMS[key]
        if not holds(value):
            raise UsageError(f"{key}={value!r} of adapter {name!r} must be {form}")
    for convention in described.get("conventions", {}):
        if convention not in CONVENTIONS:
            raise UsageError(
                f"adapter {name!r} declares {convention!r}{did_you_mean(convention, CONVENTIONS)}"
            )
    if not described.get("functions"):
        raise UsageError(
            f'adapter {name!r} offers nothing: describe must answer with "functions": ["delay", ...]'
        )
    return list(dict.fromkeys(described["functions"]))


def _unknown(functions: list[str], adapter: Adapter) -> list[str]:
    """Names that are no function of the spec, and are not near enough to one to have been noticed."""
    strange = set(functions) - spec_functions()
    noted = " ".join(adapter.notes)
    return [f"{name!r} is no function of the spec" for name in sorted(strange) if repr(name) not in noted]
