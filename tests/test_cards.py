import contextlib
import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferlite import cards, interpreters
from ferlite.errors import ModelError


def valid(**changes):
    card = {
        "file": "net.onnx",
        "sha256": "0" * 64,
        "labels": ["a", "b"],
        "input": {"height": 48, "width": 48, "color": "grey", "range": [0, 255]},
        "output": "logits",
    }
    return card | changes


def test_reads_a_card(tmp_path):
    path = tmp_path / "net.onnx.json"
    path.write_text(json.dumps(valid(margin=0.1, temperature=1.5, accuracy={"test": 0.7})))
    card = cards.read(path)
    assert card.weights == tmp_path / "net.onnx"
    assert (card.shape, card.range) == ((1, 48, 48, 1), (0, 255))
    assert card.labels == ("a", "b")
    assert (card.margin, card.temperature) == (0.1, 1.5)
    assert card.notes == {"accuracy": {"test": 0.7}}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"file": "../net.onnx"}, "'file' is '../net.onnx'"),
        ({"file": ""}, "'file'"),
        ({"sha256": "abc"}, "'sha256'"),
        ({"labels": ["a"]}, "'labels'"),
        ({"labels": ["a", "a"]}, "different names"),
        ({"labels": "ab"}, "'labels'"),
        ({"labels": ["a", "\x1b[2J"]}, "'labels'"),
        ({"labels": ["a"] * 1000}, "…, not a list of two or more different names"),
        ({"file": "a\0.onnx"}, "'file'"),
        ({"file": "net.onnx\n"}, "'file'"),
        ({"file": "/etc/passwd"}, "'file'"),
        ({"input": None}, "'input'"),
        ({"input": {"height": 0, "width": 48, "color": "grey", "range": [0, 1]}}, "'input.height' is 0"),
        ({"input": {"height": 48, "width": True, "color": "grey", "range": [0, 1]}}, "'input.width' is True"),
        ({"input": {"height": 48, "width": 48, "color": "red", "range": [0, 1]}}, "'input.color' is 'red'"),
        ({"input": {"height": 48, "width": 48, "color": "grey", "range": [1, 1]}}, "'input.range'"),
        (
            {"input": {"height": 48, "width": 48, "color": "grey", "range": [0, 1], "layout": "CHW"}},
            "'input.layout' is 'CHW'",
        ),
        ({"output": "numbers"}, "'output' is 'numbers'"),
        ({"margin": 9}, "'margin' is 9"),
        ({"temperature": 0}, "'temperature' is 0, not a number in 0.01…100"),
    ],
)
def test_every_fault_is_named(tmp_path, changes, fault):
    path = tmp_path / "net.onnx.json"
    path.write_text(json.dumps(valid(**changes)))
    with pytest.raises(ModelError, match="not a valid card") as error:
        cards.read(path)
    assert fault in str(error.value)


# subnormal floats here and elsewhere are left out: on 32-bit ARM a library takes them from the process, and hypothesis
# will not go on without them
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_subnormal=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(key=st.sampled_from([*valid(), "margin", "temperature"]), value=json_values)
def test_any_value_gives_a_card_or_a_model_error(tmp_path_factory, key, value):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(valid(**{key: value})))
    with contextlib.suppress(ModelError):
        assert isinstance(cards.read(path), cards.Card)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"7", b"\xff\xfe", b"[" * 200_000, b" " * 2_000_000])
def test_what_is_no_card_is_said(tmp_path, content):
    path = tmp_path / "net.onnx.json"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"net\.onnx\.json"):
        cards.read(path)


def test_missing_card_and_weights_are_said(tmp_path, make_network):
    path = make_network()
    cards.card_path(path).rename(tmp_path / "elsewhere.json")
    with pytest.raises(ModelError, match="card is missing"):
        cards.find(path)
    path = make_network()
    path.unlink()
    with pytest.raises(ModelError, match="no such file"):
        cards.find(path)
    with pytest.raises(ModelError, match="weights that the card names are missing"):
        cards.verify(cards.read(cards.card_path(path)))


def test_changed_weights_are_noticed(make_network):
    path: Path = make_network()
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ModelError, match="wrong checksum"):
        cards.find(path)


