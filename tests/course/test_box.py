"""The box: a right submission gets its values, and a hostile one gets nothing, and costs nobody else anything."""

import contextlib
import hashlib
import os
import random
import re
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from course.box import run as box_module
from course.box import walls
from course.box.plain import Other
from course.box.run import BoxFailed, Limits, NoSandbox, Outcome, _Work, find_sandbox, run
from course.box.syscalls import filter_program
from course.problems.questions import Answer, Request
from tests.helpers.hostile_cells import hostile

SMALL = Limits(step=3, total=300, patience=3, memory=600_000_000, disk=8_000_000, files=300, output=5_000_000)
SLOT = 299
X = torch.tensor([1.0, -2.5])
DOUBLE = "def double(x):\n    return x.mul_(2)"
MARK = "98765.4"  # in the command line of every process that is left behind


def needs_sandbox():
    why = walls.look()
    if isinstance(why, str):
        pytest.skip(f"no submission was run in a box: {why}")


@dataclass
class Ran:
    """One submission of hostile cells, each followed by a good function's turn."""

    outcome: Outcome
    answers: dict[str, Answer]
    good: list[Answer]
    before: str
    after: str
    left: list[str]
    seconds: float


def run_hostile(kind: str, outside: Path, first: str) -> Ran:
    entries = hostile(kind)
    cells = [first, DOUBLE, *(entry.cell for entry in entries)]
    requests = [r for entry in entries for r in (Request(entry.name, ()), Request("double", (X,)))]
    before, start = fingerprint(outside), time.monotonic()
    outcome = run(cells, requests, SMALL, SLOT)
    seconds = time.monotonic() - start
    answers = dict(zip((entry.name for entry in entries), outcome.answers[::2], strict=True))
    return Ran(outcome, answers, outcome.answers[1::2], before, fingerprint(outside), processes_left(), seconds)


def fingerprint(outside: Path) -> str:
    """Hash what a submission could have changed: somebody else's folder, and the project's own code."""
    files = [
        outside,
        *outside.rglob("*"),
        *(p for name in ("course", "quantlib") for p in (walls.PROJECT / name).rglob("*.py")),
    ]
    facts = [
        (str(p), p.stat().st_mode, p.stat().st_mtime_ns, p.read_bytes() if p.is_file() else b"") for p in sorted(files)
    ]
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def processes_left() -> list[str]:
    """Return the command lines of what runs as a box's user, or was left behind by one."""
    lines = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line, status = (folder / "cmdline").read_text(), (folder / "status").read_text()
        except OSError:
            continue
        if line == f"sleep\0{MARK}\0" or f"\nUid:\t{walls.FIRST_USER + SLOT}\t" in status:
            lines.append(line)
    return lines


