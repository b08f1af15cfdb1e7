"""The layers of a moving scene: flat, rigid things, each with a motion of its own that is known at every instant.

Places are (row, column) in pixels. Time runs from 0, when the shutter opens, to 1, when it closes; at 1/2 a layer is where it was
drawn, on whole pixels.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, Float64

REFERENCE_TIMES = np.linspace(0, 1, 33)  # at which the way of a corner is followed


@dataclass(frozen=True)
class Motion:
    """What a layer does between time 0 and 1, at constant speed."""

    shift: tuple[float, float] = (0.0, 0.0)  # pixels down and to the right
    turn: float = 0.0  # degrees, counter-clockwise as seen, about the layer's middle
    zoom: float = 1.0  # its size at the end over its size at the start

    def affine(self, time: float, pivot: Float64[np.ndarray, "2"]) -> Float64[np.ndarray, "2 3"]:
        """The matrix that takes (row, column, 1) at time 1/2 to (row, column) at `time`."""
        since = time - 0.5
        angle, scale = math.radians(self.turn * since), self.zoom**since
        linear = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        return np.column_stack([linear, pivot + since * np.array(self.shift) - linear @ pivot])


@dataclass(frozen=True, eq=False)
class SceneLayer:
    """A flat thing that moves: its colours, its outline, its place and its motion."""

    patch: Float32[np.ndarray, "p q 4"]  # linear light already multiplied by alpha, then alpha
    corner: tuple[int, int]  # row and column of the patch's first pixel in the picture, at time 1/2
    motion: Motion = Motion()

    @property
    def pivot(self) -> Float64[np.ndarray, "2"]:
        """The middle of the patch (row, column), about which it turns and grows."""
        return np.array(self.corner) + (np.array(self.patch.shape[:2]) - 1) / 2

    def move(self, points: Float64[np.ndarray, "2 ..."], start: float, end: float) -> Float64[np.ndarray, "2 ..."]:
        """Where the points (row, column) of this layer seen at time `start` are at time `end`."""
        there = _full(self.motion.affine(end, self.pivot)) @ np.linalg.inv(_full(self.motion.affine(start, self.pivot)))
        return np.tensordot(there[:2, :2], points, 1) + there[:2, 2].reshape(2, *[1] * (points.ndim - 1))

    def drawn(self, time: float, height: int, width: int, channels: slice = slice(4)) -> Float32[np.ndarray, "h w c"]:
        """The layer on an empty picture, by Lanczos interpolation; at time 1/2 nothing is interpolated.

        The error, measured on plane waves (root mean square, over that of the waves): 1 % at 8 pixels a wave, 2 % at 4 and at 3.
        OpenCV's bicubic one, of a = -0.75, errs by 3, 3 and 10 %, its bilinear one by 5, 21 and 34 %.
        """
        to_patch = np.linalg.inv(_full(self.motion.affine(time, self.pivot)))[:2]
        to_patch[:, 2] -= self.corner
        across_first = to_patch[::-1, [1, 0, 2]]  # OpenCV's order is column, row
        flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
        found = cv2.warpAffine(np.ascontiguousarray(self.patch[:, :, channels]), across_first, (width, height), flags=flags)
        return np.clip(found.reshape(height, width, -1), 0, 1)  # it overshoots at edges

    def reach(self) -> float:
        """Pixels that the fastest corner of the patch travels between time 0 and 1."""
        corners = self._corners()
        stops = np.stack([self.move(corners, 0.5, time) for time in REFERENCE_TIMES])
        return float(np.hypot(*np.diff(stops, axis=0).swapaxes(0, 1)).sum(axis=0).max())

    def margin(self) -> int:
        """How much larger on every side a background of this size and motion must be, so that its own edge is never seen."""
        corners = self._corners()
        # A convex picture stays inside a convex patch if its corners do; and both turn about the same middle.
        strayed = [np.abs(self.move(corners, time, 0.5) - corners).max() for time in REFERENCE_TIMES]
        return math.ceil(max(strayed)) + 4  # and what the interpolation looks at

    def _corners(self) -> Float64[np.ndarray, "2 4"]:
        (height, width), (top, left) = self.patch.shape[:2], self.corner
        return np.array([[top, top, top + height - 1, top + height - 1], [left, left + width - 1] * 2], np.float64)


def _full(affine: np.ndarray) -> Float64[np.ndarray, "3 3"]:
    return np.vstack([affine, [0, 0, 1]])
