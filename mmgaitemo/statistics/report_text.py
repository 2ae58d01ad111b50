"""The report of a study as Markdown, and its table of scores as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from mmgaitemo.statistics.cell_lines import METRICS
from mmgaitemo.statistics.comparisons import Comparison
from mmgaitemo.statistics.consistency import places
from mmgaitemo.statistics.estimates import Estimate
from mmgaitemo.statistics.sentences import name, p_number, sentence
from mmgaitemo.statistics.summary import Family, Row, Summary, majority

_NO_INTERVAL = "`-`: nothing tells the noise, because there are fewer than three runs (or folds), or all are equal."


def markdown(summary: Summary, pictures: Mapping[str, str]) -> str:
    """The whole report.

    Args:
        summary: Of the study.
        pictures: What each shows -> its address, as seen from the file that the text goes to.
    """
    study = summary.study
    parts = [f"## {study.title}", _origin(summary), *_missing(summary)]
    parts += ["### Scores", _score_table(summary.rows, summary)]
    parts += [text for family in summary.families for text in _family(family, summary)]
    if summary.families:
        parts += ["### How to read the comparisons", _READING]
    if pictures:
        parts.append("### Pictures")
    for what, address in pictures.items():
        parts += [f"![{what}]({address})", _caption(summary, what)]
    return "\n\n".join(parts) + "\n"


_READING = """\
- A point is a hundredth of accuracy. Interval and p are those of the corrected resampled t-test of Nadeau and Bengio
  (2003): folds share training walks, so the variance of a mean of J runs is s^2 (1 / J + n_test / n_train) and not
  s^2 / J. Holm p is corrected over the comparisons of its table; the intervals are not corrected.
- J is folds x seeds, where one side has a single seed folds x 1. Seeds bring no new test walks: where they change
  little (marked *), this test finds differences too easily, and *p over folds*, the same test on the mean of each fold,
  is the one to trust. With five folds it misses much.
- Fewer than three runs are not tested, nor are differences that are all equal: nothing tells their noise.
- *p sign flips* assumes least and cannot be small: five folds have 32 patterns of signs, so its smallest value is 1/16.
- The bootstrap interval says how far the difference would move with other test walks (or persons) and the same trained
  models.
- That two methods cannot be told apart does not show that they are equal: see how wide the interval is."""


def table_csv(summary: Summary) -> str:
    """The table of scores as CSV: shares, and nats of log loss."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(
        ["method", "protocol", "folds", "seeds", "runs"]
        + [f"{key}_{part}" for key in METRICS for part in ("mean", "sd", "low", "high")]
        + ["data", "purpose"]
    )
    for row in summary.rows:
        scores = [row.scores.get(key) for key in METRICS]
        figures = [v for s in scores for v in ((s.mean, s.sd, s.low, s.high) if s else (None,) * 4)]
        writer.writerow(
            [*row.end, row.folds, row.seeds, row.scores["accuracy"].n]
            + ["" if value is None else f"{value:.6f}" for value in figures]
            + [summary.study.data, summary.study.purpose]
        )
    return file.getvalue()


def _caption(summary: Summary, what: str) -> str:
    return f"*{what}. {summary.study.note}.*"


def _origin(summary: Summary) -> str:
    study = summary.study
    cells = [cell for _, _, cell in study.every_cell()]
    versions, commits = sorted({c.version for c in cells}), sorted({c.commit for c in cells})
    text = f"{study.note}. {len(cells)} cells; {study.machine}; version {', '.join(versions)}"
    text += f", commit {', '.join(commits)}."
    if any(commit.endswith("+") for commit in commits):
        text += " (+: the code was changed after that commit.)"
    if study.class_note:
        text += f"\n\nClasses: {study.class_note}."
    if len(versions) > 1:
        text += "\n\n**The cells come from more than one version of the code: compare them with care.**"
    return text


def _missing(summary: Summary) -> list[str]:
    study, parts = summary.study, []
    if len({run[0] for run in study.runs}) == 1:
        parts.append("All runs are of one fold: intervals and tests tell how seeds differ, not how other walks would.")
    if once := [name(study, end, protocol=True) for end in study.applies if end in study.once]:
        parts.append(f"One seed only, because nothing in it is random: {'; '.join(once)}.")
    if study.left_out:
        listed = ", ".join(f"{count} of `{name}`" for name, count in study.left_out.items())
        parts.append(f"Left out, because the study does not ask for them (any more): {listed}.")
    if study.broken:
        listed = "\n".join(f"- {what}" for what in study.broken)
        parts.append(f"**Skipped, because a number in it is not finite:**\n\n{listed}")
    if summary.missing:
        count = sum(map(len, summary.missing.values()))
        lines = [
            f"**Incomplete: {count} cell{'s are' if count > 1 else ' is'} missing.** Scores are of the cells that are "
            "there, paired comparisons of those that both sides have.",
            "",
        ]
        alike: dict[str, list[str]] = {}
        for end, absent in summary.missing.items():
            where = places(absent) if end in study.cells else "all"
            alike.setdefault(where, []).append(f"`{'/'.join(end)}`")
        lines += [f"- {', '.join(ends)}: {where}" for where, ends in alike.items()]
        parts.append("\n".join(lines))
    return parts


