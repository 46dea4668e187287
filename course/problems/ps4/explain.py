"""A defence of one's own recipe, and sentences that praise a quantized network: what is wrong with them."""

from dataclasses import dataclass
from random import Random

from ..questions import Explain
from ..variants import written


@dataclass(frozen=True)
class Fault:
    """says: the sentence. what: the fault, for the rubric. why: what it hides. instead: what should have been done."""

    says: str
    what: str
    why: str
    instead: str


FAULTS = (
    Fault(
        "The method saw 64 windows of The Tempest, and the loss is that on The Tempest.",
        "calibrated on the text that judges",
        "It may know these windows by heart.",
        "Calibrate on other plays, and judge on windows that were never seen.",
    ),
    Fault(
        "With codes of 3 bits the file is 3/32 of that in float.",
        "scales and what stays in float are not counted",
        "Scales, norms and tables are in the file, too: in notebook 16 it was 4.27 bits a weight.",
        "Divide all bits of the file by all weights.",
    ),
    Fault(
        "The logits have a cosine of 0.99 with those in float, so the loss need not be measured.",
        "a cosine does not see the scale of logits",
        "Logits that are three times too large have the cosine 1, and a far larger loss.",
        "Measure bits per character on text that was not seen.",
    ),
    Fault(
        "The network finds its own text more probable than the network in float does its own. So it writes better.",
        "judged by its own text",
        "A network that is too sure of itself finds its own text very probable.",
        "Let both judge the same text, written by somebody else.",
    ),
    Fault(
        "Float takes 2.47 ± 0.08 bits on 50 windows, and ours 2.53 ± 0.08 on 50 others: no difference.",
        "compared on different windows",
        "How windows differ hides the difference of the networks.",
        "Let both read the same windows, and take the error of the mean difference.",
    ),
    Fault(
        "Training with rounding gains 0.9 bits against rounding with the scale of max|w|.",
        "compared with the worst rival",
        "With 3 bits a scale by MSE alone brings about half of that, and GPTQ more.",
        "Compare with the best that needs no training, and with training only what is not rounded.",
    ),
    Fault(
        "Of 40 recipes we took the one with the smallest loss on our test windows. There it loses 0.31 bits.",
        "chosen on the windows that judge",
        "The best of 40 was also the luckiest on these windows.",
        "Choose on some windows, and judge the choice once on others.",
    ),
    Fault(
        "After the training with rounding the loss was taken with the float weights, which are the more exact ones.",
        "judged with weights that are not shipped",
        "What is stored and used are the rounded ones.",
        "Judge the network that is in the file.",
    ),
)


DEFENCE = """
All bits of the file are counted: codes, a scale in fp16 for each row, and norms and biases in fp16. GPTQ learned from
64 windows of other plays. The score is that of the 766 windows of the second half, the same as for float: the
difference is sure to about 0.005 bits. I tried some 300 recipes, all on other plays, and none on the second half. This
is one network and one play; I say nothing of others, nor of speed.
"""


def explain(draw: Random) -> Explain:
    found = draw.sample(FAULTS, 2)
    return Explain(
        title="Defend and judge",
        text=_text(found),
        source=written(_model(found)),
        rubric=(
            ("a defence that answers all five, and that is true of the recipe which was handed in", 2),
            *((f"{fault.what}: what that hides, and what to do instead", 2) for fault in found),
        ),
    )


def _text(found: list[Fault]) -> str:
    listed = "\n".join(f"{k}. {fault.says}" for k, fault in enumerate(found, start=1))
    return f"""
First defend your own recipe in five sentences, as in notebook 16: what was counted, what it learned from, what it was
scored on and how sure that is, how many you tried and on which half, and what you do not claim.

Then judge a colleague, who says of another recipe for the same network:

{listed}

Each of these sentences has a fault, even if all its numbers are right. Say in at most 50 words each what is wrong, why
the network may be worse than it sounds, and what should have been done instead.
"""


def _model(found: list[Fault]) -> str:
    judged = "\n".join(f"{k}. {fault.why} {fault.instead}" for k, fault in enumerate(found, start=1))
    return f"{DEFENCE.strip()}\n\n{judged}"
