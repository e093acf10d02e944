"""What the default line art colorizer learns from: crops, references that cannot be copied, hints, losses."""

import json

import numpy as np
import pytest
import torch

from datasets_cards.procedural.drawing import drawing
from lineart_fixtures import illustrations  # noqa: F401  a fixture
from pipelines import get_method
from pipelines.lineart_colorizer import dataset, table_strokes
from pipelines.lineart_colorizer.dataset import (
    OTHER,
    PAGE,
    SELF,
    LineArtCrops,
    bent,
    changed,
    colour_change,
    decode,
    load_lineart,
    random_hints,
)
from pipelines.lineart_colorizer.drawn_pictures import FIRST_SEED, HELD_OUT, TRAINED
from pipelines.lineart_colorizer.losses_base import hint_loss, palette_directions, palette_loss
from pipelines.lineart_colorizer.recipe_base import BaseConfig, BaseRecipe
from train.data import batches
from train.loop import make_accelerator, train
from train.phase_runner import PhaseRunner


def test_rights_choose_the_pictures(illustrations):
    assert len(load_lineart(illustrations, "train")) == 6
    assert set(load_lineart(illustrations, "val", "open")["rights"]) == {"open"}
    with pytest.raises(FileNotFoundError, match=r"nowhere.*train\.parquet"):
        load_lineart(illustrations / "nowhere", "train")


def test_samples_are_a_function_of_their_seed(illustrations):
    crops = LineArtCrops(illustrations, 64, 32, rights="all")
    first, again, other = (crops.draw(2, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4))
    shapes = {"image": (3, 64, 64), "drawing": (1, 64, 64), "reference": (3, 32, 32), "hints": (4, 64, 64), "kind": ()}
    for name, shape in shapes.items():
        assert first[name].shape == shape and torch.equal(first[name], again[name])
        assert first[name].dtype == (torch.int64 if name == "kind" else torch.float32)
        assert first[name].abs().max() <= 2 if name == "kind" else first[name].abs().max() <= 1 + 1e-5
    assert not torch.equal(first["image"], other["image"])


def test_drawings_of_the_project_join_the_pictures(illustrations):
    crops = LineArtCrops(illustrations, 32, 32, rights="open", drawings=3)
    assert len(crops) == 6 and crops.mates[3:] == [[], [], []]
    for number in range(3):
        again = drawing(FIRST_SEED + number, 256, 256, motif=TRAINED[number]).colour
        assert (crops.picture(3 + number) == np.asarray(again)).all()
    assert (crops.picture(3) != crops.picture(5)).any(), "two portraits"
    sample = crops.draw(3, torch.Generator().manual_seed(0))
    assert sample["image"].shape == (3, 32, 32) and int(sample["kind"]) != PAGE
    assert set(HELD_OUT) == {"cat", "lighthouse", "balloons"} and not set(HELD_OUT) & set(TRAINED)
    seeds = range(table_strokes._FIRST_SEED, table_strokes._FIRST_SEED + 3)
    drawn = [drawing(seed, 64, 64, motif=motif).lines for seed, motif in zip(seeds, HELD_OUT, strict=True)]
    outside = table_strokes.stroke_drawings(3, 64).lines
    assert (outside[:, 0].numpy() == np.stack([np.asarray(lines) for lines in drawn])).all()


def test_a_share_of_the_lines_is_learned(illustrations, monkeypatch):
    asked = []
    monkeypatch.setattr(
        dataset, "learned_edges", lambda image, thin, gain: asked.append((thin, gain)) or torch.ones(1, 1, 32, 32)
    )
    crops = LineArtCrops(illustrations, 32, 32, rights="all", learned=0.3)
    for seed in range(100):
        crops.draw(0, torch.Generator().manual_seed(seed))
    assert 18 <= len(asked) <= 42 and len(set(asked)) == len(asked)
    thin, gain = np.array(asked).T
    assert 0.5 <= thin.min() < thin.max() <= 0.85 and 1.2 <= gain.min() < gain.max() <= 2.6


def test_references_are_of_all_kinds_in_their_shares(illustrations):
    crops = LineArtCrops(illustrations, 32, 32, rights="all", shares=(0.5, 0.3))
    kinds = [int(crops.draw(0, torch.Generator().manual_seed(seed))["kind"]) for seed in range(200)]
    shares = np.bincount(kinds, minlength=3) / 200
    assert shares[[SELF, PAGE, OTHER]] == pytest.approx([0.5, 0.3, 0.2], abs=0.1)
    assert crops.mates[0] == [2], "the other picture of its page"
    assert crops.mates[4] == [], "alone on its page: references are any others"


