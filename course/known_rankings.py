"""Rankings of spoiled pictures whose answer is known without asking anybody, and how many of them a distance gets right.

    python course/known_rankings.py

prints the table of the bundled test photographs. Three things are known:

* more of one fault is farther from the clean picture ("noise", "blur", "jpeg", "fewer pixels", "shake", "rain");
* of two pictures of one mean squared error, a brighter, stronger or flatter one is nearer than a blurred one or a JPEG ("equal error");
* a picture moved by one pixel is nearer than one blurred until it has the same mean squared error ("shift"), and so is one turned by one
  degree ("rotation").

The course trunk saw neither shake, nor rain, nor rotations when it was trained: those three say whether it learned more than its exercises.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import fmean

import cv2
import numpy as np
import torch
from torch import Tensor

from restorelab.data import photos
from restorelab.data.equal_mse import equal_mse
from restorelab.degrade import CameraShake, Downsample, GaussianBlur, GaussianNoise, Jpeg, Rain, Recipe, degrade
from restorelab.errors import ParameterError
from restorelab.metrics.course_trunk import CourseDistance, random_state
from restorelab.metrics.feature_distance import FeatureDistance
from restorelab.metrics.ssim_batch import ssim_batch
from restorelab.ops.resize import resize_bicubic

TILE, MARGIN = 96, 12  # pixels; together with both margins a multiple of every scale below
TOGETHER = 8  # pictures that go through a network at once: more do not fit into a processor's cache
TIE = 1e-4  # distances that differ by a smaller share are equal: half a point
EQUAL_MSE = (0.001, 0.0025, 0.006)  # 30, 26 and 22 dB
RANDOM_TRUNKS = 5
UNSEEN = ("shake", "rain", "rotation")  # faults that the course trunk was not trained on

LADDERS = {
    "noise": [Recipe((GaussianNoise(sigma),)) for sigma in (0.01, 0.02, 0.04, 0.08, 0.16)],
    "blur": [Recipe((GaussianBlur(std),)) for std in (0.5, 0.8, 1.3, 2.1, 3.4)],
    "jpeg": [Recipe((Jpeg(quality),)) for quality in (90, 70, 50, 30, 15)],
    "fewer pixels": [Recipe((Downsample(scale),)) for scale in (2, 3, 4, 6)],
    "shake": [Recipe((CameraShake(length),)) for length in (2.0, 4.0, 8.0, 16.0)],
    "rain": [Recipe((Rain(density),)) for density in (1.0, 2.0, 4.0, 8.0)],
}
HARMLESS = {"brightness": 0.2, "gain": 0.5, "contrast": 0.5}  # up to a strength: of a picture turned nearly grey, the answer is not known
HARMFUL = {"blur": np.inf, "noise": np.inf, "jpeg": np.inf}
SHIFTS, DIRECTIONS = (1, 2), ((0, 1), (1, 0), (1, 1), (1, -1))  # pixels; down and to the right

Distances = Callable[[Tensor, Tensor], Sequence[float]]  # of n pictures `n 3 h w` from the clean one, `3 h w`


@dataclass
class Tile:
    """A clean picture, spoiled ones, and what is known: (kind, number of the nearer one, number of the farther one)."""

    clean: Tensor
    spoiled: list[Tensor] = field(default_factory=list)
    known: list[tuple[str, int, int]] = field(default_factory=list)

    def add(self, *images: Tensor) -> list[int]:
        """Their numbers."""
        self.spoiled += images
        return list(range(len(self.spoiled) - len(images), len(self.spoiled)))


def tiles_of(pictures: Sequence[Tensor], tiles: int = 4) -> list[Tile]:
    """Of `tiles` (at most 4) tiles around the middle of every picture, `3 h w` in [0, 1]. Always the same ones."""
    return [_tile(wide) for picture in pictures for wide in _cut(picture, tiles)]


@torch.no_grad()
def accuracy(distances: Distances, tiles: Sequence[Tile]) -> dict[str, float]:
    """The share of rankings that `distances` has in order, of each kind and of "all"; a tie is half right."""
    points: dict[str, list[float]] = {}
    for tile in tiles:
        found = distances(torch.stack(tile.spoiled), tile.clean)
        for kind, nearer, farther in tile.known:
            near, far = float(found[nearer]), float(found[farther])
            tie = abs(near - far) <= TIE * max(abs(near), abs(far))
            points.setdefault(kind, []).append(0.5 if tie else float(near < far))
    shares = {kind: fmean(found) for kind, found in points.items()}
    return shares | {"all": fmean(point for found in points.values() for point in found)}


def of_features(metric: FeatureDistance) -> Distances:
    """A network's distances."""

    def distances(images: Tensor, clean: Tensor) -> Tensor:
        kept = metric.features(clean[None])
        return torch.cat([metric.distance(metric.features(few), kept) for few in images.split(TOGETHER)])

    return distances


