"""A hunt: a learner is given a function with a bug, and looks for an input that shows it. Each input tried counts."""

import html
import re
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
import torch
from torch import Tensor

from quantlib.errors import QuantlibError
from quantlib.lab import page
from quantlib.lab.exercise import Exercise, Trial
from quantlib.lab.misconception import Misconception
from quantlib.lab.picture import Picture
from quantlib.lab.predict import Prediction
from quantlib.lab.same import Arguments, equal, show
from quantlib.lessons import all_exercises

from . import typed
from .cards import CARDS, Card
from .exhibits import come_back, draw_cells, draw_return
from .typed import written

POINTS = {1: 3, 2: 2}  # for the first input and for the second; whatever comes later gives 1
RULERS = "choose_qparams", "max_abs", "symmetric"  # exercises that make a ruler of x
HUNTED = "quantize", "dequantize", *RULERS

# A smallest input that shows a bug, for each that is hunted by its name. A notebook does not show it: it would be read.
SMALLEST = {
    "no_clamp": ("128", "1", "0"),
    "cast_before_shift": ("127", "1", "1"),
    "truncates": ("0.6", "1", "0"),
    "adds_zero_point_last": ("0", "1", "1"),
    "stores_zero_point_minus_one": ("0", "1", "-128"),
    "clamps_the_zero_point": ("1, 2",),
    "divides_zero_by_zero_in_float32": ("0",),
    "zero_point_with_a_fraction": ("-1, 3",),
    "opposite_zero_point": ("1",),
    "forgets_abs": ("-2, 1",),
    "always_127": ("1", "4"),
} | {name: card.smallest for name, card in CARDS.items()}

Bug = Misconception | Card


def draw_bug(mistake: Bug, *arguments: Any) -> Picture:
    """Draw what an input gives with a bug and without it: reals where they come back, integers one by one.

    Args:
        mistake: a mistake about quantize, dequantize, choose_qparams, max_abs or symmetric; or a card of the museum.
        arguments: what it is called with.
    Raises:
        QuantlibError: if it is about something else.
    """
    exercise = _exercise_of(mistake)
    if isinstance(mistake, Card):
        came, due = mistake(*arguments), exercise.reference(*arguments)
        return draw_return(arguments[0], came, due) if due.is_floating_point() else draw_cells(came, due)
    x, right = come_back(exercise.name, exercise.reference, arguments)
    _, buggy = come_back(exercise.name, mistake, arguments)
    return draw_return(x, buggy.double(), right)


def _exercise_of(mistake: Bug) -> Exercise:
    """Return the exercise that a mistake gets wrong."""
    if isinstance(mistake, Card):
        return mistake.exercise
    for exercise in map(all_exercises().__getitem__, HUNTED):
        if mistake in exercise.known:
            return exercise
    raise QuantlibError(f"a mistake to hunt is about {', '.join(HUNTED)}", mistake.name, "choose another")


