"""A small seccomp filter: what candidate code may not ask the kernel for.

A list of refusals, not of permissions: numpy and scipy may use whatever system calls they like, but
nobody opens a socket, starts or inspects a process, changes mounts and namespaces, changes modes,
owners or times of files (Landlock lets that pass everywhere), allocates outside its memory limit
(``memfd_create``), or sees or says which files' pages are in memory: what one child leaves there
another could read.
"""

from __future__ import annotations

import errno
import struct

from .kernel import CLONE_THREAD, PR_SET_PDEATHSIG

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT = 0x40000000

# fmt: off
_REFUSED = {
    "x86_64": {
        "socket": 41, "connect": 42, "sendto": 44, "bind": 49, "listen": 50, "socketpair": 53,
        "fork": 57, "vfork": 58, "execve": 59, "shmget": 29, "shmat": 30, "semget": 64,
        "msgget": 68, "ptrace": 101, "personality": 135, "pivot_root": 155, "chroot": 161,
        "acct": 163, "settimeofday": 164, "mount": 165, "umount2": 166, "swapon": 167,
        "reboot": 169, "init_module": 175, "delete_module": 176, "mq_open": 240,
        "kexec_load": 246, "add_key": 248, "request_key": 249, "keyctl": 250, "unshare": 272,
        "perf_event_open": 298, "name_to_handle_at": 303, "open_by_handle_at": 304, "setns": 308,
        "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "finit_module": 313,
        "bpf": 321, "execveat": 322, "userfaultfd": 323, "io_uring_setup": 425,
        "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428, "move_mount": 429,
        "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "pidfd_getfd": 438,
        "process_madvise": 440, "mount_setattr": 442, "truncate": 76, "chmod": 90, "fchmod": 91,
        "chown": 92, "fchown": 93, "lchown": 94, "utime": 132, "setxattr": 188, "lsetxattr": 189,
        "fsetxattr": 190, "removexattr": 197, "lremovexattr": 198, "fremovexattr": 199,
        "utimes": 235, "fchownat": 260, "futimesat": 261, "fchmodat": 268, "utimensat": 280,
        "memfd_create": 319, "memfd_secret": 447, "fchmodat2": 452, "setxattrat": 463,
        "removexattrat": 466, "file_setattr": 469, "mincore": 27, "readahead": 187,
        "fadvise64": 221, "preadv2": 327, "cachestat": 451, "inotify_init": 253,
        "inotify_add_watch": 254, "inotify_init1": 294, "fanotify_init": 300,
        "fanotify_mark": 301, "io_setup": 206, "syslog": 103,
    },
    "aarch64": {
        "socket": 198, "socketpair": 199, "bind": 200, "listen": 201, "connect": 203,
        "sendto": 206, "execve": 221, "shmget": 194, "shmat": 196, "semget": 190, "msgget": 186,
        "ptrace": 117, "personality": 92, "pivot_root": 41, "chroot": 51, "acct": 89,
        "settimeofday": 170, "mount": 40, "umount2": 39, "swapon": 224, "reboot": 142,
        "init_module": 105, "delete_module": 106, "mq_open": 180, "kexec_load": 104,
        "add_key": 217, "request_key": 218, "keyctl": 219, "unshare": 97, "perf_event_open": 241,
        "name_to_handle_at": 264, "open_by_handle_at": 265, "setns": 268, "process_vm_readv": 270,
        "process_vm_writev": 271, "kcmp": 272, "finit_module": 273, "bpf": 280, "execveat": 281,
        "userfaultfd": 282, "io_uring_setup": 425, "io_uring_enter": 426,
        "io_uring_register": 427, "open_tree": 428, "move_mount": 429, "fsopen": 430,
        "fsconfig": 431, "fsmount": 432, "fspick": 433, "pidfd_getfd": 438,
        "process_madvise": 440, "mount_setattr": 442, "setxattr": 5, "lsetxattr": 6,
        "fsetxattr": 7, "removexattr": 14, "lremovexattr": 15, "fremovexattr": 16, "truncate": 45,
        "fchmod": 52, "fchmodat": 53, "fchownat": 54, "fchown": 55, "utimensat": 88,
        "memfd_create": 279, "memfd_secret": 447, "fchmodat2": 452, "setxattrat": 463,
        "removexattrat": 466, "file_setattr": 469, "mincore": 232, "readahead": 213,
        "fadvise64": 223, "preadv2": 286, "cachestat": 451, "inotify_init1": 26,
        "inotify_add_watch": 27, "fanotify_init": 262, "fanotify_mark": 263, "io_setup": 0,
        "syslog": 116,
    },
}
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE3 = 435
_PRCTL = {"x86_64": 157, "aarch64": 167}
# Calls that are refused for some values of one argument: (call, place of the argument, values).
_REFUSED_ARGUMENTS = {
    "x86_64": (
        (28, 2, (20, 21)),  # madvise: MADV_COLD, MADV_PAGEOUT
        (72, 1, (1024, 1026)),  # fcntl: F_SETLEASE, F_NOTIFY stall and spy on other processes
        (160, 0, (0,)),  # setrlimit: RLIMIT_CPU, with which a program would seem killed
        (302, 1, (0,)),  # prlimit64: the same
    ),
    "aarch64": ((233, 2, (20, 21)), (25, 1, (1024, 1026)), (164, 0, (0,)), (261, 1, (0,))),
}
# Refused unless they aim at the process itself; needed only where there is no pid namespace.
_SIGNALS = {
    "x86_64": {"kill": 62, "tkill": 200, "tgkill": 234, "rt_sigqueueinfo": 129,
               "rt_tgsigqueueinfo": 297, "pidfd_open": 434, "pidfd_send_signal": 424,
               "prlimit64": 302, "sched_setaffinity": 203, "setpriority": 141},
    "aarch64": {"kill": 129, "tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138,
                "rt_tgsigqueueinfo": 240, "pidfd_open": 434, "pidfd_send_signal": 424,
                "prlimit64": 261, "sched_setaffinity": 122, "setpriority": 140},
}
# fmt: on
_OWN_PID_ALLOWED = ("kill", "tgkill", "prlimit64")

