"""Real clips and photos: every frame answered, faces where faces are, none where none are."""

import json

import pytest

from ferlite import Pipeline, Recognizer, read_image

# share of frames in which at least one face has to be found
CLIPS = {
    "one_face_woman.mp4": 0.9,
    "one_face_short.mp4": 0.7,
    "one_face_emotions.mp4": 0.8,
    "seven_faces_1080p.mp4": 0.9,
    "webcam_640x480_a.mkv": 0.9,
    "webcam_640x480_b.mkv": 0.9,
}


@pytest.mark.parametrize("name", CLIPS)
def test_faces_in_clips(data, name):
    with Pipeline(data(f"media/videos/{name}")) as pipeline:
        results = list(pipeline)
    assert [result.frame.seq for result in results] == list(range(len(results)))
    times = [result.frame.timestamp for result in results]
    assert times == sorted(times)
    assert sum(bool(result.faces) for result in results) >= CLIPS[name] * len(results)
    for result in results:
        json.dumps(result.as_dict(), allow_nan=False)


def test_no_face_where_there_is_none(data):
    with Pipeline(data("media/videos/no_face.mp4")) as pipeline:
        results = list(pipeline)
    assert sum(bool(result.faces) for result in results) <= 0.02 * len(results)


def test_photos(data):
    recognizer = Recognizer()
    folder = data("media/photos")
    found = {path.name: len(recognizer(read_image(path))) for path in sorted(folder.glob("*.jpg"))}
    assert found.pop("dogs.jpg") == 0
    assert all(count >= 1 for count in found.values())
    assert found["bald_guys.jpg"] >= 15
