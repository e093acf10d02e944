"""From files to a study: one way for all pictures, roles drawn by seed, whole or not at all."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from study.catalogue import PICTURES, Catalogue
from study.commands.pictures import family_of, split_condition
from study.database import Database
from study.demo import make_demo
from study.making import Design, Made, make_study
from study.plan import GOLD, REAL, Block, Condition, Plan
from study.stimuli import SourcePicture, decode, encode, key_of, spoil, stimulus_png
from study_fixtures import noise

MODEL = Condition("model", "A model", revision="r1")
SIDE = 40


def picture(number: int, side: int = SIDE, **save) -> bytes:
    buffer = io.BytesIO()
    noise(number, "", (side, side)).save(buffer, **(save or {"format": "PNG"}))
    return buffer.getvalue()


def sources(count: int, start: int = 0, side: int = SIDE, suffix: str = "png") -> list[SourcePicture]:
    files = [(f"f{i}", picture(start + i, side)) for i in range(count)]
    return [SourcePicture(family, f"{family}.{suffix}", lambda data=data: data) for family, data in files]


def make(folder: Path, count: int = 20, **changes) -> Made:
    design = Design(**{"name": "tried", "blocks": (Block(count=2),), "gold": 1, "instructed": 1} | changes)
    return make_study(folder / "tried", design, sources(count), {MODEL: sources(count, 1000)})


def test_a_study_is_made_and_opens(tmp_path, lasting):
    made = make(tmp_path)
    assert Plan.load(made.folder / "plan.json") == made.plan
    database = Database(f"sqlite:///{tmp_path}/one.sqlite")
    assert Catalogue(database).open(made.folder).plan == made.plan
    database.close()


def test_the_same_pictures_make_the_same_plan(tmp_path):
    assert make(tmp_path / "a").plan.sha256 == make(tmp_path / "b").plan.sha256


def test_another_seed_draws_other_pictures_for_practice(tmp_path):
    drawn = {tuple(make(tmp_path / str(seed), seed=seed).plan.families(REAL, "practice")) for seed in range(4)}
    assert len(drawn) > 1


def test_practice_and_gold_pictures_are_shown_nowhere_else(tmp_path):
    plan = make(tmp_path).plan
    roles = {role: {s.family for s in plan.pictures if s.role == role} for role in ("question", "practice", "gold")}
    assert not roles["question"] & (roles["practice"] | roles["gold"]) and not roles["practice"] & roles["gold"]
    assert len(roles["practice"]) == 4 and len(roles["gold"]) == 1
    assert [s.condition for s in plan.pictures if s.role == "gold"] == [GOLD]


def test_all_pictures_have_one_length_whatever_they_show(tmp_path):
    flat = [
        SourcePicture(f"f{i}", f"f{i}.png", lambda i=i: picture_of(Image.new("RGB", (SIDE, SIDE), (i, 0, 0))))
        for i in range(20)
    ]
    made = make_study(tmp_path / "tried", Design("tried", (Block(count=2),)), sources(20), {MODEL: flat})
    assert len({file.stat().st_size for file in (made.folder / PICTURES).iterdir()}) == 1


def picture_of(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_nothing_but_pixels_is_left_of_a_file():
    info = PngImagePlugin.PngInfo()
    info.add_text("model", "made by a model")
    exif = Image.Exif()
    exif[0x010E] = "generated"
    marked = picture(1, format="PNG", pnginfo=info, exif=exif, icc_profile=b"profile")
    png = stimulus_png(decode(marked, "marked.png"), (SIDE, SIDE))
    assert re.findall(rb"(IHDR|IDAT|IEND|tEXt|iTXt|eXIf|iCCP|pHYs|tIME)", png)[0] == b"IHDR"
    assert not re.search(rb"tEXt|eXIf|iCCP|pHYs|tIME|model|generated|profile", png)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png))), np.asarray(noise(1, "", (SIDE, SIDE))))


def test_real_and_generated_files_go_the_same_way():
    """The same pixels in other wrappings become the same bytes."""
    image = noise(3, "", (SIDE, SIDE))
    wrapped = [picture_of(image), picture_of(image.convert("RGBA"))]
    buffer = io.BytesIO()
    image.save(buffer, "TIFF")
    wrapped.append(buffer.getvalue())
    assert len({key_of(stimulus_png(decode(data, "x"), (32, 32))) for data in wrapped}) == 1


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "I;16", "LA"])
def test_odd_files_are_read(mode):
    buffer = io.BytesIO()
    if mode == "I;16":
        Image.fromarray(np.full((SIDE, SIDE), 40000, np.uint16)).save(buffer, "TIFF")
    else:
        noise(2, "", (SIDE, SIDE)).convert(mode).save(buffer, "TIFF" if mode == "CMYK" else "PNG")
    assert decode(buffer.getvalue(), "odd").mode == "RGB"


@pytest.mark.parametrize("data", [b"", b"no picture", picture(1)[:200], b"\x89PNG\r\n\x1a\n" + b"\0" * 50])
def test_damaged_files_are_named(data):
    with pytest.raises(ValueError, match=r"broken\.png cannot be read as a picture"):
        decode(data, "broken.png")


def test_a_picture_is_never_enlarged(tmp_path):
    with pytest.raises(ValueError, match=r"fewer than the 64 x 64 of the study"):
        make(tmp_path, size=(64, 64))
    assert not list(tmp_path.iterdir())  # nothing half-made is left


def test_the_size_is_the_largest_that_enlarges_none(tmp_path):
    assert make(tmp_path).plan.size == (32, 32)  # 40 in steps of 16


def test_too_few_pictures_are_said(tmp_path):
    with pytest.raises(ValueError, match="need 5 originals of their own, there are 4"):
        make(tmp_path, count=4)
    with pytest.raises(ValueError, match="ask fewer questions"):
        make(tmp_path, count=10)
    assert not list(tmp_path.iterdir())


def test_a_study_is_not_made_over_another(tmp_path):
    make(tmp_path)
    with pytest.raises(FileExistsError, match="Choose another name"):
        make(tmp_path)


def test_a_generated_picture_that_equals_its_original_is_refused(tmp_path):
    with pytest.raises(ValueError, match="to the pixel"):
        make_study(tmp_path / "x", Design("x", (Block(count=2),)), sources(20), {MODEL: sources(20)})


def test_a_picture_given_twice_is_left_out_and_said(tmp_path):
    real = [*sources(20), SourcePicture("copy", "copy.png", lambda: picture(0))]
    made = make_study(tmp_path / "x", Design("x", (Block(count=2),)), real, {MODEL: sources(20, 1000)})
    assert any("copy.png: equals f0.png" in note for note in made.notes)
    assert json.loads((made.folder / "making.json").read_text())["sha256"] == made.plan.sha256


def test_other_file_formats_are_pointed_out(tmp_path):
    generated = sources(20, 1000, suffix="jpg")
    made = make_study(tmp_path / "x", Design("x", (Block(count=2),)), sources(20), {MODEL: generated})
    assert any("lossy compression may tell them apart" in note for note in made.notes)


def test_a_gold_picture_is_far_from_its_original():
    image = noise(1, "", (96, 96))
    assert np.abs(np.asarray(spoil(image, 0), int) - np.asarray(image, int)).mean() > 50
    assert encode(spoil(image, 0)) == encode(spoil(image, 0))


def test_families_come_from_names():
    assert family_of("folder/painting-03.jpg") == "painting-03"
    assert family_of("folder/scroll_07_crop_2.png", r"scroll_(\d+)") == "07"
    with pytest.raises(ValueError, match="not found in the name"):
        family_of("other.png", r"scroll_(\d+)")
    with pytest.raises(ValueError, match="one group"):
        family_of("scroll_1.png", r"scroll_\d+")


def test_conditions_come_from_names():
    assert split_condition("U-Net 256=some/where") == ("u-net-256", "some/where")
    assert split_condition("some/ResNet_9/") == ("resnet-9", "some/ResNet_9/")
    with pytest.raises(ValueError, match="NAME=SOURCE"):
        split_condition("=x")


def test_the_demonstration_is_made_once(tmp_path):
    folder = make_demo(tmp_path)
    plan = Plan.load(folder / "plan.json")
    assert plan.demo and plan.name == "demo" and len(plan.families("landscape-colorizer")) >= 20
    before = (folder / "plan.json").stat().st_mtime_ns
    assert make_demo(tmp_path) == folder and (folder / "plan.json").stat().st_mtime_ns == before
