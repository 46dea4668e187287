"""Imports point down only, no lesson imports another, and `import quantlib` is light."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# From the bottom up: a package may import itself, and what stands in a line above its own.
LAYERS = (
    ("the quantizer",),  # the modules that stand in quantlib itself
    ("quantlib.calibration", "quantlib.formats", "quantlib.networks"),
    ("quantlib",),  # its __init__, which gathers what is public
    ("quantlib.data",),
    ("quantlib.lab",),
    ("quantlib.lessons",),
    ("course",),
)
RANKS = {package: rank for rank, layer in enumerate(LAYERS) for package in layer}


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {name_of(path): path for top in ("quantlib", "course") for path in sorted((ROOT / top).rglob("*.py"))}


def package_of(module):
    """The package of LAYERS that a module belongs to."""
    if module == "quantlib":
        return module
    inside = [package for package in RANKS if module == package or module.startswith(package + ".")]
    found = max(inside, key=len)
    return "the quantizer" if found == "quantlib" else found


def imported(source, module, *, package=False):
    """The modules of quantlib and course that the source of a module imports, anywhere in it and in any form."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: len(module.split(".")) + package - node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            whole = {f"{base}.{alias.name}" for alias in node.names}
            modules = {name for name in whole if name in PATHS}
            names |= modules | ({base} if whole - modules else set())
    return {name for name in names if name.split(".")[0] in ("quantlib", "course")}


def complaints(module, names):
    """Those of the names that the module may not import."""
    own, rank = package_of(module), RANKS[package_of(module)]
    upward = {name for name in names if package_of(name) != own and RANKS[package_of(name)] >= rank}
    return upward | {name for name in names if lesson_of(name) not in ("", lesson_of(module))}


def lesson_of(module):
    parts = module.split(".")
    return parts[2] if parts[:2] == ["quantlib", "lessons"] and len(parts) > 2 else ""


@cache
def imports_of(module):
    path = PATHS[module]
    return imported(path.read_text(encoding="utf-8"), module, package=path.name == "__init__.py")


@pytest.mark.parametrize("module", PATHS)
def test_imports_point_down_only(module):
    assert not complaints(module, imports_of(module))


@pytest.mark.parametrize("module", PATHS)
def test_no_module_imports_itself_by_way_of_others(module):
    reached, ahead = set(), [module]
    while ahead:
        new = {name for name in imports_of(ahead.pop()) if name in PATHS and name != "quantlib"} - reached
        reached |= new
        ahead += new
    assert module not in reached or PATHS[module].name == "__init__.py"


@pytest.mark.parametrize(
    ("source", "module", "package", "names"),
    [
        ("from .errors import QuantlibError", "quantlib.grids", False, {"quantlib.errors"}),
        ("from . import errors", "quantlib.grids", False, {"quantlib.errors"}),
        ("from . import errors as e, quantize", "quantlib.grids", False, {"quantlib.errors", "quantlib"}),
        ("from .affine import quantize", "quantlib", True, {"quantlib.affine"}),
        ("from ..affine import quantize", "quantlib.lab.ruler", False, {"quantlib.affine"}),
        ("from .. import quantize", "quantlib.lab.ruler", False, {"quantlib"}),
        ("from . import ruler", "quantlib.lab.explore", False, {"quantlib.lab.ruler"}),
        ("from .ruler import draw", "quantlib.lab", True, {"quantlib.lab.ruler"}),
        ("from ..errors import QuantlibError", "quantlib.data", True, {"quantlib.errors"}),
        ("import quantlib.errors", "quantlib.grids", False, {"quantlib.errors"}),
        ("import torch, quantlib as q", "quantlib.grids", False, {"quantlib"}),
        ("from quantlib import grids", "quantlib.errors", False, {"quantlib.grids"}),
        ("from quantlib import quantize", "quantlib.errors", False, {"quantlib"}),
        ("from quantlib.lab import ruler", "quantlib.lab.explore", False, {"quantlib.lab.ruler"}),
        ("def f():\n    from .metrics import mse", "quantlib.errors", False, {"quantlib.metrics"}),
        ("import torch\nfrom torch import Tensor", "quantlib.grids", False, set()),
    ],
)
def test_every_form_of_import_is_resolved(source, module, package, names):
    assert imported(source, module, package=package) == names


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("quantlib.grids", "quantlib.calibration.histogram"),
        ("quantlib.affine", "quantlib"),
        ("quantlib.calibration.aciq", "quantlib"),
        ("quantlib.formats.floats", "quantlib.calibration.aciq"),
        ("quantlib.tiles", "quantlib.formats.packing"),
        ("quantlib.networks.gptq", "quantlib.calibration.histogram"),
        ("quantlib.formats.floats", "quantlib.networks.rotation"),
        ("quantlib.data", "quantlib.lab.cases"),
        ("quantlib.lab.explore", "quantlib.lessons"),
        ("quantlib.lessons.granularity.groups", "course.grade"),
        ("quantlib.lessons.granularity.groups", "quantlib.lessons.rounding.rules"),
        ("quantlib.lab.style", "quantlib.lessons.granularity"),
    ],
)
def test_an_import_that_points_up_or_sideways_is_seen(module, name):
    assert complaints(module, {name}) == {name}
    assert not complaints(module, {"quantlib.errors", module})


@pytest.mark.parametrize("heavy", ["matplotlib", "ipywidgets", "IPython", "quantlib.formats", "quantlib.networks"])
def test_import_quantlib_is_light(heavy):
    code = f"import sys, quantlib; assert 'quantlib.metrics' in sys.modules; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
