"""Hand-made kinematic features of a walk: the hand-made baseline, and targets without labels.

243 numbers in the tradition of affective gait research, computed from the whole recording at its own rate. Lengths are
in trunks (centre to neck), so people of all sizes agree; the walk is seen from its own root and heading; and it is
taken as periodic, so it does not matter where it starts. ``left`` and ``right`` stand for themselves in ``SIDE``; axes
are ``out`` (away from the other side; of the middle of the body ``left``), ``up`` and ``ahead``.

=========================================================  ======  =========  ====================================
names                                                      number  unit       source
=========================================================  ======  =========  ====================================
log_cycle (of the duration), cadence                       2       ln s, 1/s  Montepare et al. 1987
stride_length, SIDE_step_length                            3       trunk      Montepare et al. 1987
speed (stride length / duration)                           1       trunk/s    Roether et al. 2009
step_width; SIDE_swing_share (of the cycle)                3       trunk; 1   Crane & Gross 2013
SIDE_arm_swing                                             2       trunk      Montepare et al. 1987
arm_swing_asymmetry, step_asymmetry                        2       1          Roether et al. 2008
arms_unlike, legs_unlike (left, and right mirrored         2       trunk      Roether et al. 2008
half a cycle later)
hands_correlation, feet_correlation,                       4       1          Crane & Gross 2013
SIDE_hand_with_other_foot (movements ahead)
27 angles: mean, range, sd                                 81      rad        Roether et al. 2009
14 distances: mean, range                                  28      trunk      Bhattacharya et al. 2020 (STEP)
areas of 3 triangles, box volume: mean, range              8       trunk^2,3  Bhattacharya et al. 2020 (STEP)
place of 12 points along 3 axes: mean, sd                  72      trunk      Crane & Gross 2013
speed, acceleration, jerk of head, hands, feet: mean, max  30      trunk/s^n  Randhavane et al. 2019
roughness of head, hands, feet                             5       ln 1       Hogan & Sternad 2009
=========================================================  ======  =========  ====================================

``FEATURES`` has every name with its unit and source. The angles are

* inclinations of a segment to an axis (0 = across it): trunk and head ahead and left; hips and shoulders turned and
  rolled left; of each side the collar (neck to shoulder: slouch) ahead and up, upper arm and thigh ahead and out;
* inside a joint: elbows, knees, head-neck-root, shoulders-neck;
* the twist of the trunk: shoulders against hips.

Distances: hands, feet; hand to root, neck and hip; foot to root; the three sides of the box around the body; the lower
foot's height (the bounce). Triangles: hands with neck, hands with root, feet with root. Without translation a stride is
as long as both feet swing, relative to the root. Asymmetry is (left - right) / (left + right). Roughness is the
logarithm of mean squared jerk over mean squared speed, times duration^4: 0 where nothing moves.

``MIRROR`` and ``MIRROR_SIGN`` give the features of the mirrored walk: ``MIRROR_SIGN * features[MIRROR]``.

Sources: Montepare, Goldstein & Clausen, J. Nonverbal Behavior 11, 1987. Roether, Omlor & Giese, Current Biology 18,
2008. Roether, Omlor, Christensen & Giese, J. Vision 9(6), 2009. Hogan & Sternad, J. Motor Behavior 41, 2009. Crane &
Gross, J. Nonverbal Behavior 37, 2013. Randhavane et al., arXiv:1906.11884, 2019. Bhattacharya et al., STEP, AAAI 2020.
They describe what is measured; the formulas are this package's.
"""

from mmgaitemo.kinematics.features import walk_kinematics
from mmgaitemo.kinematics.table import FEATURES, MIRROR, MIRROR_SIGN, NAMES, Feature

__all__ = ["FEATURES", "MIRROR", "MIRROR_SIGN", "NAMES", "Feature", "walk_kinematics"]
