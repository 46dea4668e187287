"""What each rank of tests/maths/test_many_machines.py does: `torchrun -m tests.helpers.ranks FOLDER`.

It merges with four ranks and with two, in all ways, and writes what came of it into the folder.
"""

import pickle
import sys
from copy import deepcopy
from functools import cache
from os import environ
from pathlib import Path

import torch
import torch.distributed as dist

from docs.many_machines import batches, main, merge_objects, merge_tensors
from quantlib import (
    AciqObserver,
    EntropyObserver,
    MinMaxObserver,
    MseObserver,
    PercentileObserver,
    choose_qparams,
    from_groups,
    quantize,
    to_groups,
)

RANKS = (4, 2)
OBSERVERS = {
    "min-max": MinMaxObserver(),
    "min-max of rows": MinMaxObserver(axis=0),
    "min-max, some float64": MinMaxObserver(),
    "percentile": PercentileObserver(symmetric=True),
    "mean squared error": MseObserver(4, symmetric=True),
    "entropy": EntropyObserver(symmetric=True),
    "aciq, some float64": AciqObserver(4),
}
part = cache(batches)


def observed(name, rank, ranks):
    """An observer of one rank's part of the data."""
    observer = deepcopy(OBSERVERS[name])
    for batch in part(rank, ranks):
        observer.observe(batch.view(4, -1))
    return observer.observe(part(rank, ranks)[0][:9].double()) if rank == 0 and "float64" in name else observer


def merged(name, rank, ranks):
    """What came of one observer: merged in both ways, and the bytes of what a rank has to send."""
    mine = observed(name, rank, ranks)
    tensors = deepcopy(mine)
    merge_tensors(tensors)
    size = len(pickle.dumps(mine))
    return merge_objects(mine), tensors, size


def averaged(rank, ranks):
    """The mean of the scales that the ranks choose, each for its own part: not what is wanted."""
    scale = observed("mean squared error", rank, ranks).qparams().scale
    dist.all_reduce(scale)
    return scale / ranks


def matrix():
    return torch.randn(16, 96, generator=torch.Generator().manual_seed(1))


def by_rows(rank, ranks):
    """The codes of a rank's rows, with one scale for each: nothing has to be sent."""
    rows = matrix().chunk(ranks, 0)[rank]
    return quantize(rows, *choose_qparams(rows, axis=0))


def by_columns(rank, ranks):
    """The codes of a rank's columns, with the scales of whole rows."""
    columns = matrix().chunk(ranks, 1)[rank]
    return quantize(columns, *merge_objects(MinMaxObserver(axis=0).observe(columns)).qparams())


def by_groups(rank, ranks):
    """The codes of a rank's columns, cut between two groups of eight: nothing has to be sent."""
    groups = to_groups(matrix().chunk(ranks, 1)[rank], 8)
    return from_groups(quantize(groups, *choose_qparams(groups, axis=(0, 1))), 96 // ranks)


SHARDS = {"rows": by_rows, "columns": by_columns, "groups": by_groups}


def work(folder, rank, ranks):
    dist.init_process_group("gloo", init_method=(folder / str(ranks)).as_uri(), rank=rank, world_size=ranks)
    found = {name: merged(name, rank, ranks) for name in OBSERVERS}
    found |= {name: shard(rank, ranks) for name, shard in SHARDS.items()}
    found["averaged"] = averaged(rank, ranks)
    (folder / f"{rank} of {ranks}").write_bytes(pickle.dumps(found))
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
    for ranks in RANKS:
        if (rank := int(environ["RANK"])) < ranks:
            work(Path(sys.argv[1]), rank, ranks)