_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_JUMP = 0x05  # BPF_JMP | BPF_JA
_JUMP_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_JUMP_AT_LEAST = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_JUMP_ANY_BIT = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K
_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_KILL = 0x80000000
_NUMBER, _ARCH, _FIRST_ARGUMENT, _THIRD_ARGUMENT = (
    0,
    4,
    16,
    32,
)  # offsets in struct seccomp_data, little-endian


def supported(machine: str) -> bool:
    """Return whether the system call numbers of this machine are known."""
    return machine in _REFUSED


def build(machine: str, own_pid: int | None) -> bytes:
    """Return the filter as BPF instructions.

    Args:
        machine: As ``platform.machine()`` says.
        own_pid: Where there is no pid namespace: the process's pid, the only one it may signal.
    """
    refuse = _instruction(_RETURN, 0, 0, _ERRNO | errno.EPERM)
    absent = _instruction(_RETURN, 0, 0, _ERRNO | errno.ENOSYS)
    allow = _instruction(_RETURN, 0, 0, _ALLOW)
    parts = [
        _instruction(_LOAD, 0, 0, _ARCH),
        _instruction(_JUMP_EQUAL, 1, 0, _AUDIT_ARCH[machine]),
        _instruction(_RETURN, 0, 0, _KILL),
        _instruction(_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        parts += [_instruction(_JUMP_AT_LEAST, 0, 1, _X32_BIT), refuse]
    # libc falls back to clone, whose flags a filter can read, when clone3 does not exist.
    parts += [_instruction(_JUMP_EQUAL, 0, 1, _CLONE3), absent]
    for number in sorted(_REFUSED[machine].values()):
        parts += [_instruction(_JUMP_EQUAL, 0, 1, number), refuse]
    for number, place, values in _REFUSED_ARGUMENTS[machine]:
        parts += _argument_rule(number, place, values)
    if own_pid is not None:
        for name, number in sorted(_SIGNALS[machine].items()):
            parts += _signal_rule(number, own_pid if name in _OWN_PID_ALLOWED else None)
    parts += [
        # A child that cleared its parent-death signal could outlive a killed server.
        _instruction(_JUMP_EQUAL, 0, 4, _PRCTL[machine]),
        _instruction(_LOAD, 0, 0, _FIRST_ARGUMENT),
        _instruction(_JUMP_EQUAL, 0, 1, PR_SET_PDEATHSIG),
        refuse,
        allow,
        _instruction(_JUMP_EQUAL, 0, 4, _CLONE[machine]),
        _instruction(_LOAD, 0, 0, _FIRST_ARGUMENT),
        _instruction(_JUMP_ANY_BIT, 1, 0, CLONE_THREAD),
        refuse,
        allow,
        allow,
    ]
    return b"".join(parts)


def _argument_rule(number: int, place: int, values: tuple[int, ...]) -> list[bytes]:
    """Refuse a call where an argument has one of some values; else go on with the next rule."""
    checks = [
        _instruction(_JUMP_EQUAL, len(values) - index, 0, value)
        for index, value in enumerate(values)
    ]
    return [
        _instruction(_JUMP_EQUAL, 0, len(values) + 3, number),
        _instruction(_LOAD, 0, 0, _FIRST_ARGUMENT + 8 * place),
        *checks,
        _instruction(_JUMP, 0, 0, 1),
        _instruction(_RETURN, 0, 0, _ERRNO | errno.EPERM),
        _instruction(_LOAD, 0, 0, _NUMBER),
    ]


def _signal_rule(number: int, own_pid: int | None) -> list[bytes]:
    refuse = _instruction(_RETURN, 0, 0, _ERRNO | errno.EPERM)
    if own_pid is None:
        return [_instruction(_JUMP_EQUAL, 0, 1, number), refuse]
    allow = _instruction(_RETURN, 0, 0, _ALLOW)
    return [
        _instruction(_JUMP_EQUAL, 0, 5, number),
        _instruction(_LOAD, 0, 0, _FIRST_ARGUMENT),
        _instruction(_JUMP_EQUAL, 1, 0, own_pid),
        _instruction(_JUMP_EQUAL, 0, 1, 0),
        allow,
        refuse,
    ]


def _instruction(code: int, if_true: int, if_false: int, value: int) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)
