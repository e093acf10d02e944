"""Hub folders: written whole or not at all, told apart by content, checked, published and fetched."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file

from hub_folders import FP16_WEIGHTS, METHOD, WEIGHTS, edit_json, paint
from pipelines import LandscapeColorizer
from pipelines.__main__ import main
from pipelines.hub import check_hub_folder, publish, save_for_hub
from pipelines.model_card import model_card
from pipelines.standalone import hashed_name

pytest_plugins = ("hub_fixtures",)


def contents(folder):
    return {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


# Written


def test_layout(exported):
    files = {str(file.relative_to(exported)) for file in exported.rglob("*") if file.is_file()}
    index = json.loads((exported / "model_index.json").read_text())
    module, name = index["_class_name"]
    assert name == "LandscapeColorizer" and module.startswith("pipeline_landscape_colorizer_")
    network = f"generator/{index['generator'][0]}.py"
    assert network.startswith("generator/networks_landscape_colorizer_")
    expected = {"model_index.json", f"{module}.py", "README.md", "training.json", "generator/config.json", network}
    assert files == expected | {WEIGHTS, FP16_WEIGHTS}
    for file in files:
        assert (exported / file).stat().st_mode & 0o777 & ~0o022 == 0o644, file
        assert str(exported.parent).encode() not in (exported / file).read_bytes(), file
    assert (exported.stat().st_mode & 0o755) == 0o755
    half = load_file(exported / FP16_WEIGHTS)
    assert {value.dtype for value in half.values()} == {torch.float16, torch.int64}  # batch norm counts its batches


def test_only_a_new_an_empty_or_an_earlier_export_is_written_to(pipe, folder, tmp_path):
    (folder / "generator" / "left-over.safetensors").write_bytes(b"old")
    save_for_hub(pipe, folder)
    assert not (folder / "generator" / "left-over.safetensors").exists()
    foreign = tmp_path / "photos"
    foreign.mkdir()
    save_for_hub(pipe, foreign)
    shutil.rmtree(foreign)
    foreign.mkdir()
    (foreign / "cat.jpg").write_bytes(b"cat")
    for stranger in (foreign, foreign / "cat.jpg"):
        with pytest.raises(FileExistsError, match="choose another folder"):
            save_for_hub(pipe, stranger)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"notes\.txt"):
        save_for_hub(pipe, folder)
    assert (foreign / "cat.jpg").read_bytes() == b"cat" and (folder / "notes.txt").read_text() == "mine"


def test_an_export_that_fails_leaves_the_old_one_and_nothing_else(folder):
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    broken = METHOD.tiny()
    with torch.no_grad():
        broken.generator.refiner.enter.bias[0] = 1e6  # more than float16 holds
    with pytest.raises(ValueError, match=r"refiner\.enter\.bias.*float16.*not finite"):
        save_for_hub(broken, folder, variant="fp16")
    with pytest.raises(ValueError, match="variant must be one of"):
        save_for_hub(broken, folder, variant="int4")
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_the_papers_networks_bring_their_own_file(tmp_path):
    from pipelines.landscape_colorizer.networks_pix2pix import ResNetGenerator

    pipe = LandscapeColorizer(ResNetGenerator(width=8, blocks=1).eval())
    folder = save_for_hub(pipe, tmp_path / "paper")
    assert list((folder / "generator").glob("networks_pix2pix_????????.py"))
    assert (paint(LandscapeColorizer.from_pretrained(folder)) == paint(pipe)).all()


def test_only_a_methods_parts_are_written(tmp_path):
    pipe = METHOD.tiny()
    pipe.generator = torch.nn.Conv2d(1, 1, 1)
    with pytest.raises(ValueError, match="generator is a Conv2d, which is no network of landscape_colorizer"):
        save_for_hub(pipe, tmp_path / "repo")
    assert list(tmp_path.iterdir()) == []


# By diffusers alone


def test_two_versions_in_one_process_keep_their_own_code(exported, folder, own_module_cache):
    """The flat namespace of diffusers: with equal file names the first pipeline would go on with the second's code."""
    from diffusers import DiffusionPipeline

    first = DiffusionPipeline.from_pretrained(exported, trust_remote_code=True)
    expected = paint(first)
    (file,) = folder.glob("pipeline_*.py")
    source = file.read_text().replace(
        '"""\n        height, width = pixels.shape[:2]',
        '"""\n        pixels = 255 - pixels\n        height, width = pixels.shape[:2]',
    )
    assert source != file.read_text()
    file.unlink()
    name = hashed_name("pipeline_landscape_colorizer", source)
    (folder / f"{name}.py").write_text(source)
    edit_json(folder / "model_index.json", lambda index: index.update(_class_name=[name, "LandscapeColorizer"]))
    second = DiffusionPipeline.from_pretrained(folder, trust_remote_code=True)
    assert (paint(second) != expected).any()
    assert (paint(first) == expected).all()


