"""What an adapter declares: a convention for all of it, or one for each of its families; a slip is asked about."""

from __future__ import annotations

from types import SimpleNamespace

from refaudio.conformance.load import load
from refaudio.conformance.run import Bound


def test_a_law_reads_the_convention_of_its_own_family() -> None:
    module = SimpleNamespace(delay=print, EOS={"codeclm": "none"}, TIME={"flow": "data at 0"})
    adapter = load(module)
    assert adapter.conventions == {"EOS (codeclm)": "none", "TIME (flow)": "data at 0"}
    assert (adapter.convention("EOS", "DELAY"), adapter.convention("EOS", "LOSS")) == ("none", None)
    assert (adapter.convention("TIME", "SOLVE"), adapter.convention("TIME", "SHORTCUT")) == (
        "data at 0",
        None,
    )
    assert Bound(adapter, ["delay"], area="PATH").convention("TIME") == "data at 0"


def test_a_plain_declaration_speaks_for_every_family() -> None:
    adapter = load(SimpleNamespace(delay=print, TIME="data at 1"))
    assert (adapter.convention("TIME", "SOLVE"), adapter.convention("TIME", "SHORTCUT")) == ("data at 1",) * 2


def test_a_declaration_with_a_slip_in_its_name_is_asked_about() -> None:
    notes = load(SimpleNamespace(delay=print, EOSS="none", WINDOW=3)).notes
    assert notes == ["'EOSS' is no declaration of the spec: did you mean 'EOS'?"]


def test_a_name_that_two_families_use_is_that_of_the_declared_one() -> None:
    module = SimpleNamespace(begin=print, step=len, load=open, FAMILIES=["LM", "CKPT"])
    assert dict(load(module).functions) == {"begin": print, "advance": len, "load_model": open}
    module.advance = max
    assert load(module).functions["advance"] is max
    module.FAMILIES = ["LM", "CKPT", "LOSS", "AUDIO"]
    assert dict(load(module).functions) == {"begin": print, "advance": max, "step": len, "load": open}
    del module.FAMILIES, module.advance
    assert dict(load(module).functions) == {"begin": print, "step": len, "load": open}
