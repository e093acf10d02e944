"""Commands of `python -m pipelines` around the Hub: export, check, publish, publish-space."""

import torchvision_guard  # noqa: F401  isort: skip  before diffusers
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
import tyro

from pipelines import get_method
from pipelines.components import VARIANTS, read_json, read_precision
from pipelines.hub import bundled_folder, check_hub_folder, hub_id, publish, save_for_hub
from pipelines.hub_publish import check_export
from pipelines.hub_upload import content_tag, listing
from pipelines.model_card import card_values
from pipelines.space import publish_space

Name = tyro.conf.Positional[str]
_REWRITTEN = {"components", "carbon", "metadata"}  # of an earlier card: told by the folder and the run


@dataclass(frozen=True)
class Content:
    """What is exported.

    Attributes:
        source: folder or Hub id to take the weights from; unset: the bundled ones.
        variant: write weights of this precision beside the plain ones, for `variant=`.
        precision: of the plain ones; "source": that of the files they come from.
        evaluation: table.json of `python -m evaluation`, for the card; unset: the table of the source's card stays.
        tables: show those tables whose titles end in one of these words; unset: all.
        values: fields of the card that no file tells, as name value pairs, such as rights "..."; they replace those of
            the source's card.
    """

    source: str | None = None
    variant: Literal["fp16", "bf16", "none"] = "fp16"
    precision: Literal["fp16", "bf16", "fp32", "source"] = "source"
    evaluation: Path | None = None
    tables: tuple[str, ...] = ()
    values: dict[str, str] = field(default_factory=dict)


Options = tyro.conf.OmitArgPrefixes[Content]


def export(method: Name, out: Path, content: Options = Content(), onnx: bool = False) -> None:
    """Write weights of a method as a Hub folder with the code of today, or its networks as ONNX files.

    Args:
        method: name of the method.
        out: folder to write; an earlier export there is replaced.
        content: what to export.
        onnx: write ONNX files, checked against PyTorch, and an example that runs without it, instead of a Hub folder.
    """
    if onnx:
        from pipelines.onnx_export import export_onnx

        print(export_onnx(get_method(method), out, content.source))
        return
    _write(method, out, content)
    print(f"Wrote {out}.")


def check(folder: tyro.conf.Positional[Path]) -> None:
    """Load a Hub folder in a fresh process by diffusers alone, and compare its pixels with those made here.

    Args:
        folder: what `export` wrote.
    """
    _check(folder)
    print(f"{folder} stands alone, and its pixels are those made here.")


def publish_method(
    method: Name,
    repo: str | None = None,
    content: Options = Content(),
    private: bool = False,
    branch: str | None = None,
    tag: str | None = None,
    dry_run: bool = False,
) -> None:
    """Export a method, check that it stands alone, and upload weights, code and card in one tagged commit.

    It may be repeated: what is there already is not sent again.

    Args:
        method: name of the method.
        repo: Hub id, user/name; unset: DANQING_NAMESPACE and the method's name.
        content: what to publish.
        private: make a new repository private.
        branch: to upload to; unset: the main one.
        tag: name of the commit; unset: "content-" and a digest of the files.
        dry_run: export and check, and say what would be uploaded.
    """
    repo = repo or hub_id(get_method(method).name)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / get_method(method).name
        _write(method, folder, content, repo)
        _check(folder)
        print(f"It stands alone, and its pixels are those made here:\n{listing(folder)}")
        if dry_run:
            print(f"Would be uploaded to {repo} as {tag or content_tag(folder)}. Nothing was sent.")
            return
        done = publish(folder, repo, private=private, branch=branch, tag=tag)
    print(f"{done.url}\nPublished as {repo}, revision {done.tag}.")


def _check(folder: Path) -> None:
    check_export(folder)
    if problems := check_hub_folder(folder):
        raise ValueError(" ".join(problems))


def _write(method: str, folder: Path, content: Content, repo: str | None = None) -> None:
    declared = get_method(method)
    source = Path(content.source or bundled_folder(declared.name))
    pipe = declared.load("pipeline").from_pretrained(content.source)
    record = source / "training.json"
    report = read_json(content.evaluation) if content.evaluation else None
    if report and content.tables:
        report["tables"] = [table for table in report["tables"] if table["title"].endswith(content.tables)]
    values = _known_before(declared, source, report) | ({"repo_id": repo} if repo else {}) | content.values
    plain = read_precision(source) if content.precision == "source" else content.precision
    save_for_hub(
        pipe,
        folder,
        variant=None if content.variant == "none" else content.variant,
        dtype=VARIANTS.get(plain, torch.float32),
        training=read_json(record) if record.is_file() else None,
        evaluation=report,
        card_values=values,
    )


def _known_before(declared: Any, source: Path, report: Mapping[str, Any] | None) -> dict[str, str]:
    """What the source's card tells and no file does: rights, times of stages, the table."""
    card = source / "README.md"
    known = card_values(declared, card.read_text(encoding="utf-8")) if card.is_file() else {}
    if known is None:
        print(
            f"warning: {card} has another form than today's cards: its tables and rights are not taken over. Give them "
            "with --evaluation and --values.",
            file=sys.stderr,
        )
    left_out = _REWRITTEN | ({"test_table"} if report else set())
    return {name: text for name, text in (known or {}).items() if name not in left_out}


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit status: 0, or 1 with a sentence on stderr."""
    functions = {"export": export, "check": check, "publish": publish_method, "publish-space": publish_space}
    command = functions[arguments[0]]
    try:
        tyro.cli(command, args=arguments[1:], prog=f"python -m pipelines {arguments[0]}")
    except (OSError, ValueError, KeyError) as error:
        print(f"error: {error.args[0] if isinstance(error, KeyError) else error}", file=sys.stderr)
        return 1
    return 0
