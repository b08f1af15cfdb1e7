"""The degradation playground: put steps in order, move their numbers, and see what a camera would have made of the picture.

The browser only draws and asks; every pixel comes from `restorelab.degrade`, so that the recipe read back in the next cell makes
the very picture that was seen.
"""

import numpy as np
import traitlets
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional as F

from restorelab.degrade import CameraShake, Degraded, GaussianNoise, Recipe, degrade
from restorelab.errors import ParameterError, RecipeError, RestorelabError
from restorelab.image import check_image
from restorelab.metrics import COURSE_RGB, psnr
from restorelab.viz import crop, picture_row
from restorelab.widgets.code import recipe_code
from restorelab.widgets.controls import drawn_fields, kinds
from restorelab.widgets.facts import fact_picture, facts
from restorelab.widgets.static import Pictured, jpeg, png, source

MOST_BYTES = 120_000  # of an overview: strong noise would fill a notebook
LARGEST = 384  # pixels, the longer side of the overview
LONGEST = 800  # pixels a side of the picture degraded; a larger one is cut to its middle, or every move would take seconds
LOUPE = 64  # pixels a side of the part shown enlarged
STILL = 200  # pixels a side of the parts in the still picture
LINE_INCHES = 0.15  # height of a line of the code in the still picture
FIRST = Recipe((CameraShake(), GaussianNoise()))


