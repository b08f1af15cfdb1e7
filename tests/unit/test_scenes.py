"""Dead leaves: the law of the radii, what occlusion makes of it, and pictures that are the same for the same seed."""

import math

import cv2
import numpy as np
import pytest
import torch

from restorelab.data import scenes
from restorelab.data.scenes import DeadLeavesConfig, dead_leaves, draw_radii
from restorelab.errors import ParameterError


def scene(seed: int, height: int = 48, width: int = 48, **kwargs) -> torch.Tensor:
    return dead_leaves(height, width, np.random.default_rng(seed), **kwargs)


def test_one_seed_gives_one_picture():
    assert torch.equal(scene(3), scene(3))
    assert (scene(3) - scene(4)).abs().mean() > 0.05
    rng = np.random.default_rng(3)
    first = dead_leaves(48, 48, rng)
    assert torch.equal(first, scene(3))
    assert not torch.equal(first, dead_leaves(48, 48, rng))  # the generator has moved on


def test_global_generators_play_no_part():
    np.random.seed(0)
    torch.manual_seed(0)
    before = scene(5)
    np.random.seed(1)
    torch.manual_seed(1)
    assert torch.equal(before, scene(5))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 40), (33, 47), (64, 17), (160, 160)])
def test_any_size_gives_an_image(height, width):
    picture = scene(0, height, width)
    assert picture.shape == (3, height, width)
    assert picture.dtype == torch.float32
    assert picture.is_contiguous()
    assert picture.min() >= 0 and picture.max() <= 1


def test_radii_follow_the_inverse_cube():
    config = DeadLeavesConfig(radius_min=2.0, radius_max=200.0)
    radii = draw_radii(200_000, np.random.default_rng(0), config)
    assert radii.min() >= 2 and radii.max() <= 200
    # The share above r falls as r^-2 (less what is cut off at radius_max), so its logarithm falls by 2 per e-fold of r.
    levels = np.array([2.0, 4.0, 8.0, 16.0])
    share = np.array([(radii > level).mean() for level in levels])
    assert np.diff(np.log(share)) / np.diff(np.log(levels)) == pytest.approx(-2, abs=0.08)
    assert share == pytest.approx((levels**-2 - 200**-2) / (2**-2 - 200**-2), rel=0.05)


def overlap(radius: np.ndarray, distance: float) -> np.ndarray:
    """Area common to two discs of one radius whose centres lie `distance` apart."""
    half = np.minimum(distance / (2 * radius), 1)
    return 2 * radius**2 * (np.arccos(half) - half * np.sqrt(1 - half**2))


@pytest.mark.parametrize(("smallest", "largest", "distance"), [(4.0, 40.0, 4), (4.0, 40.0, 10), (4.0, 40.0, 24), (1.5, 12.0, 2)])
def test_occlusion_leaves_what_theory_says(smallest, largest, distance):
    """Two points see one leaf with probability g(d) / (2 g(0) - g(d)), g the mean overlap of a disc with itself moved by d.

    The first leaf that covers either of the two points covers both (Matheron 1968; Lee, Mumford, Huang 2001). True only
    if leaves are added until nothing shines through, and if those centred outside the window are there too.
    """
    config = DeadLeavesConfig(radius_min=smallest, radius_max=largest)
    radii = draw_radii(200_000, np.random.default_rng(1), config) * scenes.FINE
    moved = overlap(radii, distance).mean()
    expected = moved / (2 * (math.pi * radii**2).mean() - moved)
    seen = []
    for seed in range(60):
        labels, _ = scenes._fall(120, 120, np.random.default_rng(seed), config)
        seen += [(labels[distance:] == labels[:-distance]).mean(), (labels[:, distance:] == labels[:, :-distance]).mean()]
    assert np.mean(seen) == pytest.approx(expected, abs=4 * np.std(seen) / math.sqrt(len(seen)) + 0.01)


