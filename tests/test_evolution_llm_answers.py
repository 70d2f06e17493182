"""Models' answers as they come: thinking before them, fences and blocks in their variants."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai_server import fenced, region

from harness.candidates.markers import END, START
from harness.candidates.review import review
from harness.evolution.llm.answers import idea_of, program_of
from harness.evolution.llm.region import NoRewriteError, cut, rewrite_by_diff

BEFORE = region("np.ones(len(x)), x[:, 0]", "Before.")
LINEAR = region("np.ones(len(x)), x[:, 0], x[:, 1]", "Linear.")
CROSSED = region("np.ones(len(x)), x[:, 0] * x[:, 1]", "Crossed.")
PROGRAM = f"import numpy as np\n# {START}\n{BEFORE}# {END}\n"
CHANGE = """\
<<<<<<< SEARCH
    return np.exp(columns(data_points) @ params)
=======
    return np.exp(columns(data_points) @ params) + 1
>>>>>>> REPLACE"""
CHANGED = BEFORE.replace("@ params)", "@ params) + 1")
TITLED = f'''\
# {START}
"""
Title
=====
Old
"""
a = 1
# {END}
'''
DRAFTS = (
    "So what of crossing them?\nIDEA: a draft",
    "# <think>",
    fenced(CROSSED),
    "    </think> is how it ends, later",
    "```python\ndef fit_scaling_law(data_points, loss_values):",
    CHANGE.replace("+ 1", "+ 2"),
    "<<<<<<< SEARCH\n    return 5",
)


@pytest.fixture(scope="module", autouse=True)
def reviews() -> Iterator[None]:
    """A program is reviewed in a process of its own: once is enough."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("harness.evolution.llm.answers.review", cache(review))
        yield


def whole(answer: str) -> str:
    """Return the region of the program that an answer makes of ``PROGRAM``."""
    return cut(program_of(answer, PROGRAM, "diff", 9999)).texts[0]


def changed(answer: str) -> str:
    """Return the region with an answer's blocks applied, whether or not it can run."""
    return cut(rewrite_by_diff(PROGRAM, answer)).texts[0]


def indented(text: str, by: str) -> str:
    return "\n".join(by + line for line in text.split("\n"))


# Thinking


@settings(max_examples=25)
@given(
    st.lists(st.sampled_from(DRAFTS), max_size=5),
    st.sampled_from(["", "<think>\n"]),
    st.sampled_from(["\n</think>\n\n", "\n</think>", "\r\n</think>\r\n", "\n```</think>\n"]),
    st.sampled_from([(fenced(LINEAR), LINEAR), (f"IDEA: a better form\n{CHANGE}", CHANGED)]),
)
def test_thinking_before_an_answer_changes_nothing(
    drafts: list[str], begin: str, end: str, answer: tuple[str, str]
) -> None:
    """Servers without a parser for it give no tag at its beginning; it may leave a block open."""
    text = begin + "\n".join(drafts) + end + answer[0]
    assert whole(text) == answer[1]
    assert idea_of(text) == "a better form"


def test_thinking_may_end_where_a_line_ends() -> None:
    text = fenced(CROSSED, "a draft") + "That settles it.</think> \n"
    assert whole(text + fenced(LINEAR)) == LINEAR
    assert idea_of(text + fenced(LINEAR)) == "a better form"
    again = f"{text}<thinking>{fenced(CROSSED)}</thinking>"
    assert whole(again + fenced(LINEAR) + "I left </think> out of it.") == LINEAR


@pytest.mark.parametrize(
    "code",
    [
        "# <think>\nA = 1\n# </think>\n",
        "A = 1  # <think>\nB = 1  # </think>\n",
        '"""\n<think>\nA power.\n</think>\n"""\n',
        'TAG = "</think>"\n',
    ],
)
def test_a_program_may_speak_of_the_tags(code: str) -> None:
    assert whole(fenced(code + LINEAR)) == code + LINEAR
    assert whole("So.\n</think>\n" + fenced(code + LINEAR)) == code + LINEAR
    assert idea_of(fenced(code + LINEAR)) == "a better form"


def test_comments_of_a_change_may_speak_of_the_tags() -> None:
    code = "    # <think>\n    params = params + 1\n    # </think>"
    assert code in whole(CHANGE.replace("=======", f"=======\n{code}"))


def test_a_program_in_the_thinking_alone_is_said_to_be_there() -> None:
    with pytest.raises(NoRewriteError, match=r"^outside its thinking, it holds neither"):
        whole(f"{fenced(LINEAR)}</think>\nI am done.")
    with pytest.raises(NoRewriteError, match=r"^it holds neither"):
        whole("I am done.")


# Fences


