"""Reads a data set of the Hugging Face Hub: which files it has, and their bytes.

Where the Hub is and who asks comes from huggingface_hub (``HF_ENDPOINT``, ``HF_TOKEN``, proxies,
``HF_HUB_OFFLINE``). Its own downloader is not used: it keeps nothing of a download that breaks
off, and waits for as long as a server asks it to.
"""

from __future__ import annotations

import hashlib
import json
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, Field, ValidationError

from harness.errors import UserError

if TYPE_CHECKING:
    import httpx2

Result = TypeVar("Result")

OTHER_WAYS = (
    "try again later, set HF_ENDPOINT to a mirror, or set SLD_DATA to a folder with the CSV files"
)
_TRIES = 3
_PAUSE = 0.5
_LONGEST_PAUSE = 10.0
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
"""Answers after which the same question is asked again."""
_PATIENCE = 60.0
_SLOWEST = 4096
"""Bytes a second; an answer may take `_PATIENCE` seconds, and as much more as it is long."""
_LONGEST_LISTING = 1 << 26


class HubError(UserError):
    """The Hub did not give what was asked for, though the question was in order."""


class HubFileError(HubError):
    """One file cannot be had; others may."""


class MissingExtraError(UserError):
    """What reads the Hub is not installed."""

    def __init__(self, package: str) -> None:
        """Say which package is missing, and what to type."""
        super().__init__(
            f"{package} is not installed, or does not work here; reading the Hugging Face Hub "
            "needs it; type: pip install 'sld-harness[hub]'"
        )


class _BusyError(Exception):
    """An answer that may be another one soon."""

    def __init__(self, status: int, pause: float) -> None:
        super().__init__(status)
        self.status = status
        self.pause = pause


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a data set, at one commit."""

    path: str
    size: int | None
    sha256: str | None
    """SHA-256 of the content, where the Hub stores it as a large file."""
    blob: str | None
    """Git's hash of the content (of a pointer to it, for a large file)."""

    @property
    def content_id(self) -> str | None:
        """What names the content, if anything does."""
        return self.sha256 or self.blob

    def is_content(self, content: bytes) -> bool:
        """Return whether these bytes are the file's, as far as the Hub has said."""
        if self.size not in (None, len(content)):
            return False
        if self.sha256 is not None:
            return hashlib.sha256(content).hexdigest() == self.sha256
        git = hashlib.sha1(b"blob %d\0" % len(content), usedforsecurity=False)
        git.update(content)
        return self.blob in (None, git.hexdigest())


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a data set at one commit."""

    repository: str
    commit: str
    files: tuple[HubFile, ...]
    """Sorted by path."""


class _LargeFile(BaseModel):
    sha256: str


class _Sibling(BaseModel):
    rfilename: str
    size: int | None = None
    blob_id: str | None = Field(default=None, alias="blobId")
    lfs: _LargeFile | None = None


class _Info(BaseModel):
    """The part that is used of the Hub's answer about a revision; there is much more in it."""

    sha: str = Field(pattern=r"^[0-9a-f]{40,64}$")
    siblings: list[_Sibling]


