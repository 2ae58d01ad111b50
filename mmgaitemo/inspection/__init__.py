"""What is wrong with a gait data set: checks that look at every walk once, and a report."""

from mmgaitemo.inspection.bones import BoneDrift, Proportions
from mmgaitemo.inspection.check import NOTE, PROBLEM, Check, Finding
from mmgaitemo.inspection.duplicates import Duplicates
from mmgaitemo.inspection.feet import FootSkate
from mmgaitemo.inspection.flips import Flips
from mmgaitemo.inspection.frozen import Frozen
from mmgaitemo.inspection.jumps import Jumps
from mmgaitemo.inspection.labels import Labels
from mmgaitemo.inspection.mirrored import Mirrored
from mmgaitemo.inspection.persons import Persons
from mmgaitemo.inspection.sources import WalkSource, open_source
from mmgaitemo.inspection.upright import Upright
from mmgaitemo.inspection.walk import Walk

CHECKS: dict[str, type[Check]] = {
    check.name: check
    for check in (
        Persons,
        Duplicates,
        Upright,
        Mirrored,
        Flips,
        BoneDrift,
        Proportions,
        FootSkate,
        Frozen,
        Jumps,
        Labels,
    )
}

__all__ = ["CHECKS", "NOTE", "PROBLEM", "Check", "Finding", "Walk", "WalkSource", "open_source"]