class Hunt:
    """A function with a bug, and boxes in which a learner types inputs until one of them shows it.

    Args:
        mistake: the function.
        smallest: the texts of a smallest input that shows the bug, one for each argument.
        secret: whether its name is told only when it is caught.
    Raises:
        QuantlibError: if the smallest input does not show the bug, or cannot be read.
    """

    def __init__(self, mistake: Bug, smallest: Sequence[str], *, secret: bool = False) -> None:
        self.mistake, self.secret = mistake, secret
        self.exercise = _exercise_of(mistake)
        self.shown_by = self._try(typed.parse(self.exercise.parameters, smallest))
        if not self.shown_by.fails:
            raise QuantlibError("the smallest input must show the bug", ", ".join(smallest), "give one that does")
        self.prediction = None if secret else self._prediction()
        self.tried: list[Trial] = []  # until it is caught; what is tried afterwards does not count
        self.is_given_up = False
        self._last: Trial | None = None
        self.boxes = [_box(name) for name in self.exercise.parameters]
        self.buttons = [_button("Try this input", self._typed), _button("Show me", self._given_up)]
        self.result = ipywidgets.HTML()

    def _prediction(self) -> Prediction:
        """Ask whether the matrix that everybody tries first would show the bug."""
        trial = self._try(self.exercise.seen)
        answer = "yes" if trial.fails else "no"
        if isinstance(self.mistake, Card):
            why = self.mistake.why or _told(trial, "it")
            return Prediction(with_minus(self.mistake.asks), ["yes", "no"], answer, with_minus(why))
        others = zip(self.exercise.parameters[1:], map(written, trial.arguments[1:]), strict=True)
        given = " and ".join(f"{name} = {text}" for name, text in others)
        does, first = ("Do", "the codes of T") if self.exercise.name == "dequantize" else ("Does", "T")
        question = f"{does} {first}{f', with {given},' if given else ''} show this bug?"
        return Prediction(with_minus(question), ["yes", "no"], answer, with_minus(_told(trial, first)))

    @property
    def is_caught(self) -> bool:
        return bool(self.tried) and self.tried[-1].fails

    @property
    def points(self) -> int:
        return POINTS.get(len(self.tried), 1) if self.is_caught else 0

    @property
    def is_over(self) -> bool:
        """Whether nothing counts any more: the bug is caught, or was shown."""
        return self.is_caught or self.is_given_up

    def attempt(self, *texts: str) -> str:
        """Try an input as it is typed, and return what there is to say about it. The same input counts once.

        When the hunt is over, an input can still be tried, and does not count.
        """
        try:
            arguments = typed.parse(self.exercise.parameters, texts)
            self._refuse(arguments)
            trial = self._try(arguments)
        except QuantlibError as error:
            return f"This does not count: {error}."
        self._last = trial
        if self.is_over:
            return (
                f"Input after the hunt {'shows the bug, too' if trial.fails else 'shows nothing'}: {self._said(trial)}."
            )
        if any(all(map(equal, trial.arguments, other.arguments)) for other in self.tried):
            return "You have tried this input before: it counts once."
        self.tried.append(trial)
        if not trial.fails:
            return f"Input {len(self.tried)} shows nothing: {self._said(trial)}."
        points = "1 point" if self.points == 1 else f"{self.points} points"
        caught = f"Caught with input {len(self.tried)}, {points}: {self._said(trial)}. {self._explained()}"
        return f"{caught} You can go on trying, without points."

    def _try(self, arguments: Arguments) -> Trial:
        return self.exercise.trial(self.mistake, arguments)

    def _refuse(self, arguments: Arguments) -> None:
        """Raise where right functions differ, and where another bug than the one that is hunted would be caught."""
        x = arguments[0]
        if self.exercise.refuse:
            self.exercise.refuse(*arguments)
        if self.exercise.name in RULERS and _size(x) not in ("of any size", _size(self.shown_by.arguments[0])):
            rule = "this hunt is for ranges of some size"
            raise QuantlibError(rule, f"x = {written(x)}", "that a range is 0 or almost 0 is a bug of its own")

    def _said(self, trial: Trial) -> str:
        """Say what an input gives, and what it should."""
        pairs = zip(self.exercise.parameters, trial.arguments, strict=True)
        given = ", ".join(f"{name} = {written(argument)}" for name, argument in pairs)
        came, due = _outcome(trial)
        if not trial.fails:
            return with_minus(f"{given} gives {came}, as it should")
        return with_minus(f"{given} gives {came}, not {due}" if _is_of_values(trial) else f"{given}: it {came}")

    def _explained(self) -> str:
        return with_minus(f"The bug: {self.mistake.name}. {self.mistake.says} The fix: {self.mistake.hint}")

    def picture(self, trial: Trial) -> Picture | None:
        """Draw what an input gives; None where it gives nothing that could be drawn."""
        drawable = trial.got and (isinstance(self.mistake, Card) or trial.got[0].shape == trial.want[0].shape)
        if not drawable:
            return None
        return draw_bug(self.mistake, *trial.arguments)

    # --- on the page

    def _typed(self, _: ipywidgets.Button) -> None:
        self._last = None
        text = self.attempt(*(box.value for box in self.boxes))
        self._display(text, [self._last] if self._last else [])

    def _given_up(self, _: ipywidgets.Button) -> None:
        self.is_given_up = True
        self._display(f"{self._said(self.shown_by)}. {self._explained()}", [self.shown_by])

    def _display(self, text: str, drawn: Sequence[Trial]) -> None:
        self.buttons[1].disabled = self.is_over
        if self.is_over and self.prediction and self.prediction.predicted is None:
            for button in self.prediction.buttons:
                button.disabled = True
            self.prediction.result.value = self.prediction.answer_html()
        pictures = [self.picture(trial) for trial in drawn]
        shown = "".join(picture.html() for picture in pictures if picture)
        self.result.value = f'<p role="status" style="{_PARAGRAPH}">{html.escape(text)}</p>{self._log()}{shown}'

    def _log(self) -> str:
        """Return the inputs tried as a table."""
        heads = ("input", *self.exercise.parameters, "gives", "should give")
        rows = ([str(k), *map(written, t.arguments), *_outcome(t)] for k, t in enumerate(self.tried, 1))
        return page.table(heads, (map(with_minus, row) for row in rows)) if self.tried else ""

    def _asked(self) -> str:
        return f"find an input ({', '.join(self.exercise.parameters)}) on which this function is wrong."

    def _still(self) -> dict[str, str]:
        task = f"Hunt: {self._asked()}"
        if self.prediction is None:
            return {"text/plain": task, "text/html": self._task()}
        predicted = self.prediction.still()
        answer = f"{self._said(self.shown_by)}. {self._explained()}"
        drawn = self.picture(self.shown_by)
        folded = f"<p>{html.escape(answer)}</p>{drawn.html() if drawn else ''}"
        shown = f"{self._task()}<details><summary>A smallest input</summary>{folded}</details>"
        return {
            "text/plain": f"{predicted['text/plain']}\n{task} A smallest input: {answer}",
            "text/html": predicted["text/html"] + shown,
        }

    def _task(self) -> str:
        return f'<p style="margin:4px 0"><b>Hunt:</b> {html.escape(self._asked())}</p>'

    def _ipython_display_(self) -> None:
        row = ipywidgets.HBox([*self.boxes, *self.buttons], layout={"flex_flow": "row wrap"})
        predicted = self.prediction.widgets() if self.prediction else []
        page.show(self._still(), [*predicted, ipywidgets.HTML(self._task()), row, self.result])


