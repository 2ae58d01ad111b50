from __future__ import annotations

import contextlib
import csv
import io
import json
import runpy
import sys
from pathlib import Path

import fake_study
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text
from runs import ROOT

from mmgaitemo.statistics import read_results, summarise
from mmgaitemo.statistics.report_text import markdown
from mmgaitemo.visualization.study_curves import mean_and_spread
from mmgaitemo.visualization.study_dots import INCOMPLETE, Dots
from mmgaitemo.visualization.study_frame import looks
from mmgaitemo.visualization.study_pictures import draw_study
from mmgaitemo.visualization.study_shares import limits

PICTURES = {
    "methods.png",
    "label_shares.png",
    "confusion_untrained.png",
    "confusion_ssal.png",
    "confusion_handmade.png",
    "loss.png",
    "knn.png",
}
LINES = fake_study.lines()
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


def test_all_files_are_there_and_do_not_depend_on_the_order_of_the_cells(made: Path) -> None:
    written = {path.name: path.read_bytes() for path in made.iterdir() if path.is_file()}
    assert written.keys() == PICTURES | {
        "study.json",
        "cells.jsonl",
        "summary.json",
        "comparisons.json",
        "tables.md",
        "table.csv",
        "report.html",
    }
    lines = (made / "cells.jsonl").read_text().splitlines(keepends=True)
    (made / "cells.jsonl").write_text("".join(reversed(lines)))
    report(made)
    (made / "cells.jsonl").write_text("".join(lines))
    assert {path.name: path.read_bytes() for path in made.iterdir() if path.is_file()} == written


def test_the_summary_has_a_row_per_score_and_says_which_data_it_is_about(made: Path) -> None:
    rows = json.loads((made / "summary.json").read_text())
    protocols = sum(map(len, fake_study.LEVELS.values()))
    assert len(rows) == 4 * protocols == len({(row["method"], row["protocol"], row["metric"]) for row in rows})
    assert all({"mean", "sd", "n", "low", "high"} <= row.keys() for row in rows)
    assert {row["data"] for row in rows} == {"Made-up walks (342 of none)"}
    lines = [x for x in LINES if (x["method"], x["protocol"]) == ("ssal", "knn")]
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
    cells = [line for line in LINES if line["protocol"] == "knn" and line["method"] == "untrained"]
    summary = summarise(read_results(fake_study.write(tmp_path, cells, comparisons=[])))
    assert {path.name for path in draw_study(summary, tmp_path).values()} == {"methods.png", "confusion_untrained.png"}
    text = markdown(summary, {})
    assert "### Against" not in text and "How to read" not in text


def test_a_k_of_neighbours_is_no_share_of_labels(tmp_path: Path) -> None:
    cells = [{**line, "protocol": "knn_20"} for line in LINES if line["protocol"] == "knn"]
    applies = {"untrained": ["knn_20"], "ssal": ["knn_20"], "handmade": []}
    fake_study.write(tmp_path, cells, protocols={"knn_20": "20 neighbours"}, applies=applies, comparisons=[])
    assert "label_shares.png" not in {p.name for p in draw_study(summarise(read_results(tmp_path)), tmp_path).values()}


def test_an_incomplete_study_says_what_is_missing(tmp_path: Path) -> None:
    cells = [x for x in LINES if (x["method"], x["protocol"], x["fold"]) != ("ssal", "linear", 3)]
    text = text_of(tmp_path, cells)
    assert "**Incomplete: 3 cells are missing.**" in text
    assert "- `ssal/linear`: fold 3, seeds 0, 1, 2\n" in text
    assert "| linear probe | SSAL | 4 x 3, incomplete |" in text
    assert "ncomplete" not in text_of(tmp_path)
    assert "**Incomplete: 75 cells" in (text := text_of(tmp_path, [x for x in cells if x["method"] != "ssal"]))
    assert f"- {', '.join(f'`ssal/{name}`' for name in fake_study.PROTOCOLS)}: all\n" in text


def test_lines_with_nan_are_skipped_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmgaitemo.visualization.study_pictures.draw_study", lambda *_: {})
    cells = [dict(line) for line in LINES if line["protocol"] in ("pretrain", "knn") and line["method"] != "handmade"]
    place = next(i for i, line in enumerate(cells) if (line["method"], line["protocol"]) == ("ssal", "knn"))
    cells[place]["metrics"] = {**cells[place]["metrics"], "log_loss": float("nan")}
    cells[place - 1]["curve"] = [[0, 5.0], [20, float("inf")]]
    fake_study.write(tmp_path, cells, protocols={"knn": "kNN"}, comparisons=[])
    assert f"{len(cells) - 15 - 1} cells, 1 missing" in report(tmp_path)
    said, text = capsys.readouterr().err, (tmp_path / "tables.md").read_text()
    for line in (f"line {place + 1}, ssal/knn: log_loss is nan", f"line {place}, ssal/pretrain: curve is inf"):
        assert f"warning: {tmp_path / 'cells.jsonl'}: skipped {line}" in said and f"- {line}" in text
    assert "- `ssal/knn`: fold 0, seed 0\n" in text


def test_too_few_runs_are_marked_and_explained(tmp_path: Path) -> None:
    cells = [line for line in LINES if line["fold"] < 2 and line["seed"] == 0]
    text = text_of(tmp_path, cells, splits=["fold0", "fold1"], seeds=[0])
    assert "+- sd over folds;" in text and text.count("`-`: nothing tells the noise") == 7
    assert text.count("too few runs for a test.") == 11
    assert "| 2 x 1 | - | - | - | - |" in text and " to 1.000" not in text
    assert "`-`: nothing" not in text_of(tmp_path)


