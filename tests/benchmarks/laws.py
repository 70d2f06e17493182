"""How many laws a second a search fits, each to all its folds from several starts.

    python tests/benchmarks/laws.py [--seconds 15] [--task moe_scaling_law]

Without the task's data, ``nano_moe`` stands in. The figure counts everything: proposing, fitting in
as many processes as there are cores, and writing every event down.
"""

from __future__ import annotations

import argparse
from statistics import median

from harness.errors import DataNotFoundError
from harness.evolution.gateway import TrainSide, train_side
from harness.evolution.ledger import Budget
from harness.evolution.search import Search
from harness.evolution.sitting import run_unkept
from harness.runner.execute import default_jobs
from harness.tasks import load_catalogue


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--task", default="moe_scaling_law")
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    catalogue = load_catalogue()
    try:
        side = train_side(catalogue.find(options.task))
    except DataNotFoundError:
        side = train_side(catalogue.find("nano_moe"))
    jobs = default_jobs()
    rates = [rate(side, options.seconds, seed, jobs) for seed in range(1, options.times + 1)]
    shown = ", ".join(f"{one:.0f}" for one in rates)
    print(f"{side.name}, {jobs} processes: {shown} laws a second, median {median(rates):.0f}")


def rate(side: TrainSide, seconds: float, seed: int, jobs: int) -> float:
    """Return laws a second of one search, the start of its processes included."""
    search = Search(side, seed)
    run_unkept(search, Budget(seconds=seconds), jobs=jobs)
    return search.n_evaluated / search.seconds


if __name__ == "__main__":
    main()
