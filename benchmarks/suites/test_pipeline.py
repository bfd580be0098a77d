"""The whole pipeline with its threads, over frames in memory, by number of faces and frame size."""

import pytest

from benchmarks.baselines.tracked import Pictures
from benchmarks.suites.conftest import FACES, SIZES, frames
from ferlite import Pipeline, Recognizer

COUNT = 60


def run(recognizer, pictures):
    with Pipeline(Pictures(pictures), recognizer) as pipeline:
        return sum(1 for _ in pipeline)


@pytest.mark.parametrize("faces", FACES)
def test_pipeline_by_faces(benchmark, detector, faces):
    recognizer, pictures = Recognizer(detector=detector), [frame.image for frame in frames(COUNT, faces)]
    assert benchmark.pedantic(run, (recognizer, pictures), rounds=5, warmup_rounds=1) == COUNT


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_pipeline_by_size(benchmark, detector, size):
    recognizer, pictures = Recognizer(detector=detector), [frame.image for frame in frames(COUNT, size=size)]
    assert benchmark.pedantic(run, (recognizer, pictures), rounds=5, warmup_rounds=1) == COUNT
