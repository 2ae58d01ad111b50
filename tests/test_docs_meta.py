"""What other programs read of the project: metafile, citation, image, workflow, table of contents."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from runs import ROOT

from mmgaitemo.config import load_config
from mmgaitemo.version import __version__

METAFILE = yaml.safe_load((ROOT / "configs/metafile.yml").read_text(encoding="utf-8"))
RESULTS = [(model["Name"], result) for model in METAFILE["Models"] for result in model.get("Results", ())]
INNER = {  # packages that are described on a page of their own, or are the inside of another
    "mmgaitemo.webui": "docs/webui.md",
}


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def stored(source: str) -> dict[str, float]:
    """Mean over folds and seeds of each metric of FILE#METHOD/PROTOCOL."""
    path, _, what = source.partition("#")
    method, protocol = what.split("/")
    rows = [row for row in json.loads(read(path)) if (row["method"], row["protocol"]) == (method, protocol)]
    return {row["metric"]: row["mean"] for row in rows}


@pytest.mark.parametrize(("name", "result"), RESULTS, ids=[result["Source"].split("#")[1] for _, result in RESULTS])
def test_metrics_are_those_stored(name: str, result: dict[str, Any]) -> None:
    values = stored(result["Source"])
    for metric, value in result["Metrics"].items():
        assert value == round(values[metric], 3), (name, metric)


def test_the_metafile_describes_what_is_there() -> None:
    (imported,) = yaml.safe_load(read("model-index.yml"))["Import"]
    assert imported == "configs/metafile.yml"
    collections = {entry["Name"] for entry in METAFILE["Collections"]}
    for entry in [*METAFILE["Collections"], *METAFILE["Models"]]:
        assert "README" not in entry or (ROOT / "configs" / entry["README"]).is_file()
    for model in METAFILE["Models"]:
        assert model["In Collection"] in collections
        cfg = load_config(ROOT / model["Config"])
        if "Note" not in model["Metadata"]:  # what was trained otherwise than the config says now, says so
            assert cfg.train_cfg.max_epochs == model["Metadata"]["Epochs"], model["Name"]


def test_the_citation_is_of_this_version_and_names_the_paper() -> None:
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} < set(citation)  # what the format requires
    assert citation["version"] == __version__
    assert citation["license"] == "Apache-2.0"
    (paper,) = citation["references"]
    assert {"type", "title", "authors"} < set(paper)
    assert paper["identifiers"][0]["value"] == "arXiv:2405.04900"
    assert paper["title"].casefold() in " ".join(read("README.md").split()).casefold()


def test_the_changelog_knows_this_version() -> None:
    assert re.search(rf"^## {re.escape(__version__)}\b", read("CHANGELOG.md"), re.M)


def test_the_image_is_slim_and_not_root_and_takes_what_is_there() -> None:
    lines = [line for line in read("Dockerfile").splitlines() if not line.startswith("#")]
    image = "\n".join(lines)
    assert re.search(r"^FROM python:3\.\d+-slim", image, re.M)
    assert lines.index("USER walker") < lines.index('ENTRYPOINT ["python"]')
    ignored = read(".dockerignore").split()
    for path in re.findall(r"(?:requirements|tools)/\w+\.(?:txt|py)", image):
        assert (ROOT / path).is_file()
        assert path.split("/")[0] not in ignored


def test_the_workflow_calls_the_gate() -> None:
    jobs = yaml.safe_load(read(".github/workflows/ci.yml"))["jobs"]
    steps = [step.get("run", "") for job in jobs.values() for step in job["steps"]]
    assert "bash .ci/run" in steps and (ROOT / ".ci/run").is_file()
    assert any("sphinx -W" in step for step in steps)


def test_the_api_pages_name_every_package() -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs/api").glob("*.md"))
    named = set(re.findall(r"automodule:: ([\w.]+)", pages))
    packages = {f"mmgaitemo.{path.parent.name}" for path in (ROOT / "mmgaitemo").glob("*/__init__.py")}
    assert packages - set(INNER) <= named
    assert all(
        (ROOT / "mmgaitemo" / name.removeprefix("mmgaitemo.").replace(".", "/")).exists()
        or (ROOT / (name.replace(".", "/") + ".py")).exists()
        for name in named
    )


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = set(
        re.findall(r"^[\w/]+$", "\n".join(re.findall(r"```\{toctree\}(.*?)```", read("docs/index.md"), re.S)), re.M)
    )
    pages = {
        str(page.relative_to(ROOT / "docs").with_suffix(""))
        for page in (ROOT / "docs").rglob("*.md")
        if not {"_build", "results"} & set(page.relative_to(ROOT / "docs").parts[:-1])
    }
    assert pages - {"index"} <= listed
