from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ferlite import cards, interpreters
from ferlite.errors import EngineError, ModelError


def test_the_bundled_model_takes_pixels_without_rounding():
    tensor = interpreters.load(cards.find().weights).input
    assert tensor == ((1, 48, 48, 1), np.dtype(np.int8), 1.0, -128)


def test_gives_real_values_and_keeps_no_state():
    interpreter = interpreters.load(cards.find().weights)
    black, white = (np.full((1, 48, 48, 1), value, np.int8) for value in (-128, 127))
    first = interpreter.run(black)
    assert first.dtype == np.float32
    assert first.shape == (1, 7)
    second = interpreter.run(white)
    assert not np.array_equal(first, second)
    assert np.array_equal(interpreter.run(black), first)


def test_loaded_in_one_thread_and_run_in_another():
    weights = cards.find().weights
    values = np.random.default_rng(0).integers(-128, 128, (1, 48, 48, 1), dtype=np.int8)
    expected = interpreters.load(weights).run(values)
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        interpreter = one.submit(interpreters.load, weights, 2).result()
        assert np.array_equal(other.submit(interpreter.run, values).result(), expected)


@pytest.mark.parametrize("keep", [0, 10, 1000, 100_000])
def test_a_damaged_file_is_said(tmp_path, keep):
    path = tmp_path / "cut.tflite"
    path.write_bytes(cards.find().weights.read_bytes()[:keep])
    # tflite-runtime may die of it, in its trial
    refused = r"not a model (LiteRT|tflite-runtime) can run|.*tflite-runtime \S+ was killed by SIG(SEGV|BUS) "
    with pytest.raises((ModelError, EngineError), match=rf"cut\.tflite: ({refused})"):
        interpreters.load(path)
