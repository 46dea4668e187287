"""A hunt: a learner is given a function with a bug, and looks for an input that shows it. Each input tried counts."""

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets
import torch
from torch import Tensor

from ..errors import QuantlibError
from ..misconceptions import MISCONCEPTIONS, Misconception
from . import page
from .check import Check, Trial, show
from .checks import CHECKS
from .checks.choosing import refuse_tie
from .exhibits import come_back, draw_return
from .learner import call
from .picture import Picture
from .predict import Prediction

MANY = 12  # the numbers that one input may have
POINTS = {1: 3, 2: 2}  # for the first input and for the second; whatever comes later gives 1


# --- from what is typed to arguments


def _numbers(name: str, text: str) -> list[float]:
    plain = text.replace("\N{MINUS SIGN}", "-").strip(" []()")
    try:
        values = [float(part) for part in plain.split(",")]
    except ValueError:
        advice = "write one number, or several with commas between them, such as 1, -2.5"
        raise QuantlibError(f"{name} is made of numbers", repr(text), advice) from None
    if len(values) > MANY:
        raise QuantlibError(f"{name} has at most {MANY} numbers", f"{len(values)} numbers", "a small input says more")
    return values


def _reals(name: str, text: str) -> Tensor:
    return torch.tensor(_numbers(name, text), dtype=torch.float32)


def _codes(name: str, text: str) -> Tensor:
    values = _numbers(name, text)
    if not all(value in range(-128, 128) for value in values):
        raise QuantlibError(f"{name} is made of int8 codes", repr(text), "write integers from -128 to 127")
    return torch.tensor(values).to(torch.int8)


def _real(name: str, text: str) -> float:
    values = _numbers(name, text)
    if len(values) != 1:
        raise QuantlibError(f"{name} is one number", repr(text), "write a single one")
    return values[0]


def _whole(name: str, text: str) -> int:
    value = _real(name, text)
    if value not in range(-(10**6), 10**6):
        raise QuantlibError(f"{name} is an integer", repr(text), "write one of at most six digits")
    return int(value)


@dataclass(frozen=True)
class Field:
    """How an argument is typed: what its box holds at first, and how its text is read."""

    start: str
    read: Callable[[str, str], Any]


FIELDS = {
    "x": Field("1", _reals),
    "q": Field("1", _codes),
    "s": Field("1", _real),
    "z": Field("0", _whole),
    "bits": Field("8", _whole),
}


# A smallest input that shows a bug, for each that is hunted by its name. A notebook does not show it: it would be read.
SMALLEST = {
    "no_clamp": ("128", "1", "0"),
    "cast_before_shift": ("127", "1", "1"),
    "truncates": ("0.6", "1", "0"),
    "adds_zero_point_last": ("0", "1", "1"),
    "dequantizes_with_zero_point_minus_one": ("0", "1", "0"),
    "clamps_the_zero_point": ("1, 2",),
    "divides_zero_by_zero_in_float32": ("0",),
    "zero_point_with_a_fraction": ("-1, 3",),
    "opposite_zero_point": ("1",),
    "forgets_abs": ("-2, 1",),
    "always_127": ("1", "4"),
}


# --- the hunt


def draw_bug(mistake: Misconception, *arguments: Any) -> Picture:
    """Draw where the numbers of an input come back, with a bug and without it.

    Args:
        mistake: one of MISCONCEPTIONS about quantize, dequantize, choose_qparams, max_abs or symmetric.
        arguments: what it is called with.
    """
    deed = _deed(mistake)
    x, right = come_back(deed, CHECKS[deed].reference, arguments)
    _, buggy = come_back(deed, mistake, arguments)
    return draw_return(x, buggy.double(), right)


def _deed(mistake: Misconception) -> str:
    return next(deed for deed, known in MISCONCEPTIONS.items() if mistake in known)


