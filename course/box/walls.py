"""The walls of a box: how bubblewrap starts one, what it shows inside, how it is watched, and how it is ended."""

import contextlib
import functools
import math
import os
import platform
import queue
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .syscalls import filter_program
from .usage import Processor, Use, children, family, in_box, memory

PROJECT = Path(__file__).resolve().parents[2]
SHOWN = (  # of the project, and nothing else
    "quantlib",
    "course/__init__.py",
    "course/box/__init__.py",
    "course/box/inside.py",
    "course/box/plain.py",
)
HOME = "/tmp"  # in the box: the one folder that can be written
FIRST_USER = 60800  # a range of numbers that systems give to no person and no service
SLOTS = 300
TICK = 0.05  # seconds between two looks at a box
PENDING = 4  # pieces of what it has written that wait to be read
LIBRARIES = 16_000_000_000  # bytes of addresses, not of memory: torch for GPUs maps several GB of programs

ENVIRONMENT = {
    "HOME": HOME,
    "PATH": "/usr/bin:/bin",
    "USER": "student",
    "LOGNAME": "student",
    "LANG": "C.UTF-8",
    "PYTHONPATH": "/box",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MPLBACKEND": "Agg",
}
INSIDE = (sys.executable, "-P", "-m", "course.box.inside")


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    step: seconds of the processor for a cell or an answer. They do not depend on what else the machine does.
    total: such seconds for everything.
    patience: how many seconds of the clock may pass for each of the processor.
    memory: bytes, of all its processes together.
    processes: how many, with threads.
    disk: bytes, of all its files together.
    files: how many of them.
    output: bytes, of all its answers together.
    """

    step: float = 10.0
    total: float = 120.0
    patience: float = 4.0
    memory: int = 2_000_000_000
    processes: int = 24
    disk: int = 64_000_000
    files: int = 5000
    output: int = 8_000_000

    def of_one_process(self, alone: bool) -> dict[str, int]:
        """Return what the kernel holds each process to. alone: whether the user has no other processes, which count."""
        limits = {
            "RLIMIT_CPU": math.ceil(self.total),
            "RLIMIT_DATA": self.memory,
            "RLIMIT_AS": self.memory + LIBRARIES,
            "RLIMIT_FSIZE": self.disk,
            "RLIMIT_NOFILE": 128,
            "RLIMIT_CORE": 0,
        }
        return limits | {"RLIMIT_NPROC": self.processes} if alone else limits

    @property
    def too_much_memory(self) -> str:
        return f"needed more than {self.memory / 1e9:g} GB of memory"

    def exceeded(self, use: Use) -> str:
        """Say what is used too much of, or ""."""
        if use.memory > self.memory:
            return self.too_much_memory
        return "wrote too many files" if use.files > self.files else ""


@dataclass(frozen=True)
class Sandbox:
    """The program that makes boxes. setpriv: the one that gives root's rights away, if root calls it."""

    bwrap: str
    setpriv: str | None = None

    def command(self, program: tuple[str, ...], limits: Limits, slot: int, rules: int) -> list[str]:
        """Return how to run a program in a box. rules: an open file with the refused system calls."""
        command = [self.bwrap, "--die-with-parent", "--new-session", "--seccomp", str(rules)]
        command += [f"--unshare-{kind}" for kind in ("net", "pid", "ipc", "uts", "cgroup-try")]
        command += [*_mounts(limits.disk), "--cap-drop", "ALL"]
        if (
            not self.setpriv
        ):  # as-pid-1: a process of bubblewrap inside would be of the same user, but without the rules
            return [*command, "--unshare-user", "--as-pid-1", "--", *program]
        # A limit on processes counts only after a real change of user. Bubblewrap may not end another user's processes,
        # so a first process of its own stays inside, as root without rights: when it ends, all others do.
        user = str(FIRST_USER + slot)
        become = [self.setpriv, f"--reuid={user}", f"--regid={user}", "--clear-groups", "--inh-caps=-all"]
        return [*command, "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--", *become, *program]