OF_PIXELS: dict[str, Distances] = {
    "PSNR": lambda images, clean: (images - clean).double().square().mean((1, 2, 3)),  # which it is a function of
    "SSIM": lambda images, clean: 1 - ssim_batch(images, clean.expand_as(images)),
}


def compare(metrics: Sequence[FeatureDistance], tiles: Sequence[Tile], random_trunks: int = RANDOM_TRUNKS) -> dict[str, dict[str, float]]:
    """The accuracies of each network, of random trunks of the course trunk's shape (mean, and the best on all), of PSNR and SSIM."""
    rows = {metric.label: accuracy(of_features(metric), tiles) for metric in metrics}
    found = [accuracy(of_features(CourseDistance(random_state(seed), "random trunk")), tiles) for seed in range(random_trunks)]
    rows["random trunks, mean"] = {kind: fmean(one[kind] for one in found) for kind in found[0]}
    rows["random trunks, best"] = max(found, key=lambda one: one["all"])
    return rows | {name: accuracy(distance, tiles) for name, distance in OF_PIXELS.items()}


def table(rows: dict[str, dict[str, float]]) -> str:
    """In percent, as Markdown."""
    kinds = list(next(iter(rows.values())))
    lines = ["| | " + " | ".join(kinds) + " |", "|---" * (len(kinds) + 1) + "|"]
    return "\n".join(lines + [f"| {name} | " + " | ".join(f"{100 * row[kind]:.1f}" for kind in kinds) + " |" for name, row in rows.items()])


def judged_pictures() -> list[Tensor]:
    """The bundled test photographs."""
    return [photos.load(name) for name in photos.names("test")]


def _cut(picture: Tensor, count: int) -> Iterator[Tensor]:
    """Tiles with a margin around them, which is cut off after the picture was moved."""
    middle = [side // 2 for side in picture.shape[-2:]]
    for top, left in itertools.islice(itertools.product((middle[0] - TILE, middle[0]), (middle[1] - TILE, middle[1])), count):
        yield picture[:, top - MARGIN : top + TILE + MARGIN, left - MARGIN : left + TILE + MARGIN]


def _tile(wide: Tensor) -> Tile:
    tile = Tile(_middle(wide))
    for kind, recipes in LADDERS.items():
        numbers = tile.add(*(_degraded(wide, recipe) for recipe in recipes))
        tile.known += [(kind, *pair) for pair in itertools.pairwise(numbers)]
    for mse in EQUAL_MSE:
        harmless, harmful = (tile.add(*_of_mse(tile.clean, mse, kinds)) for kinds in (HARMLESS, HARMFUL))
        tile.known += [("equal error", *pair) for pair in itertools.product(harmless, harmful)]
    moved = [(f"shift {pixels}", _middle(wide, pixels * down, pixels * right)) for pixels in SHIFTS for down, right in DIRECTIONS]
    for kind, image in moved + [("rotation", _middle(_rotated(wide, angle))) for angle in (-1.0, 1.0)]:
        numbers = tile.add(image, *_of_mse(tile.clean, float((image - tile.clean).double().square().mean()), {"blur": np.inf}))
        tile.known += [(kind, *numbers)] if len(numbers) == 2 else []
    return tile


def _middle(wide: Tensor, down: int = 0, right: int = 0) -> Tensor:
    return wide[:, MARGIN + down : MARGIN + down + TILE, MARGIN + right : MARGIN + right + TILE]


def _degraded(wide: Tensor, recipe: Recipe) -> Tensor:
    """The tile out of the degraded picture. Every step of a ladder draws the same numbers: one shake, grown, and not another."""
    image = degrade(wide, recipe, np.random.default_rng(0)).image
    if recipe.scale > 1:
        image = resize_bicubic(image[None], size=tuple(wide.shape[-2:]))[0].clamp(0, 1)
    return _middle(image)


def _of_mse(clean: Tensor, mse: float, kinds: Mapping[str, float]) -> list[Tensor]:
    """One of each kind, without those that need more than the strength given, or cannot reach the error at all: a move can double a
    texture's variance, a blur only take it away."""
    found = []
    for kind, most in kinds.items():
        with suppress(ParameterError):
            spoiled = equal_mse(clean, mse, kind)
            found += [spoiled.image] * (spoiled.strength <= most)
    return found


def _rotated(wide: Tensor, degrees: float) -> Tensor:
    side = wide.shape[-1]
    turn = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), degrees, 1.0)
    pixels = cv2.warpAffine(wide.permute(1, 2, 0).numpy(), turn, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return torch.from_numpy(pixels).permute(2, 0, 1).clamp(0, 1)


def main() -> None:
    print(table(compare([CourseDistance()], tiles_of(judged_pictures()))))


if __name__ == "__main__":
    main()
