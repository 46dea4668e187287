"""What goes wrong with rounding for the output's sake: which error is measured, and where it is passed on to."""

import torch
from torch import Tensor

from quantlib.lab.misconception import Known

known = Known()


# --- output_error: f(w, w_hat, x), the relative squared error of x @ w.T


def relative_error(w: Tensor, w_hat: Tensor, x: Tensor) -> Tensor:
    """Return the squared error of the outputs x @ w.T, as a share of their squares."""
    return (x @ (w - w_hat).T).square().sum() / (x @ w.T).square().sum()


_SQUARES = "Squares above and below: (x @ (w - w_hat).T).square().sum() / (x @ w.T).square().sum()."
_OUTPUTS = "Outputs are x @ w.T; their errors are x @ (w - w_hat).T, a row for each input."


@known("output_error", "sizes, not squares", _SQUARES)
def adds_sizes_of_outputs(w: Tensor, w_hat: Tensor, x: Tensor) -> Tensor:
    """Both sums are of sizes |y|; here they are of squares."""
    return (x @ (w - w_hat).T).abs().sum() / (x @ w.T).abs().sum()


@known("output_error", "the root of it", "Leave the root out: here the squares are compared.", convention=True)
def takes_the_root(w: Tensor, w_hat: Tensor, x: Tensor) -> Tensor:
    """The root is the share of the lengths; here it is that of the squares."""
    return relative_error(w, w_hat, x).sqrt()


@known("output_error", "not divided by the outputs", _SQUARES)
def forgets_the_outputs(w: Tensor, w_hat: Tensor, x: Tensor) -> Tensor:
    """The sum of the squared errors alone grows with the number of inputs and with their size."""
    return (x @ (w - w_hat).T).square().sum()


@known("output_error", "the mean squared error", _SQUARES)
def averages_squared_errors(w: Tensor, w_hat: Tensor, x: Tensor) -> Tensor:
    """The mean of the squared errors is not yet a share of the outputs' own squares."""
    return (x @ (w - w_hat).T).square().mean()


@known("output_error", "squares are subtracted, not outputs", _OUTPUTS)
def compares_sizes(w: Tensor, w_hat: Tensor, x: Tensor) -> Tensor:
    """Two outputs can have the same square and be far apart: 1 and -1."""
    exact, rounded = ((x @ m.T).square().sum() for m in (w, w_hat))
    return (exact - rounded).abs() / exact


@known("output_error", "divided by the rounded outputs", "Divide by the squares of the exact outputs, x @ w.T.")
def divides_by_the_rounded(w: Tensor, w_hat: Tensor, x: Tensor) -> Tensor:
    """A share of the rounded outputs changes with what is judged."""
    return (x @ (w - w_hat).T).square().sum() / (x @ w_hat.T).square().sum()


@known("output_error", "the error of the weights", _OUTPUTS)
def judges_the_weights(w: Tensor, w_hat: Tensor, x: Tensor) -> Tensor:
    """Errors of weights can cancel in an output, or add up: x must have its say."""
    return (w - w_hat).square().sum() / w.square().sum()


@known("output_error", "added up before squaring", "Square each output's error first, then add.")
def adds_errors_of_outputs(w: Tensor, w_hat: Tensor, x: Tensor) -> Tensor:
    """Errors of opposite sign cancel in the sum, though no output is right."""
    return (x @ (w - w_hat).T).sum().square() / (x @ w.T).sum().square()


@known("output_error", "the first input alone", "All rows of x count: no [0].")
def judges_by_one_input(w: Tensor, w_hat: Tensor, x: Tensor) -> Tensor:
    """One row of x is one input of many."""
    return relative_error(w, w_hat, x[:1])


@known("output_error", "the mean of each output's share", _SQUARES)
def averages_the_shares(w: Tensor, w_hat: Tensor, x: Tensor) -> Tensor:
    """An output near 0 would count as much as a large one."""
    return ((x @ (w - w_hat).T).square() / (x @ w.T).square()).mean()


# --- make_up: f(w, j, q, h_inv), the columns after j make up for rounding column j to q