def test_a_reference_wears_the_targets_colours_elsewhere(illustrations):
    """Recoloured alike: the palettes agree far better than with another sample's; positions do not."""
    crops = LineArtCrops(illustrations, 64, 64, rights="all", shares=(1.0, 0.0))
    samples = [crops.draw(index, torch.Generator().manual_seed(9 + index)) for index in range(6)]
    images, references = (torch.stack([sample[name] for sample in samples]) for name in ("image", "reference"))
    directions = palette_directions(16, torch.device("cpu"))
    own = palette_loss(images, references, directions)
    others = palette_loss(images, references.roll(1, 0), directions)
    assert own.mean() < 0.5 * others.mean()
    assert (images - references).abs().mean() > 0.1


def test_a_colour_change_keeps_greys_and_turns_hues():
    for seed in range(20):
        matrix, gamma = colour_change(torch.Generator().manual_seed(seed))
        grey = torch.rand(1, 4, 4).expand(3, -1, -1) * 2 - 1
        assert torch.allclose(matrix.sum(1), torch.ones(3), atol=1e-5) and 0.7 <= gamma <= 1.4
        out = changed(grey, matrix, 1.0)
        assert torch.allclose(out, grey, atol=1e-4)
    angles = [colour_change(torch.Generator().manual_seed(seed))[0] @ torch.tensor([1.0, 0, 0]) for seed in range(50)]
    assert len({int(vector.argmax()) for vector in angles}) == 3, "red becomes anything"


def test_bending_moves_but_stays_a_picture():
    image = torch.rand(3, 40, 40) * 2 - 1
    out = bent(image, 32, torch.Generator().manual_seed(0))
    assert out.shape == (3, 32, 32) and out.min() >= image.min() - 1e-5 and out.max() <= image.max() + 1e-5
    still = bent(image, 40, torch.Generator().manual_seed(0), strength=0.0)
    assert torch.allclose(still, image, atol=1e-4)


def test_hints_tell_the_truth_where_they_are():
    image = torch.tensor([0.5, -0.5, 0.2]).view(3, 1, 1).expand(3, 48, 48)
    given = [random_hints(image, torch.Generator().manual_seed(seed)) for seed in range(40)]
    some = [hints for hints in given if hints[3].any()]
    assert 8 <= len(some) <= 32, "about half have any"
    for hints in some:
        assert set(hints[3].unique().tolist()) <= {0.0, 1.0}
        assert torch.allclose(hints[:3], image * hints[3:])


def test_palette_loss_closed_forms():
    directions = torch.eye(3)
    flat = torch.zeros(1, 3, 32, 32)
    assert palette_loss(flat, flat, directions).item() == 0
    shifted = flat + torch.tensor([0.3, 0, 0.6]).view(1, 3, 1, 1)
    assert palette_loss(flat, shifted, directions).item() == pytest.approx(0.3)
    image = torch.rand(2, 3, 32, 32)
    shuffled = image.flatten(2)[:, :, torch.randperm(1024)].view_as(image)
    assert palette_loss(image, shuffled, palette_directions(8, image.device)).max() < 1e-6


def test_hint_loss_closed_forms():
    output, hints = torch.zeros(2, 3, 8, 8), torch.zeros(2, 4, 8, 8)
    hints[1, :, 2, 3] = torch.tensor([0.5, 0.1, 0.0, 1.0])
    assert hint_loss(output, hints).tolist() == pytest.approx([0, 0.2])


def test_the_phases_train_their_own_networks(illustrations):
    config = BaseConfig.miniature()
    config = type(config)(**{**vars(config), "data": illustrations})
    recipe = BaseRecipe(config)
    runner = PhaseRunner(recipe, make_accelerator(config))
    batch = next(batches(recipe.dataset(), None, config))
    before = {name: [p.clone() for p in net.parameters()] for name, net in recipe.networks.items()}

    def moved(name: str) -> bool:
        return any(not torch.equal(p, q) for p, q in zip(recipe.networks[name].parameters(), before[name], strict=True))

    values = runner.run(batch, step=0)
    assert moved("generator") and moved("style_encoder") and not moved("discriminator")
    assert {"G/colour", "G/perceptual", "G/palette", "G/hinted", "G/loss"} <= set(values)
    values = runner.run(batch, step=2)
    assert moved("discriminator") and "G/adversarial" in values and "D/loss" in values


def test_a_run_saves_what_loads(illustrations, tmp_path):
    from pipelines.hub import save_for_hub

    config = BaseConfig.miniature()
    config = type(config)(**{**vars(config), "data": illustrations, "out": tmp_path / "run"})
    train(BaseRecipe(config), save_for_hub, name="lineart_colorizer", preset="tiny")
    pipe = get_method("lineart_colorizer").load("pipeline").from_pretrained(tmp_path / "run" / "last")
    row = load_lineart(illustrations, "val")[0]
    image = pipe(decode(row["lines"], "L"), decode(row["image"])).images[0]
    assert image.size == (80, 72)
    saved = json.loads((tmp_path / "run" / "last" / "training.json").read_text())
    assert {"lpips_self", "lpips_other", "own", "score"} <= set(saved["metrics"])
