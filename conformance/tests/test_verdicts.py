"""What becomes of an adapter: every status, and the exit code that goes with it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from refaudio.conformance.adapters import reference
from refaudio.conformance.check import check
from refaudio.conformance.expected import write
from refaudio.spec import LAWS


def adapter(**changes: Any) -> SimpleNamespace:
    """The delay functions of the reference as a stranger would bind them, with some changed or, as None, missing."""
    names = ("delay", "undelay", "rows_to_audio", "make_config")
    bound = {name: getattr(reference, name) for name in names} | {"EOS": "staggered"} | changes
    return SimpleNamespace(**{name: value for name, value in bound.items() if value is not None})


def status(report: Any) -> dict[str, str]:
    return {result.id: result.status for result in report.results}


def test_a_renamed_function_loses_its_claims_and_exits_1(tmp_path: Any) -> None:
    path = tmp_path / "refaudio.toml"
    write(check(adapter(), profile="quick"), path)
    assert check(adapter(), profile="quick", expected=path).exit_code == 0
    renamed = adapter(undelay=None, un_delay=reference.undelay)
    report = check(renamed, profile="quick", expected=path)
    assert report.exit_code == 1
    assert any("DELAY-002 was claimed" in line and "no undelay" in line for line in report.lost)
    assert "did you mean 'undelay'" in " ".join(report.notes)


def test_a_smaller_share_loses_the_claim_too(tmp_path: Any) -> None:
    path = tmp_path / "refaudio.toml"
    write(check(adapter(), profile="quick"), path)

    def picky(codes: torch.Tensor, delays: list[int], *rest: Any) -> torch.Tensor:
        if codes.shape[0] == 4:
            raise NotImplementedError("four at once")
        return reference.delay(codes, delays, *rest)

    report = check(adapter(delay=picky), profile="quick", expected=path)
    assert report.exit_code == 1
    assert any("DELAY-001 accepted 100 % of its cases" in line for line in report.lost)


def test_a_law_newer_than_the_pin_is_new_and_never_fails(tmp_path: Any) -> None:
    path = tmp_path / "refaudio.toml"
    path.write_text('spec = "2025.9"\n')
    broken = adapter(delay=lambda codes, *rest: reference.delay(codes, *rest)[:, 1:])
    report = check(broken, profile="quick", expected=path)
    assert status(report)["DELAY-001"] == "new"
    assert report.counts["fail"] == report.counts["error"] == 0


def test_a_tentative_law_never_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(LAWS["DELAY-001"]), "status", property(lambda law: "tentative"), raising=False)
    broken = adapter(delay=lambda codes, *rest: reference.delay(codes, *rest)[:, 1:])
    report = check(broken, profile="quick", only="DELAY-001")
    assert report["DELAY-001"].status == "tentative"
    assert report["DELAY-001"].reason.startswith("fail")
    assert report.exit_code == 0


def test_an_empty_adapter_checks_nothing_and_exits_2() -> None:
    report = check(SimpleNamespace(), profile="quick")
    assert report.exit_code == 2
    assert "nothing was checked" in report.summary
    assert report.counts["unclaimed"] == len(report.results)


def test_sizes_narrow_the_cases_and_are_rendered() -> None:
    def nine(codes: torch.Tensor, delays: list[int], *rest: Any) -> torch.Tensor:
        if len(delays) != 9:
            raise RuntimeError("shape '[1, 1, 9]' is invalid")
        return reference.delay(codes, delays, *rest)

    wide = SimpleNamespace(delay=nine, EOS="staggered")
    assert check(wide, profile="quick").exit_code == 1
    report = check(SimpleNamespace(delay=nine, EOS="staggered", SIZES={"codebooks": [9]}), profile="quick")
    bound = [result for result in report.results if result.status != "unclaimed"]
    assert report.exit_code == 0
    assert {result.cell for result in bound} == {"pass (codebooks 9)"}
    assert all(result.accepted < result.cases for result in bound), "the share is counted before the sizes"


def test_a_small_share_is_unclaimed_and_says_how_small() -> None:
    def only_pairs(codes: torch.Tensor, delays: list[int], *rest: Any) -> torch.Tensor:
        if len(delays) != 2:
            raise NotImplementedError("two codebooks only")
        return reference.delay(codes, delays, *rest)

    result = check(adapter(delay=only_pairs), only="DELAY-001")["DELAY-001"]
    assert result.status == "unclaimed"
    assert result.cell.startswith("unclaimed (")
    assert result.cell.endswith(" % of cases)")
    assert 0 < result.share < 0.5


def test_a_kernel_that_torch_lacks_is_an_error_not_a_decline() -> None:
    def meta(codes: torch.Tensor, *rest: Any) -> torch.Tensor:
        return torch.empty(1, device="meta").nonzero()

    result = check(adapter(delay=meta), only="DELAY-001", profile="quick")["DELAY-001"]
    assert result.status == "error"


@pytest.mark.parametrize("raised", [ValueError, RuntimeError, SystemExit])
def test_an_exception_is_an_error_not_a_failure(raised: type[BaseException]) -> None:
    def raises(*args: Any) -> Any:
        raise raised("no")

    report = check(adapter(delay=raises), only="DELAY-001", profile="quick")
    assert (report["DELAY-001"].status, report.exit_code) == ("error", 1)


def test_a_wrong_convention_is_answered_with_adapter() -> None:
    def one_row(codes: torch.Tensor, delays: list[int], bos: int, pad: int, eos: int | None) -> torch.Tensor:
        rows = reference.delay(codes, delays, bos, pad, None)
        return rows if eos is None else torch.cat([rows, torch.full_like(rows[:, :1], eos)], dim=1)

    right = check(adapter(delay=one_row, EOS="one row"), profile="quick")
    assert (right["DELAY-012"].status, right.exit_code) == ("pass", 0)
    for declared in "staggered", "none":
        wrong = check(adapter(delay=one_row, EOS=declared), profile="quick")["DELAY-012"]
        assert wrong.status == "error"
        assert (
            wrong.reason
            == f"adapter? delay is declared EOS = '{declared}', but its rows look like EOS = 'one row'"
        )
    staggered = check(adapter(EOS="one row"), profile="quick")["DELAY-012"]
    assert "rows look like EOS = 'staggered'" in staggered.reason


def test_exchanged_axes_are_answered_with_adapter() -> None:
    def codebooks_first(codes: torch.Tensor, delays: list[int], *rest: Any) -> torch.Tensor:
        return reference.delay(codes, delays, *rest).transpose(1, 2)

    result = check(adapter(delay=codebooks_first), only="DELAY-001", profile="quick")["DELAY-001"]
    assert result.reason.startswith(
        "adapter? delay must return rows (B, R, K) = (3, R, 4): got shape (3, 4, "
    )


def test_not_claimed_is_unclaimed_with_its_reason() -> None:
    report = check(adapter(NOT_CLAIMED={"DELAY-005": "patterns come from a registry"}), profile="quick")
    assert (report["DELAY-005"].status, report["DELAY-005"].reason) == (
        "unclaimed",
        "patterns come from a registry",
    )


def test_the_summary_counts_everything_and_names_what_would_unlock_most() -> None:
    report = check(adapter(FAMILIES=["DELAY", "SEED"]), profile="quick")
    assert sum(report.counts.values()) == len(report.results)
    assert len(report.results) == sum(law.area in ("DELAY", "SEED") for law in LAWS.values())
    assert report.summary.endswith("; binding noise_batch would unlock 4")


def test_missing_parameters_are_answered_with_adapter() -> None:
    def two(rows: torch.Tensor, delays: list[int]) -> torch.Tensor:
        return reference.undelay(rows, delays, None)

    result = check(adapter(undelay=two), only="DELAY-002", profile="quick")["DELAY-002"]
    assert result.reason.startswith(
        "adapter? undelay is called as undelay(rows, delays, frames), and takes (rows"
    )


def test_a_list_that_is_sorted_in_place_is_not_the_laws_list() -> None:
    def sorts(codes: torch.Tensor, delays: list[int], *rest: Any) -> torch.Tensor:
        delays.sort()
        return reference.delay(codes, delays, *rest)

    assert check(adapter(delay=sorts), only="DELAY-001")["DELAY-001"].status == "fail"
