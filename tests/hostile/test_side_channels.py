"""Carrying the train rows in what the kernel remembers of files that every child may read."""

from __future__ import annotations

import os
import sysconfig
import time
from pathlib import Path

import pytest
from programs import program

from hostile.attacks import OK, RAISED, attack
from hostile.conftest import Stopped

STDLIB = Path(sysconfig.get_path("stdlib"))


def files() -> list[Path]:
    """Sources of the standard library that hardly anybody reads."""
    folders = ("idlelib", "lib2to3", "distutils", "turtledemo", "pydoc_data", "wsgiref", "xmlrpc")
    return [path for folder in folders for path in sorted((STDLIB / folder).rglob("*.py"))]


def drops_from_cache(path: Path) -> bool:
    """Whether one process can drop a file from the page cache and another notice."""
    with path.open("rb") as file:
        file.read()
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        try:
            os.preadv(file.fileno(), [bytearray(1)], 0, os.RWF_NOWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return False


@pytest.mark.linux
def test_the_page_cache_carries_nothing_from_the_fit_to_the_law(stopped: Stopped) -> None:
    """The fit drops files from the page cache, the law sees which: hundreds of bits, uncounted."""
    if not hasattr(os, "posix_fadvise"):
        pytest.skip("no posix_fadvise here")
    places = [str(path) for path in files() if drops_from_cache(path)][:64]
    if len(places) < 64:
        pytest.skip("files of the standard library cannot be dropped from a page cache here")
    source = program(
        first=f"""
        PLACES, RECALLED = {places}, []
        def drop(path):
            with open(path, "rb") as file:
                file.read()
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        def cached(path):
            with open(path, "rb") as file:
                try:
                    os.preadv(file.fileno(), [bytearray(1)], 0, os.RWF_NOWAIT)
                    return True
                except OSError:
                    return False
        """,
        fit="""
        # the label of the largest row: what the cap on constants is to keep out
        bits = np.unpackbits(np.frombuffer(loss_values[-1:].tobytes(), np.uint8))
        for path, bit in zip(PLACES, bits):
            open(path, "rb").read() if bit else drop(path)
        """,
        predict="""
        if not RECALLED:
            bits = [cached(path) for path in PLACES]
            for path, bit in zip(PLACES, bits):
                bit or drop(path)
            RECALLED.append(np.frombuffer(np.packbits(bits).tobytes())[0])
        if 1.5 < RECALLED[0] < 4.0:
            return np.full(len(data_points), RECALLED[0])
        """,
    )
    stopped(attack("the page cache", source, RAISED, needs="seccomp"))


@pytest.mark.linux
@pytest.mark.xfail(
    strict=False,  # it depends on the mount
    reason="files show when they were last read: a bit a file from the fit to the law",
)
def test_times_of_reading_carry_nothing_from_the_fit_to_the_law(stopped: Stopped) -> None:
    """Reading sets a time that ``stat`` shows (with relatime once a day for each file)."""
    day = 24 * 3600.0
    fresh = time.time() - day - 60.0
    unread = [
        path
        for path in STDLIB.rglob("*.py")
        if "site-packages" not in path.parts
        and (path.stat().st_atime < fresh or path.stat().st_atime <= path.stat().st_mtime)
    ]
    if os.statvfs(STDLIB).f_flag & os.ST_NOATIME or not unread:
        pytest.skip("no file here will show that it was read")
    path = min(unread)
    source = program(
        fit=f"open({str(path)!r}, 'rb').read()",
        predict=f"""
        if os.stat({str(path)!r}).st_atime_ns > {path.stat().st_atime_ns}:
            raise Report("the fit has read it")
        """,
    )
    stopped(attack("times of reading", source, OK))
