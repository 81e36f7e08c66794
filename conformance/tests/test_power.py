"""How soon a law kills: counted over cases that others do not draw, and judged by a quarter of the budget."""

from __future__ import annotations

import pytest

from refaudio.conformance.cases import draw
from refaudio.conformance.mutants import all_mutants
from refaudio.conformance.power import Power, first_kill, main, powers
from refaudio.spec.law import LAWS

LAW = LAWS["DELAY-014"]


def test_the_first_case_that_kills_is_counted_from_one() -> None:
    mutant = all_mutants()["dia-in-stairs"]
    assert first_kill(LAW, mutant, [{"name": "dia"}, {"name": "moshi"}]) == 1
    assert first_kill(LAW, mutant, [{"name": "moshi"}, {"name": "musicgen"}, {"name": "dia"}]) == 3
    assert first_kill(LAW, mutant, [{"name": "moshi"}] * 5) == 6


def test_each_declared_mutant_is_measured_over_each_seed() -> None:
    found = powers(LAW, 3)
    assert [power.mutant for power in found] == list(LAW.mutants)
    mutants = all_mutants()
    for power in found:
        drawn = [draw(LAW, 100, random=seed) for seed in range(3)]
        assert list(power.cases) == [first_kill(LAW, mutants[power.mutant], cases) for cases in drawn]


@pytest.mark.parametrize(
    ("cases", "slow", "says"),
    [
        ([1, 2, 25], "", "median 2, worst 25 of 100 cases"),
        ([1, 2, 26], "worst", "median 2, worst 26 of 100 cases"),
        ([1, 26, 101], "median", "median 26, worst 101 of 100 cases, survived 1 of 3 seeds"),
    ],
)
def test_a_quarter_of_the_budget_is_the_measure(cases: list[int], slow: str, says: str) -> None:
    power = Power(LAW, "dia-in-stairs", cases)
    assert power.slow == slow
    assert str(power) == f"DELAY-014 dia-in-stairs: {says}"


def test_the_command_reports_every_pair(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "DELAY-014", "--seeds", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[:-1]] == [f"DELAY-014 {name}" for name in LAW.mutants]
    assert lines[-1] == f"{len(LAW.mutants)} pairs of a law and a mutant, 0 beyond a quarter of the budget"


@pytest.mark.parametrize(
    ("options", "says"),
    [(["--only", "DELAY-14"], "did you mean DELAY-014?"), (["--seeds", "0"], "seeds=0 must be at least 1")],
)
def test_a_wrong_command_line_exits_2(
    options: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(options)
    assert left.value.code == 2
    assert says in capsys.readouterr().err
