"""torch's own fake quantization and torchao's primitives, as independent judges.

Both round x * (1 / scale) and then add the zero point; we round x / scale + zero_point. They agree with us except where
x / scale is half-way between two integers, or nearly so. Such values are left out: which code they get is a convention.
What is left out, and all else in which the three differ, stands in docs/conventions.md, of which every row runs here.
"""

import warnings
from math import inf, nan, prod
from pathlib import Path

import pytest
import torch
from torch.ao.quantization import observer as observers
from torchao.quantization import quant_primitives as ao

from quantlib import QuantlibError, choose_qparams, dequantize, fake_quantize, from_groups, quantize, to_groups
from tests.helpers.strategies import half_steps

PAGE = Path(__file__).parents[2] / "docs" / "conventions.md"

TIE = 1e-4  # in steps
GRIDS = ((-128, 127), (-127, 127), (0, 255), (-8, 7), (0, 15), (-2, 1))


def away_from_ties(x, scale):
    """x, where it lies so near a half-way point that the order of operations decides moved away from it."""
    steps = x.double() / torch.as_tensor(scale).double()
    near = ((steps - steps.floor()) - 0.5).abs() < TIE
    return torch.where(near, (steps.floor() + 0.3) * scale, x.double()).to(x.dtype)


def values(shape, seed=0):
    return 3 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def with_gradient(function, x, *rest):
    """The result, and the gradient of a weighted sum of it."""
    x = x.clone().requires_grad_()
    result = function(x, *rest)
    weights = torch.arange(1.0, x.numel() + 1).reshape(x.shape)
    (gradient,) = torch.autograd.grad(result, x, weights)
    return result.detach(), gradient


def assert_same(ours, theirs):
    for mine, other in zip(ours, theirs, strict=True):
        assert torch.equal(mine, other)


def assert_observed(qp, observer, scheme, x):
    """An observer of torch, on the same grid, finds this zero point, and this scale to the last bits of float32."""
    dtype = torch.int8 if qp.quant_min < 0 else torch.uint8
    watch = observer(dtype=dtype, qscheme=scheme, quant_min=qp.quant_min, quant_max=qp.quant_max, eps=0.0)
    watch(x)
    scale, zero_point = watch.calculate_qparams()
    assert torch.equal(zero_point, qp.zero_point.flatten())
    torch.testing.assert_close(scale, qp.scale.flatten(), rtol=3e-7, atol=0.0)


@pytest.mark.parametrize("bounds", GRIDS)
@pytest.mark.parametrize("scale", [0.02, 0.1, 0.7, 3.5])
@pytest.mark.parametrize("place", [0.0, 0.3, 1.0])
def test_one_scale_gives_torchs_values_and_gradients(bounds, scale, place):
    low, high = bounds
    zero_point = round(low + place * (high - low))
    x = away_from_ties(values((40, 50)), scale)
    theirs = with_gradient(torch.fake_quantize_per_tensor_affine, x, scale, zero_point, low, high)
    assert_same(with_gradient(fake_quantize, x, scale, zero_point, low, high), theirs)


@pytest.mark.parametrize("bounds", GRIDS)
@pytest.mark.parametrize(("shape", "axis"), [((6, 50), 0), ((50, 6), 1), ((2, 6, 5, 4), 1), ((5, 4, 3, 6), 3)])
def test_one_scale_for_each_index_of_an_axis_gives_torchs_values_and_gradients(bounds, shape, axis):
    low, high = bounds
    scale = torch.tensor([0.02, 0.05, 0.1, 0.3, 0.7, 2.0])
    zero_point = torch.linspace(low, high, 6).round().int()
    along = [6 if d == axis else 1 for d in range(len(shape))]
    x = away_from_ties(values(shape), scale.reshape(along))
    theirs = with_gradient(torch.fake_quantize_per_channel_affine, x, scale, zero_point, axis, low, high)
    assert_same(with_gradient(fake_quantize, x, scale.reshape(along), zero_point.reshape(along), low, high), theirs)


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_chosen_qparams_serve_torch_as_well(bits, symmetric, axis):
    x = values((30, 40), seed=bits)
    scale, zero_point, low, high = choose_qparams(x, bits, symmetric=symmetric, axis=axis)
    x = away_from_ties(x, scale)
    if axis is None:
        theirs = torch.fake_quantize_per_tensor_affine(x, scale, zero_point, low, high)
    else:
        theirs = torch.fake_quantize_per_channel_affine(x, scale.flatten(), zero_point.flatten(), axis, low, high)
    assert torch.equal(fake_quantize(x, scale, zero_point, low, high), theirs)


