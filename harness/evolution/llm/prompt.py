"""Writes the question that a model is asked: the task, the rules, a parent, and what is known.

Everything in it comes from the train side of a task and from programs that were judged on it.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.candidates.markers import END, START
from harness.evolution.gateway import TrainSide
from harness.evolution.llm import sections, words
from harness.evolution.llm.endpoint import Messages
from harness.evolution.llm.sections import clipped
from harness.evolution.llm.settings import FOLLOW_UP, LlmSettings
from harness.evolution.proposals import View

_LONGEST_PROBLEM = 500
_SHORTEST = 120
"""Less than this of a section helps nobody."""
_GAP = "\n\n"


@dataclass(frozen=True, slots=True)
class Parent:
    """The program that is to be rewritten."""

    number: int | None
    """Of its entry; None for the bare frame that stands in where there is none."""
    text: str


def write_question(settings: LlmSettings, view: View, parent: Parent) -> Messages:
    """Return the messages of a question, within the settings' limit.

    Args:
        settings: How models are asked.
        view: What is known.
        parent: What is to be rewritten; no longer than ``room_for_program``.
    """
    fixed = _fixed(settings, view)
    program = sections.program(view, parent.number, parent.text)
    room = _room(settings, fixed) - len(program) - len(_GAP)
    # What helps most takes its room first.
    found = {
        "misses": sections.misses(view, parent.number),
        "top": sections.top(view, settings.top_programs, parent.number),
        "failures": sections.failures(view),
        "others": sections.others(
            view, settings.diverse_programs, settings.top_programs, parent.number
        ),
    }
    for name, text in found.items():
        found[name] = _fitting(text, room - len(_GAP))
        room -= len(found[name]) + len(_GAP) if found[name] else 0
    card, judged, answer = fixed.user
    parts = [card, judged, found["top"], found["others"], found["failures"]]
    parts += [program, found["misses"], answer]
    own = settings.system_message.strip() + _GAP if settings.system_message else ""
    return [
        {"role": "system", "content": own + fixed.system},
        {"role": "user", "content": _GAP.join(part for part in parts if part)},
    ]


def room_for_program(settings: LlmSettings, view: View) -> int:
    """Return how long a program may be that is to be rewritten."""
    return _room(settings, _fixed(settings, view)) - _AROUND_PROGRAM


_AROUND_PROGRAM = 500
"""Of the section that shows a program, what is not the program."""


def follow_up(settings: LlmSettings, messages: Messages, text: str, problem: str) -> Messages:
    """Return a question once more, with what was wrong with its answer.

    Args:
        settings: How models are asked.
        messages: The question.
        text: The answer.
        problem: What is wrong with it.
    """
    again = words.FOLLOW_UP.format(problem=clipped(problem, _LONGEST_PROBLEM))
    own = len(settings.system_message.strip()) + len(_GAP) if settings.system_message else 0
    used = sum(len(one["content"]) for one in messages) - own
    room = max(settings.prompt_chars - used - len(again), len(words.NO_TEXT))
    return [
        *messages,
        {"role": "assistant", "content": clipped(text, room) if text.strip() else words.NO_TEXT},
        {"role": "user", "content": again},
    ]


def skeleton(side: TrainSide) -> Parent:
    """Return a bare frame, for when there is no program to start from."""
    title = " ".join(side.title.replace("\\", "/").replace('"', "'").split())
    return Parent(None, words.SKELETON.format(title=clipped(title, 70), start=START, end=END))


@dataclass(frozen=True, slots=True)
class _Fixed:
    """What every question holds."""

    system: str
    user: tuple[str, str, str]
    """The task, how programs are judged, what to answer."""


def _fixed(settings: LlmSettings, view: View) -> _Fixed:
    card = clipped(sections.card(view), settings.prompt_chars // 5)
    whole = settings.rewrite == "whole"
    answer = "# What to answer\n" + (words.ANSWER_WHOLE if whole else words.ANSWER_DIFF)
    system = words.ROLE + _GAP + sections.rules(view)
    return _Fixed(system, (card, sections.judged(view), answer))


def _room(settings: LlmSettings, fixed: _Fixed) -> int:
    used = len(fixed.system) + sum(len(part) + len(_GAP) for part in fixed.user)
    return settings.prompt_chars - FOLLOW_UP - used


def _fitting(text: str, room: int) -> str:
    """Return as many whole lines of a section as there is room for."""
    if len(text) <= room:
        return text
    if room < _SHORTEST:
        return ""
    kept = text[: text.rfind("\n", 0, room) + 1].rstrip()
    return kept if "\n" in kept else ""