def test_pairs_without_a_shared_run_and_mixed_versions_are_said(tmp_path: Path) -> None:
    cells = [x for x in LINES if not (x["method"] == "ssal" and x["protocol"] == "linear_20")]
    text = text_of(tmp_path, [{**cells[0], "version": "0.2.0"}, *cells[1:]])
    assert "SSAL (linear probe, 20 % of the labels) and untrained encoder (linear probe) share no finished run" in text
    assert "version 0.1.0, 0.2.0" in text and "**The cells come from more than one version" in text


def test_single_seeds_and_cells_that_are_left_out_are_said(tmp_path: Path) -> None:
    text = text_of(tmp_path, seeds=[0, 1])
    assert "One seed only, because nothing in it is random: hand-made features (linear probe); " in text
    assert "(any more): 5 of `ssal/knn`, " in text and "| kNN | SSAL | 5 x 2 |" in text


def test_runs_of_one_fold_are_said_to_be(tmp_path: Path) -> None:
    words = "All runs are of one fold: intervals and tests tell how seeds differ"
    assert words in text_of(tmp_path, splits=["fold0"])
    assert words not in text_of(tmp_path)


def test_the_tool_ends_with_a_plain_error(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"error: .*study\.json: cannot be read.*tools/study\.py"):
        report(tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(SystemExit, match="error: --markdown: is a folder"):
        report(tmp_path, "--markdown", str(tmp_path))


@pytest.mark.parametrize("name", ["cells.jsonl", "study.json", "superseded.jsonl", "methods.png", "tables.md"])
def test_the_report_is_not_written_over_a_file_of_a_study(name: str, tmp_path: Path) -> None:
    fake_study.write(tmp_path, [])
    with pytest.raises(SystemExit, match=r"error: --markdown: must be the name of a \.md file"):
        report(tmp_path, "--markdown", str(tmp_path / name))
    assert (tmp_path / "cells.jsonl").read_text() == "" and len([*tmp_path.iterdir()]) == 2


def texts_of(folder: Path, patch: pytest.MonkeyPatch, cells: list[dict], **changes: object) -> dict[str, set[str]]:
    """All words in each picture, which is not written."""
    figures: dict[str, set[str]] = {}

    def keep(figure: Figure, path: Path) -> Path:
        figures[path.stem] = {text.get_text().replace("\n", " ") for text in figure.findobj(Text)}
        return path

    for name in ("study_dots", "study_shares", "study_curves", "confusion_plot"):
        patch.setattr(f"mmgaitemo.visualization.{name}.save", keep)
    draw_study(summarise(read_results(fake_study.write(folder, cells, **changes))), folder)
    return figures


def test_pictures_of_a_whole_study_and_of_its_beginning_say_what_they_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = texts_of(tmp_path, monkeypatch, LINES)
    begun = texts_of(tmp_path, monkeypatch, [x for x in LINES if x["fold"] == 0 and x["seed"] == 0])
    assert {"mean with 95 % interval", "single folds (mean over seeds)"} <= whole["methods"]
    assert {"mean", "single folds", INCOMPLETE} <= begun["methods"]
    assert INCOMPLETE in begun["label_shares"] and INCOMPLETE not in whole["methods"] | whole["label_shares"]
    assert all(any("With a part of the labels: label_shares.png" in t for t in w["methods"]) for w in (whole, begun))
    assert "accuracy, mean with 95 % interval" in whole["label_shares"] and "accuracy" in begun["label_shares"]
    assert "+- standard deviation" in whole["loss"] and "+- standard deviation" not in begun["loss"]
    assert "single run" in begun["knn"] and "single run" not in whole["knn"]
    assert "SSAL, kNN" in whole["confusion_ssal"]  # which comes first in the study
    assert any("Walks of 5 folds, mean over seeds" in text for text in whole["confusion_ssal"])
    assert any("Walks of 1 fold." in text for text in begun["confusion_ssal"])


def test_a_panel_of_shares_alone_is_named_like_its_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"linear_1": "finetune_1", "linear_10": "finetune_10"}
    tuned = [{**line, "protocol": names[line["protocol"]]} for line in LINES if line["protocol"] in names]
    protocols = {"finetune_1": "fine-tuned, 1 %", "finetune_10": "fine-tuned, 10 %"}
    applies = {method: [*protocols] for method in ("untrained", "ssal", "handmade")}
    once = {"handmade": [*protocols]}
    said = texts_of(tmp_path, monkeypatch, tuned, protocols=protocols, applies=applies, once=once, comparisons=[])
    assert "fine-tuned" in said["label_shares"] and "finetune" not in said["label_shares"]


def test_panels_share_an_axis_unless_one_would_be_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    knn = [line for line in LINES if line["protocol"] in ("pretrain", "knn") and line["fold"] < 2]
    for factor, own in ((2, False), (5, True)):
        curve = [[step, factor * loss] for step, loss in next(x for x in LINES if x["protocol"] == "pretrain")["curve"]]
        trained = [{**x, "method": "untrained", "curve": curve} for x in knn if x["protocol"] == "pretrain"]
        said = texts_of(tmp_path, monkeypatch, [*knn, *trained])
        assert any("Each panel has a y axis of its own" in text for text in said["loss"]) == own
        assert not any("of its own" in text for text in said["knn"])


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


def test_wide_intervals_do_not_press_the_means_together() -> None:
    wide = [Dots(mean, 0.0, 1.0, [mean], 1, True) for mean in (0.4, 0.6)]
    narrow = [Dots(mean, mean - 0.02, mean + 0.02, [mean], 1, True) for mean in (0.4, 0.6)]
    for dots, cut in ((wide, True), (narrow, False)):
        low, high, found = limits(dots, 0.35)
        assert found == cut and low < 0.35 < 0.6 < high and 0.25 / (high - low) > 0.4