def _mounts(disk: int) -> list[str]:
    """Say what a box shows: Python, its packages and the few files that a submission needs; and one folder to write."""
    folders = [path for name in ("/usr", sys.prefix, sys.base_prefix) for path in (Path(name), Path(name).resolve())]
    hidden = [PROJECT] if any(PROJECT.is_relative_to(folder) for folder in folders) else []
    shown = sorted({*folders, *hidden}, key=lambda path: len(path.parts))  # a folder before what lies in it
    mounts = ["--perms", "1777", "--size", str(disk), "--tmpfs", HOME]  # first, lest it hide a Python that lies there
    mounts += [word for path in shown for word in (_empty(path) if path in hidden else _bind(path.resolve(), path))]
    mounts += [word for name in ("/bin", "/sbin", "/lib", "/lib64") for word in _system(Path(name))]
    mounts += [word for name in SHOWN for word in _bind(PROJECT / name, Path("/box", name))]
    mounts += ["--dir", "/etc", "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    mounts += ["--proc", "/proc", "--dev", "/dev", "--chdir", HOME]
    mounts += ["--dev-bind", "/dev/null", "/dev/zero"]  # a shared mapping of zero is memory that no process holds
    return mounts + [word for path in ("/dev", *hidden, "/") for word in ("--remount-ro", str(path))]


def _bind(source: Path, path: Path) -> list[str]:
    """Show a file or a folder. Without the first words only root could enter the folders above it."""
    above = [word for folder in reversed(path.parents) for word in ("--dir", str(folder))]
    return [*above, "--ro-bind", str(source), str(path)]


def _empty(path: Path) -> list[str]:
    return ["--size", "4096", "--tmpfs", str(path)]


def _system(path: Path) -> list[str]:
    if path.is_symlink():  # to its twin in /usr, as a rule
        return ["--symlink", os.readlink(path), str(path)]
    return ["--ro-bind-try", str(path), str(path)]


@functools.cache
def look() -> Sandbox | str:
    """Return the sandbox of this machine, or why there is none. It is tried once, not only looked for."""
    bwrap, setpriv, rules = shutil.which("bwrap"), shutil.which("setpriv"), filter_program()
    if sys.platform != "linux" or rules is None:
        return f"bubblewrap needs Linux on x86-64 or arm64, this is {sys.platform} on {platform.machine()}"
    if not bwrap:
        return "bubblewrap is not installed: the program is bwrap, the package bubblewrap"
    if os.geteuid() == 0 and not setpriv:
        return "root needs setpriv, of the package util-linux, to give its rights away"
    sandbox = Sandbox(bwrap, setpriv if os.geteuid() == 0 else None)
    with _open(rules) as file:
        command = sandbox.command((sys.executable, "-S", "-c", ""), Limits(), 0, file)
        tried = subprocess.run(
            command, env=ENVIRONMENT, cwd="/", pass_fds=(file,), capture_output=True, stdin=subprocess.DEVNULL
        )
    return sandbox if tried.returncode == 0 else f"bubblewrap does not work here: {_line(tried.stderr)}"


@contextlib.contextmanager
def _open(rules: bytes) -> Iterator[int]:
    """Give the rules as an open file. A pipe holds 64 kB, and they take less than 1 kB."""
    read, write = os.pipe()
    try:
        os.write(write, rules)
        os.close(write)
        yield read
    finally:
        os.close(read)


def _line(stderr: bytes) -> str:
    return " ".join(stderr.decode(errors="replace").split())[-500:] or "it says nothing"


@contextlib.contextmanager
def free_slot() -> Iterator[int]:
    """Give a number that no other box of this machine has, whichever program started it; wait for one if need be.

    The number is the user's, and a box may take all processes of its user. The kernel gives a name to one socket only,
    and takes it back however a program ends. The last number is left to whoever asks for it.
    """
    with socket.socket(socket.AF_UNIX) as holder:
        while (slot := next((each for each in _shuffled(SLOTS - 1) if _holds(holder, each)), None)) is None:
            time.sleep(TICK)
        yield slot


def _shuffled(count: int) -> list[int]:
    """Return numbers in an order of chance: containers on one machine do not see each other's sockets."""
    return random.sample(range(count), count)


def _holds(holder: socket.socket, slot: int) -> bool:
    """Take the name of a slot, if nobody has it."""
    try:
        holder.bind(f"\0box {slot} of a submission")
    except OSError:
        return False
    return True


@contextlib.contextmanager
def start(sandbox: Sandbox | None, job: bytes, limits: Limits, slot: int) -> Iterator["Box"]:
    """Start a box, or without a sandbox a plain process, and hand it the job. At the end nothing of it is left."""
    if sandbox:
        with _open(filter_program() or b"") as rules:
            started = Box(sandbox.command(INSIDE, limits, slot, rules), ENVIRONMENT, "/", (rules,), walled=True)
            with contextlib.closing(started) as box:
                box.give(job)
                yield box
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        own = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(PROJECT), "HOME": folder}
        started = Box(list(INSIDE), {**os.environ, **ENVIRONMENT, **own}, folder, (), walled=False)
        with contextlib.closing(started) as box:
            box.give(job)
            yield box


