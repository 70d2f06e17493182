"""When runs were evaluated."""

from __future__ import annotations

from datetime import UTC, datetime

from harness.results.records import StoredRun


def created_at(run: StoredRun) -> datetime | None:
    """Return when a run's evaluation was stored, in UTC; None where that is not known."""
    try:
        created = datetime.fromisoformat(run.created)
        return created.replace(tzinfo=UTC) if created.tzinfo is None else created.astimezone(UTC)
    except (ValueError, OverflowError):  # no time at all, or one in no year of ours
        return None
