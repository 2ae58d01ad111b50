"""A plain sentence for each comparison."""

from __future__ import annotations

from mmgaitemo.statistics.cell_lines import End
from mmgaitemo.statistics.comparisons import Comparison
from mmgaitemo.statistics.estimates import LEAST, LEVEL
from mmgaitemo.statistics.study_files import StudyResult


def sentence(study: StudyResult, found: Comparison, family: int, protocols: bool) -> str:
    """What a comparison says: above, below, or not to be told apart.

    Args:
        study: Whose.
        found: The comparison, Holm-corrected. The verdict is that of the corrected p.
        family: Number of comparisons that were corrected together.
        protocols: Name the protocols too.
    """
    first, second = (name(study, end, protocols) for end in (found.first, found.second))
    score, points = found.headline, 100 * abs(found.headline.mean)
    if score.sd == 0 and points < 1e-9:
        return f"{first} and {second} have the same accuracy in every run."
    side = "above" if score.mean > 0 else "below"
    if score.p is None or score.low is None or score.high is None or found.p_holm is None:
        if score.n < LEAST:
            why = f"{score.n} run{'s' if score.n > 1 else ''}: too few runs for a test"
        else:
            why = f"each of {score.n} runs alike: without any spread there is no test"
        if points < 1e-9:
            return f"{first} and {second} have the same accuracy on average in {why}."
        return f"{first} is {side} {second} by {points:.1f} points in {why}."
    ends = sorted((100 * score.low, 100 * score.high))
    p = p_text(score.p) if family == 1 else f"{p_text(score.p)}, {p_text(found.p_holm, 'Holm p')}"
    if found.p_holm >= 1 - LEVEL:
        why = " once all comparisons of the table are counted" if score.p < 1 - LEVEL else ""
        what = f"difference {100 * score.mean:+.1f} points, 95 % interval {ends[0]:.1f} to {ends[1]:.1f}, {p}"
        text = f"{first} and {second} cannot be told apart{why} ({what})."
    else:
        if score.mean < 0:
            ends = [-ends[1], -ends[0]]
        interval = f"95 % interval {ends[0]:.1f} to {ends[1]:.1f}, {p}"
        text = f"{first} is {side} {second} by {points:.1f} points ({interval})."
    if found.folds == 1 and len({run[0] for run in study.runs}) > 1:
        text += " Of one fold alone: this tells how seeds differ, not how other walks would."
    if found.quiet_seeds and found.over_folds.p is not None:
        text += f" Seeds change little here: rather trust the test over folds, {p_text(found.over_folds.p)}."
    return text


def name(study: StudyResult, end: End, protocol: bool) -> str:
    """Title of a method, on request with that of its protocol."""
    title = study.methods[end[0]]
    return f"{title} ({study.protocols[end[1]]})" if protocol else title


def p_text(p: float, symbol: str = "p") -> str:
    """``p = .02``, ``p = .004`` or ``p < .001``."""
    if p < 0.001:
        return f"{symbol} < .001"
    return f"{symbol} = {p_number(p)}"


def p_number(p: float) -> str:
    """``.02``, ``.004``, ``< .001`` or ``1``; never rounded across the limit of 0.05."""
    if p < 0.001:
        return "< .001"
    p = min(p, 0.0499) if p < 0.05 else p
    digits = 4 if 0.0495 <= p < 0.0505 else 3 if p < 0.01 or 0.04 <= p < 0.06 else 2
    text = f"{p:.{digits}f}"
    return "1" if text.startswith("1") else text.removeprefix("0")
