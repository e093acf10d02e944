"""Publishing to a Hub and loading from it, through the real clients: what works, what breaks, what is refused."""

from pathlib import Path

import pytest
from huggingface_hub import HfApi, ModelCard, close_session

from hub_folders import FP16_WEIGHTS, WEIGHTS, paint
from hub_server import GUEST_TOKEN, NAMESPACE, Fault
from pipelines import METHODS, LandscapeColorizer, get_method
from pipelines.__main__ import main
from pipelines.carbon import emissions
from pipelines.hub import bundled_folder, publish, save_for_hub
from pipelines.hub_upload import content_tag
from pipelines.model_card import card_values, model_card

pytest_plugins = ("hub_fixtures",)
REPO = f"{NAMESPACE}/landscape-colorizer"


def names(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def whole(cache: Path) -> bool:
    """No half-fetched file is offered by the cache."""
    return all(file.resolve().is_file() for file in cache.glob("*/snapshots/**/*") if file.is_symlink())


# Published


def test_one_commit_a_tag_and_nothing_new_when_repeated(hub, exported):
    first = publish(exported, REPO)
    repository = hub.model(REPO)
    assert set(repository.files) == names(exported) and not repository.private
    assert repository.parents[first.commit] is not None and len(repository.commits) == 2  # the Hub's own, and ours
    assert first.tag == content_tag(exported) and repository.tags == {first.tag: first.commit}
    sent = len(hub.asked("PUT /lfs"))
    assert publish(exported, REPO) == first
    assert len(repository.commits) == 2 and len(hub.asked("PUT /lfs")) == sent
    assert not hub.unverified


def test_a_new_version_replaces_the_old_and_named_tags_stay(hub, pipe, exported, tmp_path):
    publish(exported, REPO, tag="v1")
    smaller = save_for_hub(pipe, tmp_path / "smaller")
    second = publish(smaller, REPO)
    repository = hub.model(REPO)
    assert set(repository.files) == names(smaller) and FP16_WEIGHTS not in repository.files
    assert repository.tags["v1"] != second.commit
    with pytest.raises(ValueError, match="its tag 'v1' means an older commit"):
        publish(smaller, REPO, tag="v1")
    old = LandscapeColorizer.from_pretrained(REPO, revision="v1", variant="fp16")
    assert (paint(old) == paint(LandscapeColorizer.from_pretrained(exported, variant="fp16"))).all()


def test_a_branch(hub, exported):
    publish(exported, REPO, branch="trial")
    repository = hub.model(REPO)
    assert not repository.files and WEIGHTS in repository.commits[repository.branches["trial"]]


def test_who_may_publish_where(hub, exported, monkeypatch):
    with pytest.raises(OSError, match="did not take repo as somebody/x: 403.*HF_TOKEN"):
        publish(exported, "somebody/x")
    with pytest.raises(OSError, match="401.*hf auth login"):
        publish(exported, REPO, token="hf_wrong")
    with pytest.raises(ValueError, match="namespace/name, got 'x'"):
        publish(exported, "x")
    publish(exported, REPO)
    with pytest.raises(ValueError, match="is there and is public"):
        publish(exported, REPO, private=True)


def test_a_repository_that_holds_something_else_is_left_alone(hub, exported):
    api = HfApi()
    api.create_repo(REPO)
    api.upload_file(path_or_fileobj=b"life's work", path_in_repo="thesis.tex", repo_id=REPO)
    with pytest.raises(ValueError, match=r"holds thesis\.tex"):
        publish(exported, REPO)
    assert set(hub.model(REPO).files) == {"thesis.tex"}


def test_a_card_that_the_hub_does_not_take_stops_the_upload(hub, folder):
    card = folder / "README.md"
    card.write_text(card.read_text().replace("pipeline_tag: image-to-image", "pipeline_tag: painting"))
    with pytest.raises(ValueError, match='"pipeline_tag" must be one of'):
        publish(folder, REPO)
    card.write_text("no front matter")
    with pytest.raises(ValueError, match="no model card"):
        publish(folder, REPO)
    assert not hub.model(REPO).files


@pytest.mark.parametrize("path", ["/lfs/.*", "/api/models/.*/commit/.*", "/api/models/.*/tag/.*"])
def test_an_upload_that_was_cut_off_can_be_repeated(hub, exported, path):
    hub.faults.append(Fault("PUT" if path.startswith("/lfs") else "POST", path, after=10, times=99))
    with pytest.raises(OSError, match=f"The Hub did not take repo as {REPO}: "):
        publish(exported, REPO)
    if "tag" not in path:
        assert not hub.model(REPO).files
    hub.faults.clear()
    done = publish(exported, REPO)
    repository = hub.model(REPO)
    assert set(repository.files) == names(exported) and repository.tags == {done.tag: done.commit}
    assert len(repository.commits) == 2


def test_one_broken_connection_is_no_failure(hub, exported):
    hub.faults.append(Fault("PUT", "/lfs/.*", after=1000))
    publish(exported, REPO)
    assert set(hub.model(REPO).files) == names(exported)


# Loaded


def test_loading_takes_json_and_safetensors_only_and_works_offline_afterwards(hub, exported, monkeypatch, tmp_path):
    publish(exported, REPO)
    start = len(hub.requests)
    fetched = LandscapeColorizer.from_pretrained(REPO)
    read = {line.split("/resolve/")[1].split("/", 1)[1] for line in hub.requests[start:] if "/resolve/" in line}
    assert read == {"model_index.json", "generator/config.json", WEIGHTS}
    expected = paint(LandscapeColorizer.from_pretrained(exported))
    assert (paint(fetched) == expected).all()
    start = len(hub.requests)
    assert (paint(LandscapeColorizer.from_pretrained(REPO, local_files_only=True)) == expected).all()
    assert len(hub.requests) == start
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert (paint(LandscapeColorizer.from_pretrained(REPO)) == expected).all()
    with pytest.raises(OSError, match="nothing can be looked up offline"):
        LandscapeColorizer.from_pretrained(REPO, variant="fp16")


def test_a_hub_that_is_gone_is_no_matter_with_a_warm_cache(hub, exported):
    publish(exported, REPO)
    expected = paint(LandscapeColorizer.from_pretrained(REPO))
    hub.shutdown()
    hub.server_close()
    close_session()  # the connections that were open
    assert (paint(LandscapeColorizer.from_pretrained(REPO)) == expected).all()
    with pytest.raises(OSError, match="There is no folder 'tester/other' here, and the Hub does not answer") as caught:
        LandscapeColorizer.from_pretrained("tester/other")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("GET", "/cdn/.*", after=2000, times=99),
        Fault("GET", ".*/tree/.*", times=99),
        Fault("HEAD", ".*/resolve/.*/config.json", status=503, times=99),
        Fault("GET", ".*/model_index.json", after=10, times=99),
        Fault("GET", ".*/generator/config.json", status=500, times=99),
    ],
    ids=["weights cut", "no tree", "busy", "index cut", "broken"],
)
def test_a_hub_that_breaks_off_leaves_no_broken_cache(hub, exported, fault, tmp_path):
    publish(exported, REPO)
    hub.faults.append(fault)
    told = f"The Hub model {REPO!r} could not be downloaded: |the Hub does not answer"
    with pytest.raises(OSError, match=told) as caught:
        LandscapeColorizer.from_pretrained(REPO)
    assert "\n" not in str(caught.value) and "Traceback" not in str(caught.value)
    assert whole(tmp_path / "cache")
    with pytest.raises(OSError, match="."):
        LandscapeColorizer.from_pretrained(REPO, local_files_only=True)
    hub.faults.clear()
    expected = paint(LandscapeColorizer.from_pretrained(exported))
    assert (paint(LandscapeColorizer.from_pretrained(REPO)) == expected).all()