@pytest.mark.parametrize(
    "info",
    ['python title="a.py"', "python:law.py", "Python, new", "{python}", " {.python .numberLines}"],
)
def test_a_fence_may_say_more_than_the_language(info: str) -> None:
    assert whole(fenced(LINEAR).replace("```python", f"```{info}")) == LINEAR


def test_a_block_of_another_language_is_none_of_python_whatever_its_fence_says() -> None:
    other = fenced(CROSSED).replace("```python", "```text title=a.py")
    assert whole(fenced(LINEAR) + other) == LINEAR
    with pytest.raises(NoRewriteError, match="nor a fenced python block"):
        whole(other)


# Blocks


@pytest.mark.parametrize("indent", ["  ", "    ", "\t"])
@pytest.mark.parametrize("around", ["{}", "1. So:\n\n{}\n", "```diff\n{}\n```"])
def test_a_block_may_be_indented(indent: str, around: str) -> None:
    assert changed(around.format(indented(CHANGE, indent))) == CHANGED


def test_a_program_is_made_of_an_indented_block() -> None:
    assert whole(indented(CHANGE, "  ")) == CHANGED


def test_marks_may_be_indented_as_the_code_is() -> None:
    lines = [line if line.startswith(" ") else f"    {line}" for line in CHANGE.split("\n")]
    assert changed("\n".join(lines)) == CHANGED


@given(st.integers(5, 9), st.integers(5, 9), st.sampled_from(["", " ", "  "]))
def test_signs_are_counted_loosely(count: int, divider: int, blank: str) -> None:
    text = CHANGE.replace("=" * 7, "=" * divider)
    for sign in "<>":
        text = text.replace(f"{sign * 7} ", sign * count + blank)
    assert changed(text) == CHANGED


@pytest.mark.parametrize("line", ["=====", "=======", "=========", "    ======="])
@pytest.mark.parametrize("mark", ["=======", "======"])
def test_a_line_of_equals_signs_that_replaces_is_no_divider(line: str, mark: str) -> None:
    text = f"<<<<<<< SEARCH\nOld\n{mark}\nNew\n{line}\n>>>>>>> REPLACE"
    if mark == "======" and line == "=======":
        text = text.replace("<<<<<<<", "<<<<<<").replace(">>>>>>>", ">>>>>>")
    assert rewrite_by_diff(TITLED, text) == TITLED.replace("Old", f"New\n{line}")


@pytest.mark.parametrize("indent", ["", "    "])
def test_a_line_of_equals_signs_that_is_searched_is_no_divider(indent: str) -> None:
    program = TITLED.replace("=====", f"{indent}=====")
    text = f"<<<<<<< SEARCH\nTitle\n{indent}=====\nOld\n=======\nNew\n>>>>>>> REPLACE"
    found = rewrite_by_diff(program, text)
    assert found == program.replace(f"Title\n{indent}=====\nOld", "New")


def test_a_block_without_a_divider_takes_none_of_its_indented_lines() -> None:
    program = TITLED.replace("=====", "    =====")
    text = "<<<<<<< SEARCH\nTitle\n    =====\nOld\n>>>>>>> REPLACE"
    with pytest.raises(NoRewriteError, match="no ======= between"):
        rewrite_by_diff(program, text)


@pytest.mark.parametrize("fence", ["```python", "~~~", "\n```"])
def test_fences_around_the_halves_are_not_of_the_program(fence: str) -> None:
    end = fence.strip()[:3]
    search, new = (line for line in CHANGE.split("\n") if line.startswith(" "))
    halves = [f"{fence}\n{half}\n{end}" for half in (search, new)]
    text = CHANGE.replace(f"{search}\n", f"{halves[0]}\n").replace(new, halves[1])
    assert changed(text) == CHANGED
    assert changed(indented(text, "  ")) == CHANGED
    gone = rewrite_by_diff(
        TITLED, f"<<<<<<< SEARCH\na = 1\n=======\n{fence}\n{end}\n>>>>>>> REPLACE"
    )
    assert gone == TITLED.replace("a = 1\n", "")


def test_all_blocks_of_an_answer_count_however_they_are_written() -> None:
    text = "<<<<<<< SEARCH\na = 1\n=======\na = 2\n>>>>>>> REPLACE\n"
    text += "  <<<<<SEARCH\n  Old\n  =====\n  New\n  >>>>>REPLACE"
    assert rewrite_by_diff(TITLED, text) == TITLED.replace("a = 1", "a = 2").replace("Old", "New")


def test_what_is_no_mark_stays_none() -> None:
    for text in (CHANGE.replace("<<<<<<<", "<<<<"), CHANGE.replace("SEARCH", "SEARCH it")):
        with pytest.raises(NoRewriteError, match="without <<<<<<< SEARCH"):
            rewrite_by_diff(PROGRAM, text)
    with pytest.raises(NoRewriteError, match="no ======="):
        rewrite_by_diff(PROGRAM, CHANGE.replace("=======", "===="))
