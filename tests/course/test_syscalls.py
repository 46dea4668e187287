"""The filter of system calls, run by a machine of few instructions, as the kernel would."""

import struct

import pytest

from course.box.syscalls import _REFUSED, filter_program

X86, ARM = 0xC000003E, 0xC00000B7
MACHINES = [("x86_64", X86, 0), ("aarch64", ARM, 1)]
ALLOWED, EPERM, EACCES, ENOSYS = "allowed", 1, 13, 38


def verdict(program: bytes, arch: int, number: int, *arguments: int):
    """Run a filter on one call: "allowed", or the number of the error."""
    data = struct.pack("=IIQ6Q", number, arch, 0, *arguments, *[0] * (6 - len(arguments)))
    steps, at, value = list(struct.iter_unpack("=HBBI", program)), 0, 0
    while True:
        code, if_true, if_false, k = steps[at]
        at += 1
        if code == 0x20:
            value = struct.unpack_from("=I", data, k)[0]
        elif code == 0x54:
            value &= k
        elif code == 0x06:
            return ALLOWED if k == 0x7FFF0000 else k & 0xFFFF
        else:
            at += if_true if {0x15: value == k, 0x35: value >= k, 0x45: bool(value & k)}[code] else if_false


@pytest.mark.parametrize("machine, arch, column", MACHINES)
def test_every_listed_call_is_refused_and_its_neighbours_are_not(machine, arch, column):
    program = filter_program(machine)
    refused = {numbers[column] for numbers in _REFUSED.values()}
    special = {(56, 220)[column], (41, 198)[column], (53, 199)[column], 435}
    for number in range(460):
        expected = EPERM if number in refused else ALLOWED
        if number not in special:
            assert verdict(program, arch, number) == expected, number


@pytest.mark.parametrize("machine, arch, column", MACHINES)
def test_a_process_may_fork_but_open_no_namespace(machine, arch, column):
    program, clone = filter_program(machine), (56, 220)[column]
    assert verdict(program, arch, clone, 0x01200011) == ALLOWED  # fork
    assert verdict(program, arch, clone, 0x003D0F00) == ALLOWED  # a thread
    for flag in (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert verdict(program, arch, clone, flag | 17) == EPERM
    assert verdict(program, arch, 435) == ENOSYS


@pytest.mark.parametrize("machine, arch, column", MACHINES)
@pytest.mark.parametrize("numbers", [(41, 198), (53, 199)], ids=["socket", "socketpair"])
def test_only_local_sockets_can_be_made(machine, arch, column, numbers):
    program = filter_program(machine)
    assert verdict(program, arch, numbers[column], 1) == ALLOWED
    assert {verdict(program, arch, numbers[column], family) for family in (0, 2, 10, 16, 17, 38, 40)} == {EACCES}


@pytest.mark.parametrize("machine, arch, column", MACHINES)
def test_no_memory_is_mapped_that_no_process_holds(machine, arch, column):
    program, mmap = filter_program(machine), (9, 222)[column]
    verdicts = [verdict(program, arch, mmap, 0, 4096, 3, flags) for flags in (0x01, 0x02, 0x22, 0x8022, 0x100022)]
    assert verdicts == [ALLOWED] * 5  # of a file, private, anonymous and private, populated, at a fixed place
    assert [verdict(program, arch, mmap, 0, 4096, 3, flags) for flags in (0x21, 0x8021, 0x40021)] == [EPERM] * 3


def test_calls_of_other_kinds_are_refused():
    assert verdict(filter_program("x86_64"), 0x40000003, 1) == ENOSYS  # 32-bit
    assert verdict(filter_program("x86_64"), X86, 0x40000001) == ENOSYS  # x32
    assert verdict(filter_program("aarch64"), X86, 1) == ENOSYS


def test_an_unknown_processor_has_no_filter():
    assert filter_program("riscv64") is None


def test_the_filter_fits_into_a_pipe():
    assert all(len(filter_program(machine)) < 4096 for machine, _, _ in MACHINES)
