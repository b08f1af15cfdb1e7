"""The errors restorelab raises on bad input from outside: each message says what is wrong and what to do.

Everything derives from `RestorelabError`, so that the command line, the chapters and the demo can show one line
instead of a traceback. A mistake *inside* the package is never dressed up as one of these.
"""

import difflib
from collections.abc import Iterable


class RestorelabError(Exception):
    """Something from outside (a file, a parameter, a recipe, a checkpoint) cannot be used."""


class ImageError(RestorelabError):
    """An image file or array cannot be read, written or accepted."""


class ImageTooLarge(ImageError):
    """More pixels or bytes than the limit allows; found from the header, before decoding."""


class ImageTooSmall(ImageError):
    """A side shorter than the caller needs."""


class ImageDamaged(ImageError):
    """The file starts like an image and then is truncated or corrupt."""


class NotAnImage(ImageError):
    """The bytes are not in a format that restorelab reads."""


class RecipeError(RestorelabError):
    """A degradation recipe is malformed or out of range."""


class DataError(RestorelabError):
    """A data set, a folder of pictures or a clip is missing, incomplete or not what it should be."""


class StoreError(DataError):
    """A store of pictures is truncated, damaged or of another kind."""


class DownloadError(DataError):
    """A file could not be fetched, or what came is not what was asked for."""


class ArchiveError(DataError):
    """An archive is damaged, or would write where it must not."""


class CheckpointError(RestorelabError):
    """A checkpoint is missing, damaged, or belongs to another network."""


class ParameterError(RestorelabError):
    """A name or value given by the user is not one that exists here."""


class OutOfMemory(RestorelabError):
    """The picture does not fit into the memory of the device, and cutting it up would change the result."""


class TrainingError(RestorelabError):
    """Training cannot start, go on, or be resumed."""


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """The sentence " Did you mean X?", X being the one of `words` that is most like `word`; "" when none is close.

    It begins with a space, to follow the full stop of a message.
    """
    closest = difflib.get_close_matches(word, words, n=1)
    return f" Did you mean {closest[0]}?" if closest else ""
