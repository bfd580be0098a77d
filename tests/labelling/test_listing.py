import os

import pytest

from ferlite.errors import SourceError
from ferlite.labelling.listing import Listing, is_video


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "tree"
    names = ("b/2.jpg", "b/10.JPG", "a.png", "c.mp4", "b-1.jpg", "notes.md", "b/deep/x.webp", "b/.DS_Store", "raw.md")
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def listed(source, leave_out="nothing"):
    return list(Listing(str(source), leave_out))


def test_a_folder_is_listed_with_all_below_it_in_the_order_of_names(tree):
    listing = Listing(str(tree), tree / "none")
    assert list(listing) == ["a.png", "b/10.JPG", "b/2.jpg", "b/deep/x.webp", "b-1.jpg", "c.mp4"]
    assert listing.base == str(tree)
    assert listing.passed_over == {".md": 2, "no suffix": 1}


def test_linked_pictures_are_listed_and_linked_folders_counted(tree):
    (tree / "link.jpg").symlink_to(tree / "a.png")
    (tree / "gone.jpg").symlink_to(tree / "nothing")
    (tree / "round").symlink_to(tree)
    listing = Listing(str(tree), tree / "none")
    assert {"link.jpg", "gone.jpg"} < set(listing)
    assert listing.passed_over["linked folders"] == 1


def test_our_own_folder_is_left_out(tree):
    assert "b/2.jpg" not in listed(tree, tree / "b")


def test_names_may_hold_anything(tree):
    odd = ["new\nline.jpg", os.fsdecode(b"\xff.jpg"), " .jpg", "[1]*.jpg"]
    for name in odd:
        (tree / name).touch()
    assert set(odd) < set(listed(tree))
    assert listed(tree / "[1]*.jpg") == ["[1]*.jpg"]


def test_a_pattern_is_sorted_and_brings_whatever_it_matches(tree):
    assert listed(tree / "*.*") == ["a.png", "b-1.jpg", "c.mp4", "notes.md", "raw.md"]
    assert listed(tree / "**" / "*.jpg") == ["b-1.jpg", "b/2.jpg"]
    listing = Listing(str(tree / "b*"), tree / "none")
    assert list(listing) == ["b/10.JPG", "b/2.jpg", "b/deep/x.webp", "b-1.jpg"]
    assert listing.base == str(tree)


def test_a_pattern_may_be_relative(tree, monkeypatch):
    monkeypatch.chdir(tree)
    assert listed("b/*.jpg") == ["2.jpg"]
    assert listed("*/2.jpg") == ["b/2.jpg"]


def test_a_list_is_taken_as_it_is(tree):
    (tree / "list.txt").write_bytes("\ufeffz.jpg\r\n\n/elsewhere/a b.mp4\n".encode() + b"\xff.jpg\nb\nz.jpg")
    assert listed(tree / "list.txt") == ["z.jpg", "/elsewhere/a b.mp4", os.fsdecode(b"\xff.jpg"), "b", "z.jpg"]
    assert Listing(str(tree / "list.txt"), tree).base == str(tree)


def test_one_file_is_a_source_too(tree):
    assert listed(tree / "c.mp4") == ["c.mp4"]
    assert is_video("C.MP4")
    assert not is_video("a.png")


def test_what_is_no_source_is_said(tree, tmp_path):
    (tree / "binary.txt").write_bytes(b"a.jpg\n\0\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "a.heic").touch()
    for source, said in (
        (tree / "none", "no such file or folder"),
        (tree / "notes.md", r"not a picture or video by its suffix \(.*\.mp4.*nor a list"),
        (tree / "binary.txt", "line 2 holds a NUL"),
        (tmp_path / "empty", r"no picture and no video \(there is: .heic 1\)"),
        (tree / "*.bmp", "no picture and no video"),
        ("x" * 5000, "no such file or folder"),
    ):
        with pytest.raises(SourceError, match=said):
            listed(source)
