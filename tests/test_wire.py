"""The frames on the pipes, and programs that write frames of their own."""

from __future__ import annotations

import contextlib
import json
import math
import os
import struct
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from programs import GROUP_MEAN, program

from harness.evaluation.records import Evaluation
from harness.failures import FailureKind
from harness.sandbox.guest import wire
from harness.tasks import Task

Score = Callable[..., Evaluation]

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
bodies = st.dictionaries(st.text(), plain, max_size=3)
arrays = st.lists(
    hnp.arrays(np.float64, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)),
    max_size=4,
)


@given(bodies, arrays, st.binary(max_size=50))
def test_what_is_encoded_comes_back(
    body: dict[str, object], given_arrays: list[np.ndarray], raw: bytes
) -> None:
    frame = wire.encode(body, given_arrays, raw)
    assert wire.frame_size(frame) == len(frame)
    found = wire.decode(frame)
    assert found.body == body
    assert found.raw == raw
    assert [array.shape for array in found.arrays] == [array.shape for array in given_arrays]
    for array, expected in zip(found.arrays, given_arrays, strict=True):
        np.testing.assert_array_equal(array, expected)
        assert array.dtype == np.float64
        assert array.flags.writeable
        assert array.flags.c_contiguous
        assert array.flags.owndata


@given(arrays, st.binary(max_size=20), st.data())
def test_a_cut_frame_is_never_taken_for_a_whole_one(
    given_arrays: list[np.ndarray], raw: bytes, data: st.DataObject
) -> None:
    frame = wire.encode({"a": 1}, given_arrays, raw)
    cut = data.draw(st.integers(0, len(frame) - 1))
    size = wire.frame_size(frame[:cut])
    assert size is None or size > cut
    with pytest.raises(wire.WireError):
        wire.decode(frame[:cut])


@given(st.binary(max_size=200))
def test_bytes_that_are_no_frame_are_refused_and_nothing_else(noise: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.decode(noise)


@given(st.binary(min_size=1, max_size=60), st.integers(0, 200))
def test_a_damaged_frame_is_refused_or_read_but_never_fails_otherwise(
    patch: bytes, start: int
) -> None:
    frame = bytearray(wire.encode({"calls": [{}]}, [np.arange(6.0).reshape(2, 3)]))
    frame[start : start + len(patch)] = patch
    with contextlib.suppress(wire.WireError):
        wire.decode(frame)


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1))
def test_a_header_that_claims_too_much_is_refused_before_anything_is_read(
    json_size: int, payload_size: int
) -> None:
    header = struct.pack("<IQ", json_size, payload_size)
    fits = json_size <= 1000 and payload_size <= 5000
    if fits:
        expected = wire.HEADER.size + json_size + payload_size
        assert wire.frame_size(header, 1000, 5000) == expected
    else:
        with pytest.raises(wire.WireError):
            wire.frame_size(header, 1000, 5000)


def forged(document: object, payload: bytes = b"", *, text: bytes | None = None) -> bytes:
    text = json.dumps(document).encode() if text is None else text
    return struct.pack("<IQ", len(text), len(payload)) + text + payload


