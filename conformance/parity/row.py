"""One comparison of our numbers with a peer's, or of a mutated model's with ours."""

from __future__ import annotations

from dataclasses import dataclass

MOVES = 100  # a structural mutation has to move the output by so many budgets


@dataclass(frozen=True)
class Row:
    """What was compared, how far it is apart, how far it may be, and what share of the numbers was looked at."""

    what: str
    error: float
    budget: float
    compared: float = 1.0
    left_out: str = ""
    mutation: bool = False

    @property
    def holds(self) -> bool:
        """Within the budget; for a mutation, a hundred times beyond it; and at least 95 % of the numbers."""
        near = self.error > MOVES * self.budget if self.mutation else self.error <= self.budget
        return near and self.compared >= 0.95
