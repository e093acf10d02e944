"""Classifiers of categories and the studies that use them: gradients, invariants, determinism, bad input."""

import numpy as np
import pytest
import torch
from scipy.optimize import check_grad

import torchvision_guard  # noqa: F401
from evaluation.category_classifier import (
    CategoryFeatures,
    accuracy_by_category,
    fit_category_classifier,
    softmax_loss,
)
from evaluation.classifier_studies import (
    CrossCheck,
    LabelledPictures,
    augmentation_study,
    balanced_order,
    cross_check,
    small_vgg_fit,
)
from evaluation.picture_classifier import LabelledFeatures, fit_classifier
from evaluation.small_vgg import SmallVggOptions, small_vgg, train_small_vgg

TINY = SmallVggOptions(side=16, width=4, steps=60, batch=8, shift=1)


def clouds(count: int, seed: int, centres: dict[str, tuple[float, float]], spread: float = 0.5) -> CategoryFeatures:
    rng = np.random.default_rng(seed)
    labels = [name for name in centres for _ in range(count)]
    return CategoryFeatures(
        np.array([centres[name] for name in labels]) + spread * rng.normal(size=(len(labels), 2)), labels
    )


CENTRES = {"a": (0.0, 0.0), "b": (4.0, 0.0), "c": (0.0, 4.0)}


def test_softmax_loss_gradient_and_value():
    rng = np.random.default_rng(0)
    features, one_hot = rng.normal(size=(7, 3)), np.eye(4)[rng.integers(0, 4, 7)]
    targets = one_hot * rng.uniform(0.5, 2, (7, 1)) / 10
    start = rng.normal(size=16)
    given = (features, targets, 0.3)
    assert check_grad(lambda x: softmax_loss(x, *given)[0], lambda x: softmax_loss(x, *given)[1], start) < 1e-6
    assert softmax_loss(np.zeros(16), features, one_hot / 7, 5.0)[0] == pytest.approx(np.log(4))


def test_classifier_tells_clouds_apart():
    classifier = fit_category_classifier(clouds(60, 0, CENTRES), clouds(30, 1, CENTRES))
    test = clouds(50, 2, CENTRES)
    assert min(accuracy_by_category(test.labels, classifier.predict(test.features)).values()) > 0.96
    probabilities = classifier.probabilities(test.features)
    assert probabilities.sum(1) == pytest.approx(1) and probabilities.shape == (150, 3)


def test_two_categories_are_logistic_regression():
    """Two weight vectors +-w / 2 have together half the square of one w, so the penalty is twice the logistic one."""
    pair = {name: CENTRES[name] for name in "ab"}
    train, val = clouds(40, 3, pair, spread=2), clouds(40, 4, pair, spread=2)
    softmax = fit_category_classifier(train, val, penalties=(0.2,))
    data = [
        LabelledFeatures(one.features, np.asarray(one.labels) == "b", np.ones(len(one.labels))) for one in (train, val)
    ]
    logistic = fit_classifier(*data, penalties=(0.1,))
    found = softmax.probabilities(val.features)[:, 1]
    assert found == pytest.approx(logistic.probability(val.features), abs=1e-4)
    assert found.std() > 0.05


def test_categories_weigh_the_same_whatever_their_numbers():
    """Each picture of "a" nine times over changes nothing."""
    train, val = clouds(20, 5, CENTRES, spread=2), clouds(20, 6, CENTRES, spread=2)
    positions = [i for i, label in enumerate(train.labels) for _ in range(9 if label == "a" else 1)]
    many = CategoryFeatures(train.features[positions], [train.labels[i] for i in positions])
    assert many.labels.count("a") == 180 and many.labels.count("b") == 20
    first, second = (fit_category_classifier(one, val).probabilities(val.features) for one in (train, many))
    assert second == pytest.approx(first, abs=1e-4)


def test_the_penalty_is_chosen_on_validation():
    train, val = clouds(5, 7, CENTRES, spread=3), clouds(60, 8, CENTRES, spread=3)
    weak = CategoryFeatures(train.features, ["a", "b", "c"] * 5)  # labels that mean nothing want the strongest hold
    assert fit_category_classifier(weak, val).penalty == 10
    clear = clouds(60, 9, CENTRES, spread=0.3)
    assert fit_category_classifier(clear, clouds(60, 10, CENTRES, spread=0.3)).penalty == 0.001


@pytest.mark.parametrize(
    ("train", "val", "message"),
    [
        (clouds(3, 0, {"a": (0, 0)}), clouds(3, 0, {"a": (0, 0)}), "two categories"),
        (clouds(3, 0, CENTRES), CategoryFeatures(np.empty((0, 2)), []), "validation pictures"),
        (clouds(3, 0, {"a": (0, 0), "b": (1, 1)}), clouds(3, 0, CENTRES), r"No training picture shows \['c'\]"),
        (CategoryFeatures(np.zeros((3, 2)), ["a", "b"]), clouds(3, 0, CENTRES), "do not fit"),
        (CategoryFeatures(np.full((2, 2), np.nan), ["a", "b"]), clouds(3, 0, {"a": (0, 0)}), "finite"),
    ],
)
def test_category_classifier_refuses(train, val, message):
    with pytest.raises(ValueError, match=message):
        fit_category_classifier(train, val)


