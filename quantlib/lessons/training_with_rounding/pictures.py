"""The still pictures of notebook 15."""

from typing import Any

import torch
from matplotlib.patches import Rectangle
from torch import Tensor

from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.learner import call, name_of
from quantlib.lab.picture import Picture, picture
from quantlib.lab.words import sentence

from . import exercises
from .methods import DASHES, INKS, LOW, NAMES
from .training import BITS, EVERY, STEPS, WAYS, gptq_cost, largest_code, nearest_cost, train, trained, writer

HATCHES = ["", "", "\\\\\\", "...", "////"]  # of the bars of five methods
ABOVE = "loss above float (bits per character)"


def draw_question() -> Picture:
    """Draw what rounding costs with 4, 3 and 2 bits, and a question where training would lead."""
    costs = [nearest_cost(bits) for bits in BITS]
    with style.house_style():
        figure = style.new_figure(9.2, 3.3)
        axes = figure.add_axes((0.085, 0.16, 0.89, 0.72))
        axes.set(xlim=(-0.6, 2.75), ylim=(0, 2.6), ylabel="loss above float\n(bits per character)")
        axes.set_xticks(range(3), [f"{bits} bits a weight" for bits in BITS])
        axes.bar(range(3), costs, width=0.34, color=style.QUANTIZED)
        for at, value in enumerate(costs):
            axes.text(at, value + 0.06, f"+{value:.2f}", ha="center", color=style.QUANTIZED, weight="bold")
            axes.text(at + 0.42, 0.06, "?", ha="center", size=16, weight="bold", color=style.BETTER_TEXT)
        axes.text(-0.55, 2.3, "blue: rounded after training", color=style.QUANTIZED, weight="bold", va="center")
        axes.text(-0.55, 2.0, "?: trained with rounding", color=style.BETTER_TEXT, weight="bold", va="center")
        axes.set_title("a network that writes, rounded: what is lost on a play that it never read")
        said = ", ".join(f"{bits} bits +{value:.2f}" for bits, value in zip(BITS, costs, strict=True))
        return picture(figure, f"Loss above float in bits per character: {said}. What does training with rounding buy?")


def draw_slopes() -> Picture:
    """Draw the staircase of rounding with its slope, which is 0, and the line whose slope is used instead."""
    v = torch.linspace(-1.49, 2.49, 399)
    with style.house_style():
        figure = style.new_figure(9.2, 2.7)
        left, right = figure.add_axes((0.06, 0.19, 0.42, 0.68)), figure.add_axes((0.56, 0.19, 0.42, 0.68))
        for axes in (left, right):
            axes.set(xlim=(-1.5, 2.5), xlabel="v, in steps")
        left.plot(v, v, color=style.ORIGINAL, lw=1.2, ls="dashed")
        left.plot(v, v.round(), ".", color=style.QUANTIZED, ms=3)
        left.text(-1.4, 1.75, "round(v)", color=style.QUANTIZED, weight="bold", va="center")
        left.text(-1.4, 1.25, "dashed: v", va="center")
        left.set_title("forwards: the staircase")
        right.axhline(1, color=style.ORIGINAL, lw=1.6, ls="dashed")
        right.axhline(0, color=style.QUANTIZED, lw=2)
        right.set(ylim=(-0.25, 1.35), yticks=[0, 1])
        right.text(-1.4, 1.17, "pretended: the slope of v, 1", va="center")
        right.text(-1.4, 0.17, "true: the slope of round(v), 0", color=style.QUANTIZED, weight="bold", va="center")
        right.set_title("backwards: the slope")
        return picture(figure, "round(v) is a staircase with slope 0; training pretends that it has the slope of v, 1.")


def draw_trainings(
    bits: int, ways: tuple[str, ...] = tuple(WAYS), own: tuple[str, list[float]] | None = None
) -> Picture:
    """Draw what rounding costs on the way of some trainings; own: the name and the costs of one more."""
    runs = {way: trained(way, bits).costs for way in ways}
    steps = range(0, STEPS + 1, EVERY)
    with style.house_style():
        figure = style.new_figure(9.2, 3.3)
        axes = figure.add_axes((0.085, 0.16, 0.66, 0.73))
        top = 1.25 * max(max(costs) for costs in runs.values())
        axes.set(
            xlim=(0, STEPS), ylim=(0, top), xlabel="steps of training", ylabel="loss above float\n(bits per character)"
        )
        for way, costs in runs.items():
            axes.plot(steps, costs, color=INKS[way], lw=2, ls=DASHES[way])
        named = [(costs[-1], f"{NAMES[way]}: {costs[-1]:.1f}", INKS[way]) for way, costs in runs.items()]
        if own:
            axes.plot(steps, [min(value, top) for value in own[1]], "D", color=style.CLIPPED_TEXT, ms=6)
            named.append((min(own[1][-1], top), f"{own[0]}: {own[1][-1]:.1f}", style.CLIPPED_TEXT))
        below = -1.0
        for height, text, ink in sorted(named):
            below = max(height, below + 0.08 * top)
            axes.text(1.02 * STEPS, below, text, color=ink, va="center", weight="bold", size=9.5)
        axes.set_title(f"{bits} bits: what rounding costs on the way")
        said = "; ".join(text for _, text, _ in named)
        return picture(figure, f"Loss above float after {STEPS} steps with {bits} bits: {said} bits per character.")