@pytest.mark.parametrize(
    ("bits", "signed", "narrow"), [(8, True, False), (8, True, True), (8, False, False), (4, True, False)]
)
def test_min_max_finds_what_torchs_observers_find(bits, signed, narrow):
    for seed in range(20):
        x = values((6, 40), seed) * 10.0 ** (seed % 7 - 3) + seed % 3
        tensor, rows = (choose_qparams(x, bits, signed=signed, narrow=narrow, axis=axis) for axis in (None, 0))
        assert_observed(tensor, observers.MinMaxObserver, torch.per_tensor_affine, x)
        assert_observed(rows, observers.PerChannelMinMaxObserver, torch.per_channel_affine, x)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_narrow_symmetric_is_what_torchs_observers_find(bits):
    x = values((6, 40))
    tensor, rows = (choose_qparams(x, bits, symmetric=True, narrow=True, axis=axis) for axis in (None, 0))
    assert_observed(tensor, observers.MinMaxObserver, torch.per_tensor_symmetric, x)
    assert_observed(rows, observers.PerChannelMinMaxObserver, torch.per_channel_symmetric, x)


# --- torchao


def by_torchao(x, qp, block):
    """torchao's codes and what comes back of them. A block is the part of a tensor that shares one scale."""
    scale, zero_point, low, high = qp
    dtype = torch.int8 if low < 0 else torch.uint8
    q = ao.quantize_affine(x, block, scale.flatten(), zero_point.flatten(), dtype, low, high)
    return q, ao.dequantize_affine(q, block, scale.flatten(), zero_point.flatten(), dtype, low, high)


def by_quantlib(x, qp):
    q = quantize(x, *qp)
    return q, dequantize(q, qp.scale, qp.zero_point)


def assert_chosen(qp, x, block, mapping, bounds):
    """torchao chooses this zero point, and this scale to the last bits of float32."""
    scale, zero_point = ao.choose_qparams_affine(x, mapping, block, torch.int8, *bounds)
    assert torch.equal(zero_point.flatten(), qp.zero_point.flatten())
    torch.testing.assert_close(scale.flatten(), qp.scale.flatten(), rtol=3e-7, atol=0.0)


GRANULARITIES = {  # block, axis
    "tensor": ((6, 5, 8), None),
    "row": ((1, 5, 8), 0),
    "middle": ((6, 1, 8), 1),
    "two axes": ((1, 1, 8), (0, 1)),
}
each_size = pytest.mark.parametrize(("block", "axis"), GRANULARITIES.values(), ids=GRANULARITIES)


@each_size
@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("options", [{}, {"signed": False}, {"symmetric": True, "narrow": True}], ids=str)
def test_codes_and_reals_are_torchaos_at_every_granularity(block, axis, bits, options):
    for seed in range(5):
        x = values((6, 5, 8), seed)
        qp = choose_qparams(x, bits, **options, axis=axis)
        x = away_from_ties(1.3 * x, qp.scale)  # so that some values clip
        assert_same(by_quantlib(x, qp), by_torchao(x, qp, block))


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("size", [2, 4, 16])
def test_groups_are_torchaos_blocks(bits, size):
    x = values((6, 16), seed=size)
    groups = to_groups(x, size)
    qp = choose_qparams(groups, bits, axis=(0, 1))
    assert_chosen(qp, x, (1, size), ao.MappingType.ASYMMETRIC, qp[2:])
    x = from_groups(away_from_ties(groups, qp.scale), 16)
    ours = (from_groups(part, 16) for part in by_quantlib(to_groups(x, size), qp))
    assert_same(ours, by_torchao(x, qp, (1, size)))


@each_size
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_torchao_chooses_the_same_qparams(block, axis, bits):
    for seed in range(5):
        x = values((6, 5, 8), seed) * 10.0 ** (seed % 7 - 3) + seed % 3
        qp = choose_qparams(x, bits, axis=axis)
        assert_chosen(qp, x, block, ao.MappingType.ASYMMETRIC, qp[2:])
        qp = choose_qparams(x, bits, symmetric=True, narrow=True, axis=axis)
        assert_chosen(qp, x, block, ao.MappingType.SYMMETRIC, qp[2:])


# --- where they differ: the rows of docs/conventions.md


def rows(heading):
    """The rows of the table under a heading, by column."""
    section = PAGE.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    names, _, *body = [[cell.strip() for cell in line] for line in lines]
    return [dict(zip(names, line, strict=True)) for line in body]


def numbers(cell):
    """The numbers that a cell holds, written as Python writes them."""
    return [float(eval(part, {"inf": inf, "nan": nan})) for part in cell.split(",")]


