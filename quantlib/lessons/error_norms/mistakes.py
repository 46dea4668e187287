"""What goes wrong when an error is measured."""

import math

import torch
from torch import Tensor

from quantlib.lab.misconception import Known
from quantlib.metrics import l2_error, rmse

known = Known()

# --- l2: f(x, x_hat), the L2 norm of the error

_NORM = "Subtract, square, add, take the root: in this order."


@known("l2", "the root is forgotten", _NORM)
def forgets_root(x: Tensor, x_hat: Tensor) -> float:
    """This is the sum of squares, in the squared units of x."""
    return l2_error(x, x_hat) ** 2


@known("l2", "mean instead of sum", "Add the squares; do not average them.")
def averages(x: Tensor, x_hat: Tensor) -> float:
    """This is the RMSE, which does not grow with the number of values."""
    return rmse(x, x_hat)


@known("l2", "the mean squared error", _NORM)
def mean_square(x: Tensor, x_hat: Tensor) -> float:
    """The squares are averaged, and the root is not taken."""
    return rmse(x, x_hat) ** 2


@known("l2", "the L1 norm", "Square the errors; do not take absolute values.")
def adds_sizes(x: Tensor, x_hat: Tensor) -> float:
    """This adds absolute values, so a large error weighs no more than many small ones of the same sum."""
    return (x - x_hat).abs().sum().item()


@known("l2", "the largest error", _NORM)
def takes_largest(x: Tensor, x_hat: Tensor) -> float:
    """This is the L-infinity norm, and only one value counts."""
    return (x - x_hat).abs().max().item()


@known("l2", "squared after adding", _NORM)
def adds_before_squaring(x: Tensor, x_hat: Tensor) -> float:
    """Errors of opposite sign then cancel."""
    return (x - x_hat).sum().abs().item()


_SUBTRACT = "Subtract first: the norm is that of x - x_hat."


@known("l2", "a difference of norms", _SUBTRACT)
def subtracts_norms(x: Tensor, x_hat: Tensor) -> float:
    """Two tensors that differ can have the same norm."""
    return abs(x.norm().item() - x_hat.norm().item())


@known("l2", "a difference of norms", _SUBTRACT)
def signed_difference_of_norms(x: Tensor, x_hat: Tensor) -> float:
    """Two tensors that differ can have the same norm."""
    return x.norm().item() - x_hat.norm().item()


@known("l2", "the spectral norm of a matrix", "torch.linalg.norm without its second argument is the root of the sum.")
def spectral_norm(x: Tensor, x_hat: Tensor) -> float:
    """That is how far the matrix of the errors stretches a vector; for a vector alone it is the L2 norm."""
    return torch.linalg.norm(x - x_hat, 2).item()


@known("l2", "the standard deviation of the error", _NORM)
def standard_deviation_of_error(x: Tensor, x_hat: Tensor) -> float:
    """It first subtracts the mean error, which then does not count."""
    return (x - x_hat).std().item()


@known("l2", "x_hat is ignored", "Subtract x_hat from x.")
def norm_of_input(x: Tensor, x_hat: Tensor) -> float:
    """This is the norm of x, not of the error."""
    return x.norm().item()


# --- sqnr: f(x, x_hat), in decibels

_DECIBELS = "SQNR = 10 log10(sum of x^2 / sum of (x - x_hat)^2)."


def _energy(values: Tensor) -> float:
    return values.double().square().sum().item()


def _ratio(x: Tensor, x_hat: Tensor) -> float:
    """The energy of x over that of the error."""
    return _energy(x) / _energy(x - x_hat)


@known("sqnr", "20 log10 of energies", "20 log10 is for amplitudes; sums of squares take 10 log10.")
def twenty_for_energies(x: Tensor, x_hat: Tensor) -> float:
    """The square in the energies has already brought the factor 2."""
    return 20 * math.log10(_ratio(x, x_hat))


@known("sqnr", "10 log10 of amplitudes", "10 log10 is for sums of squares; norms take 20 log10.")
def ten_for_amplitudes(x: Tensor, x_hat: Tensor) -> float:
    """A ratio of norms takes the factor 20."""
    return 5 * math.log10(_ratio(x, x_hat))


@known("sqnr", "the ratio is upside down", "The signal is above, the noise below.")
def upside_down(x: Tensor, x_hat: Tensor) -> float:
    """Better reconstructions then get smaller numbers."""
    return -10 * math.log10(_ratio(x, x_hat))


@known("sqnr", "the natural logarithm", "Use log10: the decibel is defined with it.")
def natural_logarithm(x: Tensor, x_hat: Tensor) -> float:
    """torch.log and math.log have base e."""
    return 10 * math.log(_ratio(x, x_hat))


@known("sqnr", "the logarithm to base 2", "Use log10: the decibel is defined with it.")
def binary_logarithm(x: Tensor, x_hat: Tensor) -> float:
    """A base of 2 counts doublings."""
    return 10 * math.log2(_ratio(x, x_hat))


@known("sqnr", "no logarithm", _DECIBELS)
def bare_ratio(x: Tensor, x_hat: Tensor) -> float:
    """This is the ratio itself, not in decibels."""
    return _ratio(x, x_hat)


@known("sqnr", "the factor 10 is missing", _DECIBELS)
def in_bels(x: Tensor, x_hat: Tensor) -> float:
    """This is in bels, and a bel is ten decibels."""
    return math.log10(_ratio(x, x_hat))


@known("sqnr", "the energy of x_hat for that of x", "The signal is x, before quantization.")
def energy_of_output(x: Tensor, x_hat: Tensor) -> float:
    """The reconstruction has signal and noise in it."""
    return 10 * math.log10(_energy(x_hat) / _energy(x - x_hat))


@known("sqnr", "the energy of x over that of x_hat", "The noise is the difference, x - x_hat.")
def output_for_noise(x: Tensor, x_hat: Tensor) -> float:
    """Below stands the reconstruction, where the error belongs."""
    return 10 * math.log10(_energy(x) / _energy(x_hat))


_VARIANCE = "Square and add x itself, and x - x_hat itself: subtract no mean."


@known("sqnr", "variances where energies are meant", _VARIANCE)
def ratio_of_variances(x: Tensor, x_hat: Tensor) -> float:
    """A variance leaves the mean out, so an error that is the same everywhere would not count."""
    return 10 * (x.var() / (x - x_hat).var()).log10().item()


@known("sqnr", "squared after adding", "Square every entry first, and then add.")
def adds_before_squaring_both(x: Tensor, x_hat: Tensor) -> float:
    """Errors of opposite sign then cancel."""
    return 20 * (x.sum() / (x - x_hat).sum()).abs().log10().item()


@known("sqnr", "sizes where squares are meant", _DECIBELS)
def sizes_for_squares(x: Tensor, x_hat: Tensor) -> float:
    """This adds absolute values, so one large error weighs no more than many small ones of the same sum."""
    return 10 * math.log10(x.abs().sum().item() / (x - x_hat).abs().sum().item())


@known("sqnr", "sizes where squares are meant", _DECIBELS)
def amplitudes_by_sizes(x: Tensor, x_hat: Tensor) -> float:
    """This adds absolute values, so one large error weighs no more than many small ones of the same sum."""
    return 20 * math.log10(x.abs().sum().item() / (x - x_hat).abs().sum().item())


@known("sqnr", "the peak for the signal", "Add the squares of all of x, not only the largest.", convention=True)
def peak_ratio(x: Tensor, x_hat: Tensor) -> float:
    """This is the PSNR, which compares the largest value with the mean squared error."""
    return 20 * math.log10(x.abs().max().item() / rmse(x, x_hat))
