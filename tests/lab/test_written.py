"""What learners write, as they write it, is recognised: one or more lines for every name of a misconception.

The lines are independent of quantlib.misconceptions. A float is never cast to int8 beyond its range, which would be
undefined; it goes through an integer, which keeps the lowest 8 bits.
"""

import math

import pytest
import torch
from quantlib.misconceptions import MISCONCEPTIONS

from quantlib.lab import checks

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
        "z - 1 is stored": ["s * (q - (torch.tensor(z - 1).to(int8).float() + 1))"],
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
    "round_half_away": {
        "half to even": ["torch.round(v)"],
        "ties go up": [
            "torch.floor(v + 0.5)",
            "torch.where(v - v.floor() >= 0.5, v.ceil(), v.floor())",
        ],
        "ties go down": ["torch.ceil(v - 0.5)"],
        "ties go towards 0": ["torch.where((v - v.trunc()).abs() > 0.5, v.trunc() + v.sign(), v.trunc())"],
        "adding 0.5 rounds too": [
            "v.sign() * (v.abs() + 0.5).floor()",
            "torch.where(v >= 0, torch.floor(v + 0.5), torch.ceil(v - 0.5))",
            "torch.trunc(v + 0.5 * v.sign())",
            "(v + torch.copysign(torch.tensor(0.5), v)).int().float()",
        ],
        "truncation instead of rounding": ["v.int().float()", "torch.trunc(v)"],
        "floor instead of rounding": ["v // 1"],
        "ceil instead of rounding": ["torch.ceil(v)"],
        "always away from 0": ["torch.where(v > 0, v.ceil(), v.floor())"],
        "the sign is lost": ["torch.where(abs(v) - abs(v).floor() >= 0.5, abs(v).ceil(), abs(v).floor())"],
    },
    "stochastic_round": {
        "up where u is large": ["torch.floor(v + u)", "torch.round(v + u - 0.5)", "(v + u) // 1"],
        "the size is rounded, then the sign": ["v.sign() * (abs(v).floor() + (u < abs(v) - abs(v).floor()))"],
        "u is added, then the nearest": ["torch.round(v + u)"],
        "the probabilities are swapped": [
            "v.floor() + (u > v - v.floor())",
            "torch.where(u < v - v.floor(), v.floor(), v.floor() + 1)",
        ],
        "a fair coin": ["torch.where(u < 0.5, v.ceil(), v.floor())", "v.floor() + (u < 0.5)"],
        "trunc where floor is meant": ["v.trunc() + (u < v - v.trunc())", "v.trunc() + (u < abs(v - v.trunc()))"],
        "u is not used": ["v.round()"],
        "u stays in the result": ["v + u", "v.floor() + u"],
        "an integer can move": ["v.floor() + (u <= v - v.floor())"],
        "0 and 1 for down and up": ["(u < v % 1).float()"],
    },
    "best_rounding": {
        "each weight to its nearest": [
            "torch.round(w)",
            "min(pairs, key=lambda q: (q - w).square().sum().item())",
            "min(pairs, key=lambda q: (x * (q - w)).square().sum().item())",
        ],
        "the errors are added, not squared": ["min(pairs, key=lambda q: abs((x @ q - x @ w).sum().item()))"],
        "the most negative error": ["min(pairs, key=lambda q: (x @ q - x @ w).sum().item())"],
        "the largest error": ["max(pairs, key=lambda q: (x @ (q - w)).norm().item())"],
        "only the first row of x": ["min(pairs, key=lambda q: abs((x @ (q - w))[0].item()))"],
        "the output for its error": ["min(pairs, key=lambda q: (x @ q).norm().item())"],
        "one weight after the other": [
            "min(pairs, key=lambda q: (q[0] != w[0].round(), (x @ (q - w)).norm().item()))",
        ],
        "always down": ["w.floor()"],
        "always up": ["w.ceil()"],
        "0 and 1 for down and up": ["min(pairs, key=lambda q: (x @ (q - w)).norm().item()) - w.floor()"],
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
    "widen": {
        "0.0 is left out": ["(x.min(), x.max())"],
        "minimum and maximum with 0 are swapped": ["(max(x.min().item(), 0.0), min(x.max().item(), 0.0))"],
        "only the lower end is widened": ["(min(x.min().item(), 0.0), x.max().item())"],
        "only the upper end is widened": ["(x.min(), x.max().clamp(min=0.0))"],
        "the range always begins at 0.0": ["(0.0, max(0.0, x.max().item()))"],
        "r_max comes first": ["(x.max().clamp(min=0.0), x.min().clamp(max=0.0))"],
        "the symmetric range": ["(-x.abs().max(), x.abs().max())"],
    },
    "choose_qparams": {
        "0.0 is not in the range": [
            "((x.max() - x.min()) / 255, torch.round(-128 - x.min() / (x.max() - x.min()) * 255))",
            "((x.max() - x.min()).item() / 255, round(-128 - x.min().item() / (x.max() - x.min()).item() * 255))",
        ],
        "z is clamped where the range lacks 0.0": [
            "((x.max() - x.min()) / 255, (-128 - x.min() / (x.max() - x.min()) * 255).round().clamp(-128, 127).int())",
        ],
        "only one end is widened to 0.0": [
            "((x.max() - low) / 255, -128 - torch.round(low / (x.max() - low) * 255))",
            "((high - x.min()) / 255, torch.round(-128 - x.min() / (high - x.min()) * 255))",
        ],
        "z from the smallest value, not r_min": ["(s, -128 - round(x.min().item() / s))"],
        "z has the opposite sign": ["(s, 128 + round(low / s))"],
        "the sign of r_min": ["(s, -128 + round(low / s))"],
        "z is not rounded": ["(s, -128 - low / s)"],
        "truncation where rounding is meant": ["(s, int(-128 - low / s))", "(s, -128 - int(low / s))"],
        "256 steps where there are 255": ["((high - low) / 256, -128 - round(low / (high - low) * 256))"],
        "127 steps where there are 255": ["((high - low) / 127, -128 - round(low / (high - low) * 127))"],
        "the whole range, not one step": ["(high - low, -128 - round(low / (high - low)))"],
        "z comes first": ["(-128 - round(low / s), s)"],
        "counted from 0, not from -128": ["(s, -round(low / s))"],
        "the symmetric ruler": ["(x.abs().max() / 127, 0)"],
        "the reciprocal of s": ["(1 / s, -128 - round(low / s))"],
        "r_min in place of z": ["(s, low)"],
        "a range of 0 is divided by 0": [
            "(t, -128 - torch.round(low / t)) if len([t := torch.tensor(s, dtype=torch.float64)]) else None",
            "((x.max().clamp(min=0) - x.min().clamp(max=0)) / 255, torch.round(-128 - x.min().clamp(max=0)"
            " / ((x.max().clamp(min=0) - x.min().clamp(max=0)) / 255)))",
        ],
        "the range overflows in float32": [
            "(d / 255, -128 - torch.round(low / d * 255).int())"
            " if (d := torch.tensor(high) - low) / 255 > 0 else (1.0, -128)",
        ],
        "s is too small for float32": ["(s or 1.0, -128 - round(low / (s or 1.0)))"],
    },
    "symmetric": {
        "bits is ignored": ["x.abs().max() / 127"],
        "the largest code of an unsigned grid": ["x.abs().max() / (2**bits - 1)"],
        "one bit too few": ["x.abs().max() / (2 ** (bits - 2) - 1)"],
        "^ where ** is meant": ["x.abs().max() / (2 ^ (bits - 1) - 1)", "x.abs().max() / ((2 ^ (bits - 1)) - 1)"],
        "max where max|x| is meant": ["x.max() / (2 ** (bits - 1) - 1)"],
        "|max| where max|x| is meant": ["abs(x.max().item()) / (2 ** (bits - 1) - 1)"],
        "not divided by the largest code": ["x.abs().max()"],
        "max|x| / 2^(bits-1)": ["x.abs().max() / 2 ** (bits - 1)"],
        "max|x| over half of the whole grid": ["x.abs().max() / (2 ** (bits - 1) - 0.5)"],
        "the asymmetric scale": ["(x.max().clamp(min=0) - x.min().clamp(max=0)) / (2**bits - 1)"],
        "the reciprocal of the scale": ["(2 ** (bits - 1) - 1) / x.abs().max()"],
        "a range of 0 gives s = 0": ["x.abs().max() / (2 ** (bits - 1) - 1)", "x.abs().max() / (2**bits / 2 - 1)"],
    },
    "fake_quantize": {
        "no clamp": ["s * (x / s).round()"],
        "the clamp has only an upper end": ["s * (x / s).round().clamp(max=top)"],
        "the full grid": [
            "s * (x / s).round().clamp(-top - 1, top)",
            "s * (x / s).round().clamp(-(2 ** (bits - 1)), top)",
        ],
        "codes are returned": ["(x / s).round().clamp(-top, top)"],
        "clipping without rounding": ["x.clamp(-alpha, alpha)", "(x / s).clamp(-top, top) * s"],
        "2^(bits-1) steps up to alpha": [
            "(x * 2 ** (bits - 1) / alpha).round().clamp(-top, top) * alpha / 2 ** (bits - 1)"
        ],
        "2^bits steps up to alpha": ["(x / (alpha / 2**bits)).round().clamp(-top, top) * (alpha / 2**bits)"],
        "2^bits - 1 steps from -alpha to alpha": [
            "(x / (2 * alpha / (2**bits - 1))).round().clamp(-top, top) * (2 * alpha / (2**bits - 1))"
        ],
        "max|x| in place of alpha": ["(x / (x.abs().max().clamp(min=1e-9) / top)).round() * (x.abs().max() / top)"],
        "codes are clamped to alpha": ["s * (x / s).round().clamp(-alpha, alpha)"],
        "what clips becomes 0": ["s * torch.where((x / s).round().abs() > top, 0, (x / s).round())"],
        "truncation instead of rounding": [
            "s * (x / s).trunc().clamp(-top, top)",
            "(x / s).long().clamp(-top, top) * s",
        ],
        "always 8 bits": ["alpha / 127 * (x / (alpha / 127)).round().clamp(-127, 127)"],
    },
    "percentile": {
        "x for |x|": ["x.flatten().sort().values[rank - 1]"],
        "one place too far": ["sizes[min(rank, len(sizes) - 1)]"],
        "the place is rounded down": ["sizes[max(int(percent / 100 * len(sizes) + 1e-9), 1) - 1]"],
        "a part of the largest value": ["x.abs().max() * percent / 100", "percent / 100 * sizes[-1].item()"],
        "|x| is not sorted": ["x.abs().flatten()[rank - 1]"],
        "counted from the largest": ["sizes.flip(0)[rank - 1]", "sizes[-rank].item()"],
        "the place for the value": ["rank"],
        "always the largest": ["x.abs().max()", "sizes[-1]"],
        "interpolation between two values": [
            "torch.quantile(x.abs(), percent / 100)",
            "torch.quantile(x.abs().flatten(), percent / 100).item()",
        ],
    },
    "best_alpha": {
        "the place for the alpha": ["torch.tensor([e.square().mean() for e in errors]).argmin()"],
        "the error for the alpha": ["min(e.square().mean().item() for e in errors)"],
        "the largest error": ["alphas[torch.tensor([e.square().mean() for e in errors]).argmax()]"],
        "clipped values are not counted": [
            "alphas[torch.tensor([(e * (x.abs() <= a * (1 + 0.5 / top))).square().mean()"
            " for e, a in zip(errors, alphas)]).argmin()]"
        ],
        "rounded values are not counted": [
            "alphas[torch.tensor([(e * (x.abs() > a * (1 + 0.5 / top))).square().mean()"
            " for e, a in zip(errors, alphas)]).argmin()]"
        ],
        "errors are not squared": ["alphas[torch.tensor([e.mean() for e in errors]).argmin()]"],
        "the largest single error": ["alphas[torch.tensor([e.abs().max() for e in errors]).argmin()]"],
        "the mean of the sizes": ["alphas[torch.tensor([e.abs().mean() for e in errors]).argmin()]"],
        "always the largest alpha": ["alphas.max()", "max(alphas.tolist())"],
        "always 8 bits": [
            "min(alphas.tolist(), key=lambda a: (x - a / 127 * (x / (a / 127)).round().clamp(-127, 127)).norm())"
        ],
        "the search never clips": [
            "min(alphas.tolist(), key=lambda a: (x - a / top * (x / (a / top)).round()).norm())"
        ],
    },
    "row_scales": {
        "the wrong axis": ["w.abs().amax(dim=0, keepdim=True) / 127", "w.abs().amax(dim=0) / 127"],
        "keepdim is forgotten": ["w.abs().amax(dim=1) / 127", "w.abs().max(dim=1).values / 127"],
        "the scales lie in a row": ["(w.abs().amax(1) / 127)[None]"],
        "one scale for the whole matrix": ["w.abs().max() / 127", "(w.abs().max() / 127).expand(len(w), 1)"],
        "a scale for every weight": ["torch.ones_like(w) * w.abs().amax(dim=1, keepdim=True) / 127"],
        "max where max|w| is meant": ["w.amax(dim=1, keepdim=True) / 127"],
        "|max| where max|w| is meant": ["abs(w.amax(dim=1, keepdim=True)) / 127"],
        "mean of |w| where the maximum is meant": ["w.abs().mean(dim=1, keepdim=True) / 127"],
        "not divided by 127": ["w.abs().amax(dim=1, keepdim=True)"],
        "max|w| / 255": ["w.abs().amax(dim=1, keepdim=True) / 255"],
        "max|w| / 128": ["w.abs().amax(dim=1, keepdim=True) / 128"],
        "max|w| / 127.5": ["2 * w.abs().amax(dim=1, keepdim=True) / 255"],
        "the min-max scale": ["(w.amax(1, True).clamp(min=0) - w.amin(1, True).clamp(max=0)) / 255"],
        "the reciprocal of the scale": ["127 / w.abs().amax(dim=1, keepdim=True)"],
    },
    "group_scales": {
        "the ragged tail is dropped": [
            "torch.stack([c.abs().amax(1) for c in w.split(size, 1) if c.shape[1] == size], 1) / top"
            " if w.shape[1] >= size else w[:, :0]"
        ],
        "the tail joins the group before it": [
            "torch.stack([c.abs().amax(1) for c in"
            " w.tensor_split([size * k for k in range(1, w.shape[1] // size)], 1)], 1) / top"
        ],
        "the last group overlaps": ["torch.cat([g[:, :-1].abs().amax(2), w[:, -size:].abs().amax(1, True)], 1) / top"],
        "groups down the columns": [
            "torch.stack([c.abs().amax(0) for c in w.split(size, 0)]) / top",
            "torch.stack([c.abs().amax(0) for c in w.split(size, 0)], 1) / top",
        ],
        "groups across rows": ["torch.stack([c.abs().max() for c in w.flatten().split(size)]) / top"],
        "every so many-th weight, not neighbours": ["padded.reshape(len(w), size, -1).abs().amax(1) / top"],
        "size taken for the number of groups": ["torch.stack([c.abs().amax(1) for c in w.chunk(size, 1)], 1) / top"],
        "one scale a row": [
            "w.abs().amax(1, True) / top",
            "g.abs().amax((1, 2)).unsqueeze(1).expand(g.shape[:2]) / top",
        ],
        "an axis too many": ["g.abs().amax(dim=2, keepdim=True) / top"],
        "a scale for every weight": ["g.abs().amax(2, True).expand(g.shape).flatten(1)[:, : w.shape[1]] / top"],
        "max where max|w| is meant": ["g.amax(dim=2) / top"],
        "|max| where max|w| is meant": ["abs(g.amax(dim=2)) / top"],
        "mean of |w| where the maximum is meant": ["g.abs().mean(dim=2) / top"],
        "not divided by the largest code": ["g.abs().amax(dim=2)"],
        "bits is ignored": ["g.abs().amax(dim=2) / 127"],
        "the largest code of an unsigned grid": ["g.abs().amax(dim=2) / (2**bits - 1)"],
        "max|w| / 2^(bits-1)": ["g.abs().amax(dim=2) / 2 ** (bits - 1)"],
        "the reciprocal of the scale": ["top / g.abs().amax(dim=2)"],
    },
    "bits_per_weight": {
        "the scales are forgotten": ["bits"],
        "one scale for the whole matrix": ["bits + 16 / w.numel()"],
        "one scale a row": ["bits + 16 / w.shape[1]"],
        "a scale for every weight": ["bits + 16"],
        "the ragged group has no scale": ["bits + 16 * (w.shape[1] // size) / w.shape[1]"],
        "16 / size where rows are ragged": ["bits + 16 / size"],
        "groups across rows": ["bits + 16 * math.ceil(w.numel() / size) / w.numel()"],
        "the padding is stored too": ["(bits * size + 16) * groups / w.shape[1]"],
        "scales of 32 bits": ["bits + 32 * groups / w.shape[1]"],
        "a zero point for every group": ["bits + (16 + bits) * groups / w.shape[1]"],
        "bytes where bits are meant": ["bits + 2 * groups / w.shape[1]"],
        "the bits of a whole group": ["bits * size + 16"],
        "the bits of the whole matrix": ["bits * w.numel() + 16 * groups * len(w)"],
        "the codes are divided by size as well": ["(bits + 16) * groups / w.shape[1]"],
        "the share of a scale is upside down": ["bits + size / 16"],
    },
}

