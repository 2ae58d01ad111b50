from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import fake_study
import numpy as np
import pytest

from mmgaitemo.errors import DataError
from mmgaitemo.statistics import Comparison, StudyResult, compare, corrected_t, read_results, sign_flip, summarise
from mmgaitemo.statistics.consistency import missing_cells, places, size_ratio
from mmgaitemo.statistics.sentences import p_number, sentence
from mmgaitemo.statistics.summary import confusion, majority

LINES = fake_study.lines()
SSAL, PLAIN, HAND = (("ssal", "linear"), ("untrained", "linear"), ("handmade", "linear"))


def study(folder: Path, cells: list[dict] | None = None, **changes: object) -> StudyResult:
    return read_results(fake_study.write(folder, LINES if cells is None else cells, **changes))


def table(end: tuple[str, str]) -> np.ndarray:
    """(folds, seeds) accuracies, straight from the lines."""
    rows = [line for line in LINES if (line["method"], line["protocol"]) == end]
    return np.array([r["metrics"]["accuracy"] for r in rows]).reshape(fake_study.FOLDS, -1)


def without(keep: Callable[[dict], bool]) -> list[dict]:
    return [line for line in LINES if keep(line)]


def found(result: StudyResult, first: tuple[str, str], second: tuple[str, str]) -> Comparison:
    comparison = compare(result, first, second)
    assert comparison is not None
    return comparison


# Scores and comparisons


def test_rows_are_means_over_folds_and_seeds_with_the_ratio_of_the_folds(tmp_path: Path) -> None:
    summary = summarise(study(tmp_path))
    assert summary.ratio == pytest.approx(1 / 4) and not summary.missing
    row = next(row for row in summary.rows if row.end == SSAL)
    expected = corrected_t(table(SSAL).ravel(), 0.25)
    assert row.scores["accuracy"] == expected and (row.folds, row.seeds, expected.n) == (5, 3, 15)
    walks = np.concatenate([cell.truth for (_, _, seed), cell in summary.study.cells[SSAL].items() if seed == 0])
    assert majority(summary.study) == max(np.mean(walks == label) for label in range(4))


def test_paired_runs_are_of_one_fold_and_seed(tmp_path: Path) -> None:
    comparison = found(study(tmp_path), SSAL, PLAIN)
    differences = table(SSAL) - table(PLAIN)
    expected = corrected_t(differences.ravel(), 0.25)
    assert comparison.headline.mean == pytest.approx(expected.mean, abs=1e-5)
    assert comparison.headline.p == pytest.approx(expected.p, rel=1e-2)
    assert comparison.flip.p == sign_flip(differences.mean(axis=1)).p == 1 / 16
    assert comparison.headline.low is not None and comparison.headline.high is not None
    assert comparison.headline.low < 0.15 < comparison.headline.high  # the difference that was planted
    assert comparison.bootstrap.low < expected.mean < comparison.bootstrap.high and comparison.bootstrap.units == 342
    assert (comparison.folds, comparison.seeds) == (5, 3)


def test_a_method_of_one_seed_is_compared_with_the_means_over_seeds(tmp_path: Path) -> None:
    comparison = found(study(tmp_path), SSAL, HAND)
    expected = corrected_t(table(SSAL).mean(axis=1) - table(HAND)[:, 0], 0.25)
    assert comparison.headline.mean == pytest.approx(expected.mean, abs=1e-5)
    assert (comparison.headline.n, comparison.seeds) == (5, 1)
    swapped = found(study(tmp_path), HAND, SSAL)
    assert swapped.headline.mean == pytest.approx(-expected.mean, abs=1e-5) and swapped.headline.n == 5


def test_seeds_that_change_nothing_are_not_counted_as_runs(tmp_path: Path) -> None:
    first = {(line["method"], line["protocol"], line["fold"]): line for line in reversed(LINES)}
    copies = [{**first[line["method"], line["protocol"], line["fold"]], "seed": line["seed"]} for line in LINES]
    comparison = found(study(tmp_path, copies), SSAL, PLAIN)
    assert (comparison.headline.n, comparison.seeds) == (5, 1) and not comparison.quiet_seeds
    assert comparison.headline.p == pytest.approx(comparison.over_folds.p)


def test_seeds_that_change_little_are_marked_and_the_sentence_warns(tmp_path: Path) -> None:
    right = {("ssal", 0): 40, ("ssal", 1): 50, ("ssal", 2): 30, ("ssal", 3): 45, ("ssal", 4): 20}
    cells = []
    for line in without(lambda line: line["protocol"] == "linear" and line["method"] != "handmade"):
        count = right.get((line["method"], line["fold"]), 20) + line["seed"] % 2
        truth = np.array(line["truth"])
        said = np.where(np.arange(len(truth)) < count, truth, (truth + 1) % 4)
        accuracy = round(float(np.mean(said == truth)), 5)
        metrics = {**line["metrics"], "accuracy": accuracy}
        if line["method"] == "untrained":
            said, metrics = truth[::-1].copy(), {**metrics, "accuracy": float(np.mean(truth[::-1] == truth))}
        cells.append({**line, "predictions": said.tolist(), "metrics": metrics})
    result = study(tmp_path, cells)
    comparison = summarise(result).families[0].comparisons[0]
    assert comparison.quiet_seeds and "rather trust the test over folds" in sentence(result, comparison, 1, False)


