"""Predictions: the learner commits to a guess, and only then the answer opens."""

import html
import re
from collections.abc import Sequence

import ipywidgets

from ..errors import QuantlibError
from . import page, progress, style
from .picture import Picture

RIGHT, WRONG = "\N{CHECK MARK} ", "\N{BALLOT X} "  # before what a button said


class Prediction:
    """A question with a button for each option; a click opens the answer.

    Args:
        question: what is asked, in one sentence.
        options: what can be answered, two or more different texts.
        answer: the right one of them.
        why: what explains it, shown before the picture.
        picture: shown with the answer, or None.
        reading: how to read the picture, or what follows from it, shown after it. An empty line parts two paragraphs.
    Raises:
        QuantlibError: if there are fewer than two different options, or the answer is none of them.
    """

    def __init__(
        self, question: str, options: Sequence[str], answer: str, why: str, picture: Picture | None = None,
        reading: str = "",
    ) -> None:  # fmt: skip
        if len(options) < 2 or len(set(options)) < len(options):
            raise QuantlibError("a prediction needs at least two different options", list(options), "add another")
        if answer not in options:
            raise QuantlibError("the answer must be one of the options", repr(answer), f"choose from {list(options)}")
        self.question, self.options, self.answer, self.why = question, options, answer, why
        self.picture, self.reading = picture, reading
        self.predicted: str | None = None
        self.buttons = [self._button(option) for option in options]
        self.result = ipywidgets.HTML()

    def _button(self, option: str) -> ipywidgets.Button:
        button = ipywidgets.Button(description=option, layout={"width": "auto", "margin": "2px 8px 2px 0"})
        button.on_click(self._clicked)
        return button

    def _clicked(self, chosen: ipywidgets.Button) -> None:
        """Open the answer. The chosen button stays usable, without effect: so it keeps the keyboard's focus."""
        if self.predicted is not None:
            return
        self.predicted = chosen.description
        progress.note("predicted", self.question)
        for button, option in zip(self.buttons, self.options, strict=True):
            button.disabled = button is not chosen
            if option == self.answer:
                button.description, button.button_style = f"{RIGHT}{option}", "success"
            elif button is chosen:
                button.description = f"{WRONG}{option}"
        self.result.value = self.answer_html()

    def answer_html(self) -> str:
        """Return what opens after the prediction: the verdict, the reason, the picture and its reading."""
        answer = f"<b>{html.escape(self.answer)}</b>{'' if self.answer.endswith('.') else '.'}"
        if self.predicted is None:
            return self._opened(f"The answer: {answer}", "")
        if self.predicted == self.answer:
            return self._opened(f"{_coloured('Right:', style.BETTER_TEXT)} {answer}", 'role="status" ')
        not_so = f"{_coloured('Not so.', style.CLIPPED_TEXT)} You predicted <b>{html.escape(self.predicted)}</b>."
        return self._opened(f"{not_so} The answer: {answer}", 'role="status" ')

    def _opened(self, verdict: str, role: str) -> str:
        picture = self.picture.html() if self.picture else ""
        first, *more = _paragraphs(self.why)
        said = [f"<p {role}{_PARAGRAPH}>{verdict} {first}</p>", *(f"<p {_PARAGRAPH}>{text}</p>" for text in more)]
        read = (f"<p {_PARAGRAPH}>{text}</p>" for text in _paragraphs(self.reading) if text)
        return "".join([*said, picture, *read])

    def still(self) -> dict[str, str]:
        """Return what a reader without a kernel gets, by MIME type."""
        options = ", ".join(self.options[:-1]) + " or " + self.options[-1]
        return {
            "text/plain": f"Predict: {self.question} {options}?",
            "text/html": (
                f"<p><b>Predict:</b> {html.escape(self.question)} <i>{html.escape(options)}?</i></p>"
                f"<details><summary>The answer</summary>{self.answer_html()}</details>"
            ),
        }

    def widgets(self) -> list[ipywidgets.Widget]:
        """Return the question, the buttons, and the place where the answer opens."""
        question = f'<p style="margin:4px 0"><b>Predict:</b> {html.escape(self.question)}</p>'
        row = ipywidgets.HBox(self.buttons, layout={"flex_flow": "row wrap"})
        return [ipywidgets.HTML(question), row, self.result]

    def _ipython_display_(self) -> None:
        page.show(self.still(), self.widgets())


_PARAGRAPH = 'style="line-height:1.5;margin:8px 0;max-width:920px"'


def _paragraphs(text: str) -> list[str]:
    return [html.escape(part) for part in re.split(r"\n\s*\n", text.strip())]


def _coloured(word: str, ink: str) -> str:
    """Return a word on white, so that it can be read on a dark page too."""
    return f'<b style="color:{ink};background:#fff;padding:0 4px">{word}</b>'


def predict(
    question: str, options: Sequence[str], *, answer: str, why: str, picture: Picture | None = None, reading: str = ""
) -> Prediction:
    """Ask a learner to commit to an answer before it is shown. Nothing waits for it: the cells below run on.

    A reader without a kernel gets the question, and the answer folded.
    """
    return Prediction(question, options, answer, why, picture, reading)
