from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.image import imread

from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.skeleton import COCO17, EGAIT16, FIVE_PARTS, KINECT25, Skeleton
from mmgaitemo.visualization import (
    confusion_plot,
    curves,
    draw_confusion,
    draw_curves,
    draw_embedding,
    draw_views,
    style,
)
from mmgaitemo.visualization.curves import running_mean
from mmgaitemo.visualization.embedding_plot import embed
from mmgaitemo.visualization.skeleton_plot import masked_parts, removed_frames, view_rotation, visible_bones

EGAIT16_Z_UP = replace(EGAIT16, name="egait16_z_up", up=2)
LAYOUTS = pytest.mark.parametrize("skeleton", [EGAIT16, KINECT25, COCO17], ids=lambda skeleton: skeleton.name)
LEGEND = 90  # pixels at the lower edge of a strip of views


def gait(skeleton: Skeleton, frames: int = 12) -> np.ndarray:
    """(T, V, 3): a body of distinct joints, upright, centred as the layout says, swaying a little."""
    rng = np.random.default_rng(0)
    pose = rng.normal(size=(skeleton.num_joints, 3)) * 0.2
    pose[:, skeleton.up] += np.linspace(1, -1, skeleton.num_joints)
    view = pose + 0.05 * np.sin(np.arange(frames))[:, None, None] * rng.normal(size=pose.shape)
    return view - view[:, list(skeleton.centre)].mean(axis=1, keepdims=True)


def without(view: np.ndarray, skeleton: Skeleton, *parts: str) -> np.ndarray:
    view = view.copy()
    for part in parts:
        view[:, list(skeleton.parts[part])] = 0
    return view


def read(path: Path) -> np.ndarray:
    """(height, width, 3) integers 0 to 255."""
    return (imread(path)[..., :3] * 255).round().astype(int)


def where(picture: np.ndarray, colour: str) -> np.ndarray:
    """(height, width) bool: pixels of exactly this colour."""
    return (picture == np.round(np.array(to_rgb(colour)) * 255)).all(axis=-1)


def draw_one_of_each(folder: Path) -> list[Path]:
    rng = np.random.default_rng(1)
    x = np.arange(100.0)
    return [
        draw_views(folder / "views.png", {"s": gait(EGAIT16)}, EGAIT16, title="Views"),
        draw_embedding(folder / "embedding.png", rng.normal(size=(80, 128)), np.arange(80) % 3, "abc", "Embedding"),
        draw_confusion(folder / "confusion.png", np.arange(9).reshape(3, 3), list("abc"), "Confusion", note="A note."),
        draw_curves(folder / "curves.png", {"loss": (x, np.sin(x)), "rate": (x, x)}, "step", "Curves", smooth=["loss"]),
    ]


# The picture files


def test_every_drawing_is_a_png_with_something_on_it_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    first, second = draw_one_of_each(tmp_path / "a" / "new"), draw_one_of_each(tmp_path / "b")
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes().startswith(b"\x89PNG"), one
        assert read(one).std() > 5, one
        assert one.read_bytes() == other.read_bytes(), one
    assert sorted(os.listdir(tmp_path / "b")) == ["confusion.png", "curves.png", "embedding.png", "views.png"]


def test_pictures_have_the_expected_pixels(tmp_path: Path) -> None:
    views, embedding, _, curves_png = (read(path) for path in draw_one_of_each(tmp_path))
    assert views.shape[1] == style.WIDTH * style.DPI == 1800
    assert embedding.shape[:2] == (1040, 1400)
    assert curves_png.shape[1] == 1200  # two of three columns
    taller = read(draw_views(tmp_path / "two.png", {"s": gait(EGAIT16), "t": gait(EGAIT16)}, EGAIT16))
    assert taller.shape[1] == 1800 and taller.shape[0] > views.shape[0]


