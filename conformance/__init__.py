"""The kit that holds any implementation to the spec.

Everything is looked up by absolute name when it is asked for: pytest imports this file once more as a top-level
package, and a relative import would fail there.
"""

from importlib import import_module
from typing import Any

_HOMES = {"check": "check", "suite": "suite", "Report": "report", "Result": "report", "bind": ""}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES[name]
    module = import_module(f"refaudio.conformance.{home or name}")
    return getattr(module, name) if home else module