class Playground(Pictured):
    """Degrade a photograph by hand.

    image: `c h w`, RGB or grey in [0, 1]; what exceeds 800 pixels a side is cut to its middle. `clean` is what is used.
    recipe: where to start; `recipe` later is what the learner made of it, and setting it moves the controls.
    seed: of the random numbers. `degrade(playground.clean, playground.recipe, np.random.default_rng(playground.seed))` makes
    the picture shown, which is `playground.degraded` too.

    Raises `ImageError` for what is not a picture, `ParameterError` for a bad seed or a recipe with pairs to draw from (here one
    number is one number), `RecipeError` for a recipe that the picture is too small for. Setting `recipe` or `seed` raises the same,
    and then nothing changes; in the page, the sentence is shown instead.
    """

    _esm = source(".js", "shared", "sliders", "ellipse", "shake", "paint", "steps", "pictures", "playground")
    _css = source(".css", "shared", "playground")

    _kinds = traitlets.List().tag(sync=True)  # what can be added, and its controls
    _edit = traitlets.Any().tag(sync=True)  # what the page asks for: from outside, hence Any
    _answer = traitlets.Dict().tag(sync=True)  # the recipe in force, its texts and truth, or why it was refused
    _clean = traitlets.Bytes().tag(sync=True)  # the overviews, JPEG
    _degraded = traitlets.Bytes().tag(sync=True)
    _loupe = traitlets.Dict().tag(sync=True)  # a few pixels of both, PNG

    def __init__(self, image: Tensor, recipe: Recipe = FIRST, seed: int = 0):
        check_image(image)
        top, left = (max(0, side - LONGEST) // 2 for side in image.shape[-2:])
        self.clean = image[:, top : top + LONGEST, left : left + LONGEST].clamp(0, 1)
        self._place = tuple(max(0, side - LOUPE) // 2 for side in self.clean.shape[-2:])
        self._made = self._make(recipe, seed)
        super().__init__(_kinds=kinds(), _clean=jpeg(_overview(self.clean), MOST_BYTES))
        self._publish()

    @property
    def recipe(self) -> Recipe:
        return self._made[0]

    @recipe.setter
    def recipe(self, recipe: Recipe) -> None:
        self._made = self._make(recipe, self.seed)
        self._publish()

    @property
    def seed(self) -> int:
        return self._made[1]

    @seed.setter
    def seed(self, seed: int) -> None:
        self._made = self._make(self.recipe, seed)
        self._publish()

    @property
    def degraded(self) -> Float[Tensor, "c h w"]:
        """The picture shown, in its own size."""
        return self._made[2].image

    @property
    def truth(self) -> dict:
        """What was done to it: kernels, paths, strengths."""
        return self._made[2].truth

    def _make(self, recipe: Recipe, seed: int) -> tuple[Recipe, int, Degraded]:
        _check_single(recipe)
        _check_seed(seed)
        return recipe, seed, degrade(self.clean, recipe, np.random.default_rng(seed))

    @traitlets.observe("_edit")
    def _asked(self, change: dict) -> None:
        """What the page asks for is done, or answered with a sentence; the last good recipe stays."""
        edit = change["new"]
        try:
            recipe, seed, self._place = _read(edit, self.clean)
            if (recipe, seed) != self._made[:2]:
                self._made = self._make(recipe, seed)
            self._publish(edit)
        except RestorelabError as error:
            self._answer = {**self._answer, **_sender(edit), "error": str(error)}

    def _publish(self, edit: object = None) -> None:
        shown = self._enlarged()
        clean = self.clean[:, : shown.shape[1], : shown.shape[2]]
        row, column = self._place
        window = {"top": row, "left": column, "side": LOUPE}
        with self.hold_sync():  # one message
            self._degraded = jpeg(_overview(shown), MOST_BYTES)
            self._loupe = {"at": [row, column], "side": LOUPE, "clean": png(crop(clean, **window)), "degraded": png(crop(shown, **window))}
            self._answer = {
                **_sender(edit),
                "error": "",
                "recipe": self.recipe.to_json(),
                "code": recipe_code(self.recipe),
                "seed": self.seed,
                "psnr": f"{psnr(shown, clean):.2f}",
                "protocol": str(COURSE_RGB),
                "size": list(self.clean.shape[-2:]),
                "pixels": list(self.degraded.shape[-2:]),
                "facts": facts(self.recipe, self.truth),
            }

    def _enlarged(self) -> Float[Tensor, "c h w"]:
        """The degraded picture at the size of the clean one: each of its pixels repeated, as a screen would show it."""
        scale = self.recipe.scale
        return self.degraded.repeat_interleave(scale, 1).repeat_interleave(scale, 2)

    def __repr__(self) -> str:
        steps = ", then ".join(step.kind.replace("_", " ") for step in self.recipe.steps) or "nothing"
        return f"Degradation playground: {steps}; seed {self.seed}; PSNR {self._answer['psnr']} dB ({COURSE_RGB.name})"

    def figure(self) -> Figure:
        """The middle of the picture, clean and degraded, the truth that can be drawn, and the recipe as code."""
        shown = self._enlarged()
        top, left = (max(0, side - STILL) // 2 for side in shown.shape[-2:])
        score = f"degraded\nPSNR {self._answer['psnr']} dB, {COURSE_RGB.name}"
        pictures = {"clean\n": crop(self.clean, top, left, STILL), score: crop(shown, top, left, STILL)}
        drawn = {f"truth:\n{name}": fact_picture(fact) for name, fact in self.truth.items()}
        pictures |= {name: picture for name, picture in drawn.items() if picture is not None}
        figure = picture_row(dict(list(pictures.items())[:4]), height=2.1)
        code = recipe_code(self.recipe)
        width, height = figure.get_size_inches()
        figure.set_size_inches(width, height + LINE_INCHES * (code.count("\n") + 2))
        figure.supxlabel(code, family="monospace", fontsize=8, x=0.01, ha="left")
        return figure


def _overview(image: Float[Tensor, "c h w"]) -> Float[Tensor, "c h2 w2"]:
    """The whole picture, shrunk if it is larger than the page shows it."""
    height, width = image.shape[-2:]
    factor = min(1, LARGEST / max(height, width))
    if factor == 1:
        return image
    size = [max(1, round(side * factor)) for side in (height, width)]
    return F.interpolate(image[None], size=size, mode="bilinear", antialias=True)[0]


def _check_single(recipe: Recipe) -> None:
    for step in recipe.steps:
        for name in drawn_fields(step):
            pairs = f"{step.kind} {name} is {getattr(step, name)!r}"
            raise ParameterError(f"the playground shows one draw: give fixed numbers, not pairs to draw from ({pairs}).")


def _check_seed(seed: object) -> None:
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ParameterError(f"the seed must be a whole number from 0 to {2**32 - 1}, not {seed!r}.")


def _read(edit: object, clean: Tensor) -> tuple[Recipe, int, tuple[int, int]]:
    """Recipe, seed and corner of the loupe out of a message from the page. Raises RecipeError or ParameterError for anything else."""
    if not isinstance(edit, dict) or not isinstance(edit.get("recipe"), str) or not isinstance(edit.get("at"), list):
        raise RecipeError("the page sent a message that is no recipe; run the cell again.")
    _check_seed(edit.get("seed"))
    at = edit["at"]
    if len(at) != 2 or not all(isinstance(corner, (int, float)) and corner == corner for corner in at):
        raise RecipeError("the page asked for a part that is no part of the picture; run the cell again.")
    room = [max(0, side - LOUPE) for side in clean.shape[-2:]]
    row, column = (int(min(max(corner, 0), most)) for corner, most in zip(at, room, strict=True))
    return Recipe.from_json(edit["recipe"]), edit["seed"], (row, column)


def _sender(edit: object) -> dict:
    """Which page asked, and its count of questions: an answer to an old one must not move the controls back."""
    return {name: edit.get(name) if isinstance(edit, dict) else None for name in ("view", "turn")}
