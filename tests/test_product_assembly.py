"""Putting trained parts together: the bars come from validation pictures."""

import json

import numpy as np
import pytest
import torch

from labelled_fixtures import blotches, write_parquet
from pipelines import get_method
from pipelines.hub import save_for_hub
from pipelines.product_studio.assemble import assemble, category_bars, main
from pipelines.product_studio.pipeline_product_studio import ProductStudio


@pytest.fixture
def data(tmp_path):
    labels = ["bags", "shoes"] * 6
    pictures = [blotches(number, 24, 24) for number in range(12)]
    columns = {"label": labels, "colour": ["red"] * 12, "subset": ["studio"] * 12}
    write_parquet(tmp_path / "data" / "val.parquet", pictures, [str(n) for n in range(12)], **columns)
    return tmp_path / "data"


@pytest.fixture
def pipe():
    torch.manual_seed(0)
    return get_method("product_studio").tiny()


def test_bars_are_quantiles_of_the_real_scores(pipe, data):
    low, middle, high = (category_bars(pipe, data, quantile) for quantile in (0.0, 0.5, 1.0))
    assert all(a < b < c for a, b, c in zip(low, middle, high, strict=True))
    with pytest.raises(ValueError, match="quantile"):
        category_bars(pipe, data, 1.5)
    pipe.generator.register_to_config(categories=["bags", "hats"])
    with pytest.raises(ValueError, match="no validation picture of hats"):
        category_bars(pipe, data, 0.5)


def test_a_studio_is_written_with_its_bars(pipe, data, tmp_path):
    training = {"preset": "tiny", "steps": 4, "images": 16, "seconds": 1.0}
    save_for_hub(pipe, tmp_path / "run" / "best", training=training)
    out = tmp_path / "studio"
    command = f"--generator {tmp_path / 'run' / 'best'} --data {data} --out {out} --quantile 0.5 --samples 6"
    main(command.split())
    written = ProductStudio.from_pretrained(out)
    record = json.loads((out / "training.json").read_text())
    assert written.judge.config.bars == record["gate"]["bars"] == category_bars(pipe, data, 0.5)
    assert written.encoder is None and record["preset"] == "tiny" and record["editing"] == {}
    assert set(record["gate"]["accepted"]) == {"bags", "shoes"}
    shares = list(record["gate"]["accepted"].values())
    assert all(np.isclose(share * 6, round(share * 6)) for share in shares)


def test_a_folder_without_a_studio_is_named(data, tmp_path):
    with pytest.raises(SystemExit, match="error: .*nothing"):
        main(f"--generator {tmp_path / 'nothing'} --data {data} --out {tmp_path / 'out'}".split())
    with pytest.raises(OSError, match="nothing"):
        assemble(tmp_path / "nothing", data, tmp_path / "out")
