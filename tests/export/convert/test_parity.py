import numpy as np
import pytest

from export.convert import parity
from export.convert.parity import INT8
from export.errors import ParityError

pytestmark = pytest.mark.tensorflow  # it needs none, but lies among those that do


def test_a_single_picture_may_differ_and_more_only_within_the_tolerance():
    for count, wrong, passes in ((100, 0, True), (15, 1, True), (15, 2, False), (100, 1, True), (100, 7, False)):
        trained = np.eye(2)[np.arange(count) % 2]
        said = trained.copy()
        said[:wrong] = said[:wrong, ::-1]
        truth = trained.argmax(1)[::-1].copy()  # the accuracy is as good as the same
        if passes:
            assert parity.compare("net.onnx", said, trained, truth, INT8).agreement == 1 - wrong / count
        else:
            with pytest.raises(ParityError, match=r"net\.onnx is not what was trained.*; .* train it longer"):
                parity.compare("net.onnx", said, trained, truth, INT8)
