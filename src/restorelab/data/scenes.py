"""Dead leaves: endless synthetic pictures with the statistics of photographs, made of occluding textured discs.

Leaves fall on the ground, each hiding what lies below, until no ground is seen. If their radii follow the density r^-3,
zooming in or out changes nothing (scale invariance), and edges, sizes and the 1/f^2 power spectrum come out as in
photographs. Networks trained on nothing else come close to those trained on photographs.

* G. Matheron, "Modele sequentiel de partition aleatoire", 1968: the model.
* A. Lee, D. Mumford, J. Huang, "Occlusion models for natural images", IJCV 41, 2001: why r^-3.
* R. Achddou, Y. Gousseau, S. Ladjal, "Synthetic images as a regularity prior for image restoration neural networks",
  SSVM 2021: training on it.

Differs from the last: leaves carry textures, and colours need no photograph unless a palette is given. The strengths and
widths below are chosen by eye; only the law of the radii is the literature's.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int32
from torch import Tensor

from restorelab.errors import ParameterError

FINE = 2  # the scene is painted this many times finer in each direction, and averaged down: antialiasing
COVERAGES = 7  # leaves fall in batches that cover the window this many times on average; e^-7 of it stays bare
MATERIALS = 8  # groups of colours in one scene
GRAIN_SIZE = 256  # period of the 1/f noise, in fine pixels
GRAIN_COARSEST = 64  # where its 1/f law ends, in fine pixels: slower changes would not show on a leaf

# Linear RGB -> cone responses L, M, S (Reinhard et al., "Color transfer between images", 2001), white -> (1, 1, 1).
RGB_TO_LMS = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
RGB_TO_LMS /= RGB_TO_LMS.sum(1, keepdims=True)  # the published digits miss white by a few thousandths
# Lightness, yellow-blue, red-green -> log L, M, S: the decorrelated axes of natural images (Ruderman, Cronin, Chiao 1998).
LAB_TO_LMS = np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]]) / np.sqrt([[3], [6], [2]])


@dataclass(frozen=True)
class DeadLeavesConfig:
    """What falls. Lengths in pixels, colours in log10 units along Ruderman's axes; weights need not sum to 1."""

    radius_min: float = 3.0  # smallest leaf; the cost of a scene grows with 1/radius_min^2
    radius_max: float = 120.0  # largest leaf
    flat: float = 0.15  # weight of leaves of one colour
    gradient: float = 0.25  # ... whose colour drifts from one side to the other
    grating: float = 0.15  # ... with stripes
    noise: float = 0.45  # ... with 1/f noise, drawn out in one direction
    wavelength_min: float = 3.0  # of stripes
    wavelength_max: float = 30.0
    lightness: float = -1.25  # mean lightness of a scene; 0 is white
    lightness_spread: float = 0.65  # among leaves
    colour_spread: float = 0.15  # yellow-blue, among leaves; red-green gets a sixth
    texture_spread: float = 0.6  # lightness between the two colours of one leaf

    def __post_init__(self) -> None:
        if not 1 <= self.radius_min < self.radius_max <= 4000:
            raise ParameterError(f"radius_min={self.radius_min} and radius_max={self.radius_max} must satisfy 1 <= min < max <= 4000.")
        if not 2 <= self.wavelength_min <= self.wavelength_max < math.inf:
            raise ParameterError("Stripes need 2 <= wavelength_min <= wavelength_max pixels (below 2 they alias).")
        weights = self.weights
        if not (min(weights) >= 0 and 0 < sum(weights) < math.inf):
            raise ParameterError(f"The weights of flat, gradient, grating, noise are {weights}; none may be negative, nor all 0.")
        if not -6 <= self.lightness <= 0:
            raise ParameterError(f"lightness={self.lightness} must lie between -6 (black) and 0 (white).")
        for name in ("lightness_spread", "colour_spread", "texture_spread"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ParameterError(f"{name}={getattr(self, name)} is not a spread (0 or more).")

    @property
    def weights(self) -> tuple[float, float, float, float]:
        return self.flat, self.gradient, self.grating, self.noise


def dead_leaves(
    height: int,
    width: int,
    rng: np.random.Generator,
    config: DeadLeavesConfig = DeadLeavesConfig(),
    palette: Float[Tensor, "3 ..."] | None = None,
) -> Float[Tensor, "3 {height} {width}"]:
    """One scene, float32 RGB in [0, 1]; every draw comes from `rng`, so that one seed gives one picture.

    `palette`: an RGB picture in [0, 1] (any size) whose pixels are the colours of the leaves, as in Achddou et al. Without
    it they come from a model in Ruderman's axes of natural colours, which needs no photograph: a scene has its own light
    and a few materials, which scatter in lightness most, in yellow-blue less, in red-green least.

    Raises `ParameterError` for an empty size or palette.
    """
    if height < 1 or width < 1:
        raise ParameterError(f"A scene of {height}x{width} pixels is empty.")
    if palette is not None and palette.numel() == 0:
        raise ParameterError("The palette has no pixels.")
    labels, discs = _fall(FINE * height, FINE * width, rng, config)
    labels, discs = _keep_visible(labels, discs)
    first, second = _colours(len(discs), rng, config, palette)
    mixing = _texture(labels, discs, rng, config)[:, :, None]
    radiance = first[labels] + mixing * (second - first)[labels]
    # Light adds up on a sensor's pixel, and saturates there: average first, then clip, then encode.
    radiance = cv2.resize(radiance, (width, height), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(_encode(np.clip(radiance, 0, 1))).permute(2, 0, 1).contiguous()


def draw_radii(count: int, rng: np.random.Generator, config: DeadLeavesConfig = DeadLeavesConfig()) -> Float64[np.ndarray, " {count}"]:
    """Radii in pixels with density proportional to r^-3 between `radius_min` and `radius_max`."""
    # The share of leaves larger than r falls as r^-2: draw it uniformly, and solve for r.
    small, large = config.radius_min**-2, config.radius_max**-2
    return (small + (large - small) * rng.random(count)) ** -0.5


def _fall(height: int, width: int, rng: np.random.Generator, config: DeadLeavesConfig) -> tuple[np.ndarray, np.ndarray]:
    """Which leaf is seen at every (fine) pixel, and the leaves as rows (x, y, radius), front to back.

    Leaves are added *behind* those that lie there until nothing shines through. That, and not a fixed number of leaves
    painted back to front, draws from the stationary distribution: nothing further behind could still be seen.
    """
    labels = np.full((height, width), -1, np.int32)
    batches: list[np.ndarray] = []
    fallen = 0
    while (labels < 0).any():
        discs = _batch(height, width, rng, config)
        behind = np.full_like(labels, -1)
        # Inside a batch the rearmost is painted first: the same picture, without testing what is covered.
        for label in range(len(discs) - 1, -1, -1):
            x, y, radius = discs[label]
            cv2.circle(behind, (x, y), radius, fallen + label, cv2.FILLED)
        labels = np.where(labels < 0, behind, labels)
        batches.append(np.array(discs, np.int32).reshape(-1, 3))
        fallen += len(discs)
    return labels, np.concatenate(batches)


def _batch(height: int, width: int, rng: np.random.Generator, config: DeadLeavesConfig) -> list[list[int]]:
    """Enough leaves to cover the window a few times, without those that miss it: (x, y, radius) in whole fine pixels."""
    reach = FINE * config.radius_max  # leaves centred farther outside cannot be seen
    small, large = config.radius_min**-2, config.radius_max**-2
    mean_area = FINE**2 * math.pi * math.log(small / large) / (small - large)
    count = math.ceil(COVERAGES * (height + 2 * reach) * (width + 2 * reach) / mean_area)
    radius = FINE * draw_radii(count, rng, config)
    x = rng.uniform(-reach, width + reach, count)
    y = rng.uniform(-reach, height + reach, count)
    hits = (np.maximum(-x, x - width) < radius) & (np.maximum(-y, y - height) < radius)
    return np.rint(np.stack([x, y, radius], 1)[hits]).astype(int).tolist()


def _keep_visible(labels: np.ndarray, discs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drop the leaves that are hidden completely, and number the others anew."""
    seen = np.zeros(len(discs), bool)
    seen[labels] = True
    return (np.cumsum(seen, dtype=np.int32) - 1)[labels], discs[seen]


def _texture(
    labels: Int32[np.ndarray, "h w"], discs: Int32[np.ndarray, "n 3"], rng: np.random.Generator, config: DeadLeavesConfig
) -> Float32[np.ndarray, "h w"]:
    """How far every fine pixel has gone from its leaf's first colour (0) to the second (1)."""
    count = len(discs)
    kind = rng.choice(4, count, p=np.array(config.weights) / sum(config.weights)).astype(np.uint8)[labels]
    along, across = _leaf_coordinates(labels, discs, rng)
    gradient = 0.5 + 0.5 * along / discs[:, 2].astype(np.float32)[labels]
    grating = _stripes(labels, along, count, rng, config)
    noise = _grain(labels, along, across, count, rng)
    return np.choose(kind, [np.float32(0), gradient, grating, noise])


def _leaf_coordinates(labels: np.ndarray, discs: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Every pixel's place on its leaf, in fine pixels from its centre along two axes in a direction of the leaf's own."""
    angle = rng.uniform(0, 2 * np.pi, len(discs)).astype(np.float32)
    cosine, sine = np.cos(angle)[labels], np.sin(angle)[labels]
    height, width = labels.shape
    x = np.arange(width, dtype=np.float32) - discs[:, 0].astype(np.float32)[labels]
    y = np.arange(height, dtype=np.float32)[:, None] - discs[:, 1].astype(np.float32)[labels]
    return x * cosine + y * sine, y * cosine - x * sine


def _stripes(labels: np.ndarray, along: np.ndarray, count: int, rng: np.random.Generator, config: DeadLeavesConfig) -> np.ndarray:
    wavelength = FINE * np.exp(rng.uniform(np.log(config.wavelength_min), np.log(config.wavelength_max), count))
    frequency = (2 * np.pi / wavelength).astype(np.float32)
    phase = rng.uniform(0, 2 * np.pi, count).astype(np.float32)
    return 0.5 + 0.5 * np.sin(frequency[labels] * along + phase[labels])


def _grain(labels: np.ndarray, along: np.ndarray, across: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Each leaf cuts its own piece, turned, scaled and drawn out like wood, from one periodic field of 1/f noise."""
    zoom = np.exp(rng.uniform(np.log(0.6), np.log(2), count)).astype(np.float32)
    stretch = np.exp(rng.uniform(0, np.log(6), count)).astype(np.float32)
    offset = rng.uniform(0, GRAIN_SIZE, (2, count)).astype(np.float32)
    x = offset[0][labels] + (zoom / stretch)[labels] * along
    y = offset[1][labels] + zoom[labels] * across
    field = cv2.remap(_one_over_f(rng), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return np.clip(0.5 + 0.25 * field, 0, 1)


def _one_over_f(rng: np.random.Generator) -> Float32[np.ndarray, "s s"]:
    """Periodic Gaussian noise of mean 0 and variance 1 whose amplitude falls as 1/frequency beyond the coarsest grain."""
    spectrum = np.fft.rfft2(rng.standard_normal((GRAIN_SIZE, GRAIN_SIZE)))
    frequency = np.hypot(np.fft.fftfreq(GRAIN_SIZE)[:, None], np.fft.rfftfreq(GRAIN_SIZE))
    spectrum[0, 0] = 0  # no mean
    field = np.fft.irfft2(spectrum / np.maximum(frequency, 1 / GRAIN_COARSEST))
    return (field / field.std()).astype(np.float32)


def _colours(
    count: int, rng: np.random.Generator, config: DeadLeavesConfig, palette: Tensor | None
) -> tuple[Float32[np.ndarray, "n 3"], Float32[np.ndarray, "n 3"]]:
    """The two linear RGB colours of every leaf: the second is the first made lighter or darker, and tinted a little."""
    if palette is None:
        axes = _natural_axes(count, rng, config)
    else:
        pixels = palette.detach().reshape(3, -1).cpu().double().clamp(0, 1).numpy()
        axes = _to_axes(_decode(pixels[:, rng.integers(pixels.shape[1], size=count)].T))
    step = rng.standard_normal((count, 3)) * config.texture_spread * [1, 0.1, 0.03]
    return _to_rgb(axes), _to_rgb(axes + step)


def _natural_axes(count: int, rng: np.random.Generator, config: DeadLeavesConfig) -> np.ndarray:
    """Colours of the leaves along Ruderman's axes: a few materials per scene under one light, and leaves near each."""
    spread = np.array([config.lightness_spread, config.colour_spread, config.colour_spread / 6])
    light = np.array([config.lightness, 0, 0]) + spread * [0.3, 0.5, 0.2] * rng.standard_normal(3)
    # Laplacian, not Gaussian: most materials are greyish, a few are strongly coloured.
    materials = spread * rng.laplace(scale=0.6, size=(MATERIALS, 3))
    leaves = materials[rng.integers(MATERIALS, size=count)] + 0.4 * spread * rng.standard_normal((count, 3))
    leaves += light
    leaves[:, 2] += 0.13 * leaves[:, 1]  # what is red in nature is brown or orange rather than purple
    return leaves


def _to_rgb(axes: np.ndarray) -> Float32[np.ndarray, "n 3"]:
    lms = 10 ** (axes @ LAB_TO_LMS)
    return np.maximum(lms @ np.linalg.inv(RGB_TO_LMS).T, 0).astype(np.float32)  # out of gamut: the nearest that a screen shows


def _to_axes(rgb: np.ndarray) -> np.ndarray:
    lms = np.maximum(rgb @ RGB_TO_LMS.T, 1e-4)  # black has no logarithm
    return np.log10(lms) @ LAB_TO_LMS.T


def _encode(linear: np.ndarray) -> np.ndarray:
    """The sRGB curve (IEC 61966-2-1): light -> the values of a picture file."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055).astype(np.float32)


def _decode(encoded: np.ndarray) -> np.ndarray:
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