_PARAGRAPH = "line-height:1.5;margin:8px 0;max-width:920px"


def _box(name: str) -> ipywidgets.Text:
    start = typed.FIELDS[name].start
    layout = {"width": "120px" if start else "300px", "margin": "2px 16px 2px 0"}
    placeholder = "" if start else typed.FIELDS[name].asks
    style = {"description_width": "initial"}
    return ipywidgets.Text(description=name, value=start, placeholder=placeholder, layout=layout, style=style)


def _button(name: str, pressed: Callable[[ipywidgets.Button], None]) -> ipywidgets.Button:
    button = ipywidgets.Button(description=name, layout={"width": "auto", "margin": "2px 8px 2px 0"})
    button.on_click(pressed)
    return button


def with_minus(text: str) -> str:
    """Return a text with true minus signs, before numbers and between two things.

    >>> with_minus("-1, 2e-5: q - z, a min-max ruler")
    '−1, 2e−5: q − z, a min-max ruler'
    """
    return re.sub(r"(?<![A-Za-z])-(?=\d)|(?<=\de)-(?=\d)|(?<=[\w)] )-(?= [\w(])", "\N{MINUS SIGN}", text)


def _is_of_values(trial: Trial) -> bool:
    """Return whether a trial failed by its values alone, and not by their type or shape, or by what it changed."""
    return trial.kind == "values"


def _told(trial: Trial, first: str) -> str:
    """Say what a function does on the input that its hunt asks about; first: its name."""
    if trial.fails:
        return f"There it {trial.problem or trial.outcome.problem}."
    return f"On it the function does what it should, so a test that tries {first} alone would pass."


def _outcome(trial: Trial) -> list[str]:
    """Write what a trial gave, or what it did, and what it should have given."""
    if _is_of_values(trial):
        return _as_text(trial.got, trial.want)
    due = _as_text(trial.want)
    problem = trial.problem or trial.outcome.problem
    return [problem or due[0], *due]


def _as_text(*results: Sequence[Tensor]) -> list[str]:
    """Write results; a tensor of one number is that number."""
    return show(*([part.squeeze() if part.numel() == 1 else part for part in result] for result in results))


def _size(x: Tensor) -> str:
    """Sort a range into those of 0, those whose step float32 may not hold, and all others."""
    largest = x.abs().max().item()
    return "0" if largest == 0 else "of any size" if largest >= torch.finfo(torch.float32).tiny else "almost 0"


class Museum:
    """The hunts of a notebook, and the score of all of them. A hunt that is begun anew counts anew."""

    def __init__(self) -> None:
        self._hunts: dict[Any, Hunt] = {}

    def hunt(self, mistake: Bug, *smallest: str) -> Hunt:
        """Hang up a function with a bug.

        Args:
            mistake: the function.
            smallest: a smallest input that shows it, typed as a learner types it; by default that of SMALLEST.
        Raises:
            QuantlibError: if that input does not show the bug, or there is none.
        """
        name = mistake.function.__name__
        if not smallest and name not in SMALLEST:
            raise QuantlibError("a hunt needs an input that shows the bug", f"none for {name}", "give one")
        self._hunts[name] = Hunt(mistake, smallest or SMALLEST[name])
        return self._hunts[name]

    def mystery(self, number: int) -> Hunt:
        """Hang up a known wrong quantizer without its name, none that hangs elsewhere; the number chooses which."""
        quantize = all_exercises()["quantize"]
        others = [mistake for mistake in quantize.known if mistake.function.__name__ not in SMALLEST]
        mistake = others[(17 * number + 3) % len(others)]
        tries = (case for case in quantize.cases if case[0].numel() == 1)
        shown_by = next(case for case in tries if quantize.trial(mistake, case).fails)
        self._hunts[number] = Hunt(mistake, tuple(map(written, shown_by)), secret=True)
        return self._hunts[number]

    def score(self) -> str:
        """Say how many bugs are caught, with how many inputs, for how many points."""
        hunts = self._hunts.values()
        caught, tried = sum(hunt.is_caught for hunt in hunts), sum(len(hunt.tried) for hunt in hunts)
        points = f"{sum(hunt.points for hunt in hunts)} of {POINTS[1] * len(hunts)} points"
        return f"{caught} of {len(hunts)} bugs caught, {tried} inputs tried: {points}"