def test_a_download_goes_on_where_it_was_cut(hub, exported):
    publish(exported, REPO)
    hub.faults.append(Fault("GET", "/cdn/.*", after=5000))
    expected = paint(LandscapeColorizer.from_pretrained(exported))
    assert (paint(LandscapeColorizer.from_pretrained(REPO)) == expected).all()
    assert len(hub.asked("GET /cdn")) == 2


def test_a_private_model_is_hidden_from_others(hub, exported, monkeypatch, tmp_path):
    publish(exported, REPO, private=True)
    assert hub.model(REPO).private
    for token in (False, "hf_wrong", GUEST_TOKEN):
        with pytest.raises(OSError, match="no model of that name is public; a private one needs `token`"):
            LandscapeColorizer.from_pretrained(REPO, token=token)
    assert not list((tmp_path / "cache").glob("*/snapshots"))
    assert paint(LandscapeColorizer.from_pretrained(REPO)).any()


@pytest.mark.parametrize("name", ["pytorch_model.bin", "generator/state.pkl", "generator/helper.so", "run.sh"])
def test_a_repository_with_a_pickle_or_an_unexpected_file_is_refused(hub, exported, name):
    publish(exported, REPO)
    HfApi().upload_file(path_or_fileobj=b"cos\nsystem\n(S'echo'\ntR.", path_in_repo=name, repo_id=REPO)
    with pytest.raises(ValueError, match=f"holds {name}, .*: refused"):
        LandscapeColorizer.from_pretrained(REPO)
    assert not any(line.endswith(name) for line in hub.asked("GET") if "/resolve/" in line)