class Hunt:
    """A function with a bug, and boxes in which a learner types inputs until one of them shows it.

    Args:
        mistake: the function.
        smallest: the texts of a smallest input that shows the bug, one for each argument.
        secret: whether its name is told only when it is caught.
    Raises:
        QuantlibError: if the smallest input does not show the bug, or cannot be read.
    """

    def __init__(self, mistake: Misconception, smallest: Sequence[str], *, secret: bool = False) -> None:
        self.mistake, self.secret = mistake, secret
        self.deed = _deed(mistake)
        self.smallest = self._judge(self._read(smallest))
        if not self.smallest.fails:
            raise QuantlibError("the smallest input must show the bug", ", ".join(smallest), "give one that does")
        self.prediction = None if secret else self._prediction()
        self.tried: list[Trial] = []
        self._texts: set[tuple[str, ...]] = set()
        self.is_over = False
        self.boxes = [
            ipywidgets.Text(description=name, value=FIELDS[name].start, **_look(wide=k == 0))
            for k, name in enumerate(self.check.parameters)
        ]
        self.buttons = [_button("Try this input", self._typed), _button("Show me", self._given_up)]
        self.result = ipywidgets.HTML()

    @property
    def check(self) -> Check:
        return CHECKS[self.deed]

    def _prediction(self) -> Prediction:
        """Ask whether the matrix that everybody tries first would show the bug."""
        trial = self._judge(self.check.seed)
        others = zip(self.check.parameters[1:], map(_written, trial.arguments[1:]), strict=True)
        given = " and ".join(f"{name} = {text}" for name, text in others)
        first = "T" if self.deed != "dequantize" else "the codes of T"
        question = (
            f"{'Do' if first != 'T' else 'Does'} {first}{', with ' + given + ',' if given else ''} show this bug?"
        )
        why = f"On it the function does what it should, so a test that tries {first} alone would pass."
        if trial.fails:
            why = f"There {trial.problem or trial.outcome.problem}."
        return Prediction(question, ["yes", "no"], "yes" if trial.fails else "no", why)

    @property
    def is_caught(self) -> bool:
        return bool(self.tried) and self.tried[-1].fails

    @property
    def points(self) -> int:
        return POINTS.get(len(self.tried), 1) if self.is_caught else 0

    def attempt(self, *texts: str) -> str:
        """Try an input as it is typed, and return what there is to say about it. The same input counts once."""
        try:
            arguments = self._read(texts)
            trial = self._judge(arguments)
        except QuantlibError as error:
            return f"This does not count. {str(error)[:1].upper()}{str(error)[1:]}."
        key = tuple(map(_written, arguments))
        if key in self._texts:
            return "You have tried this input before: it counts once."
        self._texts.add(key)
        self.tried.append(trial)
        if not self.is_caught:
            return f"Input {len(self.tried)} shows nothing: {self._said(trial)}, as it should."
        self.is_over = True
        points = "1 point" if self.points == 1 else f"{self.points} points"
        return f"Caught with input {len(self.tried)}, {points}: {self._said(trial)}. {self._explained()}"

    def _read(self, texts: Sequence[str]) -> tuple[Any, ...]:
        pairs = zip(self.check.parameters, texts, strict=True)
        arguments = tuple(FIELDS[name].read(name, text) for name, text in pairs)
        if self.deed == "choose_qparams":
            refuse_tie(*arguments)
        return arguments

    def _judge(self, arguments: tuple[Any, ...]) -> Trial:
        return self.check.judge(arguments, call(self.mistake, *arguments))

    def _said(self, trial: Trial) -> str:
        """Say what an input gives, and what it should."""
        given = [f"{n} = {_written(a)}" for n, a in zip(self.check.parameters, trial.arguments, strict=True)]
        if not trial.fails:
            return f"{', '.join(given)} gives {_show(trial.want)[0]}"
        if not trial.problem:
            return f"{', '.join(given)}: {trial.outcome.problem}"
        if not trial.problem.startswith("it gave"):
            return f"{', '.join(given)}: {trial.problem}"
        came, due = _show(trial.got, trial.want)
        return f"{', '.join(given)} gives {came}, not {due}"

    def _explained(self) -> str:
        return f"The bug: {self.mistake.name}. {self.mistake.says} The fix: {self.mistake.hint}"

    def picture(self, trial: Trial) -> Picture | None:
        """Draw where the numbers of an input come back; None where they come back as nothing that could be drawn."""
        if not trial.got or trial.got[0].shape != trial.want[0].shape:
            return None
        return draw_bug(self.mistake, *trial.arguments)

    # --- on the page

    def _typed(self, _: ipywidgets.Button) -> None:
        self._show(self.attempt(*(box.value for box in self.boxes)), self.tried[-1:])

    def _given_up(self, _: ipywidgets.Button) -> None:
        self.is_over = True
        self._show(f"{self._said(self.smallest)}. {self._explained()}", [self.smallest])

    def _show(self, text: str, drawn: Sequence[Trial]) -> None:
        for button in self.buttons:
            button.disabled = self.is_over
        pictures = [self.picture(trial) for trial in drawn]
        shown = "".join(picture.html() for picture in pictures if picture)
        self.result.value = f'<p role="status" style="{_PARAGRAPH}">{html.escape(text)}</p>{self._log()}{shown}'

    def _log(self) -> str:
        """Return the inputs tried as a table."""
        heads = ("input", *self.check.parameters, "gives", "should give")
        rows = "".join(f"<tr>{''.join(map(_cell, self._row(k, t)))}</tr>" for k, t in enumerate(self.tried, 1))
        head = "".join(f'<th scope="col" style="{_CELL}">{name}</th>' for name in heads)
        table = f'<table style="background:#fff;color:#000"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        return table if self.tried else ""

    def _row(self, k: int, trial: Trial) -> list[str]:
        came = trial.problem.removeprefix("it ") if not trial.got else _show(trial.got)[0]
        if trial.problem.startswith("it gave"):
            came, due = _show(trial.got, trial.want)
        else:
            due = _show(trial.want)[0]
        return [str(k), *map(_written, trial.arguments), came, due]

    def _asked(self) -> str:
        name = "the function without a name" if self.secret else self.mistake.function.__name__
        return f"find an input ({', '.join(self.check.parameters)}) on which {name} is wrong"

    def _still(self) -> dict[str, str]:
        if self.prediction is None:
            return {"text/plain": f"Hunt: {self._asked()}.", "text/html": self._task()}
        predicted = self.prediction.still()
        answer = f"{self._said(self.smallest)}. {self._explained()}"
        drawn = self.picture(self.smallest)
        folded = f"<p>{html.escape(answer)}</p>{drawn.html() if drawn else ''}"
        shown = f"{self._task()}<details><summary>A smallest input</summary>{folded}</details>"
        return {
            "text/plain": f"{predicted['text/plain']}\nHunt: {self._asked()}. A smallest input: {answer}",
            "text/html": predicted["text/html"] + shown,
        }

    def _task(self) -> str:
        return f'<p style="margin:4px 0"><b>Hunt:</b> {html.escape(self._asked())}.</p>'

    def _ipython_display_(self) -> None:
        row = ipywidgets.HBox([*self.boxes, *self.buttons], layout={"flex_flow": "row wrap"})
        predicted = self.prediction.widgets() if self.prediction else []
        page.show(self._still(), [*predicted, ipywidgets.HTML(self._task()), row, self.result])


