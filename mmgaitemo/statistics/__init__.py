"""What repeated cross-validation tells: intervals, paired tests, and the summary of a study."""

from mmgaitemo.statistics.comparisons import Comparison, compare, corrected
from mmgaitemo.statistics.estimates import Estimate, corrected_t, holm
from mmgaitemo.statistics.resampling import Bootstrap, SignFlip, paired_bootstrap, sign_flip
from mmgaitemo.statistics.study_files import StudyResult, read_results
from mmgaitemo.statistics.summary import Summary, summarise

__all__ = [
    "Bootstrap",
    "Comparison",
    "Estimate",
    "SignFlip",
    "StudyResult",
    "Summary",
    "compare",
    "corrected",
    "corrected_t",
    "holm",
    "paired_bootstrap",
    "read_results",
    "sign_flip",
    "summarise",
]
