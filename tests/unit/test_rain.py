import dataclasses
import json

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from restorelab.degrade.rain import THINNEST, Rain, Streaks, draw_streaks
from restorelab.errors import RecipeError
from restorelab.ops.light import to_display, to_linear


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def streaks(*rows: tuple[float, ...]) -> Streaks:
    """From (row, column, length, std, angle, opacity) each."""
    return Streaks(*np.array(rows, dtype=float).reshape(-1, 6).T)


def leaning(alpha: torch.Tensor) -> float:
    """Degrees from straight down of the main axis of the second moments, positive to the right."""
    weight = alpha.numpy() / float(alpha.sum())
    row, column = (at - (weight * at).sum() for at in np.indices(alpha.shape))
    rr, cc, rc = ((weight * product).sum() for product in (row * row, column * column, row * column))
    return np.degrees(0.5 * np.arctan2(2 * rc, rr - cc))


@pytest.mark.parametrize("angle", [-60.0, -20.0, 0.0, 7.3, 45.0])
@pytest.mark.parametrize("std", [0.6, 1.0, 3.0])
def test_a_streak_has_the_size_direction_and_strength_asked_for(angle, std):
    alpha = draw_streaks(streaks((60.3, 59.7, 50.0, std, angle, 0.4)), 120, 120)[0].double()
    assert leaning(alpha) == pytest.approx(angle, abs=0.3)
    assert float(alpha.sum()) == pytest.approx(0.4 * std * np.sqrt(2 * np.pi) * 50, rel=0.01)
    assert float(alpha.max()) <= 0.4 and float(alpha.max()) > 0.4 * 0.7
    row, column = (torch.from_numpy(at.astype(float)) for at in np.indices(alpha.shape))
    down, right = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    along = (row - 60.3) * down + (column - 59.7) * right
    across = (column - 59.7) * down - (row - 60.3) * right
    assert float((alpha * along**2).sum() / alpha.sum()) == pytest.approx(50**2 / 12 + std**2, rel=0.03)
    assert float((alpha * across**2).sum() / alpha.sum()) == pytest.approx(std**2, rel=0.06)


def test_a_streak_is_the_average_of_a_falling_drop():
    """The closed form against what it stands for: 2000 moments of a Gaussian drop on its way."""
    alpha = draw_streaks(streaks((20.0, 20.0, 14.0, 1.5, 30.0, 0.6)), 41, 41)[0]
    row, column = np.indices((41, 41)) - 20.0
    way = (np.arange(2000) + 0.5) / 2000 * 14 - 7
    drop = sum(np.exp(-((row - s * np.cos(np.pi / 6)) ** 2 + (column - s * np.sin(np.pi / 6)) ** 2) / (2 * 1.5**2)) for s in way) / 2000
    want = 0.6 * drop * 14 / (1.5 * np.sqrt(2 * np.pi))
    assert np.abs(alpha.numpy() - want).max() < 0.6 * np.exp(-4.5)  # it is cut off at 3 std


def test_where_streaks_cross_each_covers_what_the_other_left():
    one, other = (60.0, 60.0, 50.0, 1.2, 20.0, 0.5), (58.0, 61.0, 40.0, 2.0, -25.0, 0.7)
    first, second, both = (draw_streaks(streaks(*some), 120, 120) for some in ((one,), (other,), (one, other)))
    torch.testing.assert_close(both, 1 - (1 - first) * (1 - second), atol=1e-6, rtol=0)


def test_a_streak_thinner_than_a_pixel_is_fainter_instead_and_loses_nothing_between_the_pixels():
    def light(column, std):
        return float(draw_streaks(streaks((50.0, column, 60.0, std, 0.0, 0.4)), 100, 100).double().sum())

    assert light(50.0, 0.1) == pytest.approx(light(50.5, 0.1), rel=0.035)
    assert light(50.0, 0.1) == pytest.approx(0.1 / THINNEST * light(50.0, THINNEST), rel=1e-6)


def test_streaks_are_cut_by_the_border_and_nothing_else(monkeypatch):
    field = Rain(density=20.0)._fall(90, 70, 15.0, rng())
    whole = draw_streaks(field, 90, 70)
    part = draw_streaks(field._replace(row=field.row - 20, column=field.column - 10), 30, 40)
    torch.testing.assert_close(part, whole[:, 20:50, 10:50], atol=1e-6, rtol=0)
    monkeypatch.setattr("restorelab.degrade.rain.BATCH", 500)
    torch.testing.assert_close(draw_streaks(field, 90, 70), whole, atol=1e-6, rtol=0)