def passed_on(w: Tensor, j: int, q: Tensor, h_inv: Tensor) -> Tensor:
    """Return w with q as column j, and its error passed on to the columns after it."""
    return _moved(w, j, q, (w[:, j] - q)[:, None] * h_inv[j, j + 1 :] / h_inv[j, j])


def _moved(w: Tensor, j: int, q: Tensor, away: Tensor) -> Tensor:
    """Return w with q as column j, and something subtracted from the columns after it."""
    return torch.cat([w[:, :j], q[:, None], w[:, j + 1 :] - away], dim=1)


_RULE = "error = w[:, j] - q, and from column k > j goes error * h_inv[j, k] / h_inv[j, j]."
_COPY = "Begin with new = w.clone(); then set new[:, j] = q."


@known("make_up", "the wrong sign", _RULE)
def adds_the_error(w: Tensor, j: int, q: Tensor, h_inv: Tensor) -> Tensor:
    """With the other sign the later columns double the damage instead of making up for it."""
    return 2 * _moved(w, j, q, torch.zeros(())) - passed_on(w, j, q, h_inv)


@known("make_up", "not divided by h_inv[j, j]", _RULE)
def forgets_the_diagonal(w: Tensor, j: int, q: Tensor, h_inv: Tensor) -> Tensor:
    """Only divided by h_inv[j, j] does column j itself move by just its error."""
    return _moved(w, j, q, (w[:, j] - q)[:, None] * h_inv[j, j + 1 :])


@known("make_up", "divided by the diagonal of k", _RULE)
def divides_by_the_later(w: Tensor, j: int, q: Tensor, h_inv: Tensor) -> Tensor:
    """All columns are divided by the same number, that of the column that was rounded."""
    return _moved(w, j, q, (w[:, j] - q)[:, None] * h_inv[j, j + 1 :] / h_inv.diagonal()[j + 1 :])


@known("make_up", "the hessian, not its inverse", "h_inv is the inverse already: invert nothing.")
def inverts_again(w: Tensor, j: int, q: Tensor, h_inv: Tensor) -> Tensor:
    """The inverse was inverted once more, which gives the hessian back."""
    return passed_on(w, j, q, torch.linalg.inv(h_inv))


@known("make_up", "nothing is passed on", _RULE)
def passes_nothing_on(w: Tensor, j: int, q: Tensor, h_inv: Tensor) -> Tensor:
    """Column j is rounded, and no other column makes up for it: this is rounding to nearest."""
    return _moved(w, j, q, torch.zeros(()))


@known("make_up", "the weight in place of its error", _RULE)
def passes_the_weight_on(w: Tensor, j: int, q: Tensor, h_inv: Tensor) -> Tensor:
    """What is lost by rounding is w - q, not w."""
    return _moved(w, j, q, w[:, j, None] * h_inv[j, j + 1 :] / h_inv[j, j])


@known("make_up", "earlier columns move too", "Only columns after j: w[:, j + 1:] and h_inv[j, j + 1:].")
def moves_what_is_done(w: Tensor, j: int, q: Tensor, h_inv: Tensor) -> Tensor:
    """Columns before j are codes already, and must stay what they are."""
    return w - (w[:, j] - q)[:, None] * h_inv[j] / h_inv[j, j]


@known("make_up", "column j stays unrounded", _COPY)
def keeps_the_column(w: Tensor, j: int, q: Tensor, h_inv: Tensor) -> Tensor:
    """The later columns make up for a rounding that never happened."""
    return torch.cat([w[:, : j + 1], passed_on(w, j, q, h_inv)[:, j + 1 :]], dim=1)


@known("make_up", "only the next column", _RULE)
def moves_the_next_only(w: Tensor, j: int, q: Tensor, h_inv: Tensor) -> Tensor:
    """All later columns share in the error, each by its own entry of h_inv."""
    return torch.cat([passed_on(w, j, q, h_inv)[:, : j + 2], w[:, j + 2 :]], dim=1)


# --- hessian: f(x, damp), x.T x / rows + damp mean(diagonal) I


def damped(x: Tensor, damp: float) -> Tensor:
    """Return the mean of the products of each two inputs, damped."""
    return _damped(x.T @ x / len(x), damp)


