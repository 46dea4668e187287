"""Which system calls a box refuses, as the small program that the kernel runs at each call (seccomp).

A box without it could take memory that no process owns (memfd, System V, shared mappings without a file), make itself
root of a new user namespace and mount what it likes there, or talk to sockets that no network namespace separates
(vsock).
"""

import platform
import struct

# x86-64 and arm64, from asm/unistd_64.h and asm-generic/unistd.h
_REFUSED = {
    # memory that outlives its processes, or lies outside of them
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "msgget": (68, 186),
    "semget": (64, 190), "mq_open": (240, 180), "io_uring_setup": (425, 425), "keyctl": (250, 219),
    "add_key": (248, 217), "request_key": (249, 218),
    "vmsplice": (278, 75),  # a pipe would keep a huge page for each of its small ones
    # new namespaces and what is done in them
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "fsopen": (430, 430), "fsmount": (432, 432), "move_mount": (429, 429), "open_tree": (428, 428),
    # other processes' insides, and large parts of the kernel that no submission needs
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438), "userfaultfd": (323, 282), "bpf": (321, 280), "perf_event_open": (298, 241),
    "open_by_handle_at": (304, 265), "fanotify_init": (300, 262),
}  # fmt: skip
_CLONE, _CLONE3, _SOCKET, _SOCKETPAIR, _MMAP = (56, 220), (435, 435), (41, 198), (53, 199), (9, 222)
_MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}  # AUDIT_ARCH_..., and the column above
_NAMESPACES = 0x7E020000  # every CLONE_NEW... flag that clone takes
_AF_UNIX = 1
_TYPE, _SHARED, _ANONYMOUS = 0x0F, 0x01, 0x20  # of mmap's flags

_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_EPERM, _ENOSYS, _EACCES = _ERRNO | 1, _ERRNO | 38, _ERRNO | 13
_NUMBER, _ARCH, _ARGUMENT, _FOURTH = 0, 4, 16, 40  # offsets in struct seccomp_data
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN, _AND = 0x20, 0x15, 0x35, 0x45, 0x06, 0x54


def filter_program(machine: str = "") -> bytes | None:
    """Return the filter for this kind of processor, or None where the numbers of its calls are not known."""
    machine = machine or platform.machine()
    if machine not in _MACHINES:
        return None
    arch, column = _MACHINES[machine]
    unix = [_step(_LOAD, _ARGUMENT), _unless(_EQUAL, _AF_UNIX, _EACCES)]
    shared = _if(_EQUAL, _SHARED | _ANONYMOUS, _EPERM)
    steps = [
        _step(_LOAD, _ARCH),
        _unless(_EQUAL, arch, _ENOSYS),  # no 32-bit calls, whose numbers differ
        _step(_LOAD, _NUMBER),
        _if(_AT_LEAST, 0x40000000, _ENOSYS),  # nor those of x32
        *(_if(_EQUAL, numbers[column], _EPERM) for numbers in _REFUSED.values()),
        _if(_EQUAL, _CLONE3[column], _ENOSYS),  # its flags cannot be seen from here; libc then takes clone
        *_for(_CLONE[column], [_step(_LOAD, _ARGUMENT), _if(_ANY_BIT, _NAMESPACES, _EPERM)]),
        *_for(_SOCKET[column], unix),
        *_for(_SOCKETPAIR[column], unix),
        *_for(_MMAP[column], [_step(_LOAD, _FOURTH), _step(_AND, _TYPE | _ANONYMOUS), shared]),
        _step(_RETURN, _ALLOW),
    ]
    return b"".join(steps)


def _for(number: int, steps: list[bytes]) -> list[bytes]:
    """Do some steps for one call alone. Then the number is there again for the next."""
    length = len(b"".join(steps)) // len(_step(0, 0))
    return [_step(_EQUAL, number, 0, length + 1), *steps, _step(_LOAD, _NUMBER)]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _if(test: int, value: int, result: int) -> bytes:
    return _step(test, value, 0, 1) + _step(_RETURN, result)


def _unless(test: int, value: int, result: int) -> bytes:
    return _step(test, value, 1, 0) + _step(_RETURN, result)