def _score_table(rows: Sequence[Row], summary: Summary) -> str:
    study = summary.study
    heads = ["protocol", "method", "folds x seeds", "accuracy", "95 % interval", *list(METRICS.values())[1:]]
    body = []
    for row in rows:
        accuracy = row.scores["accuracy"]
        runs = _runs(row.folds, row.seeds, accuracy.n) + (", incomplete" if row.end in summary.missing else "")
        others = [_mean_sd(row.scores.get(key)) for key in list(METRICS)[1:]]
        interval = "-" if accuracy.low is None else f"{accuracy.low:.3f} to {accuracy.high:.3f}"
        body.append(
            [study.protocols[row.end[1]], study.methods[row.end[0]], runs, _mean_sd(accuracy), interval, *others]
        )
    over = "folds and seeds" if any(row.seeds > 1 for row in rows) else "folds"
    what = f"Mean +- sd over {over}; 95 % interval of the mean accuracy, corrected for shared training walks"
    known = f" (n_test / n_train = {summary.ratio:.3g}). Always naming the most frequent class: {majority(study):.3f}"
    foot = f"\n\n{_NO_INTERVAL}" if any(row.scores["accuracy"].low is None for row in rows) else ""
    return f"{_caption(summary, what + known)}\n\n{_table(heads, body)}{foot}"


def _runs(folds: int, seeds: int, runs: int) -> str:
    """``5 x 3``, and the number of runs where it is another: some are missing, or a fold has several splits."""
    return f"{folds} x {seeds}" + (f" ({runs} runs)" if runs != folds * seeds else "")


def _mean_sd(score: Estimate | None) -> str:
    if score is None:
        return "-"
    return f"{score.mean:.3f}" + ("" if score.sd is None else f" +- {score.sd:.3f}")


def _family(family: Family, summary: Summary) -> list[str]:
    study, size, mixed = summary.study, len(family.comparisons), family.protocol is None
    if family.protocol is None:
        title, what = "Further comparisons", "Paired differences in accuracy"
    else:
        reference, protocol = study.methods[study.reference], study.protocols[family.protocol]
        title, what = (
            f"Against {reference}: {protocol}",
            f"Paired differences in accuracy against {reference}, {protocol}",
        )
    heads = [
        "comparison",
        "points",
        "95 % interval",
        "folds x seeds",
        "p",
        "Holm p",
        "p over folds",
        "p sign flips",
        "95 % bootstrap",
    ]
    what += f"; Holm's correction over {size} comparison{'s' if size != 1 else ''}"
    rows = [_comparison(found, summary, mixed) for found in family.comparisons]
    spoken = [f"- {sentence(study, found, size, mixed)}" for found in family.comparisons]
    for pair in family.absent:
        first, second = (name(study, end, mixed) for end in pair)
        spoken.append(f"- {first} and {second} share no finished run.")
    table = [_caption(summary, what), _table(heads, rows)] if rows else []
    table += [_NO_INTERVAL] if any("-" in row for row in rows) else []
    return [f"### {title}", *table, "\n".join(spoken)]


def _comparison(found: Comparison, summary: Summary, protocols: bool) -> list[str]:
    score, boot, flip = found.headline, found.bootstrap, found.flip
    first, second = (name(summary.study, end, protocols) for end in (found.first, found.second))
    unit = "persons" if boot.persons else "walks"
    return [
        f"{first} - {second}",
        f"{100 * score.mean:+.1f}",
        _interval(score.low, score.high),
        f"{_runs(found.folds, found.seeds, score.n)}{' *' if found.quiet_seeds else ''}",
        *("-" if p is None else p_number(p) for p in (score.p, found.p_holm, found.over_folds.p)),
        "-" if flip is None else f"{p_number(flip.p)} (>= {p_number(flip.smallest)})",
        f"{_interval(boot.low, boot.high)} ({boot.units} {unit})",
    ]


def _interval(low: float | None, high: float | None) -> str:
    return "-" if low is None or high is None else f"{100 * low:+.1f} to {100 * high:+.1f}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def cells(row: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"

    return "\n".join([cells(heads), "|---" * len(heads) + "|", *map(cells, rows)])
