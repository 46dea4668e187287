"""Predictions: nothing is given away before a click, and nothing waits for one."""

import pytest

from quantlib import QuantlibError
from quantlib.lab import page
from quantlib.lab.predict import predict
from quantlib.lessons.affine_formula import draw_trace


@pytest.fixture
def prediction():
    picture = draw_trace([728.6], 3.5, -70)
    why, reading = "The clamp <= 127.\n\nMore of it.", "Read the fourth step."
    options = ["10", "127", "138"]
    return predict("What becomes of 138?", options, answer="127", why=why, picture=picture, reading=reading)


def test_nothing_is_answered_before_a_click(prediction):
    assert prediction.result.value == ""
    assert not any(button.disabled for button in prediction.buttons)


@pytest.mark.parametrize(
    ("option", "said"),
    [(1, "Right:</b> <b>127</b>. The"), (2, "Not so.</b> You predicted <b>138</b>. The answer: <b>127</b>. The clamp")],
)
def test_a_click_opens_answer_reason_picture_and_reading(prediction, option, said):
    prediction.buttons[option].click()
    parts = [said, "The clamp &lt;= 127.", "More of it.", 'alt="Step by step, a number', "Read the fourth step."]
    places = [prediction.result.value.index(part) for part in parts]
    assert sorted(places) == places
    assert prediction.result.value.count("<b>127</b>") == 1


def test_the_right_and_the_chosen_button_differ_by_a_mark(prediction):
    prediction.buttons[2].click()
    assert [button.description for button in prediction.buttons] == ["10", "✓ 127", "✗ 138"]
    assert [button.button_style for button in prediction.buttons] == ["", "success", ""]


def test_a_prediction_is_made_once_and_the_focus_stays(prediction):
    prediction.buttons[0].click()
    opened = prediction.result.value
    assert [button.disabled for button in prediction.buttons] == [False, True, True]
    prediction.buttons[0].click()
    assert prediction.result.value == opened


def test_a_reader_without_a_kernel_gets_the_answer_folded(prediction, monkeypatch):
    shown = []
    monkeypatch.setattr(page, "display", lambda data, raw: shown.append(data))
    prediction._ipython_display_()
    still, live = shown
    assert still["text/plain"] == "Predict: What becomes of 138? 10, 127 or 138?"
    before, folded = still["text/html"].split("<details>")
    assert "The answer: " not in before and "The answer: <b>127</b>." in folded
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
