"""Asks an OpenAI-compatible endpoint, again and again where it fails, and counts what that costs.

What an endpoint says of its failures is never quoted: it may hold the key. Failures are told by
their status, or by what broke, in our own words.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import UserError
from harness.evolution.llm.key import Key
from harness.evolution.llm.settings import LlmSettings

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_AGAIN = frozenset({408, 409, 425, 429})
_DENIED = {
    401: "the key is refused (HTTP 401)",
    402: "the account has no credit (HTTP 402)",
    403: "the key may not use this model (HTTP 403)",
    404: "there is no such model, or no such address (HTTP 404)",
}
_NO_CREDIT = "insufficient_quota"
_TRUNCATED, _FILTERED = "length", "content_filter"
_CHARS_A_TOKEN = 4
_MOST_TOKENS = 10**12
_ADAPTABLE = ("max_tokens", "temperature", "top_p", "stream_options")

Messages = list[dict[str, str]]


class ProviderError(Exception):
    """The endpoint did not answer a question; the text is ours, one line."""

    def __init__(self, message: str, *, denied: bool = False, refused: bool = False) -> None:
        """Say what happened.

        Args:
            message: In our own words.
            denied: Whether asking again is useless: no key, no credit, no model.
            refused: Whether asking this question again is useless; another may be answered.
        """
        super().__init__(message)
        self.denied = denied
        self.refused = refused


class _AgainError(Exception):
    """Asking again may help; the text is ours."""

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


class _AdaptedError(Exception):
    """The endpoint does not know an option, which will not be sent any more."""


@dataclass(slots=True)
class Spent:
    """What a proposal cost so far."""

    tokens_in: int = 0
    tokens_out: int = 0
    retries: int = 0
    estimated: bool = False
    """Whether some answers came without a count of tokens."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said."""

    text: str
    problem: str = ""
    """What is wrong with it as an answer, before anybody reads it."""


