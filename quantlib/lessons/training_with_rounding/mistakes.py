"""What goes wrong with a gradient through rounding: it stops, doubles, or is taken and applied at the wrong weight."""

import torch
from torch import Tensor

from quantlib.lab.misconception import Known

known = Known()


# --- straight_round: f(v), v rounded, with the gradient 1


def rounds_with_slope_one(v: Tensor) -> Tensor:
    """Return v rounded, with the gradient 1."""
    return v + (v.round() - v).detach()


_IDIOM = "v + (v.round() - v).detach(): the value is that of v.round(), and for the gradient the bracket is a constant."
_BRACKET = "Only the difference v.round() - v is a constant: put .detach() behind its bracket."


@known("straight_round", "rounded, but without a gradient", _IDIOM)
def only_rounds(v: Tensor) -> Tensor:
    """The values are right, but the gradient is 0: torch knows that a staircase has no slope."""
    return v.round()


@known("straight_round", "the first v is detached", _BRACKET)
def detaches_the_first(v: Tensor) -> Tensor:
    """The values are right, but the gradient is that of -v, which is -1: training would climb."""
    return v.detach() + (v.round() - v)


@known("straight_round", "v counts twice", _BRACKET)
def doubles_the_gradient(v: Tensor) -> Tensor:
    """The values are right, but v is added twice, and so the gradient is 2."""
    return 2 * v + (v.round() - 2 * v).detach()


@known("straight_round", "v is not subtracted", _IDIOM)
def adds_the_rounded(v: Tensor) -> Tensor:
    """v + v.round() is about 2 v: v must be subtracted again, inside of what is detached."""
    return v + v.round().detach()


@known("straight_round", "the difference has the wrong sign", _IDIOM)
def subtracts_the_step(v: Tensor) -> Tensor:
    """v - (v.round() - v) goes as far from v as rounding does, but the other way."""
    return v + (v - v.round()).detach()


@known("straight_round", "nothing is rounded", _IDIOM)
def rounds_nothing(v: Tensor) -> Tensor:
    """The gradient is right, but the values are those of v: nothing was rounded."""
    return v + (v - v.round() + v.round() - v).detach()


@known("straight_round", "truncation instead of rounding", "Use v.round(): the nearest integer.")
def truncates_with_slope_one(v: Tensor) -> Tensor:
    """The gradient is right, but what stands behind the decimal point is dropped: 0.6 becomes 0, not 1."""
    return v + (v.trunc() - v).detach()


@known("straight_round", "rounded down", "Use v.round(): the nearest integer.")
def floors_with_slope_one(v: Tensor) -> Tensor:
    """The gradient is right, but every value goes down to the integer below it: 0.6 becomes 0, not 1."""
    return v + (v.floor() - v).detach()


# --- straight_quantize: f(w, s, top), w quantized and dequantized, with the gradient 1 on the grid and 0 beyond it


def quantizes_with_slope_one(w: Tensor, s: float, top: int) -> Tensor:
    """Return w quantized to codes from -top to top and dequantized; the gradient is 1 where a code is on the grid."""
    v = w / s
    return s * (v + (v.round() - v).detach()).clamp(-top, top)


_CLAMP = "Clamp what my_straight_round returns: .clamp(-top, top) has the gradient 1 inside of its ends and 0 beyond."
_THROUGH = "Begin with v + (v.round() - v).detach() for v = w / s, then clamp, then multiply by s."


@known("straight_quantize", "quantized, but without a gradient", _THROUGH)
def only_quantizes(w: Tensor, s: float, top: int) -> Tensor:
    """The values are right, but the gradient is 0 everywhere: nothing would learn."""
    return s * (w / s).round().clamp(-top, top)


@known("straight_quantize", "a gradient beyond the ends too", _CLAMP, convention=True)
def passes_everywhere(w: Tensor, s: float, top: int) -> Tensor:
    """Some let the gradient of a clipped weight through, but here it gets none: a small step changes nothing."""
    return w + (only_quantizes(w, s, top) - w).detach()


@known("straight_quantize", "codes, not real values", "Multiply by s at the end: the layer takes real values.")
def stays_in_codes(w: Tensor, s: float, top: int) -> Tensor:
    """A code counts steps, and becomes a real value only when it is multiplied by s."""
    return quantizes_with_slope_one(w, s, top) / s


@known("straight_quantize", "not divided by s", "Rounding is for w / s, in steps.")
def forgets_to_divide(w: Tensor, s: float, top: int) -> Tensor:
    """w itself was rounded, but the integers count steps of s: divide first."""
    return s * rounds_with_slope_one(w).clamp(-top, top)


@known("straight_quantize", "no clamp", _CLAMP)
def forgets_the_ends(w: Tensor, s: float, top: int) -> Tensor:
    """Codes beyond -top and top do not exist, and so these values cannot be stored."""
    return s * rounds_with_slope_one(w / s)


@known("straight_quantize", "the grid begins at -top - 1", "The same on both sides: .clamp(-top, top).")
def takes_the_lowest_code(w: Tensor, s: float, top: int) -> Tensor:
    """Here the grid is the same on both sides: the lowest code is -top."""
    return s * rounds_with_slope_one(w / s).clamp(-top - 1, top)


