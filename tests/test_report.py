from __future__ import annotations

import contextlib
import csv
import io
import json
import runpy
import subprocess
import sys
from pathlib import Path

import fake_study
import numpy as np
import pytest
from matplotlib.image import imread
from runs import ROOT

from mmgaitemo.statistics import read_results, summarise
from mmgaitemo.statistics.report_text import markdown
from mmgaitemo.visualization.study_curves import mean_and_spread
from mmgaitemo.visualization.study_frame import looks
from mmgaitemo.visualization.study_pictures import draw_study

PICTURES = {
    "methods.png",
    "label_shares.png",
    "confusion_untrained.png",
    "confusion_ssal.png",
    "confusion_handmade.png",
    "loss.png",
    "knn.png",
}
NOTE = "Made-up walks (342 of none); test folds"


TOOL = ROOT / "tools" / "analysis" / "report.py"


def report(folder: Path, *arguments: str) -> str:
    """What the tool prints, run in this process: its imports take longer than its work."""
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setattr(sys, "argv", [str(TOOL), str(folder), *arguments])
        runpy.run_path(str(TOOL), run_name="__main__")
    return printed.getvalue()


def text_of(folder: Path, cells: list[dict] | None = None, **changes: object) -> str:
    return markdown(summarise(read_results(fake_study.write(folder, cells, **changes))), {})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = fake_study.write(tmp_path_factory.mktemp("report") / "study")
    picture = folder / "work" / "ssal" / "fold0_seed0" / "embedding.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"")
    page = str(folder.parent / "page" / "results.md")
    assert "170 cells, 0 missing, 8 pictures" in report(folder, "--markdown", page)
    return folder


def test_all_files_are_there_and_a_second_run_writes_the_same_bytes(made: Path) -> None:
    written = {path.name: path.read_bytes() for path in made.iterdir() if path.is_file()}
    assert written.keys() == PICTURES | {
        "study.json",
        "cells.jsonl",
        "summary.json",
        "comparisons.json",
        "tables.md",
        "table.csv",
    }
    # Another process: sets of texts have another order there.
    subprocess.run([sys.executable, str(TOOL), str(made)], check=True, capture_output=True)
    assert {path.name: path.read_bytes() for path in made.iterdir() if path.is_file()} == written


def test_the_order_of_the_lines_does_not_matter(made: Path, tmp_path: Path) -> None:
    assert text_of(tmp_path, fake_study.lines()[::-1]) == text_of(tmp_path, fake_study.lines())


def test_the_summary_has_a_row_per_score_and_says_which_data_it_is_about(made: Path) -> None:
    rows = json.loads((made / "summary.json").read_text())
    protocols = sum(map(len, fake_study.LEVELS.values()))
    assert len(rows) == 4 * protocols == len({(row["method"], row["protocol"], row["metric"]) for row in rows})
    assert all({"mean", "sd", "n", "low", "high"} <= row.keys() for row in rows)
    assert {row["data"] for row in rows} == {"Made-up walks (342 of none)"}
    lines = [x for x in fake_study.lines() if (x["method"], x["protocol"]) == ("ssal", "knn")]
    expected = np.mean([line["metrics"]["macro_f1"] for line in lines])
    row = next(r for r in rows if (r["method"], r["protocol"], r["metric"]) == ("ssal", "knn", "macro_f1"))
    assert row["mean"] == pytest.approx(expected, abs=1e-6) and row["n"] == 15


def test_table_and_csv_say_the_same(made: Path) -> None:
    rows = list(csv.DictReader((made / "table.csv").open()))
    text = (made / "tables.md").read_text()
    for row in rows:
        title = f"| {fake_study.PROTOCOLS[row['protocol']]} | {fake_study.TITLES[row['method']]} |"
        figures = f"{float(row['accuracy_mean']):.3f} +- {float(row['accuracy_sd']):.3f}"
        assert f"{title} {row['folds']} x {row['seeds']} | {figures} |" in text
    assert {row["data"] for row in rows} == {"Made-up walks (342 of none)"}


def test_every_caption_says_which_data_it_is_about(made: Path) -> None:
    lines = (made / "tables.md").read_text().splitlines()
    captions = [line for line in lines if line.startswith("*")]
    tables, pictures = (sum(line.startswith(sign) for line in lines) for sign in ("|---", "!["))
    assert len(captions) == tables + pictures == 7 + 8
    assert all(NOTE in caption for caption in captions)