def test_figures_do_not_need_pyplot() -> None:
    code = "import sys, mmgaitemo.visualization; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_failing_write_leaves_the_old_picture_and_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "confusion.png"
    path.write_bytes(b"old")

    def fail(source: Path, target: Path) -> None:
        assert Path(source).parent == tmp_path and Path(source).read_bytes().startswith(b"\x89PNG")
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        draw_confusion(path, np.eye(2, dtype=int), ["a", "b"])
    assert os.listdir(tmp_path) == ["confusion.png"] and path.read_bytes() == b"old"


def test_long_titles_stay_inside_the_picture(tmp_path: Path) -> None:
    title, path = "A rather long title of a picture " * 3 + "WWWWW", tmp_path / "title.png"
    for draw in (
        lambda: draw_views(path, {"s": gait(EGAIT16)}, EGAIT16, title=title),
        lambda: draw_embedding(path, np.eye(3), np.zeros(3, dtype=int), ["a"], title),
        lambda: draw_confusion(path, np.eye(2, dtype=int), ["a", "b"], title),
        lambda: draw_curves(path, {"loss": ([1], [1])}, "step", title),
    ):
        picture = read(draw())
        assert (picture[:, -8:] == 255).all() and (picture[:120] < 128).any()


def test_only_png_files_are_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"views\.jpg.*\.jpg.*end it in \.png"):
        draw_views(tmp_path / "views.jpg", {"s": gait(EGAIT16)}, EGAIT16)
    assert os.listdir(tmp_path) == []


# Views


@pytest.mark.parametrize("skeleton", [EGAIT16, KINECT25, COCO17, EGAIT16_Z_UP], ids=lambda skeleton: skeleton.name)
def test_projection_is_a_rotation_that_keeps_up_and_lets_the_body_walk_to_the_right(skeleton: Skeleton) -> None:
    rotation = view_rotation(skeleton)
    points = np.random.default_rng(0).normal(size=(9, 3))
    turned = points @ rotation.T

    def distances(p: np.ndarray) -> np.ndarray:
        return np.linalg.norm(p[:, None] - p[None], axis=-1)

    np.testing.assert_allclose(distances(turned), distances(points), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)  # no mirror image
    up, left = np.eye(3)[skeleton.up], -np.eye(3)[skeleton.lateral]
    assert (rotation @ up)[1] > 0.9 and (rotation @ up)[0] == pytest.approx(0)
    right_on_screen, _, towards_viewer = rotation @ np.cross(left, up)  # where the body faces
    assert right_on_screen > 0.5 and towards_viewer > 0.3


@LAYOUTS
@pytest.mark.parametrize("part", FIVE_PARTS)
def test_a_masked_part_loses_its_bones_and_the_others_keep_theirs(skeleton: Skeleton, part: str) -> None:
    whole = gait(skeleton)
    pose = without(whole, skeleton, part)[0]
    gone = set(skeleton.parts[part])
    expected = {(j, p) for j, p in enumerate(skeleton.parents) if p >= 0 and j not in gone and p not in gone}
    assert set(visible_bones(pose, skeleton)) == expected
    assert len(visible_bones(whole[0], skeleton)) == skeleton.num_joints - 1 > len(expected)


@LAYOUTS
def test_root_and_centre_at_the_origin_are_visible_unless_their_part_is_masked(skeleton: Skeleton) -> None:
    for joint in {skeleton.root, *skeleton.centre}:
        pose = gait(skeleton)[0]
        pose[joint] = 0
        assert len(visible_bones(pose, skeleton)) == skeleton.num_joints - 1
    assert visible_bones(np.zeros((skeleton.num_joints, 3)), skeleton) == []


@LAYOUTS
def test_masked_parts_and_removed_frames_are_recognised(skeleton: Skeleton) -> None:
    view = without(gait(skeleton), skeleton, "left_arm", "trunk")
    view[[2, 7]] = 0
    assert np.flatnonzero(removed_frames(view)).tolist() == [2, 7]
    assert masked_parts(view, skeleton) == ["trunk", "left_arm"]
    assert masked_parts(gait(skeleton), skeleton) == masked_parts(np.zeros_like(view), skeleton) == []


