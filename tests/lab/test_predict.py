"""Predictions: nothing is given away before a click, and nothing waits for one."""

import pytest

from quantlib import QuantlibError
from quantlib.lab import page
from quantlib.lab.predict import predict
from quantlib.lessons.affine_formula.pictures import draw_trace


@pytest.fixture
def prediction():
    picture = draw_trace([728.6], 3.5, -70)
    return predict("What becomes of 138?", ["127", "138"], answer="127", why="The clamp <= 127.", picture=picture)


def test_nothing_is_answered_before_a_click(prediction):
    assert prediction.result.value == ""
    assert not any(button.disabled for button in prediction.buttons)


@pytest.mark.parametrize(("option", "word"), [(0, "Right."), (1, "Not so.")])
def test_a_click_opens_answer_reason_and_picture(prediction, option, word):
    prediction.buttons[option].click()
    text = prediction.result.value
    chosen = prediction.options[option]
    assert word in text and f"You predicted <b>{chosen}</b>; it is <b>127</b>." in text
    assert "The clamp &lt;= 127." in text and 'alt="Step by step, a number' in text


def test_a_prediction_is_made_once(prediction):
    prediction.buttons[0].click()
    assert all(button.disabled for button in prediction.buttons)


def test_a_reader_without_a_kernel_gets_the_answer_folded(prediction, monkeypatch):
    shown = []
    monkeypatch.setattr(page, "display", lambda data, raw: shown.append(data))
    prediction._ipython_display_()
    still, live = shown
    assert still["text/plain"] == "Predict: What becomes of 138? 127 or 138?"
    before, folded = still["text/html"].split("<details>")
    assert "It is" not in before and "It is <b>127</b>." in folded
    assert list(live) == ["application/vnd.jupyter.widget-view+json"]


@pytest.mark.parametrize(
    ("options", "answer", "message"),
    [
        (["1"], "1", "a prediction needs at least two different options, got ['1']; add another"),
        (["1", "1"], "1", "a prediction needs at least two different options, got ['1', '1']; add another"),
        (["1", "2"], "3", "the answer must be one of the options, got '3'; choose from ['1', '2']"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(options, answer, message):
    with pytest.raises(QuantlibError) as caught:
        predict("?", options, answer=answer, why="")
    assert str(caught.value) == message
