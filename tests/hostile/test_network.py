"""Reaching anybody over any kind of socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from conftest import Scorer
from programs import program

from harness.sandbox import Sandbox
from harness.tasks import Task
from hostile.attacks import RAISED, Attack, attack, ending, table
from hostile.conftest import Stopped


def reaches(name: str, body: str, *, needs: str = "seccomp", where: str = "fit") -> Attack:
    """Return an attack that raises where it is kept out, and is fine where it gets through."""
    return attack(name, program(**{"first": "import socket", where: body}), RAISED, needs=needs)


ATTACKS = [
    reaches("IPv4", "socket.create_connection(('127.0.0.1', 54321), 1)"),
    reaches(
        "IPv4 from the law", "socket.create_connection(('127.0.0.1', 54321), 1)", where="predict"
    ),
    reaches("IPv4 outside", "socket.create_connection(('192.0.2.1', 80), 1)"),
    reaches(
        "IPv4 datagrams",
        "s = socket.socket(type=socket.SOCK_DGRAM)\n"
        "s.sendto(repr(loss_values).encode(), ('127.0.0.1', 54321))",
    ),
    reaches(
        "IPv4 broadcast",
        "s = socket.socket(type=socket.SOCK_DGRAM)\n"
        "s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)\n"
        "s.sendto(b'x', ('255.255.255.255', 9))",
    ),
    reaches("raw IPv4", "socket.socket(type=socket.SOCK_RAW, proto=1)"),
    reaches("IPv6", "socket.create_connection(('::1', 54321), 1)"),
    reaches("IPv6 datagrams", "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)"),
    reaches("a server", "socket.create_server(('127.0.0.1', 0))"),
    reaches("a server of IPv6", "socket.create_server(('::', 0), family=socket.AF_INET6)"),
    reaches("a unix socket", "s = socket.socket(socket.AF_UNIX)\ns.connect('/run/docker.sock')"),
    reaches(
        "a unix socket in the scratch folder", "s = socket.socket(socket.AF_UNIX)\ns.bind('@MARK@')"
    ),
    reaches("an abstract unix socket", "s = socket.socket(socket.AF_UNIX)\ns.bind('\\0@MARK@')"),
    reaches("a pair of sockets", "socket.socketpair()"),
    reaches("netlink", "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)"),
    reaches("packets", "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)"),
    reaches("the host of a virtual machine", "socket.socket(socket.AF_VSOCK)"),
    reaches("the kernel's ciphers", "socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)"),
    reaches("DNS", "socket.getaddrinfo('example.org', 80)"),
    reaches(
        "DNS by hand",
        "s = socket.socket(type=socket.SOCK_DGRAM)\ns.sendto(b'\\0' * 12, ('8.8.8.8', 53))",
    ),
    reaches(
        "HTTP", "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:54321', None, 1)"
    ),
    reaches("mail", "import smtplib\nsmtplib.SMTP('127.0.0.1', 54321, timeout=1)"),
    reaches("asyncio", "import asyncio\nasyncio.run(asyncio.sleep(0))"),
    reaches("io_uring", "if ctypes.CDLL(None).syscall(425, 8, bytes(120)) < 0: raise OSError"),
    reaches(
        "a socket by a raw call", "if ctypes.CDLL(None).syscall(41, 2, 1, 0) < 0: raise OSError"
    ),
    reaches(
        "a socket by the calls of 32 bits",
        "if ctypes.CDLL(None).syscall(0x40000029, 2, 1, 0) < 0: raise OSError",
    ),
    reaches(
        "another process's socket",
        "fd = os.pidfd_open(os.getppid() or @PARENT@)\n"
        "if ctypes.CDLL(None).syscall(438, fd, 3, 0) < 0: raise OSError",
    ),
]


@pytest.mark.parametrize("attack", table(ATTACKS))
def test_nobody_can_be_reached(stopped: Stopped, attack: Attack) -> None:
    found = stopped(attack)
    assert found.error is not None
    assert found.error.message.partition(":")[0] in {
        "PermissionError", "OSError", "gaierror", "URLError", "ProcessLookupError",
    }  # fmt: skip


@pytest.fixture
def listener() -> Iterator[tuple[int, list[bytes]]]:
    """A server on this machine and what came to it."""
    came: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(2.0)

        def accept() -> None:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                came.append(connection.recv(100))

        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()[1], came
        thread.join()


@pytest.mark.linux
@pytest.mark.parametrize(
    "off",
    [("seccomp", "landlock"), ("namespaces", "landlock"), ("namespaces", "seccomp"),
     ("namespaces", "landlock", "seccomp")],
    ids="+".join,
)  # fmt: skip
def test_labels_leave_only_without_any_layer_and_the_record_says_so(
    outcome_of: Scorer,
    wide_task: Task,
    caged: Sandbox,
    sandbox_without: Callable[..., Sandbox],
    listener: tuple[int, list[bytes]],
    off: tuple[str, ...],
) -> None:
    """Namespace, filter and Landlock keep the network out one by one: the attack itself is real."""
    port, came = listener
    source = program(
        first="import socket",
        fit=f"socket.create_connection(('127.0.0.1', {port}), 1).sendall(b'rows')",
    )
    found = outcome_of(source, wide_task, box=sandbox_without(*off)).evaluation
    missing = {why.partition(":")[0] for why in found.isolation.missing}
    assert set(off) <= missing
    if len(off) == 3:
        assert came == [b"rows"]
    else:
        assert ending(found) == RAISED
        assert came == []