def test_accuracy_by_category():
    assert accuracy_by_category(["b", "a", "b", "b", "b"], ["b", "b", "a", "b", "b"]) == {"a": 0, "b": 0.75}
    with pytest.raises(ValueError):
        accuracy_by_category(["a"], [])


COLOURS = {"red": (200, 40, 40), "green": (40, 200, 40), "blue": (40, 40, 200)}


def pictures_of(counts: dict[str, int], seed: int, side: int = 16) -> LabelledPictures:
    """Noise around the category's colour."""
    rng = np.random.default_rng(seed)
    labels = tuple(name for name, count in counts.items() for _ in range(count))
    values = np.array([COLOURS[name] for name in labels])[:, :, None, None] + rng.normal(
        0, 40, (len(labels), 3, side, side)
    )
    return LabelledPictures(torch.from_numpy(values.clip(0, 255).astype(np.uint8)), labels)


def test_small_vgg_learns_and_takes_any_size():
    train, test = (
        pictures_of({"red": 8, "green": 30, "blue": 8}, 0),
        pictures_of(dict.fromkeys(COLOURS, 10), 1, side=24),
    )
    vgg = train_small_vgg(train.pictures, train.labels, options=TINY)
    assert vgg.categories == ("blue", "green", "red")
    assert min(accuracy_by_category(test.labels, vgg.predict(test.pictures)).values()) >= 0.9
    probabilities = vgg.probabilities(test.pictures)
    assert probabilities.shape == (30, 3) and torch.allclose(probabilities.sum(1), torch.ones(30))
    assert vgg.predict(test.pictures[:0]) == []


def test_small_vgg_is_decided_by_its_seed():
    data, short = pictures_of({"red": 6, "blue": 6}, 2), SmallVggOptions(side=16, width=2, steps=4, batch=4)
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    first = train_small_vgg(data.pictures, data.labels, 5, short).probabilities(data.pictures)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(1)
    same, other = (train_small_vgg(data.pictures, data.labels, seed, short) for seed in (5, 6))
    assert torch.equal(first, same.probabilities(data.pictures))
    assert not torch.equal(first, other.probabilities(data.pictures))


def test_small_vgg_is_vgg_style():
    network = small_vgg(5, width=3)
    convs = [module for module in network.modules() if isinstance(module, torch.nn.Conv2d)]
    assert [conv.out_channels for conv in convs] == [3, 6, 12, 12, 24, 24]
    assert all(conv.kernel_size == (3, 3) for conv in convs)
    assert sum(isinstance(module, torch.nn.MaxPool2d) for module in network.modules()) == 4
    assert network.eval()(torch.zeros(2, 3, 48, 32)).shape == (2, 5)


def test_small_vgg_refuses():
    data = pictures_of({"red": 2, "blue": 2}, 0)
    with pytest.raises(ValueError, match="4 pictures with 3 labels"):
        train_small_vgg(data.pictures, data.labels[:3], options=TINY)
    with pytest.raises(ValueError, match="1 categories"):
        train_small_vgg(data.pictures, ["red"] * 4, options=TINY)
    with pytest.raises(ValueError, match="uint8"):
        train_small_vgg(data.pictures.float(), data.labels, options=TINY)


class Recorder:
    """In the place of training: notes what it was given, and calls a picture by the nearest mean colour known."""

    def __init__(self):
        self.given: list[tuple[LabelledPictures, int]] = []

    def __call__(self, data: LabelledPictures, seed: int):
        self.given.append((data, seed))
        names = sorted(set(data.labels))
        means = torch.stack([data.of(name).pictures.float().mean((0, 2, 3)) for name in names])

        def predict(pictures: torch.Tensor) -> list[str]:
            nearest = torch.cdist(pictures.float().mean((2, 3)), means).argmin(1)
            return [names[position] for position in nearest.tolist()]

        return predict


def rows(pictures: torch.Tensor) -> set[bytes]:
    return {picture.numpy().tobytes() for picture in pictures}


def test_cross_check_exchanges_one_category():
    real, test = pictures_of({"red": 9, "green": 5, "blue": 4}, 0), pictures_of(dict.fromkeys(COLOURS, 6), 1)
    made, made_test = (pictures_of({"red": count}, seed).pictures for count, seed in ((7, 2), (3, 3)))
    fit = Recorder()
    found = cross_check("red", real, made, test, made_test, fit, seed=4)
    assert list(found) == ["real", "generated", "half and half"]
    assert all(row == CrossCheck(1.0, 1.0, {"blue": 1.0, "green": 1.0}) for row in found.values())
    true, fake = rows(real.of("red").pictures), rows(made)
    shares = [[len(rows(data.of("red").pictures) & kind) for kind in (true, fake)] for data, _ in fit.given]
    assert shares == [[7, 0], [0, 7], [3, 4]]
    assert {seed for _, seed in fit.given} == {4}
    for data, _ in fit.given:
        assert rows(data.of("red", equal=False).pictures) == rows(real.of("red", equal=False).pictures)
    assert rows(fit.given[2][0].of("red").pictures) & true <= rows(fit.given[0][0].of("red").pictures)