def test_painted_leaves_have_the_area_of_their_radius():
    config = DeadLeavesConfig(radius_min=2.0, radius_max=12.0)
    rng = np.random.default_rng(0)
    areas = []
    for x, y, radius in scenes._batch(400, 400, rng, config):
        if min(x, y) > 30 and max(x, y) < 370:  # well inside, where small and large ones are equally likely to be kept
            areas.append(cv2.circle(np.zeros((61, 61), np.int32), (30, 30), radius, 1, cv2.FILLED).sum())
    radii = scenes.FINE * draw_radii(200_000, rng, config)
    assert len(areas) > 3000
    assert np.mean(areas) == pytest.approx((math.pi * radii**2).mean(), rel=0.06)


def test_borders_look_like_the_middle():
    """Leaves centred outside the window reach into it: as many edges at the border as inside."""
    config = DeadLeavesConfig(radius_min=3.0, radius_max=60.0)
    edges = np.zeros(79)
    for seed in range(150):
        labels, _ = scenes._fall(80, 80, np.random.default_rng(seed), config)
        edges += (labels[1:] != labels[:-1]).mean(1)
    border, middle = (edges[:8].mean() + edges[-8:].mean()) / 2, edges[32:48].mean()
    assert border == pytest.approx(middle, rel=0.1)


def test_no_pixel_stays_bare():
    for seed in range(20):
        labels, _ = scenes._fall(50, 70, np.random.default_rng(seed), DeadLeavesConfig())
        assert labels.min() >= 0


def test_labels_are_dense_and_pixels_lie_on_their_leaf():
    labels, discs = scenes._fall(50, 70, np.random.default_rng(0), DeadLeavesConfig())
    kept, left = scenes._keep_visible(labels, discs)
    assert np.array_equal(np.unique(kept), np.arange(len(left)))
    assert np.array_equal(left[kept], discs[labels])
    away = np.hypot(np.arange(70) - left[kept, 0], np.arange(50)[:, None] - left[kept, 1])
    assert (away <= left[kept, 2] + 1).all()  # every pixel lies on the leaf it shows


def test_pictures_vary_around_a_middle_grey():
    pictures = torch.stack([scene(seed, 64, 64) for seed in range(60)])
    means = pictures.mean((2, 3))
    assert ((means.mean(0) > 0.3) & (means.mean(0) < 0.7)).all()  # neither dark nor burnt, in any channel
    assert means.std(0).min() > 0.03  # scenes differ
    assert 0.1 < pictures.std((2, 3)).mean() < 0.35  # photographs have about 0.2
    assert (pictures == 1).float().mean() < 0.15  # saturated highlights, but few
    assert (pictures[:, 0] - pictures[:, 2]).abs().mean() > 0.04  # there is colour


def test_the_power_spectrum_falls_as_in_photographs():
    size = 128
    window = np.outer(np.hanning(size), np.hanning(size))
    power = np.zeros((size, size // 2 + 1))
    for seed in range(40):
        grey = scene(seed, size, size).mean(0).numpy()
        power += np.abs(np.fft.rfft2((grey - grey.mean()) * window)) ** 2
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size))
    bands = np.geomspace(0.03, 0.4, 10)
    means = [power[(frequency >= low) & (frequency < high)].mean() for low, high in zip(bands, bands[1:], strict=False)]
    slope = np.polyfit(np.log(np.sqrt(bands[1:] * bands[:-1])), np.log(means), 1)[0]
    assert -3 < slope < -1.5


