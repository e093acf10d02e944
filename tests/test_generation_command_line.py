"""`python -m pipelines detail-generator --count N --out DIR` and product-studio: sets, manifests, edits, refusals."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from pipelines import METHODS, get_method
from pipelines.__main__ import main
from pipelines.generation import command_line, labelled_set
from pipelines.generation.png_metadata import read_facts
from pipelines.hub import save_for_hub


@pytest.fixture(scope="module", autouse=True)
def methods() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("detail_generator", "product_studio"):
            patch.setitem(METHODS, name, f"pipelines.{name}")
        yield


def tiny(method: str, seed: int = 1):
    torch.manual_seed(seed)
    return get_method(method).tiny()


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("weights")
    for method in ("detail_generator", "product_studio"):
        save_for_hub(tiny(method), folder / method)
    save_for_hub(tiny("detail_generator", 2), folder / "other")
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture
def make(weights):
    def run(*arguments: object, method: str = "detail_generator", source: str = "") -> int:
        given = ["--weights", weights[source or method]]
        return main([method.replace("_", "-"), *map(str, [*arguments, *given])])

    return run


def manifest(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "metadata.jsonl").read_text(encoding="utf-8").splitlines()]


def everything(folder: Path) -> dict[str, bytes]:
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert not [name for name in files if "partial" in name]
    return files


# --- a labelled set


def test_a_set_has_its_labels_and_its_manifest(make, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(labelled_set, "_BATCH", 3)
    out = tmp_path / "deep" / "set"
    assert make("--count", 7, "--out", out, "--seed", 10, "--truncation", 0.5) == 0
    assert capsys.readouterr().out == f"7 made, 0 kept; results in {out}\n"
    pipe = tiny("detail_generator")
    lines = manifest(out)
    assert len(lines) == 7 and {line["label"] for line in lines} == set(pipe.categories)
    for line in lines:
        file = out / line["file_name"]
        assert line["file_name"] == f"{line['label']}/{line['label']}-{line['seed']}.png"
        assert set(line) == {"file_name", "label", "colour", "seed", "score", "model", "revision", "truncation"}
        assert (line["truncation"], line["model"], line["score"]) == (0.5, "detail_generator", None)
        want = pipe(line["label"], seed=line["seed"], truncation=0.5).images[0]
        np.testing.assert_array_equal(np.asarray(Image.open(file)), np.asarray(want))
        facts = read_facts(file)
        assert (facts.seed, facts.category, facts.revision) == (line["seed"], line["label"], line["revision"])
    assert sorted(line["seed"] for line in lines) == list(range(10, 17))
    counts = [sum(line["label"] == name for line in lines) for name in pipe.categories]
    assert max(counts) - min(counts) <= 1  # all categories in turn


def test_datasets_reads_the_set(make, tmp_path):
    from datasets import load_dataset

    assert make("--count", 5, "--out", tmp_path / "set") == 0
    read = load_dataset("imagefolder", data_dir=str(tmp_path / "set"), split="train", cache_dir=str(tmp_path / "cache"))
    assert len(read) == 5 and {"image", "label", "seed", "truncation"} <= set(read.column_names)
    assert read[0]["image"].size == (16, 16)
    assert sorted(read["label"]) == sorted(line["label"] for line in manifest(tmp_path / "set"))


def test_a_set_goes_on_where_it_stopped(make, tmp_path, capsys, monkeypatch):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert make("--count", 9, "--out", whole) == 0
    monkeypatch.setattr(labelled_set, "_BATCH", 4)
    write, written = labelled_set.write_png, []

    def stopped(*arguments):
        if len(written) == 6:
            raise KeyboardInterrupt
        written.append(arguments)
        write(*arguments)

    monkeypatch.setattr(labelled_set, "write_png", stopped)
    assert make("--count", 9, "--out", cut) == 130
    assert "Stopped" in capsys.readouterr().err and len(manifest(cut)) == 6
    monkeypatch.setattr(labelled_set, "write_png", write)
    (cut / "metadata.jsonl").unlink()  # as after a power cut: the files tell it all
    before = {name: (cut / name).stat().st_mtime_ns for name in everything(cut)}
    assert make("--count", 9, "--out", cut) == 0
    assert "3 made, 6 kept" in capsys.readouterr().out
    assert everything(cut) == everything(whole)
    assert all((cut / name).stat().st_mtime_ns == time for name, time in before.items())


def test_sets_of_one_folder_are_told_in_one_manifest(make, tmp_path, capsys):
    out = tmp_path / "set"
    assert make("--count", 2, "--out", out, "--category", "fruit") == 0
    assert make("--count", 2, "--out", out, "--category", "packages", "--seed", 5) == 0
    names = ["fruit/fruit-0.png", "fruit/fruit-1.png", "packages/packages-5.png", "packages/packages-6.png"]
    assert [line["file_name"] for line in manifest(out)] == names
    (out / names[1]).unlink()  # sorted out by hand
    assert make("--count", 1, "--out", out, "--category", "fruit", "--seed", 7) == 0
    assert [line["file_name"] for line in manifest(out)] == [names[0], "fruit/fruit-7.png", *names[2:]]


def test_pictures_of_other_weights_or_options_are_not_mixed(make, tmp_path, capsys):
    out = tmp_path / "set"
    assert make("--count", 2, "--out", out, "--category", "fruit") == 0
    before = everything(out)
    for more, sentence in (
        (["--truncation", 0.5], "was made with the truncation 1.0, not 0.5"),
        (["--weights"], ""),
    ):
        source = "other" if more == ["--weights"] else ""
        given = [] if source else more
        assert make("--count", 3, "--out", out, "--category", "fruit", *given, source=source) == 2
        assert (sentence or "was made with the model 'detail_generator', not 'other'") in capsys.readouterr().err
        assert everything(out) == before
    assert make("--count", 2, "--out", out, "--category", "fruit", "--truncation", 0.5, "--overwrite") == 0
    assert {line["truncation"] for line in manifest(out)} == {0.5}
    Image.new("RGB", (9, 9)).save(out / "fruit" / "fruit-0.png")
    assert make("--count", 2, "--out", out, "--category", "fruit", "--truncation", 0.5) == 2
    assert "fruit-0.png was not made by this command" in capsys.readouterr().err


def test_products_of_a_colour_through_the_gate(make, tmp_path, capsys):
    out, options = tmp_path / "set", ["--category", "shoes", "--colour", "red", "--tries", 3]
    assert make("--count", 6, "--out", out, *options, method="product_studio") == 0
    want = tiny("product_studio")("shoes", "red", 6, seed=0, tries=3)
    lines = {line["file_name"]: line for line in manifest(out)}
    for number in range(6):
        line = lines[f"shoes/shoes-{number}.png"]
        assert (line["colour"], line["seed"]) == ("red", want.seeds[number])
        assert line["score"] == pytest.approx(want.scores[number], abs=1e-5)
        picture = np.asarray(Image.open(out / line["file_name"]))
        np.testing.assert_array_equal(picture, np.asarray(want.images[number]))
    poor = want.accepted.count(False)
    assert (f"note: {poor} did not pass the gate" in capsys.readouterr().err) == bool(poor)
    assert make("--count", 6, "--out", out, *options, method="product_studio") == 0
    assert "0 made, 6 kept" in capsys.readouterr().out
    assert make("--count", 6, "--out", out, "--category", "shoes", "--colour", "black", method="product_studio") == 2
    assert "was made with the colour 'red', not 'black'" in capsys.readouterr().err


# --- what is refused


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--count", 0], "--count must be from 1 to 100,000, got 0"),
        (["--count", -1], "--count must be from 1 to 100,000, got -1"),
        (["--count", 1_000_000], "--count must be from 1 to 100,000, got 1,000,000"),
        (["--count", 3, "--seed", -1], "--seed must be from 0"),
        (["--count", 3, "--seed", 2**63 - 2], "--seed must be from 0"),
        (["--count", 3, "--category", "cheese"], "--category must be one of fruit, packages, vegetables, got 'cheese'"),
        (["--count", 3, "--truncation", 2], "truncation must be between 0 and 1.5, got 2"),
        (["--count", 3, "--truncation", "nan"], "truncation must be between"),
        (["--count", 3, "--device", "abacus"], "abacus"),
        ([], "Say with --count how many pictures to make."),
    ],
)
def test_refusals_come_before_any_work(make, tmp_path, capsys, arguments, sentence):
    assert make(*arguments, "--out", tmp_path / "set") == 2
    captured = capsys.readouterr()
    assert sentence in captured.err and "Traceback" not in captured.err and captured.out == ""
    assert not (tmp_path / "set").exists()


def test_what_is_not_there_or_not_ours_is_refused(make, tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    assert make("--count", 1, "--out", tmp_path / "file") == 2
    assert "is a file; name a folder" in capsys.readouterr().err
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "metadata.jsonl").write_text('{"file_name": "a.png"}\nnonsense\n')
    assert make("--count", 1, "--out", tmp_path / "set") == 2
    assert "line 2, is no line of a manifest" in capsys.readouterr().err
    assert main(["detail-generator", "--count", "1", "--out", str(tmp_path / "b"), "--weights", "no/such"]) == 2
    assert "no/such" in capsys.readouterr().err
    for arguments in (["--count", "many", "--out", tmp_path / "b"], ["--count", 1], ["a.png", "--out", tmp_path / "b"]):
        with pytest.raises(SystemExit) as caught:
            make(*arguments)
        assert caught.value.code == 2
    for words in (["--colour", "red"], ["--style", "waves"], ["--no-gate"]):  # only a product studio has these
        with pytest.raises(SystemExit):
            make("--count", 1, "--out", tmp_path / "b", *words)
    assert not (tmp_path / "b").exists()


def test_help_names_both_uses(capsys):
    assert main(["--help"]) == 0
    assert "METHOD --count N --out DIR" in capsys.readouterr().out
    for method, words in (("detail-generator", ["--count"]), ("product-studio", ["--count", "--colour", "--gate"])):
        with pytest.raises(SystemExit) as caught:
            main([method, "--help"])
        said = capsys.readouterr().out
        assert caught.value.code == 0 and all(word in said for word in words)


# --- editing


class Editor:
    """Stands in for a product studio with editing networks."""

    styles, enhancements = ("waves",), ("denoise", "cutout")

    def __init__(self):
        self.asked = []

    def __call__(self, category=None, colour=None, gate=True, tries=8):
        raise AssertionError

    def edit(self, image, style=None, enhance=(), strength=1.0, keep_background=True, output_type="pil"):
        if unknown := set(enhance) - set(self.enhancements):
            raise ValueError(f"enhance must be of denoise, cutout, got {unknown.pop()!r}.")
        self.asked.append((style, tuple(enhance), strength, keep_background))
        with Image.open(image) if isinstance(image, Path) else image as opened:
            return SimpleNamespace(images=[ImageOps.invert(opened.convert("RGB"))])


@pytest.fixture
def editor(monkeypatch) -> Editor:
    made = Editor()
    monkeypatch.setattr(command_line, "load_model", lambda *_: made)
    return made


def edit(*arguments: object) -> int:
    return command_line.main("product_studio", Editor, [str(one) for one in arguments])


@pytest.fixture
def album(tmp_path) -> Path:
    (tmp_path / "album" / "more").mkdir(parents=True)
    for name, colour in (("a.jpg", "red"), ("more/b.png", "blue")):
        Image.new("RGB", (20, 12), colour).save(tmp_path / "album" / name)
    return tmp_path / "album"


def test_files_and_folders_are_edited(editor, album, tmp_path, capsys):
    out, words = tmp_path / "out", ["--enhance", "denoise", "cutout", "--style", "waves", "--strength", 0.8]
    assert edit(album, "--out", out, *words, "--no-keep-background") == 0
    assert capsys.readouterr().out == f"2 edited, 0 kept, 0 failed; results in {out}\n"
    assert set(everything(out)) == {"a.png", "more/b.png"}
    assert editor.asked[-1] == ("waves", ("denoise", "cutout"), 0.8, False)
    assert np.asarray(Image.open(out / "more" / "b.png"))[0, 0].tolist() == [255, 255, 0]
    (out / "a.png").write_bytes(b"mine")
    assert edit(album, "--out", out, *words) == 0
    captured = capsys.readouterr()
    assert "0 edited, 2 kept" in captured.out and "exists already" in captured.err
    assert (out / "a.png").read_bytes() == b"mine"
    assert edit(album, "--out", out, *words, "--overwrite", "--suffix", ".jpg") == 0
    assert Image.open(out / "a.jpg").format == "JPEG"


def test_a_style_picture_and_a_broken_file(editor, album, tmp_path, capsys):
    Image.new("RGBA", (9, 9), "green").save(tmp_path / "style.png")
    (album / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    assert edit(album, "--out", tmp_path / "out", "--style", tmp_path / "style.png") == 1
    captured = capsys.readouterr()
    assert "2 edited, 0 kept, 1 failed" in captured.out and "failed: " in captured.err and "cut.png" in captured.err
    assert editor.asked[-1][0].size == (9, 9)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "Say what to edit"),
        (["--style", "cubism"], "neither a file nor one of the model's styles: waves"),
        (["--style", "album/broken.png"], "broken.png"),
        (["--enhance", "polish"], "enhance must be of denoise, cutout, got 'polish'"),
        (["--count", 3, "--enhance", "denoise"], "Either name pictures to edit"),
    ],
)
def test_edits_are_refused_before_any_work(editor, album, tmp_path, capsys, monkeypatch, words, sentence):
    monkeypatch.chdir(tmp_path)
    (album / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    assert edit(album, "--out", tmp_path / "out", *words) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err and captured.out == "" and not (tmp_path / "out").exists()


def test_neither_pictures_nor_a_count(editor, tmp_path, capsys):
    assert edit("--out", tmp_path / "out") == 2
    assert "how many pictures to make, or name pictures to edit" in capsys.readouterr().err
    assert edit(tmp_path / "none.png", "--out", tmp_path / "out", "--enhance", "denoise") == 2
    assert "There is no file or folder" in capsys.readouterr().err
