"""Writing to the pipe that carries the answers: early, twice, forged, too much, nonsense."""

from __future__ import annotations

import pytest
from programs import program

from hostile.attacks import CRASH, OK, OUTPUT, RAISED, ROW, TIMEOUT, Attack, attack, table
from hostile.conftest import Stopped

SEND = """
import json, struct, threading, time
def frame(body, values=(), shapes=None, text=None, extra=b""):
    values = np.asarray(values, float)
    shapes = [list(values.shape)] if shapes is None else shapes
    text = json.dumps({"body": body, "shapes": shapes}).encode() if text is None else text
    return struct.pack("<IQ", len(text), values.nbytes + len(extra)) + text + \\
        values.tobytes() + extra
def send(*args, **more): os.write(4, frame(*args, **more))
FITS = ({"calls": [{}, {}]}, np.full(2, 9.0), [[1], [1]])  # worse than the truth
SIZES = (6, 6, 12, 12, 5, 5)
ALL = ({"calls": [{}] * 6}, np.ones(46), [[n, 1] for n in SIZES])
"""


def writes(name: str, *ends: str, first: str = "", fit: str = "", predict: str = "") -> Attack:
    source = program(first=SEND + first, fit=fit, predict=predict)
    return attack(name, source, *(ends or (OUTPUT,)), fit_seconds=0.8, predict_seconds=0.8)


ATTACKS = [
    writes("an answer before the fit", first="send(*FITS)", fit="time.sleep(0.1)"),
    writes("an answer while the fit runs, and the true one", OK, OUTPUT, fit="send(*FITS)"),
    writes(
        "an answer instead of the fit's, then an exit",
        OK,
        CRASH,
        OUTPUT,
        fit="send(*FITS); time.sleep(0.3); os._exit(0)",
    ),
    writes("two answers at once", fit="os.write(4, frame(*FITS) * 2)"),
    writes("an answer and a byte", fit="os.write(4, frame(*FITS) + b'x')"),
    writes("half an answer", OUTPUT, CRASH, fit="os.write(4, frame(*FITS)[:20]); os._exit(0)"),
    writes(
        "half an answer and silence", TIMEOUT, fit="os.write(4, frame(*FITS)[:20]); time.sleep(60)"
    ),
    writes("noise", fit="os.write(4, os.urandom(4096))"),
    writes("zeros", fit="os.write(4, bytes(4096))"),
    writes("a line of JSON", fit='os.write(4, b\'{"r2": 1.0, "status": "ok"}\\n\')'),
    writes("a pickle", fit="import pickle\nos.write(4, pickle.dumps(open))"),
    writes("a header of all memory", fit="os.write(4, struct.pack('<IQ', 9, 1 << 62))"),
    writes("a header of much text", fit="os.write(4, struct.pack('<IQ', (1 << 32) - 1, 0))"),
    writes(
        "a flood",
        first="def flood():\n    while True: os.write(4, bytes(1 << 16))",
        fit="send({'calls': []}, extra=bytes(99))\nflood()",
    ),
    writes("a flood of empty answers", fit="while True: send({'calls': []}, (), [])"),
    writes("figures", fit="send({'r2': 1.0, 'status': 'ok', 'score': 1.0}, (), [])"),
    writes(
        "a harness error, to be tried again",
        fit="send({'error': {'kind': 'harness_error', 'message': '', 'line': None}}, (), [])",
    ),
    writes(
        "a message of a megabyte",
        fit="send({'error': {'kind': 'bad_output', 'message': 'x' * (1 << 20), 'line': 1}},"
        " (), [])",
    ),
    writes(
        "a message with control codes",
        OUTPUT,
        RAISED,
        fit="send({'error': {'kind': 'candidate_error', 'message': '\\x1b[2J\\x00\\u202e',"
        " 'line': 1}}, (), []); time.sleep(9)",
    ),
    writes("deep JSON", fit="os.write(4, struct.pack('<IQ', 16000, 0) + b'[' * 16000)"),
    writes(
        "a number of a million digits",
        fit="send(None, (), [], text=b'{\"body\":{\"x\":' + b'9' * 16000 + b'},\"shapes\":[]}')",
    ),
    writes("shapes beyond the payload", fit="send(FITS[0], np.ones(2), [[1 << 29], [1 << 29]])"),
    writes("negative shapes", fit="send(FITS[0], np.ones(2), [[-1], [-1]])"),
    writes("shapes that overflow", fit="send(FITS[0], (), [[1 << 30] * 9 + [0]] * 2)"),
    writes("more answers than calls", fit="send({'calls': [{}] * 9}, np.ones(9), [[1]] * 9)"),
    writes(
        "forged predictions, not finite",
        predict="send(ALL[0], np.full(46, np.nan), ALL[2]); time.sleep(9)",
    ),
    writes(
        "forged predictions for a law that has none",
        ROW,
        OUTPUT,
        TIMEOUT,
        predict="if len(data_points) == 6: send(*ALL); time.sleep(9)\nraise ValueError",
    ),
    writes(
        "forged predictions of other rows",
        OUTPUT,
        predict="send(ALL[0], np.ones(12), [[n, 1] for n in (1, 1, 4, 4, 1, 1)])\ntime.sleep(9)",
    ),
    writes(
        "forged predictions from a thread",
        OUTPUT,
        ROW,
        predict="threading.Thread(target=send, args=ALL).start()\ntime.sleep(0.1)",
    ),
    writes(
        "answers ahead of all requests",
        OUTPUT,
        CRASH,
        predict="os.write(4, frame({'calls': [{}] * 2}, np.ones(2), [[1, 1]] * 2) * 5)",
    ),
    writes("nothing, the pipe closed", CRASH, OUTPUT, fit="os.close(4)"),
    writes("the request pipe closed", CRASH, OK, RAISED, fit="os.close(3)"),
    writes(
        "its own pipe in place of the harness's",
        CRASH,
        OUTPUT,
        TIMEOUT,
        fit="out, into = os.pipe(); os.dup2(into, 4)",
    ),
    writes(
        "the request read a second time",
        OK,
        OUTPUT,
        CRASH,
        TIMEOUT,
        fit="os.set_blocking(3, False)\nattempt(lambda: os.read(3, 1 << 20))",
    ),
    writes(
        "the pipe filled without end",
        TIMEOUT,
        OUTPUT,
        fit="os.set_blocking(4, False)\nwhile True: attempt(lambda: os.write(4, b'x'))",
    ),
]


@pytest.mark.parametrize("attack", table(ATTACKS))
def test_what_is_written_to_the_pipe_is_checked(stopped: Stopped, attack: Attack) -> None:
    found = stopped(attack)
    assert found.error is None or found.error.message.isprintable()