def draw_float_or_rounded() -> Picture:
    """Draw for each width what a network trained with rounding costs, with its float weights and rounded."""
    runs = [trained("with rounding", bits) for bits in BITS]
    with style.house_style():
        figure = style.new_figure(9.2, 2.9)
        axes = figure.add_axes((0.085, 0.13, 0.66, 0.75))
        axes.set(xlim=(-0.6, 2.6), ylabel="loss above float\n(bits per character)")
        axes.set_xticks(range(3), [f"{bits} bits" for bits in BITS])
        kinds = [(-0.16, "its float weights", style.ORIGINAL, [run.unrounded for run in runs]),
                 (0.16, "the same, rounded", style.QUANTIZED, [run.costs[-1] for run in runs])]  # fmt: skip
        for row, (shift, name, ink, values) in enumerate(kinds):
            axes.bar([at + shift for at in range(3)], values, width=0.28, color=ink)
            axes.text(1.03, 0.8 - 0.14 * row, name, transform=axes.transAxes, color=ink, weight="bold")
        axes.set_title("trained with rounding: one network, not rounded and rounded")
        lower = ["rounded" if run.costs[-1] < run.unrounded else "with the float weights" for run in runs]
        said = ", ".join(f"{bits} bits {where}" for bits, where in zip(BITS, lower, strict=True))
        return picture(figure, f"Where a network trained with rounding has the smaller loss: {said}.")


def draw_methods() -> Picture:
    """Draw for each width what five methods leave."""
    methods: list[tuple[str, Any, str]] = [
        ("nearest, scale of max|w|", lambda bits: nearest_cost(bits, largest=True), style.LEVELS),
        ("nearest, best scale", nearest_cost, style.QUANTIZED),
        ("GPTQ, no training", gptq_cost, style.RANGE),
        ("only the rest trained", lambda bits: trained("the rest", bits).costs[-1], style.QUIET),
        ("trained with rounding", lambda bits: trained("with rounding", bits).costs[-1], style.BETTER),
    ]
    with style.house_style():
        figure = style.new_figure(9.2, 3.5)
        axes = figure.add_axes((0.085, 0.11, 0.66, 0.79))
        axes.set(xlim=(-0.55, 2.55), yscale="log", ylim=(LOW, 8), ylabel=ABOVE)
        axes.set_yticks([0.03, 0.1, 0.3, 1, 3], ["0.03", "0.1", "0.3", "1", "3"])
        axes.minorticks_off()
        axes.set_xticks(range(3), [f"{bits} bits" for bits in BITS])
        for k, (name, value, ink) in enumerate(methods):
            heights = [value(bits) for bits in BITS]
            look: dict[str, Any] = {"facecolor": ink, "edgecolor": style.ORIGINAL, "lw": 0.6, "hatch": HATCHES[k]}
            axes.bar([at + 0.17 * (k - 2) for at in range(3)], heights, width=0.15, **look)
            for at, height in enumerate(heights):
                axes.text(
                    at + 0.17 * (k - 2), height * 1.07, f"{height:.1f}" if height >= 0.15 else "", ha="center", size=8.5
                )
            axes.text(1.075, 0.9 - 0.1 * k, name, transform=axes.transAxes, va="center", size=9.5)
            sample = Rectangle((1.025, 0.88 - 0.1 * k), 0.03, 0.045, transform=axes.transAxes, clip_on=False, **look)
            axes.add_patch(sample)
        axes.set_title("what is left of the loss, by five methods")
        said = "; ".join(f"{name} {', '.join(f'{value(bits):.1f}' for bits in BITS)}" for name, value, _ in methods)
        return picture(figure, f"Loss above float with 4, 3 and 2 bits: {said} bits per character.")


def train_yours(quantize: Function) -> Picture:
    """Train with 3 bits and a learner's f(w, s, top), and draw it beside the three trainings."""
    w, s = writer()["head.weight"], torch.ones(64, 1)
    outcome = call(quantize, w, s, largest_code(3))
    problem = outcome.problem or exercises.straight_quantize.usable(outcome.value, w)
    name = name_of(quantize)
    if problem:
        still = draw_trainings(3)
        return Picture(
            still.png, f"{still.alt} {sentence(f'{name}: it {problem}')} Quantlib's is used instead.", still.width
        )

    def rounding(w: Tensor, s: Tensor, top: int) -> Tensor:
        value: Tensor = quantize(w, s, top)
        return value

    return draw_trainings(3, own=(name, train(3, rounding).costs))