@pytest.fixture(scope="module")
def outside(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("outside")
    (folder / "other.ipynb").write_text("somebody else's answers")
    folder.chmod(0o777)  # so that only the box keeps them apart
    return folder


@pytest.fixture(scope="module")
def quiet(outside) -> Ran:
    needs_sandbox()
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET_OF_THE_GRADER", "1")
        names = {
            "OUTSIDE": str(outside),
            "PROJECT": str(walls.PROJECT),
            "PORT": server.getsockname()[1],
            "PID": os.getpid(),
        }
        inherited = os.open(outside / "other.ipynb", os.O_RDWR)
        os.set_inheritable(inherited, True)
        try:
            return run_hostile("quiet", outside, "\n".join(f"{name} = {value!r}" for name, value in names.items()))
        finally:
            os.close(inherited)


@pytest.fixture(scope="module")
def fatal(outside) -> Ran:
    needs_sandbox()
    return run_hostile("fatal", outside, "")


# ---- a right submission ----


def test_values_and_functions_are_answered_in_the_order_of_the_requests():
    needs_sandbox()
    cells = [
        "import torch\nn = 3\n!echo hi",
        "def f(x, k):\n    x.mul_(k)\n    return x, k",
        "broken(",
        "missing",
        "m = n + 1",
        "import quantlib",
    ]
    asked = [("n",), ("f", (X, 2)), ("f", (X, 2)), ("f", (X,)), ("nobody",), ("n", ()), ("m",), ("f",)]
    outcome = run(cells, [Request(*a) for a in asked])
    values = [answer.value for answer in outcome.answers]
    assert [values[0], values[6]] == [3, 4]
    assert all(torch.equal(got, X * 2) and k == 2 for got, k in values[1:3])
    assert values[7] == Other("function")
    problems = [answer.problem for answer in outcome.answers]
    assert re.match("it raised TypeError: f.* missing 1 required positional argument: 'k'", problems[3])
    assert problems[4:6] == ["there is no nobody", "n is not a function"]
    assert [p for k, p in enumerate(problems) if k not in (3, 4, 5)] == [""] * 5
    assert [note[:26] for note in outcome.notes] == ["cell 3 raised SyntaxError:", "cell 4 raised NameError: n"]
    assert torch.equal(X, torch.tensor([1.0, -2.5]))


def test_what_is_drawn_at_random_is_the_same_each_time():
    needs_sandbox()
    cells = ["import random, torch\nfirst = random.random(), torch.rand(1).item()"]
    cells += ["def draw():\n    return random.random(), torch.rand(1).item()"]
    answers = run(cells, [Request("first"), Request("draw", ()), Request("draw", ())]).answers
    drawn = (random.Random(0).random(), torch.rand(1, generator=torch.Generator().manual_seed(0)).item())
    assert [answer.value for answer in answers] == [drawn] * 3


def test_the_project_stays_hidden_where_it_lies_in_pythons_own_folder(monkeypatch):
    needs_sandbox()
    monkeypatch.setattr(sys, "prefix", str(walls.PROJECT.parent))
    with walls._open(filter_program()) as rules:
        command = walls.look().command(("/bin/ls", "-A", str(walls.PROJECT)), Limits(), SLOT, rules)
        listed = subprocess.run(command, env=walls.ENVIRONMENT, pass_fds=(rules,), capture_output=True, check=True)
    assert listed.stdout == b""


def test_python_is_found_where_its_folder_is_a_link(monkeypatch, tmp_path):
    needs_sandbox()
    link = tmp_path / "venv"
    link.symlink_to(sys.prefix)
    monkeypatch.setattr(sys, "prefix", str(link))
    monkeypatch.setattr(walls, "INSIDE", (str(link / "bin" / "python"), "-P", "-m", "course.box.inside"))
    cells = ["import os, sys, torch", "names = os.listdir('/')", "place = sys.prefix"]
    names, place = (answer.value for answer in run(cells, [Request("names"), Request("place")]).answers)
    ways = {path.parts[1] for path in (*pythons(), tmp_path)}
    assert set(names) <= {"bin", "box", "dev", "etc", "lib", "lib64", "proc", "sbin", "tmp", "usr"} | ways
    assert place == str(link)


# ---- time of the processor, not of the clock ----


def test_a_step_is_measured_by_the_processor_and_not_by_the_clock():
    needs_sandbox()
    cells = ["import os, time", "time.sleep(1.5)\nslept = True", "while True: pass"]
    outcome = run(cells, [Request("slept")], Limits(step=1, patience=20))
    assert outcome.answers == [Answer(True)]
    assert outcome.notes == ["cell 3 took longer than 1 s and was stopped"]


def test_the_time_of_all_processes_of_a_box_counts():
    needs_sandbox()
    loops = "import os, time\nfor _ in range(4):\n    if os.fork() == 0:\n        while True: pass\ntime.sleep(1000)"
    outcome = run([loops, "x = 1"], [Request("x")], Limits(step=1, patience=60))
    assert outcome.answers == [Answer(1)]
    assert outcome.notes == ["cell 1 took longer than 1 s and was stopped"]


def test_the_time_of_all_boxes_of_a_submission_counts():
    needs_sandbox()
    cells = ["while True: pass"] * 20
    outcome = run(cells, [Request("x")], Limits(step=1, total=6, patience=100))
    assert outcome.notes[-1] == "the submission took longer than 6 s and was stopped"
    assert outcome.answers == [Answer(problem=outcome.notes[-1])]


def test_what_is_full_is_no_burden_for_the_next_cell():
    """One kind of bomb leaves MemoryError behind, and its memory full; what follows must not depend on chance."""
    needs_sandbox()
    bomb = "import torch\na = []\nwhile True: a.append(torch.ones(10_000_000))"
    outcome = run([bomb, "y = len(bytearray(200_000_000))"], [Request("y")], Limits(memory=600_000_000))
    assert outcome.answers == [Answer(200_000_000)]
    assert outcome.notes == ["cell 1 needed more than 0.6 GB of memory"]


def test_one_thing_that_is_too_large_leaves_its_cell_as_it_was():
    needs_sandbox()
    outcome = run(["x = 3\nbytearray(10**12)"], [Request("x")])
    assert (outcome.answers, outcome.notes) == ([Answer(3)], ["cell 1 needed more than 2 GB of memory"])


# ---- hostile submissions that leave their box running ----


def test_good_functions_beside_hostile_ones_get_their_values(quiet):
    assert [answer.problem for answer in quiet.good] == [""] * len(quiet.good)
    assert all(torch.equal(answer.value, X * 2) for answer in quiet.good)


def test_nothing_outside_of_the_box_has_changed(quiet):
    assert quiet.before == quiet.after


def test_no_process_and_no_thread_is_left(quiet):
    assert quiet.left == []
    assert [
        thread.name for thread in threading.enumerate() if "_listen" in thread.name or "_write" in thread.name
    ] == []


def test_every_hostile_function_was_answered_as_its_text_says(quiet):
    for entry in hostile("quiet"):
        assert re.search(f"^{entry.problem}" if entry.problem else "^$", quiet.answers[entry.name].problem), entry.name


def test_no_quiet_cell_stopped_the_box(quiet):
    assert all("raised SystemExit" in note for note in quiet.outcome.notes), quiet.outcome.notes


def test_a_submission_has_no_rights(quiet):
    uid, gid, groups, rights = quiet.answers["who_am_i"].value
    assert rights == ["0" * 16] * 3 + ["1"]
    assert groups == []
    assert uid == gid == walls.FIRST_USER + SLOT if os.geteuid() == 0 else uid == os.getuid() != 0


def test_a_submission_cannot_become_root(quiet):
    assert not [did for did in quiet.answers["become_root"].value if not did.endswith("Error")]


def test_a_box_shares_no_namespace(quiet):
    kinds = ("net", "pid", "ipc", "uts", "mnt")
    assert all(
        got != os.readlink(f"/proc/self/ns/{kind}")
        for kind, got in zip(kinds, quiet.answers["namespaces"].value, strict=True)
    )


def test_only_the_private_folder_can_be_written(quiet):
    writable = [point for point in quiet.answers["mounts"].value if not re.match("/proc$|/dev/", point)]
    assert writable == ["/tmp"]
    assert quiet.answers["write_others"].value == []


def pythons() -> list[Path]:
    """Return where Python lies, and if that is a link, where it leads."""
    return [path for name in (sys.prefix, sys.base_prefix) for path in (Path(name), Path(name).resolve())]


def test_a_box_shows_python_and_quantlib_alone(quiet):
    root, etc, shown, course, inside, private = quiet.answers["look_around"].value
    ways = {folder.parts[1] for folder in pythons()}
    assert set(root) <= {"bin", "box", "dev", "etc", "lib", "lib64", "proc", "sbin", "tmp", "usr"} | ways
    assert set(etc) <= {"ld.so.cache"}
    assert (shown, course) == (["course", "quantlib"], ["__init__.py", "box"])
    assert inside == ["__init__.py", "inside.py", "plain.py"]
    homes = {folder.parts[2] for folder in pythons() if folder.is_relative_to(walls.HOME)}
    assert {name for name in private if not name.startswith(".")} == homes  # of Python, if it is installed there


def test_nobody_elses_file_can_be_read(quiet):
    assert quiet.answers["read_others"].value == []


def test_nothing_of_the_graders_environment_and_open_files_is_inside(quiet):
    names, leaked = quiet.answers["environment"].value
    assert set(names) <= {*walls.ENVIRONMENT, "PWD", "SHLVL", "OLDPWD"} | {
        n for n in names if re.match("LC_|KMP_|IPY|MPL|TORCH|COLUMNS|LINES", n)
    }
    assert not leaked
    assert set(quiet.answers["open_files"].value) <= {"/dev/null", "pipe"}


def test_there_is_no_network_not_even_this_machine(quiet):
    assert not [did for did in quiet.answers["network"].value if not did.endswith(("Error", "gaierror"))]
    assert quiet.answers["network_cards"].value == ["lo"]


def test_no_memory_lies_outside_of_the_processes(quiet):
    assert not [did for did in quiet.answers["hidden_memory"].value if not did.endswith("Error")]


def test_limits_hold_and_cannot_be_raised(quiet):
    limits, raised = quiet.answers["raise_limits"].value
    assert limits == [600_000_000, 24, 8_000_000, 300, 128, 0]
    assert raised == ["ValueError"] * 6


def test_processes_are_counted(quiet):
    assert 12 < quiet.answers["many_processes"].value < 24


def test_files_share_one_small_disk(quiet):
    assert 6_000_000 < quiet.answers["fill_disk"].value <= 8_000_000


def test_an_object_that_equals_everything_is_only_a_name(quiet):
    assert type(quiet.answers["always_equal"].value) is Other
    assert quiet.answers["always_equal"].value == "Yes"


def test_what_a_submission_patches_stays_in_its_box(quiet):
    assert torch.equal(quiet.answers["patched"].value, torch.tensor([True, True]))
    assert not torch.equal(torch.ones(2), torch.zeros(2))


def test_no_test_can_be_found_inside(quiet):
    assert quiet.answers["look_for_tests"].value == []


def test_forged_lines_were_written_and_did_nothing(quiet):
    assert quiet.answers["forge"].value > 0


def test_a_submission_reaches_no_process_outside(quiet):
    assert quiet.answers["kill_others"].value == ["ProcessLookupError"] * 2


def test_what_a_step_leaves_behind_ends_before_the_next(quiet):
    assert quiet.answers["daemons"].value == "left two behind"
    assert quiet.answers["processes_left"].value == []


def test_prints_go_nowhere_and_nothing_can_be_read(quiet):
    assert quiet.answers["print_a_lot"].value == "printed"
    assert not [did for did in quiet.answers["close_input"].value if not did.endswith("Error")]


def test_magics_and_shell_commands_work(quiet):
    assert quiet.answers["shell"].value == ("/tmp", True, True)


# ---- hostile submissions that stop their box ----


@pytest.mark.parametrize("entry", hostile("fatal"), ids=lambda entry: entry.name)
def test_what_stops_a_box_costs_only_itself(fatal, entry):
    assert re.search(f"^({entry.problem})", fatal.answers[entry.name].problem)
    k = list(fatal.answers).index(entry.name)
    assert fatal.good[k].problem == ""
    assert torch.equal(fatal.good[k].value, X * 2)


def test_the_instructor_reads_what_stopped_a_box(fatal):
    cells = [re.search("^cell [0-9]+ (.*)", note)[1] for note in fatal.outcome.notes if note.startswith("cell")]
    assert cells == ["ended the program", "ended the program", "needed more than 0.6 GB of memory"]
    stopped = [note.split()[0] for note in fatal.outcome.notes if not note.startswith("cell")]
    assert stopped == [entry.name for entry in hostile("fatal") if not entry.problem.startswith("there is no")]


def test_after_all_that_nothing_is_left_or_changed(fatal):
    assert fatal.left == []
    assert fatal.before == fatal.after


# ---- time, and boxes that do not start ----


def test_a_submission_that_takes_too_long_altogether_gets_an_answer_for_each_request():
    needs_sandbox()
    outcome = run(["import time", "time.sleep(60)"], [Request("f", ()), Request("g")], Limits(total=2, patience=3))
    assert {answer.problem for answer in outcome.answers} == {"the submission took longer than 6 s and was stopped"}
    assert outcome.notes == ["the submission took longer than 6 s and was stopped"]


def test_a_box_that_does_not_start_is_an_error_and_no_mark(monkeypatch):
    needs_sandbox()
    monkeypatch.setattr(walls, "INSIDE", (sys.executable, "-c", "import no_such_module"))
    with pytest.raises(BoxFailed, match="No module named 'no_such_module'"):
        run(["x = 1"], [Request("x")])


def test_a_box_ends_with_the_grader_even_if_that_is_killed():
    needs_sandbox()
    code = f"from course.box.run import run, Request; run(['!sleep {MARK}'], [Request('x')], slot={SLOT})"
    grader = subprocess.Popen([sys.executable, "-c", code], cwd=walls.PROJECT)
    wait_until(lambda: any(line.startswith("sleep") for line in processes_left()))
    grader.kill()
    grader.wait()
    wait_until(lambda: not processes_left())


def wait_until(true, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_submission_without_requests_needs_no_box(monkeypatch):
    monkeypatch.setattr(box_module, "start", None)
    monkeypatch.setattr(box_module, "look", lambda: walls.Sandbox("bwrap"))
    assert run(["1 / 0"], []) == Outcome([], [])


# ---- without a sandbox ----


@pytest.fixture
def nowhere(monkeypatch):
    monkeypatch.setattr(box_module, "look", lambda: "bubblewrap is not installed")


def test_without_a_sandbox_nothing_is_run(nowhere):
    assert find_sandbox() is None
    with pytest.raises(NoSandbox, match="without a sandbox no submission is run: bubblewrap is not installed"):
        run(["x = 1"], [Request("x")])


def test_it_runs_unprotected_if_that_is_asked_for(nowhere):
    cells = ["import os, subprocess, sys, time\nx = 1", DOUBLE, f"subprocess.Popen(['sleep', '{MARK}'])"]
    outcome = run(cells, [Request("x"), Request("double", (X,))], unprotected=True)
    assert outcome.answers[0] == Answer(1)
    assert torch.equal(outcome.answers[1].value, X * 2)
    if sys.platform == "linux":
        assert not [line for line in processes_left() if MARK in line]


@pytest.mark.skipif(sys.platform != "linux", reason="there are no boxes")
def test_no_two_boxes_of_a_machine_have_one_slot_and_who_finds_none_waits(monkeypatch):
    monkeypatch.setattr(walls, "SLOTS", 4)
    with contextlib.ExitStack() as held, ThreadPoolExecutor(1) as pool:
        slots = [held.enter_context(walls.free_slot()) for _ in range(3)]
        other = pool.submit(lambda: held.enter_context(walls.free_slot()))
        assert sorted(slots) == [0, 1, 2] and not wait([other], 0.2).done
        held.pop_all().close()
        assert other.result(10) in slots


def test_a_slot_is_a_small_number():
    for slot in (-1, 300, "1"):
        with pytest.raises(ValueError, match="a slot is a number from 0 to 299"):
            run([], [], slot=slot)


@pytest.mark.parametrize(
    "system, machine, bwrap, reason",
    [
        ("darwin", "x86_64", "bwrap", "bubblewrap needs Linux on x86-64 or arm64, this is darwin on x86_64"),
        ("linux", "riscv64", "bwrap", "bubblewrap needs Linux on x86-64 or arm64, this is linux on riscv64"),
        ("linux", "x86_64", None, "bubblewrap is not installed: the program is bwrap, the package bubblewrap"),
        ("linux", "x86_64", "/bin/false", "bubblewrap does not work here: it says nothing"),
    ],
)
def test_the_reason_why_there_is_no_sandbox_is_told(monkeypatch, system, machine, bwrap, reason):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("shutil.which", lambda name: bwrap)
    if bwrap == "/bin/false" and not Path(bwrap).exists():
        pytest.skip("this system has no /bin/false")
    assert walls.look.__wrapped__() == reason


# ---- reading what comes back ----


def work(requests=2, cells=1) -> _Work:
    made = _Work(["pass"] * cells, [Request(f"f{k}", ()) for k in range(requests)], Limits(), time.monotonic() + 100)
    made.job(alone=True)
    return made


def test_the_first_answer_counts():
    w = work()
    assert w.receive(
        b'["answer", 1, ["int", 5]]\n["answer", 1, ["int", 6]]\n["raised", 1, "E", ""]\n["answer", 2, ["int", 7]]\n'
    )
    assert w.answers == {1: Answer(5), 2: Answer(7)}


def test_a_line_may_come_in_pieces():
    w = work()
    for piece in (b'["answer", 1, ["in', b't", 5]]', b"\n["):
        assert w.receive(piece)
    assert w.answers == {1: Answer(5)}


@pytest.mark.parametrize(
    "line",
    [
        '["answer", 0, ["int", 1]]',
        '["answer", 3, ["int", 1]]',
        '["answer", -1, ["int", 1]]',
        '["answer", 1.0, ["int", 1]]',
        '["answer", "1", ["int", 1]]',
        '["answer", 1, {"int": 1}]',
        '["answer", 1, ["int", NaN]]',
        '["answer", 1]',
        '["raised", 1, 2, 3]',
        '["problem", 0, "x"]',
        '["problem", 1, null]',
        "[" * 50_000,
        "9" * 5000,
        "\ud800",
        '{"answer": 1}',
        "null",
        "",
        "[]",
        '["answer", 1,',
        '["answer", 1' + ", 1" * 50_000 + "]",
    ],
    ids=lambda line: line[:30],
)
def test_a_line_that_makes_no_sense_is_skipped(line):
    w = work()
    assert w.receive(line.encode(errors="surrogatepass") + b"\n")
    assert (w.answers, w.notes, w.skipped, w.current) == ({}, {}, set(), -1)


def test_too_much_output_is_noticed_in_long_lines_and_in_many():
    assert not work().receive(b"x" * 5_000_000)
    assert not work().receive(b"\n" * 100_000)
    assert work().receive(b"x" * 2_500_000 + b"\n")


def test_reading_the_worst_lines_is_fast():
    lines = [
        b"[" * 3_000_000,
        b'["answer", 1, ' + b'["list", [' * 300_000,
        b"[" + b"[]," * 1_000_000 + b"[]]",
        b'"' + b"\\ud800" * 500_000 + b'"',
    ]
    start = time.process_time()
    for line in lines:
        work().receive(line + b"\n")
    assert time.process_time() - start < 5


class Silent:
    def complaint(self):
        return "no word"


def test_a_step_that_was_begun_last_is_charged_and_time_cannot_be_won_by_going_back():
    w = work(requests=3)
    w.receive(b'["begin", 2]\n["begin", 1]\n["begin", 0]\n["begin", 99]\n["begin", true]\n')
    assert w.current == 2
    w.stopped("ended the program", Silent())
    assert w.answers == {2: Answer(problem="it ended the program")}
    assert w.notes == {2: "f1 ended the program"}


class Late:
    """A box that is looked at so late that a step has ended, and the next one used too much, since the last look."""

    def __init__(self):
        self.waiting = iter([[b'["begin", 1]\n'], [b'["answer", 1, ["int", 5]]\n', b'["begin", 2]\n']])

    def read(self):
        return next(self.waiting)

    def use(self):
        return walls.Use(files=10**6 if self.waiting.__length_hint__() == 0 else 0)


def test_on_a_busy_machine_the_step_that_used_too_much_is_charged_and_not_the_one_before():
    w = work()
    fault = box_module._attend(Late(), w)
    w.stopped(fault, Silent())
    assert w.answers == {1: Answer(5), 2: Answer(problem="it wrote too many files")}


def test_every_stop_settles_a_step_so_that_boxes_come_to_an_end():
    w, stops = work(requests=4, cells=3), 0
    while w.open:
        w.job(alone=True)
        w.receive(b'["begin", 6]\n["begin", 5]\n["begin", 4]\n["begin", 3]\n["begin", 2]\n["begin", 1]\n["begin", 0]\n')
        w.stopped("ended the program", Silent())
        stops += 1
    assert stops <= 7


def test_a_box_that_stops_before_its_first_step_is_not_the_submissions_fault(monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    w = work()
    for _ in range(box_module.DEAD - 1):
        w.stopped("did not start", Silent())
    with pytest.raises(BoxFailed, match="a box failed before its first cell: it did not start; no word"):
        w.stopped("did not start", Silent())
    assert not w.answers and not w.notes


def test_the_time_of_a_box_that_does_not_start_is_not_the_submissions(monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    w = work()
    end, w.started = w.end, w.started - 60
    w.stopped("did not start", Silent())
    assert 60 <= w.end - end < 90 and not w.notes


def test_boxes_may_fail_to_start_now_and_then(monkeypatch):
    """What the last box left may still be dying, and take the processes of its user."""
    needs_sandbox()
    slept, real, commands = [], walls.INSIDE, []

    def command(self, program, *rest, made=walls.Sandbox.command):
        commands.append(program)
        fails = len(commands) < box_module.DEAD
        return made(self, (sys.executable, "-c", "raise SystemExit(1)") if fails else real, *rest)

    # The box's own clock alone: subprocess sleeps too, where it waits for a process.
    monkeypatch.setattr(box_module, "time", SimpleNamespace(**vars(time) | {"sleep": slept.append}))
    monkeypatch.setattr(walls.Sandbox, "command", command)
    assert run(["x = 1"], [Request("x")]) == Outcome([Answer(1)], [])
    assert len(commands) == box_module.DEAD and slept[:4] == [0.4, 0.8, 0.4 * 3, 1.6]


def test_a_text_for_a_report_is_one_short_printable_line():
    w = work()
    w.receive(
        b'["raised", 1, "Value\\u001bError", "\\u202eline 1\\nline 2\\ud800 '
        + b"x" * 10_000
        + b'"]\n["raised", 2, "E", ""]\n'
    )
    assert w.answers[1].problem.startswith("it raised Value Error: line 1 line 2 xxx")
    assert len(w.answers[1].problem) < 250
    assert w.answers[1].problem.isprintable()
    assert w.answers[2].problem == "it raised E"


def test_memory_that_could_not_be_had_is_told_as_such():
    w = work()
    w.receive(b'["raised", 1, "MemoryError", ""]\n["raised", 2, "RuntimeError", "x: can\'t allocate memory: y"]\n')
    assert {answer.problem for answer in w.answers.values()} == {"it needed more than 2 GB of memory"}
