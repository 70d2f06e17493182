"""Tables for papers: a complete ``tabular`` with booktabs rules, without a caption."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from harness.leaderboard.exports.ranked import RankedLine, shown_ranks
from harness.leaderboard.exports.text import visible_text

NONE = "--"

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{char: f"\\{char}" for char in "{}$&#_%"},
    # The usual fonts of old show other characters for these three.
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    # After the end of a row these would be read as options of the line break.
    **{char: f"{{{char}}}" for char in "[]*"},
}
# The usual fonts make one character of these pairs: dashes, quotation marks, Spanish marks.
_PAIRS = "-(?=-)|`(?=`)|'(?=')|,(?=,)|[!?](?=`)"
_SPECIAL = re.compile("[" + re.escape("".join(_ESCAPES)) + "]|" + _PAIRS)


def escape(text: str) -> str:
    """Return untrusted text so that LaTeX prints it as it is, on one line.

    Control characters, and all others that are not seen but change what is beside them, are
    dropped: LaTeX stops at most of them.
    """
    shown = "".join(char for char in visible_text(text) if not _is_unseen(char))
    return _SPECIAL.sub(lambda found: _ESCAPES.get(found[0], f"{found[0]}{{}}"), shown)


def _is_unseen(char: str) -> bool:
    return unicodedata.category(char) == "Cf" or "\ufe00" <= char <= "\ufe0f"


def number(value: float | None) -> str:
    """Return a figure with three decimals; there is no negative zero."""
    if value is None:
        return NONE
    text = f"{value:.3f}"
    if text == "-0.000":
        return "0.000"
    return text.replace("-", "$-$")


def ranking(title: str, lines: Sequence[RankedLine], *, suite: bool) -> str:
    """Return a ranking as a ``tabular``, the best mean in bold.

    Args:
        title: What the comment on top calls it.
        lines: The best first.
        suite: Whether it is of a whole suite.
    """
    heads = ["Rank", r"95\,\%", "Agent", "Model", "Mean $R^2$", r"95\,\%", "Best", "Min"]
    heads += [*(["Tasks"] if suite else []), "Runs", "Failed", "Rule broken"]
    rows = []
    for line, rank in zip(lines, shown_ranks(lines), strict=True):
        tasks = [str(line.tasks_counted)] if suite else []
        rows.append(
            [
                rank,
                _ranks(line),
                escape(line.agent_name),
                escape(line.model_name),
                _bold(number(line.mean), line.rank == 1 and line.mean is not None),
                _interval(line.mean_low, line.mean_high),
                number(line.best),
                number(line.min),
                *tasks,
                str(line.runs),
                str(line.failures),
                str(line.violations),
            ]
        )
    return tabular(title, "rlllrlrr" + "r" * (len(heads) - 8), heads, rows)


def matrix(
    title: str,
    agents: Sequence[str],
    models: Sequence[str],
    means: Sequence[Sequence[float | None]],
) -> str:
    """Return a table of agents and models as a ``tabular``, the best mean in bold.

    Args:
        title: What the comment on top calls it.
        agents: Display names of the rows.
        models: Display names of the columns.
        means: One row for each agent; None where there is no entry.
    """
    best = max((mean for row in means for mean in row if mean is not None), default=None)
    rows = [
        [
            escape(agent),
            *("" if mean is None else _bold(number(mean), mean == best) for mean in row),
        ]
        for agent, row in zip(agents, means, strict=True)
    ]
    heads = ["Agent", *(escape(model) for model in models)]
    return tabular(title, "l" + "r" * len(models), heads, rows)


def tabular(title: str, columns: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    r"""Return a whole ``tabular``.

    Args:
        title: What the comment on top calls it.
        columns: How each column is aligned.
        heads: The columns' names, as LaTeX.
        rows: The cells, as LaTeX; none of the first column starts with a bracket or a star, which
            ``\\`` and the rules would take for themselves.
    """
    body = [" & ".join(row) + r" \\" for row in rows]
    lines = [
        f"% {visible_text(title)}. Needs \\usepackage{{booktabs}}.",
        f"\\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        " & ".join(heads) + r" \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _bold(text: str, best: bool) -> str:
    return f"\\textbf{{{text}}}" if best else text


def _interval(low: float | None, high: float | None) -> str:
    return NONE if low is None or high is None else f"[{number(low)}, {number(high)}]"


def _ranks(line: RankedLine) -> str:
    if line.rank_low is None or line.rank_high is None:
        return NONE
    one = line.rank_low == line.rank_high
    return str(line.rank_low) if one else f"{line.rank_low}--{line.rank_high}"
