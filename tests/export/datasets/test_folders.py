import cv2
import numpy as np
import pytest

from export.datasets import EMOTIONS, DatasetError, load


def picture(path, value=100, size=(48, 48)):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full(size, value, np.uint8))


def fill(folder, names, count=10):
    for name in names:
        for code, emotion in enumerate(EMOTIONS):
            for number in range(count):
                picture(folder / name / emotion / f"{number}.png", value=code * 30 + number)


def test_train_and_test(tmp_path):
    fill(tmp_path, ["train", "test"])
    dataset = load(tmp_path)
    assert (len(dataset.training), len(dataset.validation), len(dataset.test)) == (63, 7, 70)
    for split in (dataset.training, dataset.validation, dataset.test):
        assert np.array_equal(split.images[:, 0, 0] // 30, split.labels)  # the label is that of the folder
    everything = np.concatenate([dataset.training.images, dataset.validation.images])[:, 0, 0]
    assert len(set(everything.tolist())) == 70  # held out, not copied
    assert np.array_equal(load(tmp_path).validation.images, dataset.validation.images)


def test_a_validation_folder_is_taken(tmp_path):
    fill(tmp_path, ["train", "validation", "test"], count=2)
    dataset = load(tmp_path)
    assert (len(dataset.training), len(dataset.validation), len(dataset.test)) == (14, 14, 14)


def test_kaggles_file_names_tell_the_official_split(tmp_path):
    fill(tmp_path, ["train"], count=2)
    for emotion in EMOTIONS:
        picture(tmp_path / "test" / emotion / "PublicTest_1.jpg", 50)
        picture(tmp_path / "test" / emotion / "PrivateTest_1.jpg", 150)
    dataset = load(tmp_path)
    assert len(dataset.training) == 14
    assert np.all(dataset.validation.images == 50)
    assert np.all(dataset.test.images == 150)


def test_a_csv_in_the_folder_is_taken(tmp_path):
    (tmp_path / "fer2013.csv").write_text("emotion,pixels\n")
    with pytest.raises(DatasetError, match=r"fer2013\.csv, row 1: missing column Usage"):
        load(tmp_path)


def test_faults_are_named(tmp_path):
    with pytest.raises(DatasetError, match=r"no train/<label>/"):
        load(tmp_path)
    fill(tmp_path, ["train"])
    with pytest.raises(DatasetError, match=r"no test/<label>/"):
        load(tmp_path)
    fill(tmp_path, ["test"])
    odd = tmp_path / "train" / "sad" / "odd.jpg"
    picture(odd, size=(50, 48))
    with pytest.raises(DatasetError, match=r"odd\.jpg: 48×50 pixels instead of 48×48"):
        load(tmp_path)
    odd.write_bytes(b"hello")
    with pytest.raises(DatasetError, match=r"odd\.jpg: not a picture"):
        load(tmp_path)
    odd.unlink()
    picture(tmp_path / "train" / "bored" / "1.png")
    with pytest.raises(DatasetError, match="unknown label 'bored'; there are angry, disgust"):
        load(tmp_path)
