"""A hunt: data on which a method of choosing the range fails, whatever the method is good for."""

from collections.abc import Callable, Mapping
from math import inf
from typing import Any

import torch
from torch import Tensor

from quantlib.calibration.aciq import choose_aciq
from quantlib.calibration.histogram import Histogram
from quantlib.calibration.squared_error import choose_mse
from quantlib.errors import QuantlibError
from quantlib.lab.data_exercise import DataExercise
from quantlib.lab.verdict import Verdict
from quantlib.lab.words import joined
from quantlib.metrics import mse

from .exercises import percentile_alpha, quantize_to

BITS = 4
TIMES = 10  # so many times the least error is a failure
MOST = 100_000  # values of one set
PERCENT = 99.99


def _aciq(x: Tensor) -> float:
    qp = choose_aciq(x, BITS, symmetric=True, narrow=True)
    return float(qp.scale) * qp.quant_max


ALPHAS: Mapping[str, Callable[[Tensor], float]] = {
    "min-max": lambda x: x.abs().max().item(),
    "percentile": lambda x: percentile_alpha(x, PERCENT),
    "ACIQ": _aciq,
}


def errors_of(x: Tensor) -> dict[str, float]:
    """Return the mean squared error of 4 bits with the alpha of each method, and the least that is known as "least"."""
    searched = choose_mse(Histogram().observe(x), BITS, symmetric=True, narrow=True)
    alphas = {name: choose(x) for name, choose in ALPHAS.items()} | {"least": float(searched.scale) * 7}
    found = {name: _error(x, alpha) for name, alpha in alphas.items()}
    return found | {"least": min(found.values())}


def _error(x: Tensor, alpha: float) -> float:
    """Return the mean squared error at an alpha; at 0, as where nearly all values are 0, everything comes back as 0."""
    return mse(x, quantize_to(x, alpha, BITS) if alpha else torch.zeros_like(x))


def times_the_least(x: Tensor, method: str) -> float:
    """Return how many times the least error a method's is; 1 if all are 0."""
    errors = errors_of(x)
    return errors[method] / errors["least"] if errors["least"] else inf if errors[method] else 1.0


class Failures(DataExercise):
    """A function that a learner writes, f(), which returns for each method data on which it fails."""

    def taken(self, value: Any) -> dict[str, Tensor] | str:
        """Return the values for each method, or say why there are none."""
        if type(value) is not dict or not value or not set(value) <= set(ALPHAS):
            return f"must return a dict with the keys {joined(list(ALPHAS))}"
        return {method: _values(method, some) for method, some in value.items()}

    def judged(self, name: str, data: Mapping[str, Tensor]) -> Verdict:
        """Return for each method how many times the least error it has, and what data that are too easy lack."""
        found = {method: times_the_least(data[method], method) for method in ALPHAS if method in data}
        said = joined([f"{method} {_times(times)}" for method, times in found.items()])
        lacking = [method for method in ALPHAS if found.get(method, 0.0) < TIMES]
        if not lacking:
            return Verdict("right", f"{name} defeats all {len(found)}. Their errors: {said}.")
        method = lacking[0]
        heard = f" Their errors: {said}." if said else ""
        looks = f" Looks like: {gap}." if (gap := _gap(method, data.get(method))) else ""
        return Verdict(
            "wrong", f"{name} does not defeat {joined(lacking)} yet.{heard}{looks}", self.hints, (gap,) * bool(gap)
        )


def _times(times: float) -> str:
    if times == inf:
        return "some, and the least is 0"
    return (
        "the least"
        if times < 1.05
        else f"{times:,.1f} times the least"
        if times < TIMES
        else f"{times:,.0f} times the least"
    )


def _gap(method: str, x: Tensor | None) -> str:
    """Return what data on which a method does not fail are often like, or ""."""
    if x is None:
        return ""
    if not any(errors_of(x).values()):
        return f"each value of the data for {method} lies on a level, and every error is 0"
    if method == "min-max" and len(x) < 1000:
        return "too few values, so that clipping one of them costs more than it saves"
    if method == "percentile" and len(x) < 10_000:
        return f"too few values: {PERCENT} percent of {len(x):,}, rounded up, are all, so it is min-max"
    spread = x.std().item() if len(x) > 1 else 0.0
    return "no value lies far out" if spread and x.abs().max().item() < 6 * spread else ""


def _values(method: str, some: Any) -> Tensor:
    x = torch.as_tensor(some, dtype=torch.float32).detach().clone().flatten()
    if not 1 <= x.numel() <= MOST:
        raise QuantlibError(f"{method} gets 1 to {MOST:,} values", f"{x.numel():,}", "use torch.linspace for many")
    if not bool(x.isfinite().all()) or not 1e-6 < x.abs().max().item() < 1e6:
        found = f"{x.abs().max().item():g} for {method}"
        raise QuantlibError("the largest |x| is between a millionth and a million", found, "choose other values")
    return x


failures = Failures(
    name="failures",
    task="f() returns data on which min-max, the percentile and ACIQ have ten times the least error",
    hints=(
        "torch.cat([torch.linspace(-1, 1, 50_000), torch.tensor([9.0])]) is a crowd and one value far out. Who fails?",
        "Where most of the mean square is in the value far out, clipping it is the worst that can be done.",
        "Who looks at the number of values alone, and who at their standard deviation alone, clips it all the same.",
    ),
)
