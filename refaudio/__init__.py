"""refaudio: generative-audio code held to laws, with reference implementations that obey them.

This front loads nothing: torch arrives with the submodule that needs it.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .cli import check

__all__ = ["__version__", "check"]
__version__ = "0.1.0"

# spec/, conformance/ and benchmarks/ lie inside this folder in a wheel and beside it in a checkout, where the
# folder above joins the search path: they import as refaudio.spec and so on either way. An installed wheel
# never looks beside itself, where other people's packages are.
_here = Path(__file__).resolve().parent
if not (_here / "spec" / "__init__.py").is_file():
    __path__.append(str(_here.parent))


def __getattr__(name: str) -> object:
    """`refaudio.check` loads the kit when it is first asked for: a plain import needs no Hypothesis."""
    if name == "check":
        from .cli import check

        return check
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