def test_cross_check_shows_that_generated_pictures_are_others():
    """Generated "red" is in truth green: who learnt real red gets none of it right, and the reverse."""
    real, test = pictures_of({"red": 8, "blue": 8}, 0), pictures_of({"red": 5, "blue": 5}, 1)
    made, made_test = (pictures_of({"green": 8}, seed).pictures for seed in (2, 3))
    real = real + pictures_of({"green": 8}, 5)
    found = cross_check("red", real, made, test, made_test, Recorder())
    assert (found["real"].real, found["real"].generated) == (1.0, 0.0)
    assert found["generated"].generated > 0 and found["real"].others == {"blue": 1.0}


@pytest.mark.parametrize(
    ("category", "counts", "generated", "tested"),
    [
        ("red", {"red": 4}, 4, 4),  # no other category
        ("red", {"blue": 4}, 4, 4),  # none of its own
        ("red", {"red": 4, "blue": 4}, 1, 4),  # too few to halve
        ("red", {"red": 4, "blue": 4}, 4, 0),  # nothing generated to test on
        ("green", {"green": 4, "blue": 4}, 4, 4),  # nothing real to test on
    ],
)
def test_cross_check_refuses(category, counts, generated, tested):
    made, test = pictures_of({"red": 4}, 1).pictures, pictures_of({"red": 2, "blue": 2}, 2)
    with pytest.raises(ValueError, match="cross-check"):
        cross_check(category, pictures_of(counts, 0), made[:generated], test, made[:tested], Recorder())


def test_augmentation_adds_generated_pictures_to_nested_real_ones():
    real, made = pictures_of({"red": 20, "green": 12, "blue": 10}, 0), pictures_of(dict.fromkeys(COLOURS, 2), 1)
    fit = Recorder()
    found = augmentation_study(real, made, pictures_of(dict.fromkeys(COLOURS, 3), 2), fit, (6, 30), (0, 1))
    assert [(row.size, row.seed) for row in found] == [(6, 0), (30, 0), (6, 1), (30, 1)]
    assert all((row.without, row.augmented) == (1.0, 1.0) for row in found)
    assert [len(data) for data, _ in fit.given] == [6, 12, 30, 36] * 2
    sets = [rows(data.pictures) for data, _ in fit.given]
    assert sets[0] < sets[2] and sets[4] < sets[6] and sets[0] != sets[4]
    assert sets[1] - sets[0] == rows(made.pictures) == sets[7] - sets[6]
    assert sorted(fit.given[0][0].labels) == ["blue"] * 2 + ["green"] * 2 + ["red"] * 2


@pytest.mark.parametrize("sizes", [(2, 5), (3, 10)])
def test_augmentation_refuses_sizes(sizes):
    real = pictures_of({"red": 3, "green": 3, "blue": 3}, 0)
    with pytest.raises(ValueError, match="Sizes must be from 3 categories to 9"):
        augmentation_study(real, real, real, Recorder(), sizes)


def test_generated_pictures_help_a_small_vgg_that_lacks_real_ones():
    """Samples of the true distribution stand in for real ones; wrong ones do harm."""
    real, test = pictures_of({"red": 1, "green": 1, "blue": 1}, 3), pictures_of(dict.fromkeys(COLOURS, 8), 4)
    made = pictures_of(dict.fromkeys(COLOURS, 12), 5)
    wrong = LabelledPictures(
        made.pictures, tuple({"red": "green", "green": "blue", "blue": "red"}[x] for x in made.labels)
    )
    fit = small_vgg_fit(TINY)
    (good,), (bad,) = (augmentation_study(real, one, test, fit, (3,), (0,)) for one in (made, wrong))
    assert good.without == bad.without and good.augmented > 0.9 and bad.augmented < 0.3


def test_balanced_order():
    labels = ["a"] * 6 + ["b"] * 2 + ["c"] * 3
    order = balanced_order(labels, 0)
    assert sorted(order) == list(range(11))
    assert "".join(labels[position] for position in order) == "abcabcacaaa"
    assert np.array_equal(order, balanced_order(labels, 0)) and not np.array_equal(order, balanced_order(labels, 1))


def test_labelled_pictures():
    data = pictures_of({"red": 2, "blue": 1}, 0)
    assert data.of("red").labels == ("red", "red") and data.of("red", equal=False).labels == ("blue",)
    assert len(data.of("green")) == 0 and (data + data).labels == ("red", "red", "blue") * 2
    with pytest.raises(ValueError, match="3 pictures have 1 labels"):
        LabelledPictures(data.pictures, ("red",))
