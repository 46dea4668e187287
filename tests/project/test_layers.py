"""Imports point down only, and `import quantlib` is light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# From the bottom up. A module may import what stands in a line above its own, and nothing else of quantlib.
LAYERS = (
    ("quantlib.errors",),
    ("quantlib.grids", "quantlib.tiles", "quantlib.data", "quantlib.data.silero"),
    ("quantlib.qparams", "quantlib.groups", "quantlib.storage", "quantlib.rounding", "quantlib.data.speech"),
    ("quantlib.affine", "quantlib.histogram"),
    ("quantlib.metrics", "quantlib.sides"),
    ("quantlib.percentile", "quantlib.squared_error", "quantlib.entropy", "quantlib.aciq"),
    ("quantlib.calibration",),
    ("quantlib.misconceptions.base",),
    (
        "quantlib.misconceptions.choosing",
        "quantlib.misconceptions.granularity",
        "quantlib.misconceptions.ranges",
        "quantlib.misconceptions.rounding",
        "quantlib.misconceptions.ruler",
    ),
    ("quantlib", "quantlib.misconceptions"),
    ("quantlib.lab.style", "quantlib.lab.labels", "quantlib.lab.page", "quantlib.lab.learner"),
    ("quantlib.lab.png",),
    ("quantlib.lab.panels", "quantlib.lab.picture", "quantlib.lab.verdict"),
    ("quantlib.lab.figures", "quantlib.lab.explore", "quantlib.lab.predict", "quantlib.lab.check"),
    ("quantlib.lab.explorers", "quantlib.lab.rulers", "quantlib.lab.typed", "quantlib.lab.checks.cases"),
    (
        "quantlib.lab.checks.choosing",
        "quantlib.lab.checks.granularity",
        "quantlib.lab.checks.ranges",
        "quantlib.lab.checks.rounding",
        "quantlib.lab.checks.ruler",
    ),
    ("quantlib.lab.checks", "quantlib.lab.exhibits"),
    (
        "quantlib.lab.draws",
        "quantlib.lab.ends",
        "quantlib.lab.outputs",
        "quantlib.lab.ties",
        "quantlib.lab.granularity",
        "quantlib.lab.hearing",
        "quantlib.lab.hunt",
        "quantlib.lab.inputs",
        "quantlib.lab.tilings",
        "quantlib.lab.overflow",
        "quantlib.lab.norms",
        "quantlib.lab.landscape",
        "quantlib.lab.clipping",
        "quantlib.lab.choosing",
        "quantlib.lab.contest",
    ),
    ("quantlib.lab.ranges",),
    ("quantlib.lab.methods",),
    ("quantlib.lab",),
)
ONLY = {"quantlib.data": {"quantlib.errors"}}  # these may import less than their line allows
RANKS = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {name_of(path): path for path in sorted((ROOT / "quantlib").rglob("*.py"))}


def imported(source, module, *, package=False, known=frozenset({*PATHS, *RANKS})):
    """The modules of quantlib that the source of a module imports, anywhere in it and in any form."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: len(module.split(".")) + package - node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            whole = {f"{base}.{alias.name}" for alias in node.names}
            modules = {name for name in whole if name in known}
            names |= modules | ({base} if whole - modules else set())
    return {name for name in names if name.split(".")[0] == "quantlib"}


def upward(module, names):
    """Those of the names that the module may not import."""
    allowed = ONLY.get(module, {name for name in RANKS if RANKS[name] < RANKS[module]})
    return names - allowed


@pytest.mark.parametrize("module", PATHS)
def test_every_module_stands_in_the_table_of_layers(module):
    assert module in RANKS, "add the module to LAYERS, above what imports it"


@pytest.mark.parametrize("module", [name for name in PATHS if name in RANKS])
def test_imports_point_down_only(module):
    path = PATHS[module]
    names = imported(path.read_text(encoding="utf-8"), module, package=path.name == "__init__.py")
    assert not upward(module, names)


@pytest.mark.parametrize(
    ("source", "module", "package", "names"),
    [
        ("from .errors import QuantlibError", "quantlib.grids", False, {"quantlib.errors"}),
        ("from . import errors", "quantlib.grids", False, {"quantlib.errors"}),
        ("from . import errors as e, quantize", "quantlib.grids", False, {"quantlib.errors", "quantlib"}),
        ("from .affine import quantize", "quantlib", True, {"quantlib.affine"}),
        ("from ..affine import quantize", "quantlib.lab.figures", False, {"quantlib.affine"}),
        ("from .. import quantize", "quantlib.lab.figures", False, {"quantlib"}),
        ("from . import figures", "quantlib.lab.explore", False, {"quantlib.lab.figures"}),
        ("from .figures import draw", "quantlib.lab", True, {"quantlib.lab.figures"}),
        ("from . import figures", "quantlib.lab", True, {"quantlib.lab.figures"}),
        ("from ..errors import QuantlibError", "quantlib.data", True, {"quantlib.errors"}),
        ("import quantlib.errors", "quantlib.grids", False, {"quantlib.errors"}),
        ("import torch, quantlib as q", "quantlib.grids", False, {"quantlib"}),
        ("from quantlib import grids", "quantlib.errors", False, {"quantlib.grids"}),
        ("from quantlib import quantize", "quantlib.errors", False, {"quantlib"}),
        ("from quantlib.lab import figures", "quantlib.lab.explore", False, {"quantlib.lab.figures"}),
        ("def f():\n    from .metrics import mse", "quantlib.errors", False, {"quantlib.metrics"}),
        ("import torch\nfrom torch import Tensor", "quantlib.grids", False, set()),
    ],
)
def test_every_form_of_import_is_resolved(source, module, package, names):
    assert imported(source, module, package=package) == names


def test_an_import_that_points_up_or_sideways_is_seen():
    assert upward("quantlib.grids", {"quantlib.errors", "quantlib.tiles", "quantlib.metrics"}) == {
        "quantlib.tiles",
        "quantlib.metrics",
    }
    assert upward("quantlib.data", {"quantlib.errors", "quantlib.grids"}) == {"quantlib.grids"}
    assert upward("quantlib.affine", {"quantlib"}) == {"quantlib"}


@pytest.mark.parametrize("heavy", ["matplotlib", "ipywidgets", "IPython"])
def test_import_quantlib_is_light(heavy):
    code = f"import sys, quantlib; assert 'quantlib.metrics' in sys.modules; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