@dataclass(slots=True)
class Endpoint:
    """Where models are asked."""

    settings: LlmSettings
    key: Key
    _unknown: dict[str, set[str]] = field(default_factory=dict)
    """Options that a model was found not to know."""

    def open(self) -> AsyncOpenAI:
        """Return a client, to be closed by the caller."""
        from openai import AsyncOpenAI

        return AsyncOpenAI(
            api_key=self.key.reveal(),
            base_url=self.settings.base_url,
            timeout=self.settings.timeout,
            max_retries=0,
        )

    def check(self) -> None:
        """Open a client and drop it, so that what no question can be asked with is known at once.

        Raises:
            UserError: It cannot be opened. Why is told by its kind: its words may hold a password.
        """
        try:
            self.open()
        except Exception as error:
            raise UserError(
                f"the client of the language models cannot be opened ({type(error).__name__}); "
                "check the endpoint's address (--base-url, OPENAI_BASE_URL) and what stands in "
                "ALL_PROXY, HTTPS_PROXY, HTTP_PROXY and SSL_CERT_FILE; a socks proxy needs: "
                "pip install socksio"
            ) from None

    async def ask(
        self,
        client: AsyncOpenAI,
        model: str,
        messages: Messages,
        spent: Spent,
        rng: np.random.Generator,
        deadline: float,
    ) -> Answer:
        """Ask one question until it is answered.

        Args:
            client: Open.
            model: Who is asked.
            messages: The question.
            spent: Is added to, whatever comes of it.
            rng: For how long to wait between tries.
            deadline: On the monotonic clock.

        Raises:
            ProviderError: It is not answered.
        """
        messages = [{**one, "content": self.key.scrub(one["content"])} for one in messages]
        settings, tried, why = self.settings, 0, ""
        while True:
            left = deadline - time.monotonic()
            limit = min(settings.timeout, left)
            if left <= 0:
                raise ProviderError(f"no answer within {settings.deadline:g} s; {why}".rstrip("; "))
            try:
                return await asyncio.wait_for(self._once(client, model, messages, spent), limit)
            except _AdaptedError:
                spent.retries += 1
                continue
            except (TimeoutError, _AgainError) as error:
                tried += 1
                slow = isinstance(error, TimeoutError)
                why = f"no answer within {limit:.3g} s" if slow else str(error)
                after = getattr(error, "after", 0.0)
            if tried >= settings.tries:
                raise ProviderError(f"{why}; asked {tried} times") from None
            sleep = self._sleep(tried, after, rng)
            if sleep >= deadline - time.monotonic():
                raise ProviderError(f"{why}; asked {tried} times, no time is left") from None
            spent.retries += 1
            await asyncio.sleep(sleep)

    def _sleep(self, tried: int, after: float, rng: np.random.Generator) -> float:
        """Return how long to wait: exponential, with jitter, no less than the endpoint asks for."""
        sleep = self.settings.retry_delay * 2.0 ** (tried - 1) * float(rng.uniform(0.5, 1.5))
        return min(max(sleep, after), self.settings.most_sleep)

    async def _once(
        self, client: AsyncOpenAI, model: str, messages: Messages, spent: Spent
    ) -> Answer:
        import openai

        options = self._options(model)
        try:
            if self.settings.stream:
                document = await self._streamed(client, model, messages, options)
            else:
                create: Any = client.chat.completions.with_raw_response.create
                raw = await create(model=model, messages=messages, **options)
                document = _parsed(raw.text)
        except openai.APIStatusError as error:
            raise self._refusal(error, model, options) from None
        except openai.APITimeoutError:
            raise TimeoutError from None
        except openai.APIConnectionError as error:
            cause = type(error.__cause__).__name__ if error.__cause__ else "APIConnectionError"
            raise _AgainError(f"the connection failed or broke off ({cause})") from None
        except (_AgainError, TimeoutError, asyncio.CancelledError):
            raise
        except Exception as error:  # what a strange answer breaks inside the client
            raise _AgainError(f"the answer cannot be read ({type(error).__name__})") from None
        return self._answer(document, messages, spent)

    def _options(self, model: str) -> dict[str, Any]:
        settings, unknown = self.settings, self._unknown.get(model, set())
        options: dict[str, Any] = {
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "max_tokens": settings.max_tokens,
        }
        options = {name: value for name, value in options.items() if value is not None}
        if settings.stream:
            options["stream_options"] = {"include_usage": True}
        if "max_tokens" in unknown and "max_tokens" in options:
            options["max_completion_tokens"] = options["max_tokens"]
        return {name: value for name, value in options.items() if name not in unknown}

    async def _streamed(
        self, client: AsyncOpenAI, model: str, messages: Messages, options: dict[str, Any]
    ) -> dict[str, Any]:
        """Return a streamed answer as if it had come as a whole."""
        create: Any = client.chat.completions.create
        text, refusal, finish, usage = [], [], None, None
        async with await create(model=model, messages=messages, stream=True, **options) as stream:
            async for chunk in stream:
                usage = chunk.usage.model_dump(warnings=False) if chunk.usage else usage
                for choice in (chunk.choices or [])[:1]:
                    finish = choice.finish_reason or finish
                    text.append(_text_of(choice.delta.content))
                    refusal.append(choice.delta.refusal or "")
        if finish is None:
            raise _AgainError("the stream ended before the answer did")
        message = {"content": "".join(text) or None, "refusal": "".join(refusal) or None}
        return {"choices": [{"message": message, "finish_reason": finish}], "usage": usage}

    def _refusal(self, error: Any, model: str, options: dict[str, Any]) -> Exception:
        """Return what a status other than success means."""
        status = int(error.status_code)
        if status == 400 and error.param in _ADAPTABLE and error.param in options:
            self._unknown.setdefault(model, set()).add(error.param)
            return _AdaptedError()
        if status == 429 and error.code == _NO_CREDIT:
            return ProviderError("the account has no credit (HTTP 429)", denied=True)
        if status in _AGAIN or status >= 500:
            what = "too many questions" if status == 429 else "the endpoint fails"
            return _AgainError(f"{what} (HTTP {status})", _retry_after(error.response.headers))
        if status in _DENIED:
            return ProviderError(_DENIED[status], denied=True)
        return ProviderError(f"the endpoint refuses the question (HTTP {status})", refused=True)

    def _answer(self, document: dict[str, Any], messages: Messages, spent: Spent) -> Answer:
        if "choices" not in document:
            raise _AgainError("the answer is no chat completion")
        choices = document["choices"]
        choice = choices[0] if isinstance(choices, list) and choices else {}
        choice = choice if isinstance(choice, dict) else {}
        message = choice.get("message")
        message = message if isinstance(message, dict) else {}
        content = message.get("content")
        text = self.key.scrub(_whole_characters(_text_of(content)))
        self._count(document.get("usage"), messages, text, spent)
        if not choice:
            return Answer("", "it is empty: no choices")
        if choice.get("finish_reason") == _TRUNCATED:
            return Answer(text, "it was cut off at the limit of tokens; answer more briefly")
        if message.get("refusal") or choice.get("finish_reason") == _FILTERED:
            return Answer(text, "it is a refusal, not a program")
        return Answer(text, "" if text.strip() else "it is empty: no text")

    def _count(self, usage: object, messages: Messages, text: str, spent: Spent) -> None:
        """Add an answer's tokens: as reported, else as estimated."""
        found = usage if isinstance(usage, dict) else {}
        asked = _tokens(found.get("prompt_tokens")) or None  # no question has none
        answered = _tokens(found.get("completion_tokens"))
        total = _tokens(found.get("total_tokens"))
        if not answered and text:
            answered = None
        if asked is not None and total is not None and total > asked:
            answered = max(answered or 0, total - asked)  # some count thoughts in the total only
        if asked is None:
            asked = -(-sum(len(one["content"]) for one in messages) // _CHARS_A_TOKEN)
            spent.estimated = True
        if answered is None:
            answered = -(-len(text) // _CHARS_A_TOKEN)
            spent.estimated = True
        spent.tokens_in += asked
        spent.tokens_out += answered


def _parsed(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise _AgainError("the answer is no JSON") from None
    if not isinstance(document, dict):
        raise _AgainError("the answer is no JSON object")
    return document


def _text_of(content: object) -> str:
    """Return what was said: some endpoints answer in parts, of which others are thoughts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [
        part.get("text") for part in parts if isinstance(part, dict) and part.get("type") == "text"
    ]
    return "".join(text for text in texts if isinstance(text, str))


def _tokens(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_TOKENS:
        return None
    return value


def _retry_after(headers: Any) -> float:
    """Return the seconds that an endpoint asks to wait; none where it names a date or nonsense."""
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return 0.0
    return seconds if 0 <= seconds < float("inf") else 0.0


def _whole_characters(text: str) -> str:
    """Replace halves of characters, which JSON can hold and no file can."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
