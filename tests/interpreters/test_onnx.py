import numpy as np
import pytest

from ferlite import interpreters
from ferlite.errors import ModelError


def test_runs_a_network(make_network):
    interpreter = interpreters.load(make_network(color="rgb", size=(4, 6)))
    assert interpreter.input == ((1, 4, 6, 3), np.dtype(np.float32), 1.0, 0)
    values = np.zeros((1, 4, 6, 3), np.float32)
    values[..., 0], values[..., 1] = 3, 5
    assert interpreter.run(values).tolist() == [[3, 5]]


@pytest.mark.parametrize("keep", [0, 10, -5])
def test_a_damaged_file_is_said(make_network, keep):
    path = make_network()
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelError, match=r"means\.onnx: (not a model ONNX Runtime can run|a model needs)"):
        interpreters.load(path)