def test_what_diffusers_loaded_is_exported_with_its_own_code(exported, tmp_path, own_module_cache):
    from diffusers import DiffusionPipeline

    loaded = DiffusionPipeline.from_pretrained(exported, trust_remote_code=True)
    again = save_for_hub(
        loaded, tmp_path / "again", variant="fp16", training=json.loads((exported / "training.json").read_text())
    )
    files = {file.relative_to(exported): file.read_bytes() for file in exported.rglob("*") if file.is_file()}
    assert {file.relative_to(again): file.read_bytes() for file in again.rglob("*") if file.is_file()} == files


# The card, publishing, the command


def test_the_card_tells_what_is_known_and_what_is_not(exported):
    card = (exported / "README.md").read_text()
    front = card.split("---")[1]
    for line in ("license: apache-2.0", "library_name: diffusers", "pipeline_tag: image-to-image"):
        assert line in front
    assert "| tiny |" in card and "0.1235" in card and "2.0 hours" in card and "not measured" in card
    assert "$" not in card
    table = {"title": "Coloured crops", "rows": [{"name": "default", "note": None, "measures": {}}]}
    table["rows"][0]["measures"]["lpips"] = {"value": 0.1, "low": 0.09, "high": 0.11}
    card = model_card(METHOD, None, {"tables": [table]}, {"rights": "All open."})
    assert "| default | 0.1 [0.09, 0.11] |" in card and "All open." in card
    table["columns"] = [
        {"key": "kid", "label": "KID ×10³ ↓", "digits": 1, "scale": 1000},
        {"key": "lpips", "label": "LPIPS ↓", "digits": 3, "scale": 1.0},
    ]
    table["rows"][0]["measures"]["kid"] = {"value": 0.0166, "low": None, "high": None}
    card = model_card(METHOD, None, {"tables": [table]})
    assert "| | KID ×10³ ↓ | LPIPS ↓ |" in card and "| default | 16.6 | 0.100 [0.090, 0.110] |" in card
    with pytest.raises(ValueError, match="no field nonsense"):
        model_card(METHOD, values={"nonsense": 1})


def test_publishing_refuses_what_is_no_export(folder, monkeypatch):
    monkeypatch.delenv("DANQING_NAMESPACE", raising=False)
    with pytest.raises(ValueError, match="DANQING_NAMESPACE"):
        publish(folder)
    (folder / "generator" / "state.pkl").write_bytes(b"")
    with pytest.raises(ValueError, match=r"generator/state\.pkl; published are only \.json, \.md, \.py, \.safetensors"):
        publish(folder, "tester/x")
    with pytest.raises(OSError, match=r"has no model_index\.json"):
        publish(folder.parent, "tester/x")


def test_the_export_command(exported, tmp_path, capsys):
    titles = ("A: all", "A: cats", "Swaps")
    report = {"tables": [{"title": title, "rows": []} for title in titles]}
    (tmp_path / "table.json").write_text(json.dumps(report))
    out = tmp_path / "out"
    words = ["export", "landscape-colorizer", "--out", str(out), "--source", str(exported), "--variant", "none"]
    shown = ["--evaluation", str(tmp_path / "table.json"), "--tables", "all", "Swaps", "--values", "rights", "All open"]
    assert main([*words, "--precision", "fp16", *shown]) == 0
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "### A: all" in card and "### Swaps" in card and "cats" not in card and "All open" in card
    assert (out / "training.json").is_file() and "Wrote" in capsys.readouterr().out
    half = LandscapeColorizer.from_pretrained(exported, variant="fp16")
    assert (paint(LandscapeColorizer.from_pretrained(out)) == paint(half)).all()
    # Again from there: its precision, and what its card alone tells, stay.
    again = tmp_path / "again"
    assert main(["export", "landscape-colorizer", "--out", str(again), "--source", str(out), "--variant", "none"]) == 0
    assert contents(again) == contents(out)
    assert "warning" not in capsys.readouterr().err
    (out / "README.md").write_text("# A card of somebody's own\n")
    assert main(["export", "landscape-colorizer", "--out", str(again), "--source", str(out), "--variant", "none"]) == 0
    assert "its tables and rights are not taken over" in capsys.readouterr().err


@pytest.mark.slow
def test_a_check_finds_what_is_wrong(folder):
    (file,) = folder.glob("pipeline_*.py")
    file.write_text(file.read_text() + "\nfrom pipelines.color import grey_of\n")
    (problem,) = check_hub_folder(folder)
    assert "does not run on its own" in problem and "pipelines" in problem