@pytest.mark.parametrize("texture", ["flat", "gradient", "grating", "noise"])
def test_each_texture_does_what_its_name_says(texture):
    """How finely the mixing of the two colours changes inside one leaf that fills the window."""
    alone = dict.fromkeys(("flat", "gradient", "grating", "noise"), 0.0) | {texture: 1.0}
    config = DeadLeavesConfig(wavelength_min=4.0, wavelength_max=8.0, **alone)
    labels, discs = np.zeros((128, 128), np.int32), np.array([[64, 64, 100]], np.int32)
    mixing = scenes._texture(labels, discs, np.random.default_rng(0), config)
    assert mixing.min() >= 0 and mixing.max() <= 1
    steps = np.abs(np.diff(mixing, axis=0)).mean() + np.abs(np.diff(mixing, axis=1)).mean()
    if texture == "flat":
        assert np.all(mixing == 0)
    if texture == "gradient":
        assert np.diff(mixing, n=2, axis=0) == pytest.approx(0, abs=1e-5) and steps > 0.004
    if texture == "grating":
        assert mixing.max() - mixing.min() > 0.95 and steps > 0.1
    if texture == "noise":
        assert 0.05 < mixing.std() < 0.4 and 0.01 < steps < 0.3


def test_edges_are_antialiased():
    """One white and one black leaf: half-covered pixels are in between, in linear light."""
    config = DeadLeavesConfig(flat=1.0, gradient=0.0, grating=0.0, noise=0.0, radius_min=20.0, texture_spread=0.0, colour_spread=0.0)
    picture = scene(1, 96, 96, config=config)
    assert torch.allclose(picture[0], picture[2], atol=1e-3)  # no colour where none was asked for
    labels, _ = scenes._keep_visible(*scenes._fall(192, 192, np.random.default_rng(1), config))
    blocks = labels.reshape(96, 2, 96, 2)
    mixed = torch.from_numpy((blocks != blocks[:, :1, :, :1]).any((1, 3)))
    leaves = len(np.unique(labels))
    assert len(torch.unique((picture[0][~mixed] * 1e4).round())) <= leaves
    assert len(torch.unique((picture[0][mixed] * 1e4).round())) > leaves


def test_a_palette_gives_its_colours():
    palette = torch.tensor([[0.9, 0.1], [0.2, 0.3], [0.1, 0.8]])[:, :, None]  # 3 x 2 x 1: an orange and a blue
    config = DeadLeavesConfig(radius_min=8.0, texture_spread=0.0)
    picture = scene(0, 64, 64, config=config, palette=palette)
    away = (picture[:, None] - palette[:, :, None]).abs().amax(0).amin(0)
    assert (away < 0.01).float().mean() > 0.7  # all but the edges
    nearest = (picture[:, None] - palette[:, :, None]).abs().amax(0).argmin(0)
    assert 0.1 < nearest.float().mean() < 0.9  # both


def test_colour_axes_are_turned_back():
    rgb = np.random.default_rng(0).uniform(0.05, 1, (100, 3))
    assert scenes._to_rgb(scenes._to_axes(rgb)) == pytest.approx(rgb, abs=1e-5)
    assert scenes._to_axes(np.ones((1, 3)))[0] == pytest.approx(0, abs=1e-3)  # white is the origin
    assert scenes._decode(scenes._encode(rgb)) == pytest.approx(rgb, abs=1e-5)
    yellow, blue = scenes._to_axes(np.array([[0.8, 0.7, 0.1], [0.1, 0.2, 0.9]]))
    assert yellow[1] > 0.1 and blue[1] < -0.1


@pytest.mark.parametrize(
    "wrong",
    [
        {"radius_min": 0.5},
        {"radius_min": 5.0, "radius_max": 5.0},
        {"radius_max": math.inf},
        {"radius_min": math.nan},
        {"wavelength_min": 1.0},
        {"wavelength_min": 9.0, "wavelength_max": 8.0},
        {"flat": -1.0},
        {"flat": 0.0, "gradient": 0.0, "grating": 0.0, "noise": 0.0},
        {"lightness_spread": -0.1},
        {"lightness": math.nan},
    ],
    ids=str,
)
def test_configurations_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ParameterError):
        DeadLeavesConfig(**wrong)


def test_empty_scenes_are_refused():
    with pytest.raises(ParameterError, match="0x5"):
        scene(0, 0, 5)
    with pytest.raises(ParameterError, match="palette"):
        scene(0, palette=torch.zeros(3, 0))
