"""Choosing a range from data: observers that watch a stream, and the ways in which they choose."""

from .aciq import aciq_alpha, aciq_mse, choose_aciq
from .entropy import choose_entropy, entropy_curve
from .histogram import Histogram
from .observers import AciqObserver, EntropyObserver, MinMaxObserver, MseObserver, PercentileObserver
from .percentile import choose_percentile
from .squared_error import choose_mse, mse_curve

__all__ = [
    "AciqObserver",
    "EntropyObserver",
    "Histogram",
    "MinMaxObserver",
    "MseObserver",
    "PercentileObserver",
    "aciq_alpha",
    "aciq_mse",
    "choose_aciq",
    "choose_entropy",
    "choose_mse",
    "choose_percentile",
    "entropy_curve",
    "mse_curve",
]
