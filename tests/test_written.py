"""What learners write, as they write it, is recognised: one or more lines for every name of a misconception.

The lines are independent of quantlib.misconceptions. A float is never cast to int8 beyond its range, which would be
undefined; it goes through an integer, which keeps the lowest 8 bits.
"""

import math

import pytest
import torch

from quantlib.lab import checks
from quantlib.misconceptions import MISCONCEPTIONS

NAMES = {"torch": torch, "math": math, "int8": torch.int8}

# A deed; then the name of a misconception, and lines that return what a learner with it returns.
WRITTEN = {
    "quantize": {
        "no clamp before the cast": [
            "(x / s + z).round().int().to(int8)",
            "(x / s + z).round().int().to(int8).clamp(-128, 127)",
        ],
        "cast before adding z": [
            "((x / s).round().int().to(int8) + z).clamp(-128, 127)",
            "torch.clamp(torch.round(x / s).int().to(int8) + torch.tensor(z, dtype=int8), -128, 127)",
        ],
        "truncation instead of rounding": [
            "(x / s + z).clamp(-128, 127).to(int8)",
            "((x / s).int() + z).clamp(-128, 127).to(int8)",
        ],
        "floor instead of rounding": ["(x // s + z).clamp(-128, 127).to(int8)"],
        "ceil instead of rounding": ["(-((-x) // s) + z).clamp(-128, 127).to(int8)"],
        "rounding before dividing": ["(x.round() / s + z).clamp(-128, 127).to(int8)"],
        "clamp before adding z": ["((x / s).round().clamp(-128, 127) + z).int().to(int8)"],
        "clamp before dividing": ["(x.clamp(-128, 127) / s + z).round().int().to(int8)"],
        "only the upper end is clamped": ["(x / s + z).round().clamp(max=127).int().to(int8)"],
        "only the lower end is clamped": ["(x / s + z).round().clamp(min=-128).int().to(int8)"],
        "z subtracted instead of added": ["(x / s - z).round().clamp(-128, 127).to(int8)"],
        "multiplied by s instead of divided": ["(x * s + z).round().clamp(-128, 127).to(int8)"],
        "z is forgotten": ["(x / s).round().clamp(-128, 127).to(int8)"],
        "s is forgotten": ["(x + z).round().clamp(-128, 127).to(int8)"],
        "z added before dividing": ["((x + z) / s).round().clamp(-128, 127).to(int8)"],
        "zero point too small by one": ["(x / s + z - 1).round().clamp(-128, 127).to(int8)"],
        "clamp to 0 to 255": [
            "(x / s + z).round().clamp(0, 255).to(torch.uint8)",
            "(x / s + z).round().clamp(0, 255).int().to(int8)",
        ],
        "clamp to 0 to 127": ["(x / s + z).round().clamp(0, 127).to(int8)"],
        "clamp to -127": ["(x / s + z).round().clamp(-127, 127).to(int8)"],
        "clamp to 128": ["(x / s + z).round().clamp(-128, 128).int().to(int8)"],
        "not cast to int8": ["(x / s + z).round().clamp(-128, 127)"],
        "dequantized as well": ["s * ((x / s + z).round().clamp(-128, 127) - z)"],
        "x is changed in place": ["x.div_(s).add_(z).round_().clamp_(-128, 127).to(int8)"],
    },
    "dequantize": {
        "s q + z instead of s (q - z)": ["s * q + z"],
        "s q - z instead of s (q - z)": ["s * q - z"],
        "q - z in int8": ["s * (q - z)"],
        "z is forgotten": ["s * q"],
        "z added instead of subtracted": ["s * (q.float() + z)"],
        "z - q instead of q - z": ["s * (z - q.float())"],
        "divided by s instead of multiplied": ["(q.float() - z) / s"],
        "s is forgotten": ["q.float() - z"],
        "zero point too small by one": ["s * (q.float() - z + 1)"],
        "returned as integers": ["(s * (q.float() - z)).int()"],
    },
    "clamp": {
        "the bounds are swapped": ["torch.clamp(v, quant_max, quant_min)", "torch.full_like(v, quant_min)"],
        "minimum and maximum are swapped": [
            "torch.maximum(torch.minimum(v, torch.tensor(quant_min)), torch.tensor(quant_max))"
        ],
        "only the upper end is clamped": ["torch.where(v > quant_max, quant_max, v)"],
        "only the lower end is clamped": ["torch.where(v < quant_min, quant_min, v)"],
        "nothing is clamped": ["v", "v * 1"],
        "the bounds are ignored": ["torch.clamp(v, -128, 127)"],
        "the lowest code is left out": ["torch.clamp(v, quant_min + 1, quant_max)"],
        "the highest code is left out": ["torch.clamp(v, quant_min, quant_max - 1)"],
        "clamp to -quant_max": ["torch.clamp(v, -quant_max, quant_max)"],
        "zero outside the grid": ["v * ((v >= quant_min) & (v <= quant_max))"],
        "wraps around instead": ["(v - quant_min) % (quant_max - quant_min + 1) + quant_min"],
        "rounded as well": ["torch.clamp(v.round(), quant_min, quant_max)"],
        "v is changed in place": ["v.clamp_(quant_min, quant_max)"],
    },
    "split_error": {
        "the parts are swapped": ["(e * ~out, e * out)"],
        "the signs are reversed": ["(-e * out, -e * ~out)"],
        "absolute values": ["(e.abs() * out, e.abs() * ~out)"],
        "error in steps": ["(e / s * out, e / s * ~out)"],
        "clip from the last level on": [
            "(x - x.clamp(s * (-128 - z), s * (127 - z)), x.clamp(s * (-128 - z), s * (127 - z)) - x_hat)",
            "(e * ((x / s + z > 127) | (x / s + z < -128)), e * ((x / s + z <= 127) & (x / s + z >= -128)))",
        ],
        "a clipped value is rounded too": ["(s * (c - z) - x_hat, x - s * (c - z))"],
        "clipping only above": ["(e * (c > 127), e * (c <= 127))"],
        "the end codes count as clipped": ["(e * ((c >= 127) | (c <= -128)), e * ((c < 127) & (c > -128)))"],
    },
    "wrap": {
        "saturates instead of wrapping": ["v.clamp(-128, 127).to(int8)"],
        "modulo 255": ["((v + 128) % 255 - 128).to(int8)"],
        "modulo 128": ["(v % 128).to(int8)"],
        "modulo 256 without a sign": ["(v % 256).to(torch.uint8)", "(v % 256).int()"],
        "only the upper end wraps": ["torch.where(v < -128, -128, v).int().to(int8)"],
        "only the lower end wraps": ["torch.where(v > 127, 127, v).int().to(int8)"],
        "not cast to int8": ["(v + 128) % 256 - 128"],
    },
    "max_abs": {
        "max where max|x| is meant": ["x.max() / 127"],
        "|max| where max|x| is meant": ["abs(x.max()) / 127"],
        "min where max|x| is meant": ["abs(x.min()) / 127"],
        "mean of |x| where the maximum is meant": ["x.abs().mean() / 127"],
        "not divided by 127": ["x.abs().max().item()"],
        "max|x| / 255": ["x.abs().max() / 255"],
        "max|x| / 128": ["x.abs().max() / 128"],
        "max|x| / 127.5": ["2 * x.abs().max() / 255"],
        "the min-max scale": ["(max(x.max().item(), 0) - min(x.min().item(), 0)) / 255"],
        "the min-max scale without 0": ["(x.max() - x.min()) / 255"],
        "the reciprocal of the scale": ["127 / x.abs().max()"],
    },
    "step": {
        "256 gaps where there are 255": ["(x.max() - x.min()) / 256"],
        "half of the grid": ["(x.max() - x.min()) / 127"],
        "only the largest value": ["x.max() / 255"],
        "the symmetric scale": ["x.abs().max() / 127"],
        "the whole range, not one step": ["x.max() - x.min()"],
        "the reciprocal of the step": ["255 / (x.max() - x.min())"],
    },
    "zero": {
        "counted from 0, not from -128": ["round(-x.min().item() / step)"],
        "the sign of the smallest value": ["-128 + round(x.min().item() / step)"],
        "not rounded": ["-128 - x.min() / step"],
        "truncation where rounding is meant": ["int(-128 - x.min().item() / step)"],
        "always 0": ["0"],
        "counted from the wrong end": ["127 + round(x.min().item() / step)"],
    },
    "l2": {
        "the root is forgotten": ["((x - x_hat) ** 2).sum()"],
        "mean instead of sum": ["((x - x_hat) ** 2).mean().sqrt()"],
        "the mean squared error": ["((x - x_hat) ** 2).mean()"],
        "the L1 norm": ["abs(x - x_hat).sum()"],
        "the largest error": ["abs(x - x_hat).max()"],
        "squared after adding": ["((x - x_hat).sum() ** 2).sqrt()"],
        "a difference of norms": ["abs(x.norm() - x_hat.norm())"],
        "x_hat is ignored": ["(x**2).sum().sqrt()"],
    },
    "sqnr": {
        "20 log10 of energies": ["20 * torch.log10((x**2).sum() / ((x - x_hat) ** 2).sum())"],
        "10 log10 of amplitudes": ["10 * torch.log10(x.norm() / (x - x_hat).norm())"],
        "the ratio is upside down": ["10 * torch.log10(((x - x_hat) ** 2).sum() / (x**2).sum())"],
        "the natural logarithm": ["10 * torch.log((x**2).sum() / ((x - x_hat) ** 2).sum())"],
        "the logarithm to base 2": ["10 * torch.log2((x**2).sum() / ((x - x_hat) ** 2).sum())"],
        "no logarithm": ["(x**2).mean() / ((x - x_hat) ** 2).mean()"],
        "the factor 10 is missing": ["torch.log10((x**2).sum() / ((x - x_hat) ** 2).sum())"],
        "the energy of x_hat for that of x": ["10 * torch.log10((x_hat**2).sum() / ((x - x_hat) ** 2).sum())"],
        "the energy of x over that of x_hat": ["10 * torch.log10((x**2).sum() / (x_hat**2).sum())"],
        "the peak for the signal": ["10 * torch.log10(x.abs().max() ** 2 / ((x - x_hat) ** 2).mean())"],
    },
}

