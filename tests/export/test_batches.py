from dataclasses import replace

import numpy as np
import pytest

from export.batches import Batches, prefetched
from export.config import Config
from export.datasets import Split

CONFIG = Config(batch_size=16, seed=5)


@pytest.fixture
def unequal():
    """Ninety pictures of the first label, ten of the second, all of their label's value."""
    labels = np.repeat([0, 1], [90, 10])
    images = np.broadcast_to(labels[:, None, None] * 100, (100, 48, 48)).astype(np.uint8)
    return Split(images, labels, [str(number) for number in range(100)])


def test_the_seed_decides(toy_data):
    first, second, other = (Batches(toy_data.training, 7, replace(CONFIG, seed=seed))[4].images for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_every_picture_is_seen_once_an_epoch(toy_data):
    batches = Batches(toy_data.training, 7, replace(CONFIG, mixup=0.0))
    for epoch in range(2):
        steps = range(epoch * batches.per_epoch, (epoch + 1) * batches.per_epoch)
        targets = np.concatenate([batches[step].targets for step in steps])
        assert targets.sum(0).tolist() == [16] * 7


def test_prefetched_batches_are_those_of_their_steps(toy_data):
    batches = Batches(toy_data.training, 7, CONFIG)
    for step, batch in zip(range(3, 6), prefetched(batches.__getitem__, range(3, 6)), strict=True):
        assert np.array_equal(batch.images, batches[step].images)


def test_the_preset_is_overruled_by_mixup_and_cutout(toy_data):
    def targets(**settings):
        batches = Batches(toy_data.training, 7, replace(CONFIG, **settings))
        return np.concatenate([batches[step].targets for step in range(batches.per_epoch)])

    assert set(np.unique(targets(augment="none"))) == {0, 1}
    assert len(np.unique(targets(augment="none", mixup=1.0))) > 2
    assert set(np.unique(targets(augment="strong", mixup=0.0))) == {0, 1}
    plain = Batches(toy_data.training, 7, replace(CONFIG, augment="none"))[0].images
    holes = Batches(toy_data.training, 7, replace(CONFIG, augment="none", cutout=1.0))[0].images
    assert all(not np.array_equal(a, b) for a, b in zip(plain, holes, strict=True))


def test_votes_are_the_targets_where_there_are_some(toy_data):
    votes = np.full((len(toy_data.training), 7), 1 / 7, np.float32)
    batch = Batches(replace(toy_data.training, votes=votes), 7, replace(CONFIG, mixup=0.0))[0]
    assert np.allclose(batch.targets, 1 / 7)


def test_weights_balance_unequal_labels(unequal):
    batches = Batches(unequal, 2, replace(CONFIG, augment="none", balance="weights", batch_size=100))
    _, targets, weights = batches[0]
    assert weights.sum() == pytest.approx(100)
    assert weights[targets[:, 0] == 1].sum() == pytest.approx(weights[targets[:, 1] == 1].sum(), rel=1e-5)
    assert (Batches(unequal, 2, replace(CONFIG, balance="none"))[0].weights == 1).all()


def test_sampling_draws_all_labels_alike(unequal):
    batches = Batches(unequal, 2, replace(CONFIG, augment="none", balance="sampling", batch_size=100))
    drawn = np.concatenate([batches[step].targets for step in range(20)])
    assert abs(drawn.mean(0)[0] - 0.5) < 0.05


def test_a_label_without_pictures_costs_nothing(unequal):
    for balance in ("weights", "sampling"):
        batch = Batches(unequal, 3, replace(CONFIG, balance=balance))[0]
        assert np.isfinite(batch.weights).all()


def test_colour_pictures_have_three_channels_and_grey_ones_one(toy_data):
    colour = replace(toy_data.training, images=np.repeat(toy_data.training.images[..., None], 3, axis=3))
    assert Batches(colour, 7, CONFIG)[0].images.shape == (16, 48, 48, 3)
    assert Batches(toy_data.training, 7, CONFIG)[0].images.shape == (16, 48, 48, 1)


def asked(counter=None):
    """A teacher who is sure of the brightest picture's label, and notes how often it was asked."""

    def teacher(images):
        if counter is not None:
            counter.append(images.copy())
        return np.eye(7, dtype=np.float32)[(images.mean((1, 2, 3)) > 128).astype(int)]

    return teacher


def test_a_teacher_answers_for_the_pictures_as_they_are_shown(toy_data):
    seen = []
    batch = Batches(toy_data.training, 7, CONFIG, asked(seen))[3]
    assert np.array_equal(seen[0], batch.images)
    assert np.array_equal(batch.targets, asked()(batch.images))
    labels = Batches(toy_data.training, 7, CONFIG)[3].targets
    both = Batches(toy_data.training, 7, replace(CONFIG, distill=0.25), asked())[3].targets
    assert np.allclose(both, 0.25 * batch.targets + 0.75 * labels)


def test_views_come_again_without_asking_anew(toy_data):
    seen = []
    batches = Batches(toy_data.training, 7, replace(CONFIG, views=2), asked(seen))
    period = 2 * batches.per_epoch
    first, other, again = batches[1], batches[1 + batches.per_epoch], batches[1 + period]
    assert not np.array_equal(first.images, other.images)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert len(seen) == 2
