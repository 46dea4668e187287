"""Calibration on many machines: what all ranks together answer is, bit for bit, what one machine answers."""

import pickle
import re
import subprocess
import sys
from textwrap import indent

import pytest
import torch
import torch.distributed as dist

from quantlib import choose_qparams, from_groups, quantize, to_groups
from tests.helpers.ranks import OBSERVERS, RANKS, SHARDS, matrix, observed
from tools import project

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or not dist.is_available(), reason="torch's processes start on Linux and macOS only"
)
ALONE = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr=127.0.0.1"]
MANY = [(ranks, rank) for ranks in RANKS for rank in range(ranks)]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What four processes print, started once, and what each of them wrote."""
    folder = tmp_path_factory.mktemp("ranks")
    command = [*ALONE, f"--nproc-per-node={max(RANKS)}", "-m", "tests.helpers.ranks", str(folder)]
    said = subprocess.run(command, cwd=project.ROOT, capture_output=True, text=True, timeout=300)
    assert said.returncode == 0, said.stderr[-3000:]
    return said.stdout, {key: pickle.loads((folder / f"{key[1]} of {key[0]}").read_bytes()) for key in MANY}


@pytest.fixture(scope="module")
def alone():
    """Every observer after all batches on one machine."""
    return {name: observed(name, 0, 1) for name in OBSERVERS}


def state(observer):
    """All that an observer holds, in values that can be compared."""
    held = {**vars(observer), **vars(observer.histogram if hasattr(observer, "histogram") else observer)}
    held.pop("histogram", None)
    return {name: value.tolist() if isinstance(value, torch.Tensor) else value for name, value in held.items()}


@pytest.mark.parametrize("name", OBSERVERS)
@pytest.mark.parametrize(("ranks", "rank"), MANY)
def test_every_rank_holds_bit_for_bit_what_one_machine_holds(run, alone, name, ranks, rank):
    *merged, _ = run[1][ranks, rank][name]
    for observer in merged:
        assert state(observer) == state(alone[name])


@pytest.mark.parametrize("name", OBSERVERS)
def test_and_so_it_answers_the_same(run, alone, name):
    for merged in run[1][4, 3][name][:2]:
        for one, other in zip(merged.qparams(), alone[name].qparams(), strict=True):
            assert torch.equal(torch.as_tensor(one), torch.as_tensor(other))


def test_a_rank_sends_no_more_than_its_bins(run):
    """64 KiB of counts, or two numbers for each scale, and less than 1 KiB around them."""
    for found in run[1].values():
        for name in OBSERVERS:
            merged, _, size = found[name]
            numbers = merged.histogram.counts.nbytes if hasattr(merged, "histogram") else merged.ends.nbytes
            assert numbers < size < numbers + 1024


def test_the_mean_of_the_ranks_answers_is_another_one(run, alone):
    whole = alone["mean squared error"].qparams().scale.item()
    means = [run[1][ranks, 0]["averaged"].item() for ranks in RANKS]
    assert [round(scale, 3) for scale in (whole, *means)] == [2.97, 1.329, 2.165]


def test_the_example_says_what_each_rank_found(run):
    said = re.findall(r"rank (\d) of 4: its own data alone give the scale ([\d.]+), all data give ([\d.]+)", run[0])
    own = ["0.175", "0.472", "1.264", "3.407"]
    assert sorted(said) == [(str(rank), scale, "2.970") for rank, scale in enumerate(own)]


@pytest.mark.parametrize("ranks", RANKS)
@pytest.mark.parametrize("shard", SHARDS)
def test_the_codes_of_all_shards_are_those_of_the_whole_matrix(run, ranks, shard):
    whole = matrix()
    codes = quantize(whole, *choose_qparams(whole, axis=0))
    if shard == "groups":
        groups = to_groups(whole, 8)
        codes = from_groups(quantize(groups, *choose_qparams(groups, axis=(0, 1))), 96)
    parts = [run[1][ranks, rank][shard] for rank in range(ranks)]
    assert torch.equal(torch.cat(parts, 0 if shard == "rows" else 1), codes)


def test_the_page_shows_lines_of_the_example():
    page = (project.ROOT / "docs" / "many_machines.md").read_text(encoding="utf-8")
    program = (project.ROOT / "docs" / "many_machines.py").read_text(encoding="utf-8")
    shown = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(shown) == 2 and all(indent(block, "    ") in program for block in shown)