class Box:
    """Running processes: inside.py, and all that a submission starts."""

    def __init__(
        self, command: list[str], environment: dict[str, str], cwd: str, fds: tuple[int, ...], *, walled: bool
    ):
        self._walled, self._init, self._pidfd = walled, 0, -1
        self._next_look, self._use, self._processor = 0.0, Use(), Processor()
        self._born = time.monotonic()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=cwd,
            pass_fds=fds,
            start_new_session=True,
        )
        assert self._process.stdin and self._process.stdout and self._process.stderr  # all three are pipes
        self._stdin, self._stdout, self._stderr = self._process.stdin, self._process.stdout, self._process.stderr
        self._chunks: queue.Queue[bytes] = queue.Queue(PENDING)  # a box that floods us has to wait
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        """Pass on what the box writes. Windows cannot wait for a pipe with a time limit, but for a queue."""
        with contextlib.suppress(OSError, ValueError):  # it was closed meanwhile
            while chunk := os.read(self._stdout.fileno(), 2**16):
                self._chunks.put(chunk)
        self._chunks.put(b"")

    def give(self, job: bytes) -> None:
        """Hand over what is to be done. A box that fails to start does not read it, so nobody waits for that."""
        threading.Thread(target=self._write, args=(job,), daemon=True).start()

    def _write(self, job: bytes) -> None:
        with contextlib.suppress(OSError, ValueError), self._stdin as stdin:
            stdin.write(job)

    def read(self) -> list[bytes]:
        """Return all that it has written, nothing if none came for a moment; b"" is last if it has ended."""
        found: list[bytes] = []
        with contextlib.suppress(queue.Empty):
            found.append(self._chunks.get(timeout=TICK))
            while len(found) < PENDING:
                found.append(self._chunks.get_nowait())
        return found or ([] if self._process.poll() is None else [b""])

    def use(self) -> Use:
        """Return what it uses. Looks only now and then, and only once a step has begun: before, it has no walls."""
        now = time.monotonic()
        if sys.platform != "linux":
            return Use(seconds=now - self._born)
        if now >= self._next_look:
            self._next_look = now + TICK
            found = in_box(self._init) if self._walled and self._found_init() else []
            found = found or family(self._process.pid)
            files = self._files() if self._walled else 0
            self._use = Use(memory(found), self._processor.seconds(found), files)
        return self._use

    def _files(self) -> int:
        """Count the files of the private folder. Its size limits their bytes, but not the kernel's notes on each."""
        if self._found_init():
            with contextlib.suppress(OSError):  # it has just ended
                room = os.statvfs(f"/proc/{self._init}/root{HOME}")
                return room.f_files - room.f_ffree
        return 0

    def _found_init(self) -> bool:
        """Look for the first process of the box, with which all the others end."""
        if not self._init:
            with contextlib.suppress(OSError, IndexError):
                child = children(self._process.pid)[0]
                self._pidfd = os.pidfd_open(child)
                self._init = child
        return bool(self._init)

    def stop(self) -> None:
        """Kill everything in the box, and wait until it is gone."""
        if self._walled and self._found_init():
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            gone = select.poll()
            gone.register(self._pidfd, select.POLLIN)
            gone.poll(10_000)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)  # bubblewrap buries it, and ends
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self._walled or sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def complaint(self) -> str:
        """Stop it, and return what it said on standard error. Only before a submission runs is that read."""
        self.stop()
        return _line(os.read(self._stderr.fileno(), 2**16))

    def close(self) -> None:
        """Stop it, and let go of what we held of it."""
        self.stop()
        until = time.monotonic() + 1  # a process that left an unwalled box may hold the pipe
        while self._listener.is_alive() and time.monotonic() < until:
            self.read()
        for stream in (self._stdout, self._stderr):
            stream.close()
        if self._pidfd >= 0:
            os.close(self._pidfd)