_PARAGRAPH = "line-height:1.5;margin:8px 0;max-width:920px"
_CELL = "padding:2px 12px;text-align:left"


def _look(wide: bool) -> dict[str, Any]:
    layout = {"width": "300px" if wide else "120px", "margin": "2px 16px 2px 0"}
    return {"layout": layout, "style": {"description_width": "initial"}}


def _cell(text: str) -> str:
    return f'<td style="{_CELL}">{html.escape(text)}</td>'


def _button(name: str, pressed: Callable[[ipywidgets.Button], None]) -> ipywidgets.Button:
    button = ipywidgets.Button(description=name, layout={"width": "auto", "margin": "2px 8px 2px 0"})
    button.on_click(pressed)
    return button


def _written(argument: Any) -> str:
    """Write an argument as a learner types it."""
    values = argument.flatten().tolist() if isinstance(argument, Tensor) else [argument]
    return ", ".join(f"{value:.6g}" for value in values)


def _show(*results: Sequence[Tensor]) -> list[str]:
    """Return results as text; a tensor of one number is that number."""
    return show(*([part.squeeze() for part in result] for result in results))


class Museum:
    """The hunts of a notebook, and the score of all of them. A hunt that is begun anew counts anew."""

    def __init__(self) -> None:
        self._hunts: dict[Any, Hunt] = {}

    def hunt(self, mistake: Misconception, *smallest: str) -> Hunt:
        """Hang up a function with a bug.

        Args:
            mistake: the function.
            smallest: a smallest input that shows it, typed as a learner types it; by default that of SMALLEST.
        """
        self._hunts[mistake.function] = Hunt(mistake, smallest or SMALLEST[mistake.function.__name__])
        return self._hunts[mistake.function]

    def mystery(self, number: int, deed: str = "quantize") -> Hunt:
        """Hang up one of the mistakes that are known about a deed, without its name; the number chooses which."""
        mistake = MISCONCEPTIONS[deed][(7 * number + 3) % len(MISCONCEPTIONS[deed])]
        tries = (t for t in CHECKS[deed].cases if CHECKS[deed].judge(t, call(mistake, *t)).fails)
        smallest = tuple(map(_written, next(tries)))
        self._hunts[deed, number] = Hunt(mistake, smallest, secret=True)
        return self._hunts[deed, number]

    def score(self) -> str:
        """Say how many bugs are caught, with how many inputs, for how many points."""
        hunts = self._hunts.values()
        caught, tried = sum(hunt.is_caught for hunt in hunts), sum(len(hunt.tried) for hunt in hunts)
        points = f"{sum(hunt.points for hunt in hunts)} of {POINTS[1] * len(hunts)} points"
        return f"{caught} of {len(hunts)} bugs caught, {tried} inputs tried: {points}"