@pytest.mark.parametrize(
    "shapes",
    [
        [[-1]], [[1.0]], [[True]], ["2"], [None], [[2, 2]], [[1 << 40]], [[1 << 62, 1 << 62]],
        [[0] * 17], [[0, *[1 << 30] * 15]], {"a": [1]}, 3, [[[1]]],
    ],
)  # fmt: skip
def test_impossible_shapes_are_refused(shapes: object) -> None:
    with pytest.raises(wire.WireError):
        wire.decode(forged({"body": {}, "shapes": shapes}, bytes(8)))


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"[]", b"1", b'{"body":{}}', b'{"shapes":[]}', b'{"body":[],"shapes":[]}',
        b'{"body":{"x":NaN},"shapes":[]}', b'{"body":{"x":Infinity},"shapes":[]}',
        b'\xff{"body":{},"shapes":[]}', b'{"body":{},"shapes":[]}x', b"[" * 100_000,
        b'{"body":{"x":' + b"9" * 5000 + b'},"shapes":[]}',
    ],
)  # fmt: skip
def test_json_that_is_not_strict_or_not_a_frame_is_refused(text: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.decode(forged(None, text=text))


def test_no_nan_is_ever_written_as_json() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        wire.encode({"x": math.nan})


def test_arrays_of_another_order_or_type_arrive_as_plain_ones() -> None:
    turned = np.arange(6, dtype=">i2").reshape(2, 3).T
    (found,) = wire.decode(wire.encode({}, [turned])).arrays
    assert found.tolist() == [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_pipe_that_ends_inside_a_frame_is_an_error_and_an_empty_one_is_the_end(cut: int) -> None:
    for content, whole in ((b"", None), (wire.encode({"a": 1}), {"a": 1})):
        read_end, write_end = os.pipe()
        os.write(write_end, content)
        os.close(write_end)
        frame = wire.read_frame(read_end)
        os.close(read_end)
        assert (frame.body if frame else None) == whole
    read_end, write_end = os.pipe()
    os.write(write_end, wire.encode({"a": 1})[:cut])
    os.close(write_end)
    with pytest.raises(wire.WireError):
        wire.read_frame(read_end)
    os.close(read_end)


FORGE = """
import json, struct, time
def send(body, values=(), shapes=None, raw=b"", text=None, copies=1, more=b""):
    values = np.asarray(values, float)
    shapes = [list(values.shape)] if shapes is None else shapes
    text = json.dumps({"body": body, "shapes": shapes}).encode() if text is None else text
    payload = values.tobytes() + raw
    frame = struct.pack("<IQ", len(text), len(payload)) + text + payload
    os.write(4, frame * copies + more)
def error(kind="candidate_error", message="forged", line=None):
    return {"error": {"kind": kind, "message": message, "line": line}}
FINE = {"calls": [{}, {}]}
"""

# What a fit of two groups writes to the harness's pipe instead of answering.
FORGERIES = {
    "garbage": "os.write(4, b'garbage' * 100)",
    "a byte and silence": "os.write(4, b'x')\nos._exit(0)",
    "a header that claims a gigabyte": "os.write(4, struct.pack('<IQ', 100, 1 << 30))",
    "a header that claims all memory": "os.write(4, struct.pack('<IQ', 100, 1 << 62))",
    "a header that claims much text": "os.write(4, struct.pack('<IQ', 1 << 22, 0))",
    "too many arrays": "send(FINE, np.ones(9), [[3], [3], [3]])",
    "too few arrays": "send(FINE, np.ones(3), [[3]])",
    "too many answers": "send({'calls': [{}] * 3}, np.ones(9), [[3], [3], [3]])",
    "arrays beyond the payload": "send(FINE, np.ones(2), [[1 << 20], [1]])",
    "bytes beside the arrays": "send(FINE, np.ones(2), [[1], [1]], raw=b'more')",
    "no body": "send(None, np.ones(2), [[1], [1]])",
    "no calls": "send({}, np.ones(2), [[1], [1]])",
    "calls of another kind": "send({'calls': {'0': {}}}, np.ones(2), [[1], [1]])",
    "calls that are no objects": "send({'calls': [1, 2]}, np.ones(2), [[1], [1]])",
    "an error of another kind": "send({'error': [1]}, shapes=[])",
    "a harness error": "send(error('harness_error'), shapes=[])",
    "a harness error in a call": "send({'calls': [error('harness_error')]}, shapes=[])",
    "a timeout": "send(error('timeout'), shapes=[])",
    "an unknown failure": "send(error('no such kind'), shapes=[])",
    "a message that is no text": "send(error(message=['x']), shapes=[])",
    "a line that is no number": "send(error(line='1'), shapes=[])",
    "a line beyond all files": "send(error(line=10**400), shapes=[])",
    "JSON with NaN": 'send(None, text=b\'{"body":{"calls":[NaN]},"shapes":[]}\', shapes=[])',
    "deep JSON": "send(None, text=b'[' * 30000)",
    "a frame and a bit": "send(FINE, np.ones(2), [[1], [1]], more=b'x')",
    "two frames": "send(FINE, np.ones(2), [[1], [1]], copies=2)",
    "a closed pipe": "os.close(4)",
}


@pytest.mark.parametrize("body", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_answer_to_a_fit_is_the_programs_failure(score: Score, body: str) -> None:
    """Candidate code shares its process with our end of the pipe; the harness must not break."""
    evaluation = score(program(first=FORGE, fit=body), fit_seconds=5)
    assert evaluation.error is not None
    assert evaluation.error.kind in {FailureKind.BAD_OUTPUT, FailureKind.CRASH}
    assert score(GROUP_MEAN).status == "ok"


FULL = (6, 12, 5)
"""Rows of the full batches of a group of the wide task: test, train and curve."""


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("send({'calls': [{}] * 3}, np.ones(3), [[1, 1]] * 3)", "wrong shape"),
        (f"send({{'calls': [{{}}] * 3}}, np.ones(23), [[n] for n in {FULL}])", "wrong shape"),
        (
            f"send({{'calls': [{{}}] * 3}}, np.full(23, np.nan), [[n, 1] for n in {FULL}])",
            "not finite",
        ),
        (
            f"send({{'calls': [{{}}] * 2}}, np.ones(18), [[n, 1] for n in {FULL[:2]}])",
            "fewer predictions",
        ),
        ("send({'calls': [error('harness_error')] * 3}, shapes=[])", "harness's own pipe"),
    ],
)
def test_a_forged_prediction_of_a_wrong_shape_is_bad_output(
    score: Score, wide_task: Task, body: str, words: str
) -> None:
    """The child's own checks are worth nothing once candidate code has run in it."""
    once = f"if len(data_points) == 12:\n    {body}\n    time.sleep(5)"
    evaluation = score(program(first=FORGE, predict=once), wide_task, predict_seconds=5)
    assert evaluation.error is not None
    assert evaluation.error.kind is FailureKind.BAD_OUTPUT
    assert words in evaluation.error.message


@pytest.mark.parametrize("where", ["first", "predict"])
def test_early_answers_end_as_a_failure_or_change_nothing(score: Score, where: str) -> None:
    early = FORGE + "if not os.path.exists('sent'):\n    open('sent', 'w').close()\n    send(FINE)"
    source = (
        program(first=early)
        if where == "first"
        else program(first="", predict=FORGE + "send(FINE)")
    )
    evaluation = score(source, fit_seconds=5, predict_seconds=5)
    assert evaluation.error is not None
    assert evaluation.error.kind is FailureKind.BAD_OUTPUT


@pytest.mark.parametrize(
    "message", ["\\ud800 half", "\\x1b[2J\\x07 bell", "two\\nlines", "a\\x00b"]
)
def test_a_forged_message_becomes_one_line_that_can_be_stored_and_shown(
    score: Score, message: str
) -> None:
    """A lone surrogate cannot be stored; control codes rewrite the reader's terminal."""
    body = f"send({{'calls': [error(message='{message}' * 300)]}}, shapes=[])\ntime.sleep(2)"
    evaluation = score(program(first=FORGE, fit=body), fit_seconds=5)
    assert evaluation.error is not None
    assert evaluation.error.kind is FailureKind.CANDIDATE_ERROR
    assert evaluation.error.message.isprintable()
    assert len(evaluation.error.message) < 1100
    again = Evaluation.model_validate_json(evaluation.model_dump_json())
    assert again == evaluation


def test_a_flood_on_the_answer_pipe_neither_stops_nor_fills_the_harness(score: Score) -> None:
    """Sizes are checked against what was asked for before they are believed."""
    flood = """
        text = b" " * 20000
        os.write(4, struct.pack("<IQ", len(text), 1 << 29) + text)
        while True: os.write(4, bytes(1 << 16))
    """
    source = program(first=FORGE, fit=flood)
    tracemalloc.start()
    started = time.monotonic()
    evaluation = score(source, fit_seconds=20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert evaluation.error is not None
    assert evaluation.error.kind is FailureKind.BAD_OUTPUT
    assert time.monotonic() - started < 5.0
    assert peak < 16 << 20


def test_a_program_that_does_not_read_its_request_is_ended(score: Score) -> None:
    """A request larger than a pipe is written while the child lives; it must not block for ever."""
    evaluation = score(
        program(first="os.close(3)", fit="import time; time.sleep(60)"), fit_seconds=0.5
    )
    assert evaluation.error is not None
    assert evaluation.error.kind is FailureKind.TIMEOUT