def _damped(products: Tensor, damp: float) -> Tensor:
    return products + damp * products.diagonal().mean() * _identity(products)


def _identity(products: Tensor) -> Tensor:
    return torch.eye(len(products), dtype=products.dtype)


_PRODUCTS = "x.T @ x has shape (columns, columns). Divide it by len(x), the number of rows."
_DAMP = "Add damp * H.diagonal().mean() * torch.eye(len(H))."


@known("hessian", "twice the mean", _PRODUCTS, convention=True)
def doubles(x: Tensor, damp: float) -> Tensor:
    """The paper's H is 2 x.T x: a factor changes no code, since only ratios of its entries are used."""
    return 2 * damped(x, damp)


@known("hessian", "the sum, not the mean", _PRODUCTS, convention=True)
def adds_up(x: Tensor, damp: float) -> Tensor:
    """The sum over all rows gives the same codes; here it is divided by their number."""
    return len(x) * damped(x, damp)


@known("hessian", "the paper's twice the sum", _PRODUCTS, convention=True)
def doubles_the_sum(x: Tensor, damp: float) -> Tensor:
    """The paper's H is 2 x.T x, not divided: a factor changes no code."""
    return 2 * len(x) * damped(x, damp)


@known("hessian", "the mean is subtracted first", "Leave the means in: x.T @ x, not a covariance.")
def takes_the_covariance(x: Tensor, damp: float) -> Tensor:
    """An input that is always 5 matters to the output, though it never varies."""
    return damped(x - x.mean(0), damp)


@known("hessian", "damp is not relative", _DAMP)
def damps_absolutely(x: Tensor, damp: float) -> Tensor:
    """damp is a share of the mean of the diagonal: so it means the same for large and for small inputs."""
    products = x.T @ x / len(x)
    return products + damp * _identity(products)


@known("hessian", "no damping", _DAMP)
def forgets_to_damp(x: Tensor, damp: float) -> Tensor:
    """With fewer rows than columns it has no inverse."""
    return damped(x, 0.0)


@known("hessian", "x x.T, over the wrong axis", _PRODUCTS)
def multiplies_the_rows(x: Tensor, damp: float) -> Tensor:
    """x @ x.T compares two inputs; what is wanted compares two columns."""
    return damped(x.T, damp) * x.shape[1] / len(x)


@known("hessian", "divided by the columns", _PRODUCTS)
def divides_by_columns(x: Tensor, damp: float) -> Tensor:
    """The mean is over the rows of x, the inputs that were seen."""
    return damped(x, damp) * len(x) / x.shape[1]


@known("hessian", "damping on every entry", _DAMP)
def damps_everywhere(x: Tensor, damp: float) -> Tensor:
    """A number that is added to a matrix is added to all its entries; only the diagonal is damped."""
    products = x.T @ x / len(x)
    return products + damp * products.diagonal().mean()


@known("hessian", "a share of each diagonal entry", _DAMP)
def damps_by_itself(x: Tensor, damp: float) -> Tensor:
    """An input that was always 0 has a 0 on the diagonal, and a share of 0 does not help it."""
    products = x.T @ x / len(x)
    return products + damp * products.diagonal().diag()


@known("hessian", "the sum of the diagonal", "The mean of the diagonal, .mean(), not .sum() and not trace().")
def damps_by_the_trace(x: Tensor, damp: float) -> Tensor:
    """The sum of the diagonal is larger than its mean by the number of columns."""
    products = x.T @ x / len(x)
    return products + damp * products.trace() * _identity(products)


@known("hessian", "the mean of all entries", "Only the diagonal is averaged: H.diagonal().mean().")
def damps_by_all_entries(x: Tensor, damp: float) -> Tensor:
    """The mean of the whole matrix can be 0 or negative; that of the diagonal is the mean square of the inputs."""
    products = x.T @ x / len(x)
    return products + damp * products.mean() * _identity(products)


@known("hessian", "the diagonal alone", _PRODUCTS)
def keeps_the_diagonal(x: Tensor, damp: float) -> Tensor:
    """Beside the diagonal stands what two inputs have in common, and by it errors are passed on."""
    return damped(x, damp).diagonal().diag()