def done(call):
    """What a call returns as numbers, or "error"."""
    try:
        return [float(value) for part in call() for value in torch.as_tensor(part).flatten()]
    except (QuantlibError, RuntimeError, AssertionError):
        return "error"


def assert_cell(cell, got):
    if cell == "not tried":
        return
    if cell == "a code":  # which, the cast of NaN leaves to the machine
        assert got != "error" and -128 <= got[0] <= 127
    else:
        assert got == ("error" if cell == "error" else pytest.approx(numbers(cell), rel=1e-6))


def codes_of(x, s, z):
    """How each column of the table of codes computes."""
    scale, zero_point = torch.tensor([s], dtype=x.dtype), torch.tensor([z])  # torchao chooses scales in x's dtype
    return {
        "quantlib": lambda: quantize(x, s, z),
        "fake_quantize": lambda: torch.fake_quantize_per_tensor_affine(x, s, z, -128, 127) / s + z,
        "quantize_per_tensor": lambda: torch.quantize_per_tensor(x, s, z, torch.qint8).int_repr(),
        "torchao": lambda: ao.quantize_affine(x, (1,), scale, zero_point, torch.int8),
    }


@pytest.mark.parametrize("row", rows("Codes"), ids=lambda row: f"{row['x']} {row['dtype']} z={row['z']}")
def test_every_row_of_the_page_about_codes_is_so(row):
    x = torch.tensor(numbers(row["x"]), dtype=getattr(torch, row["dtype"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch is about to drop quantize_per_tensor
        for name, compute in codes_of(x, float(row["s"]), int(row["z"])).items():
            assert_cell(row[name], done(compute))


KINDS = {
    "affine": ({}, torch.per_tensor_affine, ao.MappingType.ASYMMETRIC),
    "one value a block": ({"axis": 0}, None, ao.MappingType.ASYMMETRIC),
    "symmetric": ({"symmetric": True}, torch.per_tensor_symmetric, ao.MappingType.SYMMETRIC),
    "no clipping": ({"symmetric": True}, torch.per_tensor_symmetric, ao.MappingType.SYMMETRIC_NO_CLIPPING_ERR),
}


def observed(x, scheme):
    observer = observers.MinMaxObserver(torch.int8, scheme, quant_min=-128, quant_max=127)
    observer(x)
    return observer.calculate_qparams()


@pytest.mark.parametrize("row", rows("Scale and zero point"), ids=lambda row: f"{row['x']} {row['kind']}")
def test_every_row_of_the_page_about_scales_is_so(row):
    x = torch.tensor(numbers(row["x"]))
    options, scheme, mapping = KINDS[row["kind"]]
    assert_cell(row["quantlib"], done(lambda: choose_qparams(x, **options)[:2]))
    assert_cell(row["observer"], done(lambda: observed(x, scheme)))
    block = (1,) if row["kind"] == "one value a block" else x.shape
    assert_cell(row["torchao"], done(lambda: ao.choose_qparams_affine(x, mapping, block, torch.int8)))


@pytest.mark.parametrize("row", rows("A zero point in reals"), ids=lambda row: row["x"])
def test_every_row_of_the_page_about_real_zero_points_is_so(row):
    x = torch.tensor(numbers(row["x"]))
    grid = torch.uint8, 0, 15
    qp = ao._choose_qparams_affine_tinygemm(x, ao.MappingType.ASYMMETRIC, x.shape, *grid)
    q = ao._quantize_affine_tinygemm(x, x.shape, *qp, *grid)
    theirs = ao._dequantize_affine_tinygemm(q, x.shape, *qp, *grid)
    assert theirs.tolist() == pytest.approx(numbers(row["torchao, real zero point"]), abs=5e-5)
    assert fake_quantize(x, *choose_qparams(x, 4)).tolist() == pytest.approx(numbers(row["quantlib"]), abs=5e-5)


def test_the_page_has_rows_that_agree_and_rows_that_do_not():
    same = [row["quantlib"] == row["torchao"] for row in (*rows("Codes"), *rows("Scale and zero point"))]
    assert any(same) and not all(same)


def test_at_ties_the_conventions_differ_for_an_odd_zero_point_only():
    x = torch.arange(-20, 20) + 0.5
    for zero_point, same in ((0, True), (4, True), (1, False), (-7, False)):
        theirs = torch.fake_quantize_per_tensor_affine(x, 1.0, zero_point, -128, 127)
        assert torch.equal(fake_quantize(x, 1.0, zero_point), theirs) is same


def test_few_values_are_moved_away_from_ties():
    x = values((40, 50))
    moved = away_from_ties(x, 0.1) != x
    assert moved.sum() < prod(x.shape) / 1000
    assert half_steps(x, away_from_ties(x, 0.1), 0.1).max() < 0.21
