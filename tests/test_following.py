import numpy as np
import pytest

from ferlite import Box, Detection, Follower, Frame, ImageError, Pipeline, Recognizer, SettingError, VideoFile


def frames(picture, count):
    return [Frame(number, number / 30, picture) for number in range(count)]


def test_gives_what_the_pipeline_gives(data):
    clip = data("media/videos/webcam_640x480_b.mkv")
    follower = Follower(Recognizer())
    with Pipeline(clip, Recognizer()) as pipeline, VideoFile(clip) as video:
        for frame, result in zip(video, pipeline, strict=True):
            faces = follower(frame)
            assert [face.as_dict() for face in faces] == [face.as_dict() for face in result.faces]
            assert frame.seq == result.frame.seq


def test_finding_and_reading_may_be_apart(portrait):
    """As in a pipeline that drops frames: what was found in a frame that nobody read is not missed."""
    follower, whole = Follower(Recognizer()), Follower(Recognizer())
    found = [follower.find(frame) for frame in frames(portrait, 6)]
    read = [follower.read(found[number]) for number in (1, 2, 5)]
    assert [face.track_id for faces in read for face in faces] == [1, 1, 1]
    every = [whole(frame) for frame in frames(portrait, 6)]
    assert [faces[0].box for faces in read] == [every[number][0].box for number in (1, 2, 5)]


def test_a_known_face_keeps_its_emotion_between_readings(portrait):
    recognizer = Recognizer(detector=lambda image, min_face=None: [Detection(Box(20, 20, 100, 100), 0.9)])
    follower = Follower(recognizer, classify_every=3)
    dark = np.zeros_like(portrait)
    faces = [follower(Frame(n, n / 30, portrait if n == 0 else dark))[0] for n in range(5)]
    assert np.array_equal(faces[2].raw, faces[0].raw)
    assert not np.array_equal(faces[3].raw, faces[0].raw)
    assert np.array_equal(faces[4].raw, faces[3].raw)


def test_faults_are_said(portrait):
    with pytest.raises(SettingError, match="classify_every is 0"):
        Follower(Recognizer(), classify_every=0)
    with pytest.raises(ImageError, match="has to be uint8"):
        Follower(Recognizer())(Frame(0, 0.0, portrait / 255))
    with pytest.raises(ImageError, match="has to be uint8"):
        Follower(Recognizer())(Frame(0, 0.0, portrait / 255, luma=portrait[..., 0].copy()))