def test_a_card_of_other_weights_is_noticed(make_network, tmp_path):
    path = make_network()
    copy = tmp_path / "mine.onnx"
    copy.write_bytes(b"something else")
    cards.card_path(copy).write_bytes(cards.card_path(path).read_bytes())
    with pytest.raises(ModelError, match=r"describes means\.onnx, not mine\.onnx"):
        cards.find(copy)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
@pytest.mark.parametrize("which", ["model", "card"])
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (os.mkfifo, "Not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "Not a regular file"),
        (lambda path: path.symlink_to(path), "no such file|Too many levels of symbolic links"),
        (lambda path: path.symlink_to("nowhere"), "no such file|card is missing"),
        (lambda path: path.mkdir(), "a folder|Is a directory"),
    ],
)
def test_what_is_no_regular_file_is_said_at_once(make_network, which, make, said):
    path = make_network()
    other = path if which == "model" else cards.card_path(path)
    other.unlink()
    make(other)
    with pytest.raises(ModelError, match=said):
        cards.find(path)


def test_links_to_a_model_and_its_card_are_followed(make_network, tmp_path):
    """As package managers and download caches lay files out."""
    path, place = make_network(), tmp_path / "linked"
    place.mkdir()
    for file in (path, cards.card_path(path)):
        (place / file.name).symlink_to(file)
    assert cards.find(place / path.name).weights == place / path.name


def test_files_above_the_limits_are_not_read(make_network):
    path = make_network()
    os.truncate(path, cards.LARGEST_WEIGHTS + 1)
    with pytest.raises(ModelError, match=r"means\.onnx: cannot be read: It has 268,435,457 bytes, more than the 268,"):
        cards.find(path)
    with pytest.raises(ModelError, match="cannot be read: It has 268,435,457 bytes"):
        interpreters.load(path)
    os.truncate(cards.card_path(path), 1 << 40)
    with pytest.raises(
        ModelError, match=r"not a readable card: It has 1,099,511,627,776 bytes, more than the 1,048,576"
    ):
        cards.find(path)


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "\ud800"])
def test_what_no_file_can_be_called_is_no_model(name):
    with pytest.raises(ModelError, match="no such file"):
        cards.find(name)


def test_the_default_does_not_depend_on_the_folder(tmp_path, monkeypatch):
    (tmp_path / cards.DEFAULT_MODEL).touch()
    monkeypatch.chdir(tmp_path)
    assert cards.find().weights.parent != tmp_path
    for name in ("", ".", tmp_path):
        with pytest.raises(ModelError, match="a folder, and no bundled model of that name"):
            cards.find(name)


def test_unknown_name_lists_the_bundled_models():
    with pytest.raises(ModelError, match=r"nothing: no such file.*flagship-int8\.tflite"):
        cards.find("nothing")


@pytest.mark.parametrize("find", [cards.find, cards.find_detector])
def test_a_copy_without_its_models_is_said(find, tmp_path, monkeypatch):
    monkeypatch.setattr(cards, "_bundled", lambda: tmp_path / "models")
    with pytest.raises(ModelError, match=r"-int8\.tflite: no such file, and no bundled model .*there are: none"):
        find()


def test_bundled_models_go_by_name_with_and_without_suffix():
    assert cards.find("flagship-int8") == cards.find("flagship-int8.tflite") == cards.find()


def test_a_clone_knows_by_name_what_the_wheel_has_and_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr(cards, "_bundled", lambda: tmp_path)
    for name in ("a-int8.tflite", "a-float32.tflite", "a-int8.onnx", "b-int8.tflite", "b-int8.tflite.json"):
        (tmp_path / name).touch()
    assert [path.name for path in cards.bundled_models()] == ["a-int8.tflite", "b-int8.tflite"]


@pytest.mark.parametrize("name", ["flagship-int8.tflite", "nano-int8.tflite"])
def test_every_released_model_is_bundled_small_and_described(name):
    card = cards.find(name)
    assert card.weights in cards.bundled_models()
    assert card.weights.stat().st_size <= 2_000_000
    assert {"license", "training_data", "parity_on_validation"} <= set(card.notes)
    assert set(card.notes["accuracy"]) == {"validation", "test"}