BEFORE = {  # what a learner has worked out already: the code before a clamp, x_hat, the error, what left the grid
    "split_error": {
        "c": "torch.round(x / s + z)",
        "x_hat": "s * (c.clamp(-128, 127) - z)",
        "e": "x - x_hat",
        "out": "(c < -128) | (c > 127)",
    },
    "best_rounding": {"pairs": "[w.floor() + torch.tensor(up) for up in ((0, 0), (0, 1), (1, 0), (1, 1))]"},
    "zero": {"step": "(x.max() - x.min()).item() / 255"},
    "choose_qparams": {
        "low": "min(x.min().item(), 0.0)",
        "high": "max(x.max().item(), 0.0)",
        "s": "(high - low) / 255",
    },
    "fake_quantize": {"top": "2 ** (bits - 1) - 1", "s": "alpha / top"},
    "percentile": {
        "sizes": "x.abs().flatten().sort().values",
        "rank": "math.ceil(percent / 100 * len(sizes))",
    },
    "best_alpha": {
        "top": "2 ** (bits - 1) - 1",
        "errors": "[x - a / top * (x / (a / top)).round().clamp(-top, top) for a in alphas.tolist()]",
    },
    "group_scales": {
        "padded": "torch.nn.functional.pad(w, (0, -w.shape[1] % size))",
        "g": "padded.reshape(len(w), -1, size)",
        "top": "2 ** (bits - 1) - 1",
    },
    "bits_per_weight": {"groups": "math.ceil(w.shape[1] / size)"},
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
