"""Predictions: the learner commits to a guess, and only then the answer opens."""

import html
from collections.abc import Sequence

import ipywidgets

from ..errors import QuantlibError
from . import page, style
from .picture import Picture


class Prediction:
    """A question with a button for each option; a click opens the answer.

    Args:
        question: what is asked, in one sentence.
        options: what can be answered, two or more different texts.
        answer: the right one of them.
        why: one sentence that explains it.
        picture: shown with the answer, or None.
    Raises:
        QuantlibError: if there are fewer than two different options, or the answer is none of them.
    """

    def __init__(
        self, question: str, options: Sequence[str], answer: str, why: str, picture: Picture | None = None
    ) -> None:
        if len(options) < 2 or len(set(options)) < len(options):
            raise QuantlibError("a prediction needs at least two different options", list(options), "add another")
        if answer not in options:
            raise QuantlibError("the answer must be one of the options", repr(answer), f"choose from {list(options)}")
        self.question, self.options, self.answer, self.why, self.picture = question, options, answer, why, picture
        self.buttons = [self._button(option) for option in options]
        self.result = ipywidgets.HTML()

    def _button(self, option: str) -> ipywidgets.Button:
        button = ipywidgets.Button(description=option, layout={"width": "auto", "margin": "2px 8px 2px 0"})
        button.on_click(self._predicted)
        return button

    def _predicted(self, chosen: ipywidgets.Button) -> None:
        for button in self.buttons:
            button.disabled = True
        self.result.value = self.answer_html(chosen.description)

    def answer_html(self, predicted: str | None = None) -> str:
        """Return what opens after the prediction: the verdict, the reason, the picture."""
        said = "" if predicted is None else f"You predicted <b>{html.escape(predicted)}</b>; it "
        right = f"{said or 'It '}is <b>{html.escape(self.answer)}</b>."
        if predicted is not None:
            word, colour = (
                ("Right.", style.BETTER_TEXT) if predicted == self.answer else ("Not so.", style.CLIPPED_TEXT)
            )
            # on white, so that it can be read on a dark page too
            right = f'<b style="color:{colour};background:#fff;padding:0 4px">{word}</b> {right}'
        picture = self.picture.html() if self.picture else ""
        role = "" if predicted is None else 'role="status" '
        return f'<p {role}style="line-height:1.5;margin:8px 0">{right} {html.escape(self.why)}</p>{picture}'

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


def predict(
    question: str, options: Sequence[str], *, answer: str, why: str, picture: Picture | None = None
) -> Prediction:
    """Ask a learner to commit to an answer before it is shown. Nothing waits for it: the cells below run on.

    A reader without a kernel gets the question, and the answer folded.
    """
    return Prediction(question, options, answer, why, picture)