def test_a_repository_with_a_pickle_in_place_of_the_weights_is_refused(hub, exported, folder):
    (folder / WEIGHTS).unlink()
    (folder / FP16_WEIGHTS).unlink()
    publish(folder, REPO)
    with pytest.raises(OSError, match=r"has no diffusion_pytorch_model\.safetensors"):
        LandscapeColorizer.from_pretrained(REPO)
    HfApi().upload_file(path_or_fileobj=b"\x80", path_in_repo="generator/diffusion_pytorch_model.bin", repo_id=REPO)
    with pytest.raises(ValueError, match="a pickle, which may run code"):
        LandscapeColorizer.from_pretrained(REPO)


# The commands


@pytest.fixture
def checks(monkeypatch):
    """The fresh process of every check takes seconds: here its verdict is given. `test_hub_round_trips` runs it."""
    verdict: list[str] = []
    monkeypatch.setattr("pipelines.hub_commands.check_hub_folder", lambda folder: verdict)
    return verdict


def test_what_does_not_stand_alone_is_not_published(hub, exported, capsys, checks):
    checks.append("pixels differ.")
    assert main(["publish", "landscape-colorizer", "--source", str(exported), "--repo", REPO]) == 1
    assert "pixels differ." in capsys.readouterr().err and not hub.requests


def test_publish_command_without_and_with_sending(hub, exported, capsys, checks):
    words = ["publish", "landscape-colorizer", "--source", str(exported), "--repo", REPO]
    assert main([*words, "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert f"Would be uploaded to {REPO} as content-" in told and WEIGHTS in told and not hub.requests
    assert main([*words, "--private"]) == 0
    told = capsys.readouterr().out
    repository = hub.model(REPO)
    ((tag, commit),) = repository.tags.items()
    assert f"Published as {REPO}, revision {tag}." in told and commit in told and repository.private
    card = repository.files["README.md"].decode()
    assert f'from_pretrained("{REPO}", trust_remote_code=True)' in card and "0.1235" in card
    again = LandscapeColorizer.from_pretrained(REPO, revision=tag, variant="fp16")
    assert (paint(again) == paint(LandscapeColorizer.from_pretrained(exported, variant="fp16"))).all()


def test_commands_say_what_is_wrong(capsys, tmp_path, monkeypatch, exported):
    monkeypatch.delenv("DANQING_NAMESPACE", raising=False)
    for words, told in (
        (["publish", "landscape-colorizer"], "Set DANQING_NAMESPACE"),
        (["publish", "nothing", "--repo", "a/b"], "Unknown method 'nothing'"),
        (["check", str(tmp_path)], "has no model_index.json"),
        (["publish-space", "--repo", "space"], "namespace/name, got 'space'"),
    ):
        assert main(words) == 1
        assert told in capsys.readouterr().err


# Cards


@pytest.mark.parametrize("name", METHODS)
def test_the_bundled_card_is_of_todays_template_and_valid(hub, name):
    method, card = get_method(name), (bundled_folder(name) / "README.md").read_text(encoding="utf-8")
    values = card_values(method, card)
    assert values is not None, "write the card anew: the template has changed"
    assert model_card(method, None, None, values) == card
    assert {"rights", "test_table", "data", "duration", "carbon", "machine"} <= set(values)
    loaded = ModelCard(card)
    loaded.validate()
    assert loaded.data["co2_eq_emissions"]["emissions"] > 1 and loaded.data.library_name == "diffusers"
    for heading in ("How it was made", "Measures", "Rights and limits"):
        assert f"## {heading}" in card


def test_emissions_are_time_times_power():
    """Two threads of 12 W for an hour are 24 Wh, 40 with the building, 19 g; all stages count."""
    run = {"seconds": 3600, "machine": "2 threads of a CPU (x86_64, AVX512)"}
    found = emissions(run)
    assert found is not None
    assert found.kilowatt_hours == pytest.approx(0.024 * 1.67) and found.grams == pytest.approx(0.024 * 1.67 * 475)
    assert str(found).startswith("about 19 g CO2eq, 0.04 kWh") and "emissions: 19\n" in found.front_matter()
    stages = {"earlier_stages": [{"seconds": 1800}], "editing": {"denoise": {"seconds": 1800}}}
    assert emissions(run | stages).grams == pytest.approx(2 * found.grams)
    assert emissions(run | stages | {"total_seconds": 360}).grams == pytest.approx(found.grams / 10)
    gpus = emissions({"seconds": 3600, "machine": "2 x NVIDIA H200"})
    assert gpus.kilowatt_hours == pytest.approx(1.4 * 1.67)
    assert emissions({"seconds": 3600, "machine": "1 x NVIDIA Unheard Of"}).kilowatt_hours == pytest.approx(0.2 * 1.67)
    assert emissions(run | {"machine": "1 process on x86_64 CPU, 2 threads"}).grams == found.grams
    for unknown in ({}, {"seconds": 5}, {"machine": "2 threads of a CPU"}, run | {"machine": "an abacus"}):
        assert emissions(unknown) is None
