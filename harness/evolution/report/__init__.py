"""A search as one page that opens from disk: what was found, how, and what it cost."""

from __future__ import annotations

from harness.evolution.report.report import (
    render_report,
    write_discovery_report,
    write_report,
)

__all__ = ["render_report", "write_discovery_report", "write_report"]
