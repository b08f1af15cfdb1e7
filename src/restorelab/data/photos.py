"""The photographs that come with the kit: eight, free of rights, and never mixed between training and test.

Three lie beside this file, five come with scikit-image. The split is by name and fixed, so that no chapter can test on
what another one trained on.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import skimage
from jaxtyping import Float
from torch import Tensor

from restorelab import image
from restorelab.errors import ImageError, ParameterError, did_you_mean

SPLITS = ("train", "validation", "test")
OUR_FOLDER = Path(__file__).parent / "photos_cc0"
SKIMAGE_FOLDER = Path(os.path.dirname(skimage.__file__)) / "data"  # the files, not skimage.data: that one may download

WESATURATE = "https://github.com/libjxl/testdata/tree/main/external/wesaturate"


@dataclass(frozen=True)
class Photo:
    """One bundled photograph: what it shows, whose it is, and what it may be used for."""

    name: str  # what `load` takes
    title: str
    author: str  # a WeSaturate photographer's handle, or a name
    licence: str
    source: str  # address
    split: str  # "train", "validation" or "test"
    sha256: str  # of the file
    path: Path


PHOTOS = MappingProxyType(
    {
        photo.name: photo
        for photo in (
            Photo(
                name="astronaut",
                title="Eileen Collins, astronaut",
                author="NASA",
                licence="public domain",
                source="https://flic.kr/p/r9qvLn",
                split="train",
                sha256="88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
                path=SKIMAGE_FOLDER / "astronaut.png",
            ),
            Photo(
                name="rocket",
                title="A Falcon 9 lifts off with DSCOVR",
                author="SpaceX",
                licence="public domain",
                source="https://www.flickr.com/photos/spacexphotos/16511594820",
                split="train",
                sha256="c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
                path=SKIMAGE_FOLDER / "rocket.jpg",
            ),
            Photo(
                name="blossom",
                title="Cherry blossom",
                author="bliznaca",
                licence="CC0 1.0",
                source=WESATURATE,
                split="train",
                sha256="3fb0583484fde716ab6b5d406764698fa48f72fcec8ee9014d3c59328a489616",
                path=OUR_FOLDER / "blossom.png",
            ),
            Photo(
                name="camera",
                title="Photographer with a tripod (grey)",
                author="Lav Varshney",
                licence="CC0 1.0",
                source="https://github.com/scikit-image/scikit-image/issues/3927",
                split="train",
                sha256="b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
                path=SKIMAGE_FOLDER / "camera.png",
            ),
            Photo(
                name="cliff",
                title="Rock cliff by a lake",
                author="keong_macan",
                licence="CC0 1.0",
                source=WESATURATE,
                split="validation",
                sha256="eb9189de8004dd0e56c5ccd8312567ae325bcef42861e2bfc86b064f4c4861b6",
                path=OUR_FOLDER / "cliff.png",
            ),
            Photo(
                name="chelsea",
                title="Chelsea the cat",
                author="Stéfan van der Walt",
                licence="CC0 1.0",
                source="https://scikit-image.org/docs/stable/api/skimage.data.html#skimage.data.chelsea",
                split="test",
                sha256="596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
                path=SKIMAGE_FOLDER / "chelsea.png",
            ),
            Photo(
                name="coffee",
                title="Coffee cup, Pikolo Espresso Bar",
                author="Rachel Michetti",
                licence="CC0 1.0",
                source="https://scikit-image.org/docs/stable/api/skimage.data.html#skimage.data.coffee",
                split="test",
                sha256="cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
                path=SKIMAGE_FOLDER / "coffee.png",
            ),
            Photo(
                name="tulips",
                title="Pink tulips",
                author="riaphotographs",
                licence="CC0 1.0",
                source=WESATURATE,
                split="test",
                sha256="fa85b95a14533303b64d9015537a6f21e50094dcc42ca9c48f93ed242a9781f6",
                path=OUR_FOLDER / "tulips.png",
            ),
        )
    }
)


def names(split: str | None = None) -> tuple[str, ...]:
    """The names of the photographs of one split ("train", "validation", "test"), or of all.

    Raises `ParameterError` for another split.
    """
    if split is not None and split not in SPLITS:
        raise ParameterError(f"There is no split {split!r}; choose one of {', '.join(SPLITS)}.")
    return tuple(photo.name for photo in PHOTOS.values() if split in (None, photo.split))


def load(name: str) -> Float[Tensor, "3 h w"]:
    """One photograph, RGB in [0, 1], 300 to 640 pixels a side (`camera` is grey: its three channels are equal).

    Embedded colour profiles are applied, so `rocket`, stored in Adobe RGB, has other values here than in `skimage.data`.

    Raises `ParameterError` for an unknown name, `ImageError` if the file is missing or is not the one listed here.
    """
    if name not in PHOTOS:
        hint = did_you_mean(name.lower(), PHOTOS)
        raise ParameterError(f"There is no photograph {name!r}.{hint} There are: {', '.join(PHOTOS)}.")
    photo = PHOTOS[name]
    package = "restorelab" if photo.path.parent == OUR_FOLDER else "scikit-image"
    try:
        content = photo.path.read_bytes()
    except OSError as error:
        raise ImageError(f"The photograph {name!r} is missing ({photo.path}); install {package} again.") from error
    # Every published number rests on these pixels; hashing the bytes takes less time than decoding them.
    if hashlib.sha256(content).hexdigest() != photo.sha256:
        raise ImageError(f"The photograph {name!r} is not the file it was ({photo.path}); install {package} again.")
    return image.load(content)


def credits() -> str:
    """A Markdown table of whose photographs these are, for a chapter's last page."""
    rows = [f"| {p.name} | {p.title} | {p.author} | {p.licence} | <{p.source}> | {p.split} |" for p in PHOTOS.values()]
    return "\n".join(["| name | title | author | licence | source | split |", "|---|---|---|---|---|---|", *rows])
