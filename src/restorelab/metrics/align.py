"""Registering a restored photograph with its clean one, for pairs that two cameras or two exposures took.

RealBlur's two pictures differ by a slight move of the camera and by brightness, which no network can know and every score would
punish. So its evaluation first scales the restored picture to the brightness of the clean one, finds the homography
that maximises their correlation (Evangelidis and Psarakis 2008, TPAMI 30(10): ECC), and scores the pixels that both show. The
steps and constants are those of MPRNet's evaluate_RealBlur.py, which follows the code of Koehler et al. 2012 (ECCV).

Who aligns what needs no aligning gains too: part of a wrong brightness, or of a wrong position, is forgiven.
"""

import cv2
import numpy as np
from jaxtyping import Float32, Float64

from restorelab.errors import ParameterError

STEPS = 100  # of ECC; no earlier stop
SMOOTHING = 5  # pixels, side of the Gaussian that ECC looks through

Pixels = Float64[np.ndarray, "h w c"]


def align_homography(restored: Pixels, clean: Pixels) -> tuple[Pixels, Pixels, Float64[np.ndarray, "h w 1"]]:
    """restored (brightened and moved), clean, and the mask of what both show (1 or 0); both pictures are 0 outside it.

    Pixels are in 0..255. Raises `ParameterError` where no alignment exists: a grey picture (1 channel), a black or a flat one, or
    two pictures of different things.
    """
    if restored.shape[2] != 3:
        raise ParameterError("aligning needs pictures with 3 channels (R, G, B).")
    # float32 in [0, 1], as the published evaluation has it
    a, b = (np.ascontiguousarray(pixels / 255, dtype=np.float32) for pixels in (restored, clean))
    a *= _gain(a, b)
    warp = _homography(a, b)
    height, width = b.shape[:2]
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    moved = cv2.warpPerspective(a, warp, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT)
    seen = cv2.warpPerspective(np.ones((height, width), np.float32), warp, (width, height), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
    mask = seen[:, :, None].astype(np.float64)
    if not mask.any():
        raise _no_alignment("they would not overlap")
    return moved * mask * 255, clean * mask, mask


def _gain(a: Float32[np.ndarray, "h w 3"], b: Float32[np.ndarray, "h w 3"]) -> float:
    """The factor on `a` of least squared error."""
    energy = np.vdot(a, a)
    if energy == 0:
        raise ParameterError("restored is black: it has no brightness to match and nothing to align.")
    return float(np.vdot(a, b) / energy)


def _homography(a: Float32[np.ndarray, "h w 3"], b: Float32[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "3 3"]:
    """Where each pixel of `b` lies in `a`."""
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, STEPS, 0)
    grey_a, grey_b = (cv2.cvtColor(x, cv2.COLOR_RGB2GRAY) for x in (a, b))
    try:
        _, warp = cv2.findTransformECC(grey_b, grey_a, np.eye(3, dtype=np.float32), cv2.MOTION_HOMOGRAPHY, stop, None, SMOOTHING)
    except cv2.error as error:
        raise _no_alignment("the search did not converge") from error
    if not np.isfinite(warp).all():
        raise _no_alignment("one of them is flat")
    return warp


def _no_alignment(why: str) -> ParameterError:
    return ParameterError(f"restored and clean cannot be aligned, {why}: do they show the same scene, and is neither one flat?")
