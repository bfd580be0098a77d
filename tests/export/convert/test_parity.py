import numpy as np
import pytest

from export.convert import parity
from export.convert.parity import INT8
from export.errors import ParityError

pytestmark = pytest.mark.tensorflow  # it needs none, but lies among those that do


@pytest.fixture
def labels(make_network):
    """Labels of pictures by a network that always says the last one; and its weights."""
    weights = make_network(labels=("calm", "tense"))
    images = np.full((100, 48, 48), 200, np.uint8)
    return weights, images, parity.device_probabilities(weights, images).argmax(1)


def logits_of(labels):
    return np.eye(2)[labels]


def test_a_single_picture_may_differ_and_more_only_within_the_tolerance(labels):
    weights, images, found = labels
    for count, wrong, passes in ((100, 0, True), (15, 1, True), (15, 2, False), (100, 1, True), (100, 7, False)):
        trained = found[:count].copy()
        trained[:wrong] ^= 1
        truth = trained[::-1].copy()  # the accuracy is as good as the same
        if passes:
            parity.check(weights, images[:count], truth, logits_of(trained), INT8)
        else:
            with pytest.raises(ParityError, match="is not what was trained"):
                parity.check(weights, images[:count], truth, logits_of(trained), INT8)
