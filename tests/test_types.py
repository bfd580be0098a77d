import json

import pytest

from ferlite.types import Face


def test_as_dict_names_the_probabilities(face: Face):
    plain = json.loads(json.dumps(face.as_dict()))
    assert plain["box"] == [20, 30, 40, 40]
    assert plain["label"] == "happy"
    assert plain["probabilities"]["happy"] == pytest.approx(0.8)
    assert list(plain["probabilities"]) == list(face.labels)


def test_result_has_what_scripts_rely_on(make_result):
    plain = json.loads(json.dumps(make_result(seq=7, timestamp=1.5).as_dict()))
    assert plain["seq"] == 7
    assert plain["timestamp"] == 1.5
    assert set(plain["faces"][0]) >= {"box", "score", "label", "probabilities"}
