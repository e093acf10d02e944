"""What the Hub checks in the front matter of a README: `errors(content, kind)`. Its documentation is the source."""

from typing import Any

import yaml

_LICENCES = """
apache-2.0 mit openrail cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-4.0
cc-by-nc-sa-4.0 bsd bsd-2-clause bsd-3-clause gpl gpl-3.0 lgpl mpl-2.0 odbl unknown other
"""
LICENCES = set(_LICENCES.split())
PIPELINE_TAGS = {"image-to-image", "unconditional-image-generation", "text-to-image", "image-classification"}
TASKS = PIPELINE_TAGS | {"image-segmentation", "object-detection", "other"}
SIZES = {"n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M"}
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


def errors(content: str, kind: str) -> list[str]:
    """Sentences that say what the Hub would refuse; none if the card is fine."""
    parts = content.split("---\n", 2)
    if len(parts) < 3 or parts[0]:
        return ["there is no front matter"]
    try:
        data = yaml.safe_load(parts[1])
    except yaml.YAMLError as error:
        return [f"the front matter is no YAML: {error}"]
    if not isinstance(data, dict):
        return ["the front matter is no mapping"]
    found = [] if data.get("license") in LICENCES else [f'"license" must be one of {sorted(LICENCES)}']
    for key in ("tags", "language", "task_categories", "models", "preload_from_hub"):
        if not (isinstance(data.get(key, []), list) and all(isinstance(one, str) for one in data.get(key, []))):
            found.append(f'"{key}" must be a list of texts')
    return found + {"model": _model, "dataset": _dataset, "space": _space}[kind](data)


def _model(data: dict[str, Any]) -> list[str]:
    found = []
    if data.get("pipeline_tag") not in PIPELINE_TAGS:
        found.append(f'"pipeline_tag" must be one of {sorted(PIPELINE_TAGS)}')
    emitted = data.get("co2_eq_emissions", {})
    if "co2_eq_emissions" in data and not isinstance(emitted.get("emissions"), int | float):
        found.append('"co2_eq_emissions.emissions" must be a number')
    return found


def _dataset(data: dict[str, Any]) -> list[str]:
    found = []
    if not set(data.get("task_categories", [])) <= TASKS:
        found.append(f'"task_categories" must be among {sorted(TASKS)}')
    if not set(data.get("size_categories", [])) <= SIZES:
        found.append(f'"size_categories" must be among {sorted(SIZES)}')
    for config in data.get("configs", []):
        if not isinstance(config.get("config_name"), str):
            found.append('a config needs a "config_name"')
        for file in config.get("data_files", []):
            if not {"split", "path"} <= set(file):
                found.append('"data_files" need split and path')
    infos = data.get("dataset_info", [])
    for info in infos if isinstance(infos, list) else [infos]:
        found += ['a feature needs a "name"' for feature in info.get("features", []) if "name" not in feature]
    return found


def _space(data: dict[str, Any]) -> list[str]:
    found = [f'"{key}" is needed' for key in ("title", "sdk", "app_file", "sdk_version") if not data.get(key)]
    if data.get("sdk") not in ("gradio", "docker", "static"):
        found.append('"sdk" must be gradio, docker or static')
    found += [
        f'"{key}" must be one of {sorted(COLOURS)}' for key in ("colorFrom", "colorTo") if data.get(key) not in COLOURS
    ]
    if len(data.get("short_description", "")) > 60:
        found.append('"short_description" must have 60 characters at most')
    for line in data.get("preload_from_hub", []):
        words = line.split(" ")
        if not (1 <= len(words) <= 3 and words[0].count("/") == 1):
            found.append('"preload_from_hub" lines read: repository [files [revision]]')
        elif len(words) == 3 and not (len(words[2]) == 40 and set(words[2]) <= set("0123456789abcdef")):
            found.append('the revision in "preload_from_hub" must be a commit')
    return found
