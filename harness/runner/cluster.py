"""Work on a Dask cluster: who may do it, how much is under way, what is said where it breaks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from harness.errors import UserError, one_line
from harness.versions import SCORING_VERSION, versions

Work = TypeVar("Work")
Result = TypeVar("Result")

_FIRST_WORKER_SECONDS = 10.0
"""How long a cluster may take to have a worker."""
_NO_WORKER_SECONDS = 60.0
"""How long it may be without any worker later on: they are restarted, or others come."""
_LOOK_SECONDS = 10.0
"""How often it is asked how many threads it has: workers come and go."""


@dataclass(frozen=True, slots=True)
class Done(Generic[Work, Result]):
    """A piece of work and what it gave, or why the cluster gave it up."""

    work: Work
    result: Result | None
    error: Exception | None = None


def made_with() -> dict[str, str]:
    """Return what decides, beside program and task, what an evaluation made here gives."""
    return {**versions(), "scoring version": str(SCORING_VERSION)}


def other_versions(there: Mapping[str, str], here: Mapping[str, str]) -> str:
    """Return in what two machines differ; empty where they do not."""
    names = [name for name in here if there.get(name) != here[name]]
    found, expected = (
        ", ".join(f"{name} {side.get(name, 'none')}" for name in names) for side in (there, here)
    )
    return f"{found} instead of {expected}" if names else ""


@contextmanager
def dask_cluster(scheduler: str | None, workers: int, most: int | None) -> Iterator[Cluster]:
    """Reach a cluster all of whose workers would score as is done here.

    Args:
        scheduler: Address of the scheduler; None starts a cluster on this machine.
        workers: How many workers a cluster on this machine gets.
        most: How much may be under way at once; None: as much as there are threads.

    Raises:
        UserError: It cannot be reached, has no worker, or has one with other versions.
    """
    try:
        import distributed
    except ImportError as error:
        raise UserError(
            "--backend dask needs the package distributed: pip install 'sld-harness[dist]'"
        ) from error
    dask: Any = distributed  # its classes carry no types
    with ExitStack() as stack:
        stack.enter_context(_quiet())
        if scheduler is None:
            local = dask.LocalCluster(
                n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0"
            )
            client = dask.Client(stack.enter_context(local), set_as_default=False)
        else:
            client = _client(dask, scheduler)
        cluster = Cluster(stack.enter_context(client), scheduler, most)
        cluster.check()
        yield cluster


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave it to us to say that a connection is lost: a client writes tracebacks to stderr."""
    loggers = [logging.getLogger(f"distributed.{name}") for name in ("batched", "client")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _client(dask: Any, address: str) -> Any:
    """Connect to a scheduler."""
    client = dask.Client.__new__(dask.Client)  # in two steps: what fails has to be closed, too
    try:
        _see_who_answers(dask, address)
        client.__init__(address, set_as_default=False)
    except BaseException as error:  # an address can be wrong in many ways, each with its own type
        with suppress(Exception):
            client.close()
        if not isinstance(error, Exception):
            raise
        raise UserError(
            one_line(
                f"--scheduler {address or repr(address)}: no Dask scheduler was reached "
                f"({in_words(error)}); expected the address that `dask scheduler` prints, like "
                "tcp://10.0.0.5:8786; see whether it runs and can be reached from here"
            )
        ) from error
    return client


def _see_who_answers(dask: Any, address: str) -> None:
    """Reach whoever is at an address, in a thread: in a notebook's a loop runs already."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as alone:
        alone.submit(lambda: asyncio.run(_reach(dask, address))).result()


async def _reach(dask: Any, address: str) -> None:
    """See whether somebody who speaks Dask's language is there: a client waits for ever for it."""
    if address.startswith(("tls:", "wss:")):
        return  # a client alone knows the keys, and encryption is agreed upon in time
    import asyncio

    from dask import config
    from dask.utils import parse_timedelta

    seconds = parse_timedelta(config.get("distributed.comm.timeouts.connect"))
    connecting = dask.comm.connect(address, timeout=seconds)
    try:
        reached = await asyncio.wait_for(connecting, seconds + 1)
    except TimeoutError as error:
        if str(error):
            raise
        raise TimeoutError("what is there does not answer as one") from error
    await reached.close()


class Cluster:
    """Keeps as much under way on a Dask cluster as it has room for, and no more."""

    def __init__(self, client: Any, scheduler: str | None, most: int | None) -> None:
        """Take a client; its cluster is not asked for anything yet."""
        self._client = client
        self._name = "the Dask cluster" if scheduler is None else f"--scheduler {scheduler}"
        self._most = most
        self._threads = 0
        self._look_at = 0.0
        self._had_workers = time.monotonic()

    def check(self) -> None:
        """Wait for the first worker, and see whether all would score as is done here.

        Raises:
            UserError: There is no worker, or one has other versions.
        """
        here = made_with()
        with self._explained():
            probe = self._client.submit(made_with, pure=False)  # makes an elastic cluster grow
            try:
                probe.exception(timeout=_FIRST_WORKER_SECONDS)
            except TimeoutError as error:
                raise self._no_worker(_FIRST_WORKER_SECONDS) from error
            found = self._client.run(made_with, on_error="return")
        wrong = {
            worker: f"cannot tell its versions ({in_words(there)})"
            if isinstance(there, Exception)
            else f"has {other_versions(there, here)}"
            for worker, there in found.items()
            if there != here
        }
        if wrong:
            worker, why = next(iter(sorted(wrong.items())))
            others = f" ({len(wrong)} of {len(found)} workers are like this)"
            raise UserError(
                one_line(
                    f"{self._name}: its worker {worker} {why}{others if len(wrong) > 1 else ''}; "
                    "other versions give other figures: install on all workers what is installed "
                    "here, sld-harness with it, and restart them"
                )
            )

    def run(
        self, function: Callable[[Work], Result], work: tuple[Work, ...]
    ) -> Generator[Done[Work, Result], None, None]:
        """Do all of the work, and give each piece as soon as it is done.

        Raises:
            UserError: The cluster is lost, or has no worker any more.
        """
        finished: SimpleQueue[Any] = SimpleQueue()
        under_way: dict[Any, Work] = {}
        left = iter(work)

        def fill() -> None:
            with self._explained():
                self._look()
                for one in islice(left, max(0, self._room() - len(under_way))):
                    future = self._client.submit(function, one, pure=False)
                    under_way[future] = one
                    future.add_done_callback(finished.put)

        fill()
        while under_way:
            try:
                future = finished.get(timeout=_LOOK_SECONDS)
            except Empty:
                fill()
                continue
            done = self._taken(future, under_way[future])
            if done is None:  # the worker that had it is gone: it is done once more
                future.add_done_callback(finished.put)
            else:
                del under_way[future]
            fill()
            if done is not None:
                yield done

    def _taken(self, future: Any, work: Work) -> Done[Work, Any] | None:
        try:
            return Done(work, future.result(timeout=_LOOK_SECONDS))
        except Exception as error:
            if future.status == "error":  # for instance because each worker that tried it died
                return Done(work, None, error)
            if isinstance(error, TimeoutError):
                return None
            raise self._lost(error) from error

    def _room(self) -> int:
        """How much may be under way: what waits for a thread costs no worker a pause."""
        return self._most or max(1, 2 * self._threads)

    def _look(self) -> None:
        """See from time to time how many threads there are."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + _LOOK_SECONDS
        self._threads = sum(self._client.nthreads().values())
        if self._threads:
            self._had_workers = now
        elif now - self._had_workers >= _NO_WORKER_SECONDS:
            raise self._no_worker(_NO_WORKER_SECONDS)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what is raised where a cluster is gone into a line for a person."""
        from concurrent.futures import CancelledError

        from distributed.client import ClosedClientError

        try:
            yield
        except (OSError, CancelledError, ClosedClientError) as error:
            raise self._lost(error) from error

    def _lost(self, error: Exception) -> UserError:
        reason = getattr(error, "reason", None) or in_words(error)
        return UserError(
            one_line(
                f"{self._name}: the cluster was lost ({reason}); what is finished is stored; see "
                "whether its scheduler runs, and run again"
            )
        )

    def _no_worker(self, seconds: float) -> UserError:
        return UserError(
            one_line(
                f"{self._name}: the Dask cluster has had no worker for {seconds:.0f} s; start some "
                "(`dask worker ADDRESS`, with the scheduler's address) and run again"
            )
        )


def in_words(error: Exception) -> str:
    """Return an error as one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")