class Hub:
    """The Hub that this machine uses."""

    def __init__(self) -> None:
        """Load the library and look at the settings; nothing is asked yet.

        Raises:
            MissingExtraError: huggingface_hub or pyarrow is not installed.
            UserError: Offline mode is on, or the settings cannot be used.
        """
        _load_libraries()
        from huggingface_hub import constants, get_session, get_token

        if constants.HF_HUB_OFFLINE:
            raise UserError(
                "offline mode is on, so nothing can be pulled: unset HF_HUB_OFFLINE (and "
                "TRANSFORMERS_OFFLINE), or set SLD_DATA to a folder with the CSV files"
            )
        self._endpoint = constants.ENDPOINT
        self.address = _without_password(self._endpoint)
        """Where the Hub is, as it may be shown."""
        self._seconds = float(constants.HF_HUB_DOWNLOAD_TIMEOUT)
        # Errors of these two may quote a token or a proxy's password, so their text is not shown.
        try:
            token = get_token()
        except Exception:  # the library asks several places, each with errors of its own
            raise UserError(
                "the token for the Hub cannot be read; log in again (hf auth login), or unset "
                "HF_TOKEN: public data needs none"
            ) from None
        # Not build_hf_headers: it first asks the Hub for a list of programs to look for.
        self._headers = {"User-Agent": "sld-harness"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        try:
            self._session = get_session()
        except Exception:  # an unknown kind of proxy, a certificate file that is not there
            raise UserError(
                "no connection can be set up; check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and "
                "SSL_CERT_FILE"
            ) from None

    def listing(self, repository: str, revision: str) -> Listing:
        """Return the files of a data set, and the commit that a branch, tag or commit stands for.

        Raises:
            UserError: There is no such revision.
            HubError: There is no such data set, or it cannot be read.
        """
        path = f"/api/datasets/{quote(repository)}/revision/{quote(revision, safe='')}?blobs=true"
        asked = f"data set {repository} at revision {revision}"
        raw = self._persistently(lambda: self._read(path, asked), asked)
        try:
            info = _Info.model_validate(json.loads(raw))
        except (ValueError, ValidationError):
            raise HubError(
                f"{self.address} does not answer as the Hub does (asked for the {asked}); check "
                "HF_ENDPOINT, the proxy, or whether the network asks for a login"
            ) from None
        files = [
            HubFile(one.rfilename, one.size, one.lfs.sha256 if one.lfs else None, one.blob_id)
            for one in info.siblings
        ]
        return Listing(repository, info.sha, tuple(sorted(files, key=lambda file: file.path)))

    def download(
        self, listing: Listing, file: HubFile, folder: Path, seen: Callable[[int], None]
    ) -> bytes:
        """Return a file's content, continuing a download that was broken off.

        Args:
            listing: What the file is of.
            file: Which file.
            folder: Where a download is kept until it is complete and used; made if not there.
            seen: Told how many of its bytes are here.

        Raises:
            HubError: It cannot be had.
        """
        name = f"{listing.repository}\0{file.content_id or f'{listing.commit}/{file.path}'}"
        part = folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.part"
        folder.mkdir(parents=True, exist_ok=True)
        place = f"/datasets/{quote(listing.repository)}/resolve/{listing.commit}/{quote(file.path)}"
        asked = f"file {file.path} of data set {listing.repository}"
        for _ in range(2):  # a broken part is dropped, and the file read from its start
            end = time.monotonic() + _PATIENCE + (file.size or 0) / _SLOWEST
            attempt = partial(self._append, place, asked, file, part, seen, end)
            self._persistently(attempt, asked, lambda: _size(part))
            content = part.read_bytes()
            if file.is_content(content):
                return content
            part.unlink()
        raise HubFileError(
            f"the {asked} arrives damaged from {self.address}: its bytes are not those that the "
            f"Hub lists; {OTHER_WAYS}"
        )

    def _append(
        self,
        place: str,
        asked: str,
        file: HubFile,
        part: Path,
        seen: Callable[[int], None],
        end: float,
    ) -> None:
        have = _size(part) if file.size else 0
        seen(have)
        if file.size and have >= file.size:
            return
        with self._open(place, asked, {"Range": f"bytes={have}-"} if have else {}) as answer:
            if answer.status_code != 206:
                have = 0
            with part.open("ab" if have else "wb", buffering=0) as out:
                for chunk in self._chunks(answer, asked, end):
                    out.write(chunk)
                    have += len(chunk)
                    seen(have)
                    if file.size is not None and have > file.size:
                        return  # the comparison with what is listed fails, and says so

    def _read(self, place: str, asked: str) -> bytes:
        end = time.monotonic() + _PATIENCE
        content = bytearray()
        with self._open(place, asked, {}) as answer:
            for chunk in self._chunks(answer, asked, end):
                content += chunk
                if len(content) > _LONGEST_LISTING:
                    raise HubError(f"the list of files of the {asked} does not end; {OTHER_WAYS}")
        return bytes(content)

    def _chunks(self, answer: httpx2.Response, asked: str, end: float) -> Iterator[bytes]:
        for chunk in answer.iter_bytes():
            yield chunk
            if time.monotonic() > end:
                raise HubError(f"{self.address} is too slow (the {asked}); {OTHER_WAYS}")

    @contextmanager
    def _open(
        self, place: str, asked: str, headers: Mapping[str, str]
    ) -> Iterator[httpx2.Response]:
        """Ask once; the answer's status is 200 or 206."""
        every = {**self._headers, "Accept-Encoding": "identity", **headers}
        url = self._endpoint + place
        with self._session.stream("GET", url, headers=every, timeout=self._seconds) as answer:
            if answer.status_code in _PASSING:
                raise _BusyError(answer.status_code, _pause_asked_for(answer))
            if answer.status_code not in (200, 206):
                raise self._refusal(answer, asked)
            yield answer

    def _persistently(
        self,
        attempt: Callable[[], Result],
        asked: str,
        progress: Callable[[], int] = lambda: 0,
    ) -> Result:
        """Try until it works, or has failed some times without getting any further."""
        import httpx2

        failures, before = 0, progress()
        while True:
            try:
                return attempt()
            except _BusyError as error:
                reason = f"answers with status {error.status}"
                pause = error.pause
            except httpx2.TimeoutException:
                reason, pause = f"gives no answer within {self._seconds:g} s", 0.0
            except (httpx2.NetworkError, httpx2.RemoteProtocolError) as error:
                reason, pause = _broken(error), 0.0
            except (httpx2.HTTPError, httpx2.InvalidURL, ValueError):
                # Not quoted either: such errors name a header or an address that holds a secret.
                raise HubError(
                    f"{self.address} cannot be asked for the {asked}; check HF_ENDPOINT (expected "
                    "an address like https://huggingface.co), HF_TOKEN and the proxy's settings"
                ) from None
            now = progress()
            failures, before = (1 if now > before else failures + 1), now
            if failures == _TRIES:
                raise HubError(f"{self.address} {reason} (asked for the {asked}); {OTHER_WAYS}")
            time.sleep(min(max(pause, _PAUSE * failures), _LONGEST_PAUSE))

    def _refusal(self, answer: httpx2.Response, asked: str) -> UserError:
        status, code = answer.status_code, answer.headers.get("X-Error-Code")
        if code == "RevisionNotFound":
            return UserError(
                f"{self.address} has no such revision: {asked}; give a branch, a tag or a commit "
                "of it with --revision (the usual one is main)"
            )
        if status in (401, 403):
            return HubError(
                f"{self.address} refuses the {asked} (status {status}): it is not there, or not "
                f"public, or the token is not valid; {self._about_token()}, or set SLD_DATA to a "
                "folder with the CSV files"
            )
        if status == 404:
            return HubFileError(
                f"{self.address} has no {asked} (status 404); check the task's YAML file, or set "
                "SLD_DATA to a folder with the CSV files"
            )
        return HubError(
            f"{self.address} answers the question for the {asked} with status {status}; "
            f"{OTHER_WAYS}"
        )

    def _about_token(self) -> str:
        if "Authorization" in self._headers:
            return "a token was sent: unset HF_TOKEN, or log in again (hf auth login)"
        return "no token was sent: set HF_TOKEN if you have access"


def _load_libraries() -> None:
    """Import what reads the Hub; a missing package is said before anything is asked."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about variables that have no meaning here
            import httpx2  # noqa: F401
            import huggingface_hub.constants  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(error.name or "huggingface_hub") from None
    except ValueError:
        raise UserError(
            "huggingface_hub cannot use its settings; check HF_ENDPOINT (expected an address like "
            "https://huggingface.co), HF_HUB_DOWNLOAD_TIMEOUT and HF_HUB_ETAG_TIMEOUT (whole "
            "numbers of seconds)"
        ) from None
    if find_spec("pyarrow") is None:  # it takes long to import, so that is done when it is needed
        raise MissingExtraError("pyarrow")


def _without_password(address: str) -> str:
    try:
        parts = urlsplit(address)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() or "HF_ENDPOINT"
    except ValueError:
        return "HF_ENDPOINT"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _pause_asked_for(answer: httpx2.Response) -> float:
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0


def _broken(error: Exception) -> str:
    """Return how a connection failed, with what the system says of it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return f"cannot be reached: {cause.strerror}"
        cause = cause.__cause__ or cause.__context__
    if type(error).__name__ == "ConnectError":
        return "cannot be reached"
    return "breaks the connection off"