@LAYOUTS
def test_the_colour_of_a_masked_part_is_not_drawn_and_a_reference_shows_it_in_grey(
    skeleton: Skeleton, tmp_path: Path
) -> None:
    whole = gait(skeleton)
    masked = without(whole, skeleton, "right_arm")
    pictures = [
        read(draw_views(tmp_path / "whole.png", {"s": whole}, skeleton, reference=whole)),
        read(draw_views(tmp_path / "masked.png", {"s": masked}, skeleton)),
        read(draw_views(tmp_path / "ghost.png", {"s": masked}, skeleton, reference=whole)),
    ]
    arm = [where(picture[:-LEGEND], style.PART_COLOURS["right_arm"]).sum() for picture in pictures]
    ghost = [where(picture[:-LEGEND], style.GHOST).sum() for picture in pictures]
    leg = [where(picture[:-LEGEND], style.PART_COLOURS["left_leg"]).sum() for picture in pictures]
    assert arm[0] > 500 and arm[1:] == [0, 0]
    assert max(ghost[:2]) < 50 and ghost[2] > 150  # some pixels are edges of letters
    assert min(leg) > 300


def test_a_removed_frame_is_an_empty_panel(tmp_path: Path) -> None:
    whole = gait(EGAIT16, frames=3)
    removed = whole.copy()
    removed[1] = 0
    options = dict(skeleton=EGAIT16, frames=3)
    panels = [
        where(read(draw_views(tmp_path / f"{n}.png", {"s": view}, **options)), style.PANEL).sum()
        for n, view in enumerate([whole, removed])
    ]
    legs = [where(read(tmp_path / f"{n}.png")[:-LEGEND], style.PART_COLOURS["left_leg"]).sum() for n in range(2)]
    assert panels[1] - panels[0] > 30000
    assert 0.5 < legs[1] / legs[0] < 0.85  # two of three figures


def test_all_views_share_one_scale_and_nothing_leaves_the_picture(tmp_path: Path) -> None:
    pose = gait(EGAIT16, frames=1)
    flung = pose.copy()
    flung[0, 4:10] += [300, 0, 0]  # an arm far away, as jitter can throw it
    for views in ({"small": pose, "large": 2 * pose}, {"small": pose, "flung": flung}):
        picture = read(draw_views(tmp_path / "scale.png", views, EGAIT16, frames=1))
        edge = np.concatenate(
            [picture[:4].ravel(), picture[-4:].ravel(), picture[:, :4].ravel(), picture[:, -4:].ravel()]
        )
        assert (edge == 255).all()
    picture = read(draw_views(tmp_path / "scale.png", {"small": pose, "large": 2 * pose}, EGAIT16, frames=1))
    limbs = [where(picture[:-LEGEND], colour) for part, colour in style.PART_COLOURS.items() if part != "trunk"]
    rows = np.flatnonzero(np.any(limbs, axis=(0, 2)))
    small, large = (len(run) for run in np.split(rows, np.flatnonzero(np.diff(rows) > 20) + 1))
    assert large / small == pytest.approx(2, rel=0.08)  # line width is the same in both


