"""Frames on the pipes: strict JSON, raw float64 arrays, bytes. Nothing is ever unpickled.

A frame is ``<IQ`` (length of the JSON, length of the payload), the JSON object, the payload. The
JSON holds ``body`` (what is said), ``shapes`` (of the arrays at the start of the payload,
little-endian float64 in C order) and the payload ends with raw bytes (a program's source).
"""

from __future__ import annotations

import json
import math
import os
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

HEADER = struct.Struct("<IQ")
MAX_JSON = 4 * 1024 * 1024
MAX_PAYLOAD = 1 << 30
MAX_VALUES = 1 << 16
"""How many constants a fit may return for one group."""
MAX_DIMENSIONS = 16


class WireError(Exception):
    """Bytes that are not a frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded frame."""

    body: dict[str, Any]
    arrays: list[np.ndarray]
    raw: bytes


def encode(body: dict[str, Any], arrays: list[np.ndarray] | None = None, raw: bytes = b"") -> bytes:
    """Return one frame as bytes."""
    blobs = [np.ascontiguousarray(array, dtype="<f8") for array in arrays or []]
    document = {"body": body, "shapes": [list(np.shape(array)) for array in arrays or []]}
    text = json.dumps(document, allow_nan=False, separators=(",", ":")).encode("utf-8")
    payload = b"".join([*(blob.tobytes() for blob in blobs), raw])
    return HEADER.pack(len(text), len(payload)) + text + payload


def frame_size(
    buffer: bytes | bytearray, max_json: int = MAX_JSON, max_payload: int = MAX_PAYLOAD
) -> int | None:
    """Return the size in bytes of the frame that starts the buffer, None if it is too short.

    Args:
        buffer: What has come so far.
        max_json: Most bytes of JSON that the reader expects.
        max_payload: Most bytes of payload that the reader expects.

    Raises:
        WireError: The header claims more than that.
    """
    if len(buffer) < HEADER.size:
        return None
    text_size, payload_size = HEADER.unpack_from(buffer)
    if text_size > max_json or payload_size > max_payload:
        msg = "a frame larger than allowed"
        raise WireError(msg)
    return int(HEADER.size + text_size + payload_size)


def decode(frame: bytes | bytearray) -> Frame:
    """Return what one whole frame says; its arrays are writable copies.

    Raises:
        WireError: The frame is not what its header says, or its JSON is not strict.
    """
    if len(frame) < HEADER.size:
        msg = "not a frame: shorter than its header"
        raise WireError(msg)
    text_size, payload_size = HEADER.unpack_from(frame)
    text = bytes(frame[HEADER.size : HEADER.size + text_size])
    payload = bytes(frame[HEADER.size + text_size :])
    try:
        # Decoded here: `json.loads` would also take UTF-16, UTF-32 and half characters.
        document = json.loads(text.decode("utf-8"), parse_constant=_refuse, parse_float=_finite)
        if not isinstance(document["shapes"], list):
            msg = "shapes are a list"
            raise TypeError(msg)
        shapes = [_shape(shape) for shape in document["shapes"]]
        body = document["body"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        msg = f"not a frame: {error}"
        raise WireError(msg) from error
    if not isinstance(body, dict) or len(payload) != payload_size:
        msg = "not a frame: wrong body or length"
        raise WireError(msg)
    arrays = []
    offset = 0
    for shape in shapes:
        count = math.prod(shape)
        if offset + 8 * count > len(payload):
            msg = "not a frame: arrays longer than the payload"
            raise WireError(msg)
        flat = np.frombuffer(payload, dtype="<f8", count=count, offset=offset)
        try:
            arrays.append(np.array(flat.reshape(shape), dtype=np.float64))
        except ValueError as error:  # no values, but other sizes beyond what numpy can hold
            msg = f"not a frame: {error}"
            raise WireError(msg) from error
        offset += 8 * count
    return Frame(body, arrays, payload[offset:])


def _refuse(constant: str) -> None:
    msg = f"{constant} is not JSON"
    raise ValueError(msg)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):  # 1e999
        msg = "a number beyond all floats"
        raise ValueError(msg)
    return value


def _shape(value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) > MAX_DIMENSIONS:
        msg = "a shape is a short list"
        raise ValueError(msg)
    for size in value:
        if type(size) is not int or not 0 <= size <= MAX_PAYLOAD:
            msg = "a size is a whole number"
            raise ValueError(msg)
    return tuple(value)


def read_frame(descriptor: int) -> Frame | None:
    """Read one frame from a blocking descriptor; None at a clean end of file.

    Raises:
        WireError: The file ends inside a frame.
    """
    header = _read_exactly(descriptor, HEADER.size)
    if not header:
        return None
    size = frame_size(header)
    if size is None:
        msg = "the pipe ended inside a frame"
        raise WireError(msg)
    rest = _read_exactly(descriptor, size - HEADER.size)
    if len(rest) < size - HEADER.size:
        msg = "the pipe ended inside a frame"
        raise WireError(msg)
    return decode(header + rest)


def write_all(descriptor: int, data: bytes) -> None:
    """Write everything to a blocking descriptor."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _read_exactly(descriptor: int, size: int) -> bytes:
    chunks = []
    while size > 0:
        chunk = os.read(descriptor, min(size, 1 << 20))
        if not chunk:
            break
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)
