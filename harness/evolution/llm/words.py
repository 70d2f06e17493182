"""The words of prompts. What is in braces is filled in."""

from __future__ import annotations

ROLE = """\
You improve programs that state a scaling law: how a quantity measured on trained models follows \
from what they were trained with. A law is judged by how well it extrapolates to larger scale than \
it was fitted on, so the form matters more than a close fit."""

RULES = """\
Rules, which are checked:
- The program defines fit_scaling_law(data_points, loss_values) -> params and \
scaling_law_func(data_points, params) -> predictions.
- data_points is a float array (N, {n_features}), columns in this order: {features}. \
loss_values is {targets}. predictions is {predicted}.
- It is fitted to each group of rows on its own: the form is common to all groups, the constants \
are not. {cap}
- scaling_law_func is a function of a single row and params alone: it must give each row the same \
in any order, in any batch, also alone. Nothing may be kept between calls, in globals or on disk.
- Only the standard library, numpy and scipy can be imported. No files, no network, no processes.
- Predictions are finite and real. The fit is deterministic; generators get a fixed seed.
- All fits of one evaluation together ({n_fits} of them) take at most {fit_seconds:.0f} s, all \
predictions {predict_seconds:.0f} s."""

CAP = "params holds at most {cap} numbers for a group."
NO_CAP = "The number of constants is not limited, but each costs."

JUDGED = """\
How a program is judged: less is better.
fitness = mean over folds of ln(normalised mean square error, 1 at most) + {price:g} for each \
constant of a group + {describes:g} ln(normalised error of the fit to all train rows). Each fold \
fits the program to the smaller train rows and judges it on the larger ones that it holds out; 1 \
is as bad as guessing the mean. A constant that does not lower the mean log error by {price:g} is \
not worth having."""

ROBUST = """\
Errors are robust here: residuals are measured in robust standard deviations of the targets and \
none counts as more than 1, so that a row far off (a diverged run) says little; fit accordingly."""

REGION = """\
Only what stands between the lines {start} and {end} may change; all else is kept as it is."""
WHOLE_PROGRAM = "The program has no markers: all of it may change."

ANSWER_DIFF = """\
Propose one change that makes this program extrapolate better: a better form, fewer constants, or \
a fit that finds the optimum more reliably. Begin with one line "IDEA: " and at most twelve \
words. Then give the change as one or more blocks of this shape, and nothing else:
<<<<<<< SEARCH
whole lines of the program, copied exactly, that stand between its markers once
=======
the lines that replace them
>>>>>>> REPLACE
Where most of it changes, give instead one fenced python block with all that is to stand between \
the markers."""

ANSWER_WHOLE = """\
Propose a program that extrapolates better: a better form, fewer constants, or a fit that finds \
the optimum more reliably. Begin with one line "IDEA: " and at most twelve words. Then give one \
fenced python block with all that is to stand between the markers, and nothing else."""

FOLLOW_UP = """\
That answer cannot be used: {problem}. Answer once more, in the shape that was asked for, with a \
program that is complete."""

PROVIDER_FAILED = "the provider failed: "
"""How the failure of a proposal begins that is none of the program's."""
STOPPED = "stopped before it was answered"
NO_PROGRAM = "no program: "

NO_TEXT = "(nothing)"

SKELETON = '''\
"""A law for {title}."""

import numpy as np
from scipy.optimize import least_squares

# {start}
def fit_scaling_law(data_points, loss_values):
    """Return the constants."""
    return np.atleast_1d(np.mean(loss_values, axis=0))


def scaling_law_func(data_points, params):
    """Predict every row from the constants."""
    return np.ones((len(data_points), 1)) * params
# {end}
'''