@pytest.mark.parametrize(
    ("views", "options", "error", "message"),
    [
        ({}, {}, ConfigError, "views.*no view to draw"),
        ({"s3": np.ones((5, 15, 3))}, {}, DataError, r"'s3'.*egait16.*16.*\(5, 15, 3\)"),
        ({"s3": np.ones((3, 5, 16))}, {}, DataError, r"'s3'.*\(3, 5, 16\)"),
        ({"s3": np.ones((0, 16, 3))}, {}, DataError, r"'s3'.*at least one frame"),
        ({"s": np.ones((5, 16, 3)), "s3": np.full((5, 16, 3), np.nan)}, {}, DataError, r"'s3'.*NaN.*240 of 240"),
        ({"s3": np.full((5, 16, 3), np.inf)}, {}, DataError, r"'s3'.*infinite.*\(0, 0, 0\)"),
        ({"s3": np.full((5, 16, 3), "a")}, {}, DataError, "'s3'.*no number"),
        ({"s3": np.zeros((5, 16, 3))}, {}, DataError, "views.*every joint of every view is zero"),
        ({"s3": np.ones((5, 16, 3))}, {"frames": 0}, ConfigError, "frames.*at least one"),
        ({"s3": np.ones((5, 16, 3))}, {"reference": np.ones((5, 17, 3))}, DataError, r"reference.*\(5, 17, 3\)"),
    ],
)
def test_views_that_cannot_be_drawn_are_named(
    tmp_path: Path, views: dict, options: dict, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        draw_views(tmp_path / "views.png", views, EGAIT16, **options)
    assert os.listdir(tmp_path) == []


# Embedding


def test_few_samples_are_shown_by_pca_which_keeps_the_distances_of_three() -> None:
    features = np.random.default_rng(0).normal(size=(3, 6)) * [1, 10, 100, 1, 1, 1] + 5
    points, method = embed(features)
    standard = (features - features.mean(0)) / features.std(0)
    for i in range(3):
        for j in range(3):  # three points span a plane
            expected = np.linalg.norm(standard[i] - standard[j])
            assert np.linalg.norm(points[i] - points[j]) == pytest.approx(expected, abs=1e-9)
    assert method == "PCA"


def test_tsne_keeps_clusters_together_whatever_the_units_of_the_features() -> None:
    labels = np.arange(60) % 3
    features = (np.eye(3)[labels] * 20 + np.random.default_rng(0).normal(size=(60, 3))) * [1e-4, 1, 1e4]
    points, method = embed(features)
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1) + np.diag(np.full(60, np.inf))
    assert method == "t-SNE" and (labels[distance.argmin(axis=1)] == labels).all()
    np.testing.assert_array_equal(points, embed(features)[0])


@pytest.mark.parametrize("shape", [(1, 4), (2, 4), (3, 1), (9, 2), (10, 2), (12, 1), (40, 1)])
def test_embedding_of_any_size_is_finite(shape: tuple[int, int], tmp_path: Path) -> None:
    features = np.random.default_rng(0).normal(size=shape)
    points, _ = embed(features)
    assert points.shape == (shape[0], 2) and np.isfinite(points).all()


def test_a_collapsed_encoder_gives_one_point_instead_of_noise(tmp_path: Path) -> None:
    points, method = embed(np.full((40, 8), 0.1))
    assert method == "PCA" and not points.any()
    assert draw_embedding(tmp_path / "one.png", np.full((40, 8), 0.1), np.zeros(40, dtype=int), ["only"]).exists()


def test_classes_have_their_colours_and_unlabelled_samples_are_grey(tmp_path: Path) -> None:
    features, labels = np.random.default_rng(0).normal(size=(30, 4)), np.arange(30) % 3 - 1
    picture = read(draw_embedding(tmp_path / "a.png", features, labels, ["a", "b"]))
    shown = [where(picture, colour).sum() for colour in style.CLASS_COLOURS]
    assert min(shown[:2]) > 500 and shown[2] == 0
    labelled = read(draw_embedding(tmp_path / "b.png", features, np.zeros(30, dtype=int), ["a", "b"]))
    assert where(picture, style.GHOST).sum() - where(labelled, style.GHOST).sum() > 500