BEFORE = {  # what a learner has worked out already: the code before a clamp, x_hat, the error, what left the grid
    "split_error": {
        "c": "torch.round(x / s + z)",
        "x_hat": "s * (c.clamp(-128, 127) - z)",
        "e": "x - x_hat",
        "out": "(c < -128) | (c > 127)",
    },
    "zero": {"step": "(x.max() - x.min()).item() / 255"},
}

LINES = [(deed, name, line) for deed, table in WRITTEN.items() for name, lines in table.items() for line in lines]


def learner(deed, line):
    """The function of a learner who writes this line."""

    def mine(*arguments):
        known = NAMES | dict(zip(checks.CHECKS[deed].parameters, arguments, strict=True))
        for name, expression in BEFORE.get(deed, {}).items():
            known[name] = eval(expression, known)
        return eval(line, known)

    return mine


@pytest.mark.parametrize(("deed", "name", "line"), LINES)
def test_what_a_learner_writes_is_recognised(deed, name, line):
    verdict = getattr(checks, f"check_{deed}")(learner(deed, line))
    assert verdict.status == "wrong" and name in verdict.misconceptions, verdict
    alone = name not in ("no clamp before the cast", "cast before adding z")
    assert len(verdict.misconceptions) == (1 if alone else 2)


def test_every_misconception_has_been_written():
    named = {deed: {m.name for m in known} for deed, known in MISCONCEPTIONS.items()}
    assert {deed: set(table) for deed, table in WRITTEN.items()} == named
