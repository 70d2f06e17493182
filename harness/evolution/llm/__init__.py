"""Language models as proposers: any endpoint that speaks as OpenAI's does."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

from harness.errors import UserError
from harness.evolution.llm.endpoint import Endpoint
from harness.evolution.llm.key import read_key
from harness.evolution.llm.proposer import LlmProposer
from harness.evolution.llm.settings import LlmSettings, ModelChoice

__all__ = ["LlmProposer", "LlmSettings", "ModelChoice", "make_proposer"]


def make_proposer(settings: LlmSettings, warn: Callable[[str], None] | None = None) -> LlmProposer:
    """Return a proposer that asks language models; an ``AskingProposer``.

    Args:
        settings: How they are asked.
        warn: Is told, in one line, of what people should know, such as a model that is given up;
            may be called in any thread. The lines are in ``warnings`` as well.

    Raises:
        UserError: The client is not installed or cannot be opened, or there is no key.
    """
    if importlib.util.find_spec("openai") is None:
        raise UserError(
            "asking a language model needs the package openai; type: pip install 'sld-harness[llm]'"
        )
    key = read_key(settings)
    Endpoint(settings, key).check()
    return LlmProposer(settings, key, warn)
