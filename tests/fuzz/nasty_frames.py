"""Frames, replies and results that are wrong, or nearly."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import zlib

from fuzz.cases import Inputs
from fuzz.seeds import seeds

MANY = 50_000
_SEED = {name: found[0] for name, found in seeds().items()}

# --- frames and replies


def _frame(text: bytes, payload: bytes = b"", sizes: tuple[int, int] | None = None) -> bytes:
    return struct.pack("<IQ", *(sizes or (len(text), len(payload)))) + text + payload


def _shapes(shapes: object, payload: bytes = b"") -> bytes:
    return _frame(json.dumps({"body": {}, "shapes": shapes}).encode(), payload)


_EMPTY = b'{"body":{},"shapes":[]}'
_FRAMES_READ: Inputs = {
    "nothing in it": _frame(_EMPTY),
    "bytes alone": _frame(_EMPTY, b"\xff" * 9),
    "a number that is NaN": _shapes([[]], struct.pack("<d", float("nan"))),
    "empty arrays": _shapes([[0]] * 1000),
}
_FRAMES_REFUSED: Inputs = {
    "nothing": b"",
    "half a header": b"\0" * 11,
    "a header of zeros": b"\0" * 12,
    "a gigabyte that is not there": _frame(_EMPTY, sizes=(len(_EMPTY), 1 << 30)),
    "all the memory there is": _frame(_EMPTY, sizes=(len(_EMPTY), (1 << 64) - 1)),
    "all the text there is": _frame(_EMPTY, sizes=((1 << 32) - 1, 0)),
    "UTF-16": _frame(_EMPTY.decode().encode("utf-16")),
    "a byte order mark": _frame(b"\xef\xbb\xbf" + _EMPTY),
    "half a character": _frame(b'{"body":{"x":"\xed\xa0\x80"},"shapes":[]}'),
    "NaN": _frame(b'{"body":{"x":NaN},"shapes":[]}'),
    "1e999999": _frame(b'{"body":{"x":1e999999},"shapes":[]}'),
    "5000 digits": _frame(b'{"body":{"x":' + b"9" * 5000 + b'},"shapes":[]}'),
    "deep": _frame(b"[" * MANY),
    "shapes that are an object": _frame(b'{"body":{},"shapes":{}}'),
    "shapes that are text": _frame(b'{"body":{},"shapes":""}'),
    "a size below zero": _shapes([[-1]], bytes(8)),
    "a size beyond all": _shapes([[1 << 62, 1 << 62]], bytes(8)),
    "sizes without values": _shapes([[0, *[1 << 30] * 15]]),
    "seventeen sizes": _shapes([[1] * 17], bytes(8)),
    "more values than bytes": _shapes([[1]] * MANY, bytes(8)),
}


def _answer(body: object) -> bytes:
    return json.dumps({"body": body, "shapes": []}).encode()


_FAILURE = {"kind": "memory", "message": "m", "line": 1}
_REPLIES_READ: Inputs = {
    "no calls": _answer({}),
    "calls that are text": _answer({"calls": "xyz"}),
    "answers that are text": _answer({"calls": ["error"]}),
    "answers that are numbers": _answer({"calls": [1]}),
    "an error that is text": _answer({"error": "kind"}),
    "an error that is a list": _answer({"error": [1]}),
    "a kind that is a list": _answer({"error": {**_FAILURE, "kind": [1]}}),
    "a kind that is ours": _answer({"error": {**_FAILURE, "kind": "harness_error"}}),
    "a message of control codes": _answer({"error": {**_FAILURE, "message": "\x1b[2J\n\ud800"}}),
    "a message of a megabyte": _answer({"error": {**_FAILURE, "message": "x" * (1 << 20)}}),
    "a message that is a list": _answer({"error": {**_FAILURE, "message": ["x"]}}),
    "a line beyond all": _answer({"error": {**_FAILURE, "line": 10**4000}}),
    "a line that is true": _answer({"error": {**_FAILURE, "line": True}}),
    "many answers": _answer({"calls": [{}] * MANY}),
}

# --- results

_WHOLE = _SEED["results"].splitlines(keepends=True)
_HEAD, _PROGRAM, _, _EVALUATION, _, _RUN, _, _CLAIM, _END = _WHOLE
_OPEN = b"".join(_WHOLE[:-1])
_LINES = [json.loads(line) for line in _SEED["results"].splitlines()]
_KINDS = {"run": 5, "claim": 7, "evaluation": 3, "program": 1, "sld-results": 0}


def _results(kind: str, **change: object) -> bytes:
    lines = [*_LINES]
    lines[_KINDS[kind]] = lines[_KINDS[kind]] | change
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def _document(**change: object) -> bytes:
    return _results("evaluation", document=_LINES[3]["document"] | change)


def _claimed(**change: object) -> bytes:
    return _results("claim", page=_LINES[7]["page"] | change)


def _arrays(plain: bytes) -> bytes:
    return _results("evaluation", traces=base64.b64encode(zlib.compress(plain)).decode())


def _contents(contents: object, payload: bytes = b"") -> bytes:
    return _json_contents(json.dumps(contents).encode(), payload)


def _json_contents(head: bytes, payload: bytes = b"") -> bytes:
    return _arrays(struct.pack("<I", len(head)) + head + payload)


def _program(source: str) -> bytes:
    digest = hashlib.sha256(source.encode()).hexdigest()
    line = {"kind": "program", "sha256": digest, "text": source}
    return _OPEN + json.dumps(line).encode() + b"\n" + _END


def _without_finite(figure: str) -> bytes:
    return _document(r2=0.123456789).replace(b"0.123456789", figure.encode())


_ZIP_BOMB = zlib.compress(bytes(80 << 20), level=1)

_RESULTS_READ: Inputs = {
    "CRLF": _SEED["results"].replace(b"\n", b"\r\n"),
    "nothing": _HEAD + _END,
    "only a header, of version 1": _HEAD.replace(b"2", b"1"),
    "a program of nothing": _program(""),
    "the same again": _OPEN + _RUN + _CLAIM + _EVALUATION + _PROGRAM + _END,
    "the largest run": _results("run", run=10**18 - 1),
    "a path from elsewhere": _results("run", path="elsewhere:/" + "x" * 250),
    "a relative path": _results("run", path="../../etc/passwd"),
}
_RESULTS_REFUSED: Inputs = {
    "a byte order mark": b"\xef\xbb\xbf" + _SEED["results"],
    "a version of 4300 digits": _HEAD.replace(b"2", b"9" * 4300),
    "a version of 5000 digits": _HEAD.replace(b"2", b"9" * 5000),
    "cut short": _OPEN,
    "two of them": _SEED["results"] * 2,
    "a line after the last": _SEED["results"] + _RUN,
    "a key of two lines": _results("run", **{"a\nb\x1b": 1}),
    "a thousand keys": _results("run", **{f"key{i}": i for i in range(1000)}),
    "a task of two lines": _results("run", task="a\nb"),
    "an agent that climbs": _results("run", agent="../../x"),
    "a model that climbs": _results("claim", model="../x"),
    "a task that climbs": _results("claim", task="../x"),
    "a digest of two lines": _results("run", digest="a\nb"),
    "a name with an escape": _results("run", agent_name="\x1b[2J"),
    "a run below zero": _results("run", run=-1),
    "a run beyond the store": _results("run", run=10**20),
    "a run of 4300 digits": _SEED["results"].replace(b'"run": 1,', b'"run": ' + b"9" * 4300 + b","),
    "a path longer than a name": _results("run", path="x" * 300),
    "a path of ten thousand": _results("run", path="x/" * 5000),
    "a path with NUL": _results("run", path="a\0b"),
    "figures that are NaN": _without_finite("NaN"),
    "figures that are infinite": _without_finite("Infinity"),
    "figures beyond all floats": _without_finite("1e999999"),
    "seconds that are NaN": _document(seconds={"fit": float("nan"), "predict": 1.0}),
    "a status that contradicts": _document(status="failed"),
    "no arrays": _results("evaluation", traces=""),
    "arrays that are no base64": _results("evaluation", traces="é"),
    "arrays that are no zlib": _results("evaluation", traces="AAAA"),
    "a bomb of arrays": _results("evaluation", traces=base64.b64encode(_ZIP_BOMB).decode()),
    "arrays cut short": _results("evaluation", traces=_LINES[3]["traces"][:40]),
    "arrays without contents": _arrays(b""),
    "arrays of another length": _arrays(struct.pack("<I", 1 << 31) + b"[]"),
    "contents deep": _json_contents(b"[" * MANY),
    "contents of digits": _json_contents(b"9" * 5000),
    "contents that are an object": _contents({"params": 1}),
    "contents that are a number": _contents(1),
    "contents of another section": _contents([["other", "a", [1]]], bytes(8)),
    "contents of a list": _contents([[["params"], "a", [1]]], bytes(8)),
    "a group that is a number": _contents([["params", 1, [1]]], bytes(8)),
    "a group that is null": _contents([["params", None, [1]]], bytes(8)),
    "a size below zero": _contents([["params", "a", [-1]]], bytes(8)),
    "a size beyond all": _contents([["params", "a", [1 << 70]]], bytes(8)),
    "sizes beyond all": _contents([["params", "a", [0, 1 << 62, 1 << 62]]]),
    "a size that is a fraction": _contents([["params", "a", [1.5]]], bytes(16)),
    "a size that is text": _contents([["params", "a", "1"]], bytes(8)),
    "a group twice": _contents([["params", "a", [1]]] * 2, bytes(16)),
    "bytes behind the arrays": _contents([["params", "a", [1]]], bytes(24)),
    "a claim without runs": _claimed(ranking=[]),
    "a claim of no figure": _claimed(best="good"),
    "a claim beyond all floats": _claimed(mean="1e999"),
    "a claim of other runs": _claimed(runs="7"),
    "a claim of two lines": _claimed(agent="a\nb"),
    "a program twice over": _results("program", base64="eA=="),
    "a program of half a character": _results("program", text="\ud800"),
    "another kind": _HEAD + b'{"kind": "' + b"x" * MANY + b'"}\n',
    "no kind": _HEAD + b"{}\n",
    "deep": _HEAD + b'{"kind": ' + b"[" * MANY,
}  # fmt: skip

READ = {"frame": _FRAMES_READ, "replies": _REPLIES_READ, "results": _RESULTS_READ}
REFUSED = {"frame": _FRAMES_REFUSED, "results": _RESULTS_REFUSED}