@known("straight_quantize", "clamped in real values", "Clamp before you multiply by s.")
def clamps_real_values(w: Tensor, s: float, top: int) -> Tensor:
    """-top and top are codes: clamp the codes, and multiply by s afterwards."""
    return (s * rounds_with_slope_one(w / s)).clamp(-top, top)


@known("straight_quantize", "truncation instead of rounding", "Round w / s to the nearest code.")
def truncates_the_weights(w: Tensor, s: float, top: int) -> Tensor:
    """What stands behind the decimal point is dropped: 0.6 steps become the code 0, not 1."""
    return s * truncates_with_slope_one(w / s).clamp(-top, top)


@known("straight_quantize", "nothing is rounded", _THROUGH)
def only_clamps(w: Tensor, s: float, top: int) -> Tensor:
    """The values lie between the ends, but not on codes: nothing was rounded."""
    return s * (w / s).clamp(-top, top)


# --- train_step: f(w, x, y, s, lr), the weights after one step of training with rounding


def steps_with_rounding(w: Tensor, x: Tensor, y: Tensor, s: float, lr: float) -> Tensor:
    """Return w after one step: the gradient of mean((x @ w_hat - y)^2) at w_hat = s round(w / s), applied to w."""
    return w - lr * _slope(s * (w / s).round(), x, y)


def _slope(at: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Return the gradient of mean((x @ w - y)^2) at a w."""
    return 2 * x.T @ (x @ at - y) / len(y)


_AT = "Compute w_hat = s * (w / s).round() first. The error is x @ w_hat - y, and the step is taken by w, not by w_hat."
_MEAN = "The gradient of mean(e ** 2) with e = x @ w_hat - y is 2 * x.T @ e / len(y)."


@known("train_step", "the rounded weight moves", _AT)
def moves_the_rounded(w: Tensor, x: Tensor, y: Tensor, s: float, lr: float) -> Tensor:
    """The step begins at w_hat, so what w had gathered in earlier steps is lost: small steps never reach a new code."""
    return s * (w / s).round() - lr * _slope(s * (w / s).round(), x, y)


@known("train_step", "the gradient at w: nothing is rounded", _AT)
def forgets_to_round(w: Tensor, x: Tensor, y: Tensor, s: float, lr: float) -> Tensor:
    """This is training without rounding: the network that learns is not the one that will be used."""
    return w - lr * _slope(w, x, y)


@known("train_step", "the new weight is rounded", "Return w as it is after the step. Only the product takes w_hat.")
def rounds_at_the_end(w: Tensor, x: Tensor, y: Tensor, s: float, lr: float) -> Tensor:
    """A step that is smaller than half a code is lost, and the weight never leaves its place."""
    return s * (steps_with_rounding(w, x, y, s, lr) / s).round()


@known("train_step", "nothing moves", _AT)
def takes_the_true_slope(w: Tensor, x: Tensor, y: Tensor, s: float, lr: float) -> Tensor:
    """The true gradient through rounding is 0, and a step along it changes nothing."""
    return w.clone()


@known("train_step", "uphill", "A step goes against the gradient: w - lr * gradient.")
def climbs(w: Tensor, x: Tensor, y: Tensor, s: float, lr: float) -> Tensor:
    """The step is added, so the loss grows."""
    return w + lr * _slope(s * (w / s).round(), x, y)


@known("train_step", "without the factor 2", _MEAN, convention=True)
def drops_the_two(w: Tensor, x: Tensor, y: Tensor, s: float, lr: float) -> Tensor:
    """The gradient of e^2 is 2 e; some write the loss with a factor 1/2, and then the 2 is gone."""
    return w - lr * _slope(s * (w / s).round(), x, y) / 2


@known("train_step", "a sum, not a mean", _MEAN)
def sums_the_losses(w: Tensor, x: Tensor, y: Tensor, s: float, lr: float) -> Tensor:
    """The loss is a mean: divide by the number of examples, len(y)."""
    return w - lr * _slope(s * (w / s).round(), x, y) * len(y)


@known("train_step", "the scale is forgotten", "w_hat is s * (w / s).round(): steps of s.")
def rounds_to_whole_numbers(w: Tensor, x: Tensor, y: Tensor, s: float, lr: float) -> Tensor:
    """The codes count steps of s, and here w was rounded to whole numbers."""
    return w - lr * _slope(w.round(), x, y)


@known("train_step", "the rate is forgotten", "Multiply the gradient by lr.")
def forgets_the_rate(w: Tensor, x: Tensor, y: Tensor, s: float, lr: float) -> Tensor:
    """The whole gradient is subtracted: the step is 1 / lr times too long."""
    return w - _slope(s * (w / s).round(), x, y)


@known("train_step", "the input is forgotten", _MEAN)
def forgets_the_input(w: Tensor, x: Tensor, y: Tensor, s: float, lr: float) -> Tensor:
    """The error of an output is not yet the gradient of a weight: multiply by what the weight was multiplied by, x."""
    return w - lr * 2 * (x @ (s * (w / s).round()) - y).mean() * torch.ones_like(w)


@known("train_step", "w_hat is returned", _AT)
def returns_the_rounded(w: Tensor, x: Tensor, y: Tensor, s: float, lr: float) -> Tensor:
    """What was trained is w, and it is rounded anew wherever it is used."""
    return s * (w / s).round()
