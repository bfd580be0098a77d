import cv2
import numpy as np
import pytest

from export.datasets import EMOTIONS, SPLITS, DatasetError, Source, load


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


def test_folders_of_any_labels_and_sizes_are_read(tmp_path):
    rng = np.random.default_rng(0)
    for label in ("thumb", "fist", "palm"):
        for number in range(20):
            picture(tmp_path / label / f"{number}.jpg", 90, size=tuple(rng.integers(30, 90, 2)))
    dataset = load(Source(tmp_path, size=64, color="rgb"))
    assert dataset.labels == ("fist", "palm", "thumb")
    assert dataset.name == tmp_path.name
    assert (len(dataset.training), len(dataset.validation), len(dataset.test)) == (48, 6, 6)
    names = [name for split in SPLITS for name in dataset.split(split).names]
    assert len(set(names)) == 60  # held out, not copied
    assert names[0] == "fist/0.jpg"
    assert dataset.training.images.shape == (48, 64, 64, 3)


def test_colour_is_red_green_blue(tmp_path):
    for label in ("a", "b"):
        for number in range(10):
            path = tmp_path / label / f"{number}.png"
            path.parent.mkdir(exist_ok=True)
            cv2.imwrite(str(path), np.full((32, 32, 3), (0, 0, 250), np.uint8))  # OpenCV writes BGR: this is red
    assert load(Source(tmp_path, color="rgb")).test.images[0, 0, 0].tolist() == [250, 0, 0]


def test_pictures_of_several_sizes_need_one_to_be_given(tmp_path):
    fill(tmp_path, ["train", "test"], count=10)
    picture(tmp_path / "train" / "sad" / "odd.jpg", size=(50, 48))
    with pytest.raises(DatasetError, match=r"not all squares of one size \(48×48, 48×50, …\); give the size"):
        load(tmp_path)
    assert load(Source(tmp_path, size=48)).size == 48


def test_an_empty_folder_is_said(tmp_path):
    with pytest.raises(DatasetError, match=r"no pictures in train/<label>/ or <label>/"):
        load(tmp_path)
    (tmp_path / "train" / "happy").mkdir(parents=True)
    with pytest.raises(DatasetError, match=r"no pictures in train/<label>/"):
        load(tmp_path)


def test_one_label_or_too_few_pictures_are_said(tmp_path):
    for number in range(10):
        picture(tmp_path / "happy" / f"{number}.png")
    with pytest.raises(DatasetError, match=r"pictures of one label only \(happy\); at least two"):
        load(tmp_path)
    few = tmp_path / "few"
    for label in ("happy", "sad"):
        picture(few / label / "1.png")
    with pytest.raises(DatasetError, match="too few pictures to hold a tenth out for test"):
        load(few)


def test_all_faults_are_named_at_once(tmp_path):
    fill(tmp_path, ["train", "test"])
    (tmp_path / "train" / "sad" / "3.png").write_bytes(b"hello")
    (tmp_path / "test" / "happy" / "7.png").write_bytes(b"")
    picture(tmp_path / "test" / "bored" / "1.png")
    with pytest.raises(DatasetError) as error:
        load(tmp_path)
    lines = [line.strip() for line in str(error.value).splitlines()]
    assert lines[0].endswith("3 problems:")
    assert lines[1].startswith("test/bored/: no such label in the training pictures, which have angry")
    assert set(lines[2:]) == {
        "train/sad/3.png: not a picture that can be read",
        "test/happy/7.png: not a picture that can be read",
    }
