"""From a table of training runs to a law, cell by cell."""

# %% [markdown]
# # From a table of training runs to a law
#
# `runs.csv` holds runs of small language models on one text (of the `nano` suite, measured for this
# project): parameters, tokens seen, loss. What would a model four times as large reach?

# %%
from pathlib import Path

import pandas as pd

import harness

runs = pd.read_csv(Path(__file__).with_name("runs.csv"))
runs.describe()

# %% [markdown]
# The largest fifth of the runs is held out: no law sees it before the search is over. It says how
# far the law can be trusted. A minute is plenty for a table of this size.

# %%
found = harness.discover(runs, target="loss", minutes=1.0, evaluations=400, seed=1)
print(found.formula)
print(found.why)
print(f"{found.table.split}: R² {found.r2:.3f}, typically off by {found.relative_error:.1%}")

# %% [markdown]
# Two intervals, because two things can be wrong: the constants (rows drawn anew with replacement)
# and the form (what the other elite laws say). Neither knows what no run shows; a question far
# outside the runs carries a warning.

# %%
larger = pd.DataFrame({"params": [7e6, 7e8], "tokens": [1e8, 1e10]})
forecast = found.predict(larger)
answer = larger.assign(
    loss=forecast.predicted,
    rows_low=forecast.by_rows.low,
    rows_high=forecast.by_rows.high,
    laws_low=forecast.by_laws.low,
    laws_high=forecast.by_laws.high,
)
print(answer.to_string(index=False))
for warning in forecast.warnings:
    print("warning:", warning)

# %% [markdown]
# The law as a program, which anybody can fit to runs of their own:

# %%
print(found.program.partition('"""\n\n')[0])