def test_persons_are_drawn_where_the_cells_name_them(tmp_path: Path) -> None:
    named = [
        {**line, "groups": [f"{line['fold']}_{i // 4}" for i in range(len(line.get("truth", [])))]} for line in LINES
    ]
    comparison = found(study(tmp_path, named), SSAL, PLAIN)
    assert comparison.bootstrap.persons and comparison.bootstrap.units == sum(-(-n // 4) for n in fake_study.SIZES)


def test_shares_of_labels_and_the_unused_fold(tmp_path: Path) -> None:
    sizes = fake_study.SIZES
    moved = [
        {
            **line,
            "unused_fold": (line["fold"] + 1) % 5,
            "training_walks": sum(sizes) - sizes[line["fold"]] - sizes[(line["fold"] + 1) % 5],
        }
        for line in LINES
    ]
    splits = [f"fold{fold}_without{(fold + 1) % 5}" for fold in range(5)]
    result = study(tmp_path, moved, purpose="inner validation", splits=splits)
    runs = result.cells["ssal", "linear_1"]
    assert size_ratio(result, runs) == pytest.approx(1 / 3)  # one fold is tested on, one is not looked at
    few = study(tmp_path, moved, purpose="inner validation", splits=["fold1_without2"])
    assert size_ratio(few, few.cells[SSAL]) == sizes[1] / (sizes[0] + sizes[3] + sizes[4])


def test_confusion_counts_every_walk_once_and_averages_seeds(tmp_path: Path) -> None:
    result = study(tmp_path)
    matrix = confusion(result, SSAL)
    walks = np.concatenate(
        [line["truth"] for line in LINES if line["method"] == "handmade" and line["protocol"] == "linear"]
    )
    assert matrix.sum(axis=1).tolist() == np.bincount(walks, minlength=4).tolist()
    mean = np.zeros((4, 4))
    for cell in result.cells[SSAL].values():
        for truth, said in zip(cell.truth, cell.votes.argmax(1), strict=True):
            mean[truth, said] += 1 / 3
    assert np.abs(matrix - mean).max() < 1


def test_two_runs_have_no_interval_and_no_test(tmp_path: Path) -> None:
    summary = summarise(study(tmp_path, splits=["fold0", "fold1"], seeds=[0]))
    assert all(score.low is score.high is None for row in summary.rows for score in row.scores.values())
    for comparison in (c for family in summary.families for c in family.comparisons):
        assert comparison.headline.p is comparison.over_folds.p is comparison.flip is comparison.p_holm is None


def test_intervals_end_where_scores_do(tmp_path: Path) -> None:
    few = [{**line, "training_walks": 1} if "truth" in line else line for line in LINES]
    scores = [row.scores for row in summarise(study(tmp_path, few, splits=["fold0", "fold1", "fold2"])).rows]
    ends = np.array([(s["accuracy"].low, s["accuracy"].high) for s in scores])
    assert ends.min() == 0 and ends.max() == 1 and all((s["log_loss"].high or 0) > 1 for s in scores)


# Sentences


def test_every_verdict_has_its_sentence(tmp_path: Path) -> None:
    result = study(tmp_path)
    families = {family.protocol: family for family in summarise(result).families}
    spoken = {c.first: sentence(result, c, 2, False) for c in families["linear"].comparisons}
    assert spoken[SSAL].startswith("SSAL is above untrained encoder by 14.9 points (95 % interval 10")
    assert spoken[SSAL].endswith("Holm p < .001).")
    further = [sentence(result, c, 2, True) for c in families[None].comparisons]
    assert further[0].startswith("SSAL (linear probe, 20 % of the labels) is above untrained encoder (linear probe) by")
    assert further[1].startswith("SSAL (linear probe) and hand-made features (linear probe) cannot be told apart (diff")
    below = summarise(study(tmp_path, reference="ssal")).families[0].comparisons[0]
    low, high = below.headline.low, below.headline.high
    assert low is not None and high is not None and high < 0
    text = sentence(result, below, 1, False)
    assert f"untrained encoder is below SSAL by {-100 * below.headline.mean:.1f} points" in text
    assert f"95 % interval {-100 * high:.1f} to {-100 * low:.1f}, p < .001)" in text
    same = compare(result, SSAL, SSAL)
    assert same is not None
    assert sentence(result, same, 1, False) == "SSAL and SSAL have the same accuracy in every run."
    alone = study(tmp_path, without(lambda line: line["fold"] == 0 and line["seed"] == 0))
    assert sentence(alone, found(alone, SSAL, PLAIN), 1, False).endswith("points in 1 run: too few runs for a test.")
    equal = replace(same, headline=corrected_t([0.1] * 3, 0.25))
    assert sentence(result, equal, 1, False) == (
        "SSAL is above SSAL by 10.0 points in each of 3 runs alike: without any spread there is no test."
    )


def test_what_holm_takes_back_is_said(tmp_path: Path) -> None:
    result = study(tmp_path)
    family = summarise(study(tmp_path)).families[0].comparisons
    weak = replace(family[0], headline=replace(family[0].headline, p=0.03), p_holm=0.12)
    assert "cannot be told apart once all comparisons of the table are counted" in sentence(result, weak, 4, False)


def test_p_is_never_rounded_across_the_limit() -> None:
    texts = {p: p_number(p) for p in (0.0004, 0.0042, 0.021, 0.0462, 0.0498, 0.04999, 0.0503, 0.2, 0.999, 1.0)}
    assert [*texts.values()] == ["< .001", ".004", ".02", ".046", ".0498", ".0499", ".0503", ".20", "1", "1"]


# What is missing


def test_missing_cells_are_named_and_pairs_use_what_both_sides_have(tmp_path: Path) -> None:
    gone = without(
        lambda x: not (x["method"] == "ssal" and x["protocol"] == "linear" and x["fold"] == 3 and x["seed"] > 0)
    )
    result = study(tmp_path, gone)
    assert missing_cells(result) == {SSAL: [(3, None, 1), (3, None, 2)]}
    differences = np.delete((table(SSAL) - table(PLAIN)).ravel(), [10, 11])
    comparison = found(result, SSAL, PLAIN)
    assert comparison.headline.n == 13 and comparison.headline.mean == pytest.approx(differences.mean(), abs=1e-5)
    none = study(tmp_path, without(lambda x: x["protocol"] != "linear"))
    assert compare(none, SSAL, PLAIN) is None
    assert {end: len(runs) for end, runs in missing_cells(none).items()} == {PLAIN: 15, SSAL: 15, HAND: 5}


def test_places_are_named_by_fold_and_seeds() -> None:
    assert places([(3, None, 2)]) == "fold 3, seed 2"
    runs = [(1, 4, 0), (0, 2, 1), (0, 2, 0), (1, 4, 1), (2, 0, 1)]
    assert places(runs) == "folds 0 (2 unused), 1 (4 unused), seeds 0, 1; fold 2 (0 unused), seed 1"


def test_what_the_study_does_not_ask_for_is_left_out_and_counted(tmp_path: Path) -> None:
    strange = [
        {**LINES[0], **change}
        for change in ({"method": "old"}, {"protocol": "old"}, {"seed": 9}, {"fold": 7}, {"unused_fold": 2})
    ]
    result = study(tmp_path, [*LINES, *strange])
    first = f"{LINES[0]['method']}/{LINES[0]['protocol']}"
    assert result.left_out == {"old/knn": 1, "untrained/old": 1, first: 3}
    assert summarise(result).rows == summarise(study(tmp_path)).rows
    with pytest.raises(DataError, match=r"no finished cell of this study.*old/knn"):
        study(tmp_path, strange)


def test_an_old_seed_of_what_draws_nothing_any_more_is_left_out(tmp_path: Path) -> None:
    of_one_seed = [line for line in LINES if (line["method"], line["protocol"]) == HAND]
    old = [{**line, "seed": 1, "hash": "old", "metrics": {**line["metrics"], "accuracy": 0.0}} for line in of_one_seed]
    result = study(tmp_path, [*LINES, *old])
    assert result.left_out == {"/".join(HAND): len(old)} and {run[2] for run in result.cells[HAND]} == {0}
    assert summarise(result).rows == summarise(study(tmp_path)).rows


def test_one_seed_is_enough_where_the_study_says_so_and_nowhere_else(tmp_path: Path) -> None:
    result = study(tmp_path, without(lambda line: line["seed"] == 0))
    assert missing_cells(result)[SSAL][:2] == missing_cells(result)[PLAIN][:2] == [(0, None, 1), (0, None, 2)]
    assert HAND not in missing_cells(result)
    drawn = study(tmp_path, once={"handmade": ["linear"]})
    assert HAND not in missing_cells(drawn) and len(missing_cells(drawn)["handmade", "linear_10"]) == 10
    early = study(tmp_path, without(lambda line: line["method"] != "ssal" or line["seed"] == 0))
    assert found(early, SSAL, PLAIN).headline.mean == pytest.approx((table(SSAL) - table(PLAIN))[:, 0].mean(), abs=1e-5)
