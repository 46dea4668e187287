"""What holds for each of the networks in quantlib/data, however it computes."""

import re
from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch

from quantlib.data import encoder, silero, writer


class Network(NamedTuple):
    load: Callable[[], dict[str, torch.Tensor]]
    shapes: dict[str, tuple[int, ...]]


NETWORKS = {
    "silero": Network(silero.load_silero, silero.SILERO_SHAPES),
    "encoder": Network(encoder.load_encoder, encoder.ENCODER_SHAPES),
    "writer": Network(writer.load_writer, writer.WRITER_SHAPES),
}


@pytest.fixture(params=NETWORKS)
def network(request):
    return NETWORKS[request.param]


def test_the_names_come_in_the_order_of_their_use_with_the_shapes_of_the_table(network):
    weights = network.load()
    assert {name: tuple(weight.shape) for name, weight in weights.items()} == network.shapes
    assert list(weights) == list(network.shapes)
    for weight in weights.values():
        assert type(weight) is torch.Tensor and weight.dtype == torch.float32
        assert weight.is_contiguous() and not weight.requires_grad and weight.isfinite().all()


def test_the_documentation_lists_the_shapes(network):
    for name, shape in network.shapes.items():
        if "bias" not in name and not name.startswith("1."):  # the second layer is as the first
            assert re.search(rf'"{re.escape(name)}" +{re.escape(str(shape))}', network.load.__doc__), name


def test_a_caller_may_change_what_it_loaded(network):
    before = network.load()
    for weight in network.load().values():
        weight.zero_()
    for name, weight in network.load().items():
        assert torch.equal(weight, before[name])
    assert all(weight.any() for weight in before.values())
