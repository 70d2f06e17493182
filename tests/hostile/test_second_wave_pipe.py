"""A second wave on the pipe: odd frames, odd descriptors."""

from __future__ import annotations

import pytest
from programs import program

from hostile.attacks import (
    CONSTANTS,
    CRASH,
    OK,
    OUTPUT,
    RAISED,
    TIMEOUT,
    Attack,
    attack,
    table,
)
from hostile.conftest import Stopped

SEND = """
import fcntl, json, struct, sys, threading, time
def frame(text, values=b""): return struct.pack("<IQ", len(text), len(values)) + text + values
def send(text, values=b""): os.write(4, frame(text, values))
def error(*parts): body(b'{"error":{"kind":%s,"message":%s,"line":%s}}' % parts)
def body(text, shapes=b"", values=b""): send(b'{"body":%s,"shapes":[%s]}' % (text, shapes), values)
"""


def pipes(name: str, fit: str, *ends: str) -> Attack:
    source = program(first=SEND, fit=fit)
    return attack(name, source, *(ends or (OUTPUT,)), fit_seconds=0.8, predict_seconds=0.8)


PIPES = [
    pipes("a kind that is a list", "error(b'[1]', b'\"x\"', b'1')"),
    pipes("a kind of ours", "error(b'\"timeout\"', b'\"x\"', b'1')"),
    pipes("a message that is a number", "error(b'\"memory\"', b'7', b'1')"),
    pipes(
        "half a character", "error(b'\"memory\"', b'\"\\\\ud800\"', b'1'); time.sleep(9)", "memory"
    ),
    pipes("a line that is true", "error(b'\"memory\"', b'\"x\"', b'true')"),
    pipes("a line below zero", "error(b'\"memory\"', b'\"x\"', b'-1')"),
    pipes("a line beyond all files", "error(b'\"memory\"', b'\"x\"', b'1e99')"),
    pipes("an error that is a text", 'body(b\'{"error":"kind"}\')'),
    pipes("answers that are a text", 'body(b\'{"calls":"error"}\')'),
    pipes("an answer that is a text", 'body(b\'{"calls":["error"]}\')'),
    pipes("keys that come twice", 'body(b\'{"calls":[{},{}],"calls":[{},{},{}]}\')'),
    pipes(
        "text of another width",
        "send(json.dumps({'body': {'calls': []}, 'shapes': []}).encode('utf-16'))",
    ),
    pipes(
        "a mark of the order of bytes",
        'send(b\'\\xef\\xbb\\xbf{"body":{"calls":[]},"shapes":[]}\')',
    ),
    pipes("sizes that are true", 'body(b\'{"calls":[{},{}]}\', b"[true],[true]", bytes(16))'),
    pipes("seventeen axes", 'body(b\'{"calls":[{}]}\', b"[" + b"1," * 16 + b"1]", bytes(8))'),
    pipes(
        "an answer in drops",
        'whole = frame(b\'{"body":{"calls":[{},{}]},"shapes":[[1],[1]]}\', bytes(16))\n'
        "for octet in whole[:-1]: os.write(4, bytes([octet])); time.sleep(1e-3)\ntime.sleep(9)",
        TIMEOUT,
    ),
    pipes("a pipe of one page", "fcntl.fcntl(4, 1031, 4096)\nfcntl.fcntl(1, 1031, 4096)", OK),
    pipes(
        "pipes that do not wait", "os.set_blocking(3, False); os.set_blocking(4, False)", OK, CRASH
    ),
    pipes("its answers in what it prints", "os.dup2(1, 4)", TIMEOUT, CRASH),
    pipes("what it prints in its answers", "os.dup2(4, 1)\nprint('x' * 99, flush=True)"),
    pipes("its output closed", "os.closerange(1, 3)", OK),
    pipes("its requests as its answers", "os.dup2(3, 4)", TIMEOUT, CRASH),
    pipes(
        "its own answers read back",
        "back = os.open('/proc/self/fd/4', os.O_RDONLY)\n"
        "def eat():\n    while True: os.read(back, 1 << 16)\n"
        "threading.Thread(target=eat, daemon=True).start()",
        TIMEOUT,
        OUTPUT,
        OK,
        RAISED,
    ),
    pipes(
        "requests of its own",
        "more = os.open('/proc/self/fd/3', os.O_WRONLY)\n"
        'os.write(more, frame(b\'{"body":{"calls":[]},"shapes":[]}\'))',
        OUTPUT,
        OK,
        RAISED,
    ),
    pipes(
        "constants beside those that it was asked for",
        'body(b\'{"calls":[{},{}]}\', b"[5],[5]", bytes(80)); time.sleep(9)',
        CONSTANTS,
    ),
]


@pytest.mark.linux
@pytest.mark.parametrize("attack", table(PIPES))
def test_what_else_is_written_to_the_pipe_is_checked(stopped: Stopped, attack: Attack) -> None:
    found = stopped(attack)
    assert found.error is None or found.error.message.isprintable()
