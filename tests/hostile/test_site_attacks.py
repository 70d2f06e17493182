"""Program texts and messages that attack the pages on which they are shown."""

from __future__ import annotations

import time
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from board_samples import PROGRAM, article_text, board, run
from programs import program

from harness.leaderboard.site import write_site
from hostile.attacks import RAISED, attack
from hostile.conftest import Stopped

TEXTS = {
    "a script": "<script>alert(1)</script>",
    "the end of a script": "</script><script>alert(1)</script>",
    "the end of a script in capitals": "</SCRIPT ><svg onload=alert(1)>",
    "the end of a comment": "--><img src=x onerror=alert(1)><!--",
    "the start of a comment in a script": "<!--<script>",
    "the end of the program's element": "</code></pre></article></body></html>",
    "the end of a text area": "</textarea></title></style></template>",
    "the end of a section": "]]><a href='javascript:alert(1)'>x</a>",
    "an attribute": "' onmouseover='alert(1)' x=\" onfocus=alert(1) autofocus",
    "a frame": "<iframe srcdoc='<script>parent.x=1</script>'>",
    "a style": "<style>*{background:url(https://example.org/x)}</style>",
    "a base": "<base href='https://example.org/'><meta http-equiv=refresh content=0>",
    "entities": "&lt;script&gt;&#60;script&#62;&amp;",
    "a template": "{{ 7 * 7 }}{% for x in config %}{{ x }}{% endfor %}${7*7}",
    "JavaScript's line ends": "\u2028\u2029alert(1)//",
    "text from right to left": "\u202e\u2066x = 1\u2069",
    "characters of no width": "\u200b\ufeff\u00ad",
    "terminal codes": "\x1b[2J\x1b]0;owned\x07\x08\x7f",
    "a formula": "$$\\href{javascript:alert(1)}{x}$$ \\unicode{x3C}script",
    "a line of two hundred thousand letters": "x" * 200_000,
    "brackets without end": "[" * 20_000,
    "quotes without end": "'\"" * 20_000,
    "half a string": "x = '''" + "a\\" * 20_000,
}  # fmt: skip


class Elements(HTMLParser):
    """Counts what could act on a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "iframe", "style", "base", "meta", "img", "template", "textarea"}:
            self.found[tag] += 1
        for name, value in attrs:
            if name.startswith("on") or "javascript:" in (value or ""):
                self.found[name] += 1


def active(out: Path) -> dict[str, Counter[str]]:
    """Return what could act on each page below a folder."""
    result = {}
    for path in sorted(out.rglob("*.html")):
        parser = Elements()
        parser.feed(path.read_text("utf-8"))
        parser.close()
        result[path.name] = parser.found
    return result


def write(out: Path, sources: list[bytes], failure: str) -> dict[str, Counter[str]]:
    """Write a site of one page a program, each beside a failed run; return what could act."""
    runs = [run(1, program=source, agent=f"agent{i}") for i, source in enumerate(sources)]
    failed = [run(2, None, failure=failure, agent=f"agent{i}") for i in range(len(sources))]
    write_site(out, board([*runs, *failed]))
    return active(out)


@pytest.fixture(scope="module")
def harmless(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Counter[str]]:
    """What acts on the pages of programs that harm nobody."""
    return write(tmp_path_factory.mktemp("plain"), [PROGRAM] * 3, "fails")


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_programs_text_is_shown_and_does_nothing(
    tmp_path: Path, harmless: dict[str, Counter[str]], text: str
) -> None:
    """As a comment, as a string and as the whole file; and in the message of a failure."""
    sources = [
        PROGRAM + f"# {text}\n".encode(),
        PROGRAM + f"x = {text!r}\n".encode(),
        text.encode(),
    ]
    started = time.monotonic()
    assert write(tmp_path, sources, text[:900]) == harmless
    for number, source in enumerate(sources):
        (page,) = tmp_path.glob(f"sld_*agent{number}*.html")
        shown = article_text(page.read_text("utf-8"))
        if text.isprintable():
            assert source.decode().strip() in shown
    assert time.monotonic() - started < 20.0


def test_a_mistakes_message_reaches_the_page_as_one_line_of_text(
    stopped: Stopped, tmp_path: Path, harmless: dict[str, Counter[str]]
) -> None:
    message = "</pre><script>alert(1)</script>\\x1b[2J\\n\\u2028<img src=x onerror=alert(1)>"
    found = stopped(attack("message", program(fit=f'raise Report("{message}")'), RAISED))
    assert found.error is not None
    assert write(tmp_path / "site", [PROGRAM] * 3, found.error.message) == harmless
    assert len(found.error.text.splitlines()) == 1
    assert "\x1b" not in found.error.text
