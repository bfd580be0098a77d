"""The classifier by network (its precision), engine, threads and number of faces."""

import pytest

from benchmarks.suites.conftest import crops, networks
from ferlite import EmotionClassifier


@pytest.mark.parametrize("faces", [1, 3, 7])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("weights", "engine"), networks(), ids=lambda value: getattr(value, "name", value))
def test_classifier(benchmark, weights, engine, threads, faces):
    classifier = EmotionClassifier(weights, threads, engine)
    assert len(benchmark(classifier.predict, crops(faces))) == faces
