"""Synthetic moving scenes: layers that move each in its own way while the shutter is open, and everything that is known of them.

A high-speed camera gives frames and no truth: neither the motion, nor the blur kernel of a pixel, nor what was hidden. Here a
background and flat occluders (discs, polygons, leaves) with textures of dead leaves or of photographs shift, turn and zoom, so
that the frame at any time, the flow between any two and the kernel of any pixel are exact, but for the interpolation of the
textures (`SceneLayer.drawn` says how much) and the soft pixels of the outlines.

Time runs from 0, when the shutter opens, to 1, when it closes. At 1/2 every layer is where it was drawn, on whole pixels: that
is the sharp picture. Layers are rigid and flat; there are no shadows, no deformation, no depth within a layer.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Float64, Int
from torch import Tensor

from restorelab.data.moving_layers import Motion, SceneLayer
from restorelab.data.scenes import DeadLeavesConfig, dead_leaves
from restorelab.degrade.draw import Amount, check_amount, draw
from restorelab.degrade.frames import SRGB, CameraResponse, average_frames
from restorelab.degrade.kernels import path_kernel
from restorelab.degrade.motion import STEP
from restorelab.errors import ParameterError, RecipeError
from restorelab.ops.light import to_display, to_linear
from restorelab.ops.pad import mirror

FINE = 4  # outlines are painted this many times finer, and averaged down
SHAPES = ("disc", "polygon", "leaf")


@dataclass(frozen=True)
class PixelKernel:
    """Where the light of one pixel of the blurred picture came from; see `MovingScene.kernels_at`."""

    kernel: Float[Tensor, "k k"]  # as of `path_kernel`: blurred = sum of kernel[offset] * sharp[pixel - offset], in light
    path: Float[Tensor, "n 2"]  # the offsets (row, column) it is made of, in order of time
    hidden: float  # share of the exposure in which the pixel saw what the sharp picture does not show


@dataclass(frozen=True, eq=False)
class MovingScene:
    """Layers from back to front. Frames are drawn when asked for: what it keeps in memory is its patches and two maps of its size."""

    height: int
    width: int
    layers: tuple[SceneLayer, ...]

    def frame(self, time: float) -> Float[Tensor, "3 h w"]:
        """What an infinitely short exposure at `time` shows: display values (sRGB)."""
        light = np.zeros((self.height, self.width, 3), np.float32)
        for layer in self.layers:
            drawn = layer.drawn(time, self.height, self.width)
            light = light * (1 - drawn[:, :, 3:]) + drawn[:, :, :3]
        return to_display(torch.from_numpy(light.clip(0, 1)).permute(2, 0, 1).contiguous())

    def frames(self, times: Iterable[float]) -> Iterator[Float[Tensor, "3 h w"]]:
        """The true sub-frames at these times, one at a time."""
        return (self.frame(time) for time in times)

    @property
    def sharp(self) -> Float[Tensor, "3 h w"]:
        """The frame in the middle of the exposure."""
        return self.frame(0.5)

    def times(self, count: int | None = None) -> list[float]:
        """The middles of `count` equal parts of the exposure; by default so many that nothing moves further than a quarter
        pixel between two. Raises ParameterError for a count below 1."""
        if count is None:
            count = math.ceil(max(layer.reach() for layer in self.layers) / STEP) + 1
        if count < 1:
            raise ParameterError(f"count={count} is no number of sub-frames; take 1 or more, or leave it out.")
        return [(number + 0.5) / count for number in range(count)]

    def blurred(self, count: int | None = None, response: str | CameraResponse = SRGB) -> Float[Tensor, "3 h w"]:
        """The picture a camera takes: the average of `times(count)` in light (or under another `response`)."""
        return average_frames(self.frames(self.times(count)), response)

    def owner(self, time: float) -> Int[Tensor, "h w"]:
        """The number of the layer seen at every pixel: the front one that covers more than half of it; 0 is the background."""
        seen = np.zeros((self.height, self.width), np.int64)
        for number, layer in enumerate(self.layers[1:], start=1):
            seen[layer.drawn(time, self.height, self.width, slice(3, 4))[:, :, 0] > 0.5] = number
        return torch.from_numpy(seen)

    def flow(self, start: float, end: float) -> Float[Tensor, "2 h w"]:
        """How far (rows, columns) what is seen at every pixel at time `start` has moved by `end`, hidden there or not."""
        seen, pixels = self.owner(start).numpy(), self._pixels
        flow = np.zeros_like(pixels)
        for number, layer in enumerate(self.layers):
            np.copyto(flow, layer.move(pixels, start, end) - pixels, where=seen == number)
        return torch.from_numpy(flow).float()

    def visible(self, start: float, end: float) -> Bool[Tensor, "h w"]:
        """Whether what is seen at every pixel at time `start` is seen at `end` too: in the picture, and not behind another layer."""
        target = (torch.from_numpy(self._pixels) + self.flow(start, end)).round().long()
        return _looked_up(self.owner(end), target[0], target[1]) == self.owner(start)

    def kernels_at(self, row: int, column: int, count: int | None = None) -> PixelKernel:
        """The blur of one pixel, as the sharp picture sees it.

        At each of `times(count)` the pixel shows a point of some layer; in the sharp picture that point lies elsewhere. The
        offsets from there to here, shared bilinearly, are the kernel. So it is one of *gathering*, differs from pixel to pixel,
        and near an outline it is the union of two motions. Times at which the point is covered in the sharp picture, or outside
        it, cannot be made from it: they are left out, the rest still sums to 1, and `hidden` is their share. (If all are, the
        kernel is a single 1 and `hidden` is 1.) Raises ParameterError for a pixel outside the picture.
        """
        if not (0 <= row < self.height and 0 <= column < self.width):
            raise ParameterError(f"there is no pixel ({row}, {column}) in a picture of {self.height} rows and {self.width} columns.")
        times = self.times(count)
        origins = np.empty((len(times), 2))
        owners = np.zeros(len(times), int)
        for number, layer in enumerate(self.layers):
            found = np.stack([layer.move(np.array([row, column], float), time, 0.5) for time in times])
            covers = _alpha_at(layer, found) > 0.5 if number else np.ones(len(times), bool)
            origins[covers], owners[covers] = found[covers], number
        nearest = torch.from_numpy(origins).round().long()
        shown = (_looked_up(self._middle, nearest[:, 0], nearest[:, 1]) == torch.from_numpy(owners)).numpy()
        offsets = np.array([row, column]) - origins[shown] if shown.any() else np.zeros((1, 2))
        path = torch.from_numpy(offsets).float()
        return PixelKernel(path_kernel(path), path, float(1 - shown.mean()))

    @cached_property
    def _pixels(self) -> Float64[np.ndarray, "2 h w"]:
        return np.mgrid[: self.height, : self.width].astype(np.float64)

    @cached_property
    def _middle(self) -> Int[Tensor, "h w"]:
        return self.owner(0.5)


def _looked_up(labels: Int[Tensor, "h w"], rows: Int[Tensor, "..."], columns: Int[Tensor, "..."]) -> Int[Tensor, "..."]:
    """The labels at these pixels, -1 outside the picture."""
    height, width = labels.shape
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    return torch.where(inside, labels[rows.clamp(0, height - 1), columns.clamp(0, width - 1)], -1)


def _alpha_at(layer: SceneLayer, points: Float64[np.ndarray, "n 2"]) -> Float32[np.ndarray, " n"]:
    rows, columns = (points - layer.corner).astype(np.float32).T
    return cv2.remap(layer.patch[:, :, 3], columns, rows, cv2.INTER_LINEAR).ravel()


# Drawing one


@dataclass(frozen=True)
class MovingSceneConfig:
    """What moves, and how far during the exposure. Pairs are drawn uniformly for every layer."""

    occluders: int = 3
    size: Amount = (0.2, 0.5)  # diameter of an occluder over the picture's shorter side
    shift: Amount = (4.0, 16.0)  # pixels an occluder travels, in a direction of its own
    background_shift: Amount = (0.0, 6.0)
    turn: Amount = (-6.0, 6.0)  # degrees; the background turns and zooms as well
    zoom: Amount = (0.97, 1.03)
    leaves: DeadLeavesConfig = DeadLeavesConfig()  # the textures, where there are no photographs

    def __post_init__(self):
        if not isinstance(self.occluders, int) or isinstance(self.occluders, bool) or not 0 <= self.occluders <= 64:
            raise RecipeError(f"moving scene occluders must be a whole number from 0 to 64, not {self.occluders!r}.")
        check_amount("moving scene size (over the shorter side)", self.size, 0.02, 2)
        check_amount("moving scene shift", self.shift, 0, 400)
        check_amount("moving scene background_shift", self.background_shift, 0, 400)
        check_amount("moving scene turn", self.turn, -180, 180)
        check_amount("moving scene zoom", self.zoom, 0.5, 2)


def moving_scene(
    height: int,
    width: int,
    rng: np.random.Generator,
    config: MovingSceneConfig = MovingSceneConfig(),
    photographs: Sequence[Float[Tensor, "3 _ _"]] = (),
) -> MovingScene:
    """One scene, decided by `rng`. With `photographs` (in [0, 1], any sizes) every layer is cut from one of them.

    Raises `ParameterError` for an empty size; the config raises `RecipeError` for numbers out of range.
    """
    if height < 1 or width < 1:
        raise ParameterError(f"A scene of {height}x{width} pixels is empty.")
    background = _background(height, width, rng, config, photographs)
    occluders = (_occluder(height, width, rng, config, photographs) for _ in range(config.occluders))
    return MovingScene(height, width, (background, *occluders))


def _background(height: int, width: int, rng: np.random.Generator, config: MovingSceneConfig, photographs: Sequence) -> SceneLayer:
    motion = _motion(rng, config.background_shift, config)
    margin = SceneLayer(np.empty((height, width, 4), np.float32), (0, 0), motion).margin()
    surface = _surface(height + 2 * margin, width + 2 * margin, rng, config, photographs)
    return SceneLayer(np.dstack([surface, np.ones(surface.shape[:2], np.float32)]), (-margin, -margin), motion)


def _occluder(height: int, width: int, rng: np.random.Generator, config: MovingSceneConfig, photographs: Sequence) -> SceneLayer:
    diameter = draw(config.size, rng) * min(height, width)
    side = math.ceil(diameter) + 4
    centre = rng.uniform([0, 0], [height, width])
    motion = _motion(rng, config.shift, config)
    alpha = _outline(side, diameter / 2, rng)[:, :, None]
    surface = _surface(side, side, rng, config, photographs)
    corner = np.rint(centre - side / 2).astype(int).tolist()
    return SceneLayer(np.dstack([surface * alpha, alpha]), (corner[0], corner[1]), motion)


def _motion(rng: np.random.Generator, shift: Amount, config: MovingSceneConfig) -> Motion:
    length, direction = draw(shift, rng), rng.uniform(0, 2 * math.pi)
    return Motion((length * math.sin(direction), length * math.cos(direction)), draw(config.turn, rng), draw(config.zoom, rng))


def _outline(side: int, radius: float, rng: np.random.Generator) -> Float32[np.ndarray, "s s"]:
    """How much of every pixel a shape covers: a disc, a polygon, or a leaf (two arcs that meet in tips)."""
    shape = SHAPES[rng.integers(len(SHAPES))]
    angle = np.linspace(0, 2 * math.pi, 64, endpoint=False)
    if shape == "polygon":
        angle, distance = angle[::8] + rng.uniform(0, 0.6, 8), rng.uniform(0.5, 1, 8)
        points = distance * np.stack([np.cos(angle), np.sin(angle)])
    else:
        thickness = 1.0 if shape == "disc" else 0.5 * np.abs(np.sin(angle))
        points = np.stack([np.cos(angle), thickness * np.sin(angle)])
    turn = rng.uniform(0, 2 * math.pi)
    turned = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]) @ points
    around = side / 2 + radius * turned
    fine = np.zeros((FINE * side, FINE * side), np.float32)
    cv2.fillPoly(fine, [np.rint(FINE * around.T).astype(np.int32)], 1.0)
    return cv2.resize(fine, (side, side), interpolation=cv2.INTER_AREA)


def _surface(
    height: int, width: int, rng: np.random.Generator, config: MovingSceneConfig, photographs: Sequence
) -> Float32[np.ndarray, "h w 3"]:
    """A texture in light: dead leaves, or a crop of a photograph, mirrored where it is too small."""
    if photographs:
        picture = photographs[rng.integers(len(photographs))]
        rows, columns = (
            mirror(torch.arange(side) + int(rng.integers(max(size - side, 0) + 1)), size)
            for side, size in zip((height, width), picture.shape[1:], strict=True)
        )
        picture = picture[:, rows[:, None], columns]
    else:
        picture = dead_leaves(height, width, rng, config.leaves)
    return to_linear(picture).permute(1, 2, 0).contiguous().numpy()