def test_streaks_come_in_from_outside():
    """The border is as wet as the middle."""
    alphas = torch.cat([Rain(density=20.0, angle=30.0).apply(torch.zeros(1, 64, 64), rng(seed))[1]["rain_alpha"] for seed in range(40)])
    mean = float(alphas.mean())
    for edge in (alphas[:, :2], alphas[:, -2:], alphas[:, :, :2], alphas[:, :, -2:]):
        assert float(edge.mean()) == pytest.approx(mean, rel=0.15)


def test_far_streaks_are_shorter_thinner_fainter_and_more():
    field = Rain(density=50.0, length=60.0, depth=4.0)._fall(400, 400, 0.0, rng())
    near, far = (field.length > 30), (field.length <= 30)
    assert field.length.max() <= 60 and field.length.min() >= 15
    assert far.sum() / near.sum() == pytest.approx((4**3 - 2**3) / (2**3 - 1), rel=0.2)  # volumes of a cone from 1 to 2 to 4
    for values in (field.std, field.opacity):
        assert values[far].max() <= values[near].min()


def test_rain_is_laid_over_in_light():
    step, image = Rain(density=30.0, brightness=0.5), torch.rand(3, 50, 60)
    rainy, truth = step.apply(image, rng())
    alpha = truth["rain_alpha"]
    assert alpha.shape == (1, 50, 60) and alpha.min() >= 0 and alpha.max() > 0.05 and truth["angle"] == 8.0
    torch.testing.assert_close(to_linear(rainy), (1 - alpha) * to_linear(image) + alpha * 0.5)
    drop = torch.full((3, 50, 60), float(to_display(torch.full((1, 1, 1), 0.5))))
    torch.testing.assert_close(step.apply(drop, rng())[0], drop)  # a drop before its own brightness is not seen


def test_the_picture_leans_as_the_angle_says():
    """By the structure of a rendered field: along the streaks the alpha changes least."""
    for angle in (-30.0, 0.0, 20.0):
        alpha = Rain(density=10.0, angle=angle).apply(torch.zeros(1, 256, 256), rng())[1]["rain_alpha"][0].double().numpy()
        by_row, by_column = np.gradient(gaussian_filter(alpha, 1.5))  # smoothed: thin streaks are coarse for differences
        across = 0.5 * np.arctan2(2 * (by_row * by_column).sum(), (by_column**2).sum() - (by_row**2).sum())
        assert np.degrees(-across) == pytest.approx(angle, abs=3)


def test_no_rain_is_no_change():
    image = torch.rand(3, 20, 30)
    for dry in (Rain(density=0), Rain(opacity=0)):
        torch.testing.assert_close(dry.apply(image, rng())[0], image)


def test_the_contract_of_a_step():
    image = torch.rand(3, 40, 50)
    step = Rain(density=(5.0, 20.0), angle=(-20.0, 20.0), length=(10.0, 60.0))
    before, state = image.clone(), torch.get_rng_state()
    first, again, other = (step.apply(image, rng(seed)) for seed in (1, 1, 2))
    assert torch.equal(first[0], again[0]) and not torch.equal(first[0], other[0]) and first[1]["angle"] != other[1]["angle"]
    assert torch.equal(image, before) and torch.equal(state, torch.get_rng_state())
    assert first[0].dtype == torch.float32 and first[0].min() >= 0 and first[0].max() <= 1 + 1e-6
    assert torch.equal(step.apply(image[:1], rng(1))[1]["rain_alpha"], first[1]["rain_alpha"])
    values = json.loads(json.dumps(dataclasses.asdict(step)))
    assert Rain(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}) == step


@pytest.mark.parametrize(
    "values, words",
    [
        ({"density": -1}, "density .* must lie between"),
        ({"angle": 90.0}, "angle must lie between -60 and 60"),
        ({"opacity": 1.5}, "opacity must lie between 0 and 1"),
        ({"length": (20.0, 10.0)}, "swap them"),
        ({"depth": 0.5}, "depth must lie between 1 and 20"),
        ({"width": "thin"}, "must be a number"),
    ],
)
def test_a_bad_rain_says_what_is_wrong(values, words):
    with pytest.raises(RecipeError, match=words):
        Rain(**values)
