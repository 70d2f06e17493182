"""What one evaluation may use."""

from __future__ import annotations

from pydantic import Field

from harness.models import StrictModel

MEBIBYTE = 1024 * 1024
MOST_FIT_SECONDS = 20 * 24 * 3600
"""Waiting for a child counts milliseconds in 32 bits."""


class Limits(StrictModel):
    """Limits of one evaluation; part of its digest."""

    fit_seconds: float = Field(default=300.0, gt=0)
    """Wall time for fitting all groups."""
    predict_seconds: float = Field(default=30.0, gt=0)
    """Wall time of each predicting child."""
    memory_bytes: int = Field(default=2048 * MEBIBYTE, gt=0)
    """Address space above that of the warm server."""
    scratch_bytes: int = Field(default=64 * MEBIBYTE, gt=0)
    """Size of the scratch folder."""
    output_bytes: int = Field(default=MEBIBYTE, ge=0)
    """How much of what the candidate prints is kept; the rest is read and dropped."""
