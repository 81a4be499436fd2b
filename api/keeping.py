"""What an operator chooses to keep, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

STATE = Path("var/state")
QUERY_DAYS = 30
"""No longer than it takes to see what is asked and not answered."""
AUDIT_DAYS = 180
"""At least: the six months that the Cybersecurity Law of China asks for (article 21)."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is kept.

    Attributes:
        folder: The folder for state; made if missing.
        queries: Whether questions are.
        query_days: For how many days.
        audit: Whether requests are noted in the audit log.
        audit_days: For how many days; at least `AUDIT_DAYS`.
    """

    folder: Path = STATE
    queries: bool = False
    query_days: int = QUERY_DAYS
    audit: bool = True
    audit_days: int = AUDIT_DAYS