@pytest.mark.parametrize(
    ("features", "labels", "error", "message"),
    [
        (np.ones((4, 2)), np.zeros(3, dtype=int), DataError, r"labels.*4 rows.*\(3,\)"),
        (np.ones((4, 2)), np.zeros(4), DataError, "labels.*float64"),
        (np.ones(4), np.zeros(4, dtype=int), DataError, r"features.*\(4,\)"),
        (np.ones((0, 2)), np.zeros(0, dtype=int), DataError, r"features.*not empty.*\(0, 2\)"),
        (np.array([[1, np.nan]]), np.zeros(1, dtype=int), DataError, r"features.*NaN.*\(0, 1\)"),
        (np.ones((4, 2)), np.array([0, 1, 2, -1]), ConfigError, r"classes.*2 class names.*\[2\]"),
        (np.ones((4, 2)), np.array([0, 1, 1, -2]), ConfigError, r"classes.*\[-2\]"),
    ],
)
def test_features_that_cannot_be_drawn_are_named(
    tmp_path: Path, features: np.ndarray, labels: np.ndarray, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        draw_embedding(tmp_path / "embedding.png", features, labels, ["a", "b"])
    assert os.listdir(tmp_path) == []


# Confusion and curves: what is written and where lines are is asked of the figure itself


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Figures that were saved, in order."""
    saved: list[Figure] = []

    def keep(figure: Figure, path: Path) -> Path:
        saved.append(figure)
        return path

    for module in (confusion_plot, curves):
        monkeypatch.setattr(module, "save", keep)
    return saved


@pytest.mark.filterwarnings("error")
def test_confusion_shows_counts_and_shares_of_the_true_class(figures: list[Figure]) -> None:
    draw_confusion(
        "x.png", np.array([[30, 10, 0], [1, 1, 2], [0, 0, 0]]), ["joy", "anger", "fear"], note="Names differ."
    )
    (axes,) = figures[0].axes
    cells = {(round(t.get_position()[1]), round(t.get_position()[0]), t.get_text()) for t in axes.texts}
    assert {(0, 0, "30"), (0, 0, "75 %"), (0, 1, "25 %"), (1, 0, "25 %"), (1, 2, "2"), (1, 2, "50 %")} <= cells
    assert {(2, column, "-") for column in range(3)} <= cells  # no share of nothing
    assert [t.get_text() for t in axes.get_yticklabels()] == ["joy\n(n = 40)", "anger\n(n = 4)", "fear\n(n = 0)"]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["joy", "anger", "fear"]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("truth", "predicted")
    assert "Names differ." in [t.get_text() for t in figures[0].texts]


@pytest.mark.parametrize(("count", "share"), [(3, 1.0), (0, 0.0)])
def test_letters_stand_out_from_their_cell(tmp_path: Path, count: int, share: float) -> None:
    picture = read(draw_confusion(tmp_path / "one.png", np.array([[count]]), ["only"]))
    cell = colormaps["Blues"](0.9 * share)[:3]
    rows, columns = np.nonzero((np.abs(picture - np.array(cell) * 255) < 1).all(axis=-1))
    inside = picture[rows.min() : rows.max(), columns.min() : columns.max()].mean(axis=-1)
    assert np.abs(inside - 255 * np.mean(cell)).max() > 120


@pytest.mark.parametrize(
    ("matrix", "error", "message"),
    [
        (np.zeros((2, 3), dtype=int), DataError, r"matrix.*\(2, 3\)"),
        (np.zeros(4, dtype=int), DataError, r"matrix.*\(4,\)"),
        (np.zeros((0, 0), dtype=int), DataError, r"matrix.*not empty"),
        (np.full((2, 2), 0.5), DataError, "matrix.*counts.*float64"),
        (np.array([[1, -1], [0, 0]]), DataError, "matrix.*smallest -1"),
        (np.eye(3, dtype=int), ConfigError, "classes.*3 names.*'a', 'b'"),
    ],
)
def test_a_matrix_that_cannot_be_drawn_is_named(
    tmp_path: Path, matrix: np.ndarray, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        draw_confusion(tmp_path / "confusion.png", matrix, ["a", "b"])
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("length", [1, 2, 3, 79, 80, 500])
def test_running_mean_is_the_mean_of_the_window_around_each_point(length: int) -> None:
    values = np.random.default_rng(0).normal(size=length)
    mean, window = running_mean(values)
    half = window // 2
    assert window % 2 == 1 and window <= max(length / 20 + 1, 3)
    expected = [values[max(i - half, 0) : i + half + 1].mean() for i in range(length)]
    np.testing.assert_allclose(mean, expected, atol=1e-12)


def test_each_curve_has_a_panel_and_only_noisy_ones_are_smoothed(figures: list[Figure]) -> None:
    x, noise = np.arange(1, 201.0), np.random.default_rng(0).normal(size=200)
    draw_curves("x.png", {"loss": (x, noise), "rate": (x, x / 200)}, "step", smooth=["loss"])
    loss, rate = figures[0].axes
    assert [axes.get_title(loc="left") for axes in (loss, rate)] == ["loss", "rate"]
    assert loss.get_xlabel() == "step"
    raw, smooth = loss.lines
    np.testing.assert_array_equal(raw.get_ydata(), noise)
    assert raw.get_linewidth() < smooth.get_linewidth() and np.std(smooth.get_ydata()) < 0.6 * noise.std()
    (line,) = rate.lines
    np.testing.assert_array_equal(line.get_xydata(), np.stack([x, x / 200], axis=1))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("smooth", [[], ["kNN accuracy"]])
def test_a_single_probe_and_its_references_are_visible(figures: list[Figure], smooth: list[str]) -> None:
    references = {"kNN accuracy": {"untrained encoder": 0.6, "majority class": 0.25}}
    draw_curves("x.png", {"kNN accuracy": ([5], [0.4])}, "epoch", smooth=smooth, references=references)
    (axes,) = figures[0].axes
    low, high = axes.get_ylim()
    assert low < 0.25 and high > 0.6
    assert any(line.get_marker() == "o" and line.get_xydata().tolist() == [[5, 0.4]] for line in axes.lines)
    levels = {line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == "--"}
    assert levels == {0.6, 0.25}
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend[-2:] == ["untrained encoder 0.6", "majority class 0.25"]


def test_letters_of_the_curves_stay_inside_the_picture(tmp_path: Path) -> None:
    x = np.linspace(0, 500000, 50)
    levels = {"rate": (x, x / 4e9), "steps": (x, x), "momentum": (x, 0.99991 + x / 1e11), "kNN": (x, np.sqrt(x))}
    path = draw_curves(tmp_path / "c.png", levels, "step", references={"kNN": {"a": 1.0, "b": 2.0, "c": 3.0}})
    picture = read(path)
    edge = np.concatenate([picture[:3].ravel(), picture[-3:].ravel(), picture[:, :3].ravel(), picture[:, -3:].ravel()])
    assert (edge == 255).all()


@pytest.mark.parametrize(
    ("given", "options", "error", "message"),
    [
        ({}, {}, ConfigError, "curves.*no curve to draw"),
        ({"loss": ([1, 2], [1])}, {}, DataError, r"'loss'.*one length.*x \(2,\), y \(1,\)"),
        ({"loss": ([], [])}, {}, DataError, "'loss'.*at least one point"),
        ({"loss": ([1, 2], [1, np.nan])}, {}, DataError, r"y of 'loss'.*NaN.*\(1,\)"),
        ({"loss": ([1], [1])}, {"smooth": ["lr"]}, ConfigError, r"smooth.*\['lr'\]"),
        ({"loss": ([1], [1])}, {"references": {"kNN": {"a": 1.0}}}, ConfigError, r"references.*\['kNN'\]"),
        ({"loss": ([1], [1])}, {"references": {"loss": {"a": np.inf}}}, DataError, "references of 'loss'.*infinite"),
    ],
)
def test_curves_that_cannot_be_drawn_are_named(
    tmp_path: Path, given: dict, options: dict, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        draw_curves(tmp_path / "curves.png", given, "step", **options)
    assert os.listdir(tmp_path) == []
