"""`python -m pipelines METHOD INPUT... --out DIR`: what it paints, what it keeps, what it refuses, and how it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines import get_method
from pipelines.__main__ import main, method_options
from pipelines.batch import plan_batch, with_variants
from pipelines.hub import save_for_hub
from test_images import broken_files
from test_tiles import noise

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """A folder of random weights of the landscape colorizer."""
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    save_for_hub(get_method("landscape_colorizer").tiny(), folder)
    return folder


@pytest.fixture
def album(tmp_path) -> Path:
    """A folder of three pictures, one of them in a subfolder, and files that are none."""
    folder = tmp_path / "album"
    (folder / "north" / "peak").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    Image.fromarray(noise(40, 50)).save(folder / "a.jpg")
    Image.fromarray(noise(30, 20)).save(folder / "north" / "peak" / "b c.png")
    Image.fromarray(noise(20, 30, np.uint16)[..., 0]).save(folder / "north" / "scan", "TIFF")
    Image.fromarray(noise(20, 30)).save(folder / ".hidden" / "x.png")
    (folder / "notes.txt").write_text("not a picture, and not named like one")
    (folder / "._a.jpg").write_bytes(b"what some systems leave")
    (folder / "Makefile").write_text("all:")
    return folder


def run(*arguments: object) -> int:
    return main(["landscape-colorizer", *map(str, arguments)])


def test_folder_keeps_subfolders_sizes_and_bits(album, weights, tmp_path, capsys):
    out = tmp_path / "out" / "deep"
    assert run(album, "--out", out, "--weights", weights) == 0
    results = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert results == ["a.png", "north/peak/b c.png", "north/scan.png"]
    assert Image.open(out / "a.png").size == (50, 40)
    assert (out / "north" / "scan.png").read_bytes()[24] == 16  # bit depth in the PNG header
    assert capsys.readouterr().out == f"3 painted, 0 kept, 0 failed; results in {out}\n"


def test_second_run_keeps_and_overwrite_replaces(album, weights, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.png").write_bytes(b"mine")
    assert run(album, "--out", out, "--weights", weights) == 0
    captured = capsys.readouterr()
    assert "2 painted, 1 kept, 0 failed" in captured.out and f"kept: {out / 'a.png'} exists" in captured.err
    assert (out / "a.png").read_bytes() == b"mine"
    assert run(album, "--out", out, "--weights", weights, "--overwrite") == 0
    assert "3 painted, 0 kept" in capsys.readouterr().out
    assert Image.open(out / "a.png").size == (50, 40)


def test_results_inside_the_source_folder_are_not_sources(album, weights):
    assert run(album, "--out", album / "coloured", "--weights", weights) == 0
    assert run(album, "--out", album / "coloured", "--weights", weights, "--overwrite") == 0
    assert not (album / "coloured" / "coloured").exists()


def test_bad_files_are_reported_and_the_rest_painted(weights, tmp_path, capsys):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    words = broken_files(folder)
    Image.fromarray(noise(20, 20)).save(folder / "whole.png")
    for name in ("cut.png", "cut.webp", "cut.tif", "cut.gif", "cut.bmp", "header.png"):
        (folder / name).rename(folder / f"{name}.jpg".replace("png.jpg", "1.jpg"))
    bad = [path for path in folder.iterdir() if path.is_file() and path.suffix == ".jpg"]
    assert run(folder, "--out", out, "--weights", weights) == 1
    captured = capsys.readouterr()
    assert f"1 painted, 0 kept, {len(bad)} failed" in captured.out and len(bad) >= 8
    lines = [line for line in captured.err.splitlines() if line.startswith("failed: ")]
    assert len(lines) == len(bad) and "Traceback" not in captured.err
    assert any(words["empty.jpg"] in line for line in lines)
    assert [path.name for path in out.iterdir()] == ["whole.png"]


def test_option_of_the_method_reaches_the_model(weights, tmp_path):
    Image.fromarray(noise(40, 50)).save(tmp_path / "a.png")
    grey, vivid = tmp_path / "grey", tmp_path / "vivid"
    assert run(tmp_path / "a.png", "--out", grey, "--weights", weights, "--vividness", 0) == 0
    assert run(tmp_path / "a.png", "--out", vivid, "--weights", weights, "--tile", 16) == 0
    pixels = np.asarray(Image.open(grey / "a.png")).astype(int)
    assert np.abs(pixels - pixels[..., :1]).max() <= 1
    want = get_method("landscape_colorizer").load("pipeline").from_pretrained(weights)(tmp_path / "a.png").images[0]
    np.testing.assert_array_equal(np.asarray(Image.open(vivid / "a.png")), np.asarray(want))


def test_palettes_hints_and_variants_reach_the_model(album, weights, tmp_path):
    (picture,), out = [album / "a.jpg"], tmp_path / "out"
    words = ["--palette", "blue-green", "--hints", "5,5,#c03020", "10,20,azure", "--strength", 0.5, "--restore", 0.5]
    assert run(picture, "--out", out, "--weights", weights, *words, "--variants", 3) == 0
    assert sorted(path.name for path in out.iterdir()) == ["a-seed-0.png", "a-seed-1.png", "a.png"]
    pipe = get_method("landscape_colorizer").load("pipeline").from_pretrained(weights)
    hints = [(5, 5, "#c03020"), (10, 20, "azure")]
    asked = {"palette": "blue-green", "hints": hints, "strength": 0.5, "restore": 0.5}
    images = pipe(picture, **asked, num_images_per_prompt=3, output_type="np").images
    for image, name in zip(images, ("a", "a-seed-0", "a-seed-1"), strict=True):
        got = np.asarray(Image.open(out / f"{name}.png"), int)
        assert np.abs(got - image * 255).max() <= 1.01
    again = tmp_path / "again"
    assert run(picture, "--out", again, "--weights", weights, *words, "--seed", 1) == 0
    assert (again / "a.png").read_bytes() == (out / "a-seed-1.png").read_bytes()


def test_a_reference_picture_is_a_palette(album, weights, tmp_path):
    Image.new("RGB", (30, 30), (40, 90, 160)).save(tmp_path / "blue.png")
    assert (
        run(album / "a.jpg", "--out", tmp_path / "out", "--weights", weights, "--palette", tmp_path / "blue.png") == 0
    )


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["--palette", "no-such"], 2, "'no-such' is neither a tradition"),
        (["--hints", "5,5,nocolour"], 1, "nocolour"),
        (["--hints", "500,5,#ffffff"], 1, "500"),
        (["--seed", "-3"], 2, "--seed is 0 or more, got -3"),
        (["--restore", "3"], 2, "restore"),
    ],
)
def test_bad_wishes_leave_nothing(album, weights, tmp_path, capsys, words, status, sentence):
    out = tmp_path / "out"
    assert run(album / "a.jpg", "--out", out, "--weights", weights, *words) == status
    assert sentence in capsys.readouterr().err
    assert not out.exists() or not any(path.is_file() for path in out.rglob("*"))


def test_hints_are_for_one_picture(album, weights, tmp_path, capsys):
    assert run(album, "--out", tmp_path / "out", "--weights", weights, "--hints", "1,1,red") == 2
    assert "got 3 pictures" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run(album / "a.jpg", "--out", tmp_path / "out", "--hints", "1,red")
    assert "must be X,Y,COLOUR" in capsys.readouterr().err


def test_variants_never_share_a_target(tmp_path):
    for name in ("a.png", "a-seed-0.png"):
        Image.new("RGB", (3, 3)).save(tmp_path / name)
    jobs = plan_batch([tmp_path], tmp_path / "out", ".png")
    with pytest.raises(ValueError, match="would both become"):
        with_variants(jobs, None, 2)


def test_refusals_come_before_any_work(album, weights, tmp_path, capsys):
    out = tmp_path / "out"
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "notes.txt").write_text("x")
    cases = [
        ([tmp_path / "none", "--out", out], "holds no pictures"),
        ([tmp_path / "missing.jpg", "--out", out], "There is no file or folder"),
        ([album, "--out", album / "a.jpg"], "is a file; name a folder"),
        ([album, "--out", out, "--weights", tmp_path / "nowhere"], "nowhere"),
        ([album, "--out", out, "--weights", weights, "--vividness", 9], "between 0 and 2, got 9"),
        ([album, "--out", out, "--weights", weights, "--device", "abacus"], "abacus"),
    ]
    for arguments, sentence in cases:
        assert run(*arguments) == 2
        captured = capsys.readouterr()
        assert sentence in captured.err and "Traceback" not in captured.err and captured.out == ""
        assert not out.exists()
    for arguments in (
        ["--out", out],
        [album],
        [album, "--out", out, "--suffix", ".bmp"],
        [album, "--out", out, "--tile", 0],
    ):
        with pytest.raises(SystemExit) as caught:
            run(*arguments)
        assert caught.value.code == 2


def test_without_or_with_an_unknown_method(capsys):
    assert main([]) == 2 and main(["--help"]) == 0
    assert "landscape-colorizer" in capsys.readouterr().out
    assert main(["portrait-colorizer", "a.jpg"]) == 2
    assert "choose from: landscape-colorizer" in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        run("--help")
    assert caught.value.code == 0 and "--vividness" in capsys.readouterr().out


def test_method_options_are_the_scalars_with_defaults():
    def canvas(self, view, height, width, strength: float = 1.5, name: str = "x", flag: bool = False, seed=None):
        """Paint.

        Args:
            strength: how much, 0 to 2.
        """

    found = method_options(canvas)
    assert found == {"strength": (1.5, "how much, 0 to 2"), "name": ("x", ""), "flag": (False, "")}


def test_plan_refuses_shared_targets_and_sources(tmp_path):
    for name in ("a.jpg", "a.tif", "b.png"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(ValueError, match=r"a\.jpg' and '.*a\.tif' would both become '.*a\.png'"):
        plan_batch([tmp_path], tmp_path / "out", ".png")
    with pytest.raises(ValueError, match=r"b\.png' is one of the sources"):
        plan_batch([tmp_path / "b.png"], tmp_path, ".png")
    (job,) = plan_batch([tmp_path / "a.jpg", tmp_path / ".." / tmp_path.name / "a.jpg"], tmp_path, ".png")
    assert job.target == tmp_path / "a.png"


def test_plan_survives_a_loop_of_links(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    assert len(plan_batch([tmp_path], tmp_path / "out", ".tif")) == 1


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "pipelines", "landscape-colorizer", *map(str, arguments)]


def test_as_a_process_and_stopped_in_the_middle(weights, tmp_path):
    Image.fromarray(np.tile(noise(500, 500), (6, 6, 1))).save(tmp_path / "big.png", compress_level=1)
    out = tmp_path / "out"
    arguments = command(tmp_path / "big.png", "--out", out, "--weights", weights, "--tile", 32)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen(
        arguments,
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job ignores Ctrl-C, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 150
    while process.poll() is None and time.monotonic() < deadline and not (out.exists() and list(out.iterdir())):
        time.sleep(0.05)
    assert process.poll() is None and not (out / "big.png").exists()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and "Stopped" in errors and "Traceback" not in errors
    assert list(out.iterdir()) == []
