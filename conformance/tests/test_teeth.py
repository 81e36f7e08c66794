"""The proof that the spec bites can itself fail: a blunted law, a toothless one, and two mutants that are one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from refaudio.conformance import mutants as registry
from refaudio.conformance.teeth import impostors, prove
from refaudio.spec import LAWS, Implementation
from refaudio.spec.law import Law, expect


@pytest.fixture(autouse=True)
def few_mutants(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, registry.Mutant]]:
    """Only the mutants of make_config, so that a proof takes a second."""
    known = registry.all_mutants()
    few = {name: mutant for name, mutant in known.items() if "make_config" in mutant.functions}
    monkeypatch.setattr("refaudio.conformance.teeth.all_mutants", lambda: few)
    return few


def changed(law: Law, **fields: object) -> Law:
    return replace(law, **fields)  # type: ignore[arg-type]


LAW = LAWS["DELAY-005"]


def problems(*laws: Law) -> str:
    return "\n".join(prove(laws)[2])


def gross_is_allowed(text: str) -> str:
    """Alone in its area, a law is half of it: that one complaint is not what these tests are about."""
    return "\n".join(line for line in text.splitlines() if "half of its area" not in line)


def test_a_sound_law_has_no_problems() -> None:
    assert gross_is_allowed(problems(LAW)) == ""


def test_a_law_blunted_in_one_comparison_is_noticed() -> None:
    def blunted(impl: Implementation, codebooks: int, delays: list[int]) -> None:
        expect(list(impl.make_config(len(delays), delays)), delays, "a pattern that fits")

    text = problems(changed(LAW, check=blunted))
    assert "DELAY-005 declares any-pattern-fits, and does not kill it" in text


def test_a_comparison_that_kills_nothing_is_noticed_unless_it_is_listed() -> None:
    def idle(impl: Implementation, codebooks: int, delays: list[int]) -> None:
        LAW.check(impl, codebooks, delays)
        expect(1, 1, "that one is one")

    assert "loses no kill without the comparison 'that one is one'" in problems(changed(LAW, check=idle))
    listed = changed(LAW, check=idle, spare={"that one is one": "arithmetic is kept in view"})
    assert gross_is_allowed(problems(listed)) == ""


def test_a_spare_comparison_that_bites_is_noticed() -> None:
    text = problems(changed(LAW, spare={"a pattern that fits": "thought to be idle", "never made": "?"}))
    assert "lists 'a pattern that fits' as spare, but without it" in text
    assert "lists the comparison 'never made' as spare, and never makes it" in text


def test_a_law_that_kills_only_what_everything_kills_is_noticed() -> None:
    assert "kills no mutant but such as half of its area kills" in problems(LAW)


def test_a_first_mutant_that_recreates_no_origin_is_noticed() -> None:
    assert "re-creates none of its origins" in problems(
        changed(LAW, mutants=["wants-sorted-delays", *LAW.mutants])
    )


def test_a_mutant_that_no_law_declares_is_noticed() -> None:
    kept = [name for name in LAW.mutants if name != "default-pattern-wins"]
    assert "mutant default-pattern-wins is declared by no law" in problems(changed(LAW, mutants=kept))


def test_two_mutants_that_are_one_are_noticed(few_mutants: dict[str, registry.Mutant]) -> None:
    twin = few_mutants["any-pattern-fits"]
    few_mutants["twin"] = replace(
        twin, name="twin", functions={"make_config": lambda codebooks, delays: list(delays)}
    )
    assert "mutants any-pattern-fits and twin are one" in problems(LAW)


def test_an_impostor_that_passes_is_noticed() -> None:
    def toothless(impl: Implementation, codebooks: int, delays: list[int]) -> None:
        try:
            impl.make_config(codebooks, delays)
        except Exception:
            return

    assert len(impostors(changed(LAW, check=toothless))) == 3