def test_every_comparison_has_a_row_and_a_sentence(made: Path) -> None:
    text, stored = (made / "tables.md").read_text(), json.loads((made / "comparisons.json").read_text())
    assert len(stored) == 11  # 5 of ssal, 4 of hand-made features, 2 further ones
    assert text.count("\n- SSAL") + text.count("\n- hand-made") == 11
    assert {(row["first"], row["second"]) for row in stored[-2:]} == {
        ("ssal/linear_20", "untrained/linear"),
        ("ssal/linear", "handmade/linear"),
    }
    assert "Holm's correction over 2 comparisons" in text
    assert all(row["p_holm"] >= row["p"] for row in stored)


def test_links_lead_to_the_pictures_from_both_texts(made: Path) -> None:
    for path in (made / "tables.md", made.parent / "page" / "results.md"):
        addresses = [line.split("](")[1][:-1] for line in path.read_text().splitlines() if line.startswith("![")]
        assert len(addresses) == 8
        assert all((path.parent / address).is_file() for address in addresses)
    assert "work/ssal/fold0_seed0/embedding.png" in (made / "tables.md").read_text()


def test_pictures_are_as_wide_as_a_page_and_nothing_touches_their_edges(made: Path) -> None:
    for name in PICTURES:
        picture = imread(made / name)[..., :3]
        assert picture.std() > 0.05, name
        assert name.startswith("confusion") or picture.shape[1] == 1800
        edges = [picture[:8], picture[-8:], picture[:, :8], picture[:, -8:]]
        assert all((edge == 1).all() for edge in edges), name


def test_only_what_the_cells_give_is_drawn(tmp_path: Path) -> None:
    cells = [line for line in fake_study.lines() if line["protocol"] == "knn" and line["method"] == "untrained"]
    summary = summarise(read_results(fake_study.write(tmp_path, cells, comparisons=[])))
    assert {path.name for path in draw_study(summary, tmp_path).values()} == {"methods.png", "confusion_untrained.png"}
    text = markdown(summary, {})
    assert "### Against" not in text and "How to read" not in text


def test_a_k_of_neighbours_is_no_share_of_labels(tmp_path: Path) -> None:
    cells = [{**line, "protocol": "knn_20"} for line in fake_study.lines() if line["protocol"] == "knn"]
    fake_study.write(tmp_path, cells, protocols={"knn_20": "20 neighbours"}, comparisons=[])
    assert "label_shares.png" not in {p.name for p in draw_study(summarise(read_results(tmp_path)), tmp_path).values()}


def test_an_incomplete_study_says_what_is_missing(tmp_path: Path) -> None:
    cells = [x for x in fake_study.lines() if (x["method"], x["protocol"], x["fold"]) != ("ssal", "linear", 3)]
    text = text_of(tmp_path, cells)
    assert "**Incomplete: these cells are missing.**" in text
    assert "- `ssal/linear`: fold 3 seed 0, fold 3 seed 1, fold 3 seed 2\n" in text
    assert "| linear probe | SSAL | 4 x 3 |" in text
    assert "Incomplete" not in text_of(tmp_path) and "No cell yet" not in text_of(tmp_path)
    assert "**No cell yet of: SSAL.**" in text_of(tmp_path, [x for x in cells if x["method"] != "ssal"], comparisons=[])


def test_pairs_without_a_shared_run_and_mixed_versions_are_said(tmp_path: Path) -> None:
    cells = [x for x in fake_study.lines() if not (x["method"] == "ssal" and x["protocol"] == "linear_20")]
    text = text_of(tmp_path, [{**cells[0], "version": "0.2.0"}, *cells[1:]])
    assert "SSAL (linear probe, 20 % of the labels) and untrained encoder (linear probe) share no finished run" in text
    assert "version 0.1.0, 0.2.0" in text and "**The cells come from more than one version" in text


def test_single_seeds_and_cells_that_are_left_out_are_said(tmp_path: Path) -> None:
    text = text_of(tmp_path, seeds=[0, 1])
    assert "One seed only, because nothing in it is random or because it was not run yet: hand-made features." in text
    assert "(any more): 5 of `ssal/knn`, " in text and "| kNN | SSAL | 5 x 2 |" in text


def test_the_tool_ends_with_a_plain_error(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"error: .*study\.json: cannot be read.*tools/study\.py"):
        report(tmp_path)
    assert not list(tmp_path.iterdir())


def test_curves_of_other_steps_are_averaged_where_all_are_known() -> None:
    one, other = np.array([[0, 0], [10, 10], [20, 20]]), np.array([[5, 15], [15, 25]])
    x, mean, spread = mean_and_spread([one, other])
    assert x.tolist() == [5, 10, 15] and mean.tolist() == [10, 15, 20]
    np.testing.assert_allclose(spread, np.std([5, 15], ddof=1))


def test_no_two_of_twenty_methods_look_alike() -> None:
    drawn = looks([str(number) for number in range(20)]).values()
    assert (
        len({(look.colour, look.line) for look in drawn}) == len({(look.colour, look.marker) for look in drawn}) == 20
    )
