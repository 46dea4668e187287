"""How colours look: contrast by WCAG 2.2, and what eyes with a colour vision deficiency see.

A colour is an array whose last axis is red, green and blue in sRGB, from 0 to 1.
"""

import numpy
from matplotlib.colors import to_rgb

Colour = numpy.ndarray

# What a dichromat sees, in linear RGB: severity 1.0 of the supplementary matrices of Machado, Oliveira and Fernandes,
# A Physiologically-based Model for Simulation of Color Vision Deficiency, 2009, doi:10.1109/TVCG.2009.113.
SIGHTS = {
    "typical": numpy.eye(3),
    "protan": numpy.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": numpy.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": numpy.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
_TO_XYZ = numpy.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def rgb(colour: object) -> Colour:
    """Return any of matplotlib's colours as an array."""
    return numpy.array(to_rgb(colour))


def linear(colour: Colour) -> Colour:
    """Return light, which adds up, from sRGB, which does not."""
    return numpy.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def luminance(colour: Colour) -> numpy.ndarray:
    """Return the relative luminance. Source: WCAG 2.2, W3C 2023, "relative luminance"."""
    return linear(colour) @ numpy.array([0.2126, 0.7152, 0.0722])


def contrast(a: Colour, b: Colour) -> numpy.ndarray:
    """Return the contrast ratio, from 1 to 21. Source: WCAG 2.2, W3C 2023, "contrast ratio".

    >>> round(float(contrast(rgb("white"), rgb("black"))), 2), round(float(contrast(rgb("#767676"), rgb("white"))), 2)
    (21.0, 4.54)
    """
    dark, light = numpy.sort(numpy.broadcast_arrays(luminance(a), luminance(b)), axis=0)
    return (light + 0.05) / (dark + 0.05)


def seen(colour: Colour, sight: str) -> Colour:
    """Return the linear light that a person with this sight takes the colour for."""
    return numpy.clip(linear(colour) @ SIGHTS[sight].T, 0, 1)


def lab(light: Colour) -> numpy.ndarray:
    """Return CIELAB coordinates of linear sRGB light, white at (100, 0, 0). Source: CIE 15:2004, section 8.2.1.

    >>> lab(linear(rgb("white"))).round(2).tolist(), lab(linear(rgb("red"))).round(1).tolist()
    ([100.0, 0.0, 0.0], [53.2, 80.1, 67.2])
    """
    ratio = light @ _TO_XYZ.T / _TO_XYZ.sum(axis=1)
    x, y, z = numpy.where(ratio > 216 / 24389, numpy.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return numpy.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def distance(a: object, b: object, sight: str) -> float:
    """Return how far apart two colours are to a person with this sight: the CIELAB difference of 1976.

    >>> round(distance("white", "black", "protan")), round(distance("#D55E00", "#D55E00", "tritan"))
    (100, 0)
    """
    return float(numpy.linalg.norm(lab(seen(rgb(a), sight)) - lab(seen(rgb(b), sight))))
