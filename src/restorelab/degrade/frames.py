"""Motion blur as a camera makes it: the average, over the exposure, of everything that the sensor saw.

Data sets of blurred and sharp pairs average the frames of a high-speed camera. Two things decide what comes out. *In what* the
average is taken: a sensor adds light, a file stores display values, and the curve between the two (the camera response) must be
undone first. And *how many* frames there are: too few, and a moving edge leaves a row of copies (ghosts) instead of a smear.

* S. Nah, T. H. Kim, K. M. Lee, "Deep Multi-scale Convolutional Neural Network for Dynamic Scene Deblurring", CVPR 2017
  (github.com/SeungjunNah/DeepDeblur_release): GoPro, 7 to 13 frames, averaged once as they are and once under a gamma of 2.2.
* O. Kupyn, T. Martyniuk, J. Wu, Z. Wang, "DeblurGAN-v2", ICCV 2019: interpolates from 240 to 3840 frames a second first.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import MappingProxyType

from jaxtyping import Float
from torch import Tensor

from restorelab.errors import ParameterError, did_you_mean
from restorelab.ops.light import to_display, to_linear


@dataclass(frozen=True)
class CameraResponse:
    """The curve between light and the values of a file, both in [0, 1]; the two functions are each other's inverse."""

    name: str
    to_light: Callable[[Tensor], Tensor]
    to_display: Callable[[Tensor], Tensor]


SRGB = CameraResponse("srgb", to_linear, to_display)  # what a picture file means
# The next two are GoPro's: `blur_gamma` is averaged under a power law, `blur` as if the values of the file were light.
GAMMA = CameraResponse("gamma2.2", lambda image: image.clamp(min=0) ** 2.2, lambda light: light.clamp(min=0) ** (1 / 2.2))
LINEAR = CameraResponse("linear", lambda image: image, lambda light: light)
RESPONSES = MappingProxyType({response.name: response for response in (SRGB, GAMMA, LINEAR)})


def camera_response(response: str | CameraResponse) -> CameraResponse:
    """A response by its name: "srgb", "gamma2.2" or "linear". Raises ParameterError for another name; a response is its own."""
    if isinstance(response, CameraResponse):
        return response
    if response not in RESPONSES:
        hint = did_you_mean(response, RESPONSES)
        raise ParameterError(f"There is no camera response {response!r}; choose one of {', '.join(RESPONSES)}.{hint}")
    return RESPONSES[response]


def average_frames(
    frames: Float[Tensor, "n c h w"] | Iterable[Float[Tensor, "c h w"]], response: str | CameraResponse = SRGB
) -> Float[Tensor, "c h w"]:
    """The picture of an exposure during which the sensor saw `frames`, each for the same time.

    frames: display values in [0, 1], all of one size. They may come from an iterator: one is held at a time.
    response: "srgb", "gamma2.2", "linear", or a `CameraResponse`: the curve by which display values become light.

    Returns display values in [0, 1]. Raises ParameterError when there is no frame, when sizes differ, or for an unknown response.
    """
    curve = camera_response(response)
    total, count = 0.0, 0
    for light in _in_light(frames, curve):
        total, count = total + light, count + 1
    if not count:
        raise ParameterError("there are no frames to average: give at least one.")
    return curve.to_display((total / count).float()).clamp(0, 1)


@dataclass(frozen=True)
class Window:
    """Successive frames that become one blurred picture: numbers `start` to `stop` - 1, of which `middle` is its sharp partner."""

    start: int
    stop: int

    @property
    def middle(self) -> int:
        return (self.start + self.stop - 1) // 2


def windows(count: int, length: int, stride: int | None = None) -> list[Window]:
    """Cut a clip of `count` frames into windows of `length`, as GoPro does (its lengths are 7 to 13).

    The sharp partner is the frame in the middle, the only one about which a steady motion is symmetric, so that blurred and sharp
    stay registered; hence `length` is odd. `stride` is the distance between two starts; by default `length`: no frame is used
    twice. What is left over at the end is dropped. Raises ParameterError for other numbers.
    """
    stride = length if stride is None else stride
    if length < 1 or length % 2 == 0:
        raise ParameterError(f"length={length} has no middle frame; take an odd number, such as 7, 9, 11 or 13.")
    if stride < 1:
        raise ParameterError(f"stride={stride} does not move on; it is a number of frames, 1 or more.")
    if count < length:
        raise ParameterError(f"the clip has {count} frames, fewer than one window of {length}; take a shorter window or a longer clip.")
    return [Window(start, start + length) for start in range(0, count - length + 1, stride)]


def ghosting(frames: Float[Tensor, "n c h w"] | Iterable[Float[Tensor, "c h w"]], response: str | CameraResponse = SRGB) -> float:
    """How far the average of these frames is from a smooth exposure, estimated from the frames alone: root mean square, in [0, 1].

    The frames of even number and those of odd number are two pictures of one exposure (the first and the last count half, so that
    both span the same time). Were the frames dense, the two would be equal; the error of averaging all is about a twelfth of their
    difference (Richardson's extrapolation: halving the distance of frames quarters the error, and that of the plain average, in
    which each frame stands for the time around it, is half that of the trapezoidal rule). Over 15 synthetic scenes with motions of
    4 to 30 pixels, and 7 to 13 frames, the estimate was 0.4 to 1.6 times `ghosting_against` the truth.

    It says whether the average is smooth, not whether it is right: wrong frames in between would calm it as well as true ones.
    Of an even number of frames the last is left out. Raises ParameterError below three frames, and as `average_frames` does.
    """
    curve = camera_response(response)
    light = _in_light(frames, curve)
    start, even, odd, pairs = next(light, None), 0.0, 0.0, 0
    for between, end in zip(light, light, strict=False):
        even, odd, pairs = even + (start + end) / 2, odd + between, pairs + 1
        start = end
    if not pairs:
        raise ParameterError("ghosting is estimated from three frames or more; give more, or compare with a truth by ghosting_against.")
    return ghosting_against(curve.to_display((even / pairs).float()), curve.to_display((odd / pairs).float())) / 12


def ghosting_against(average: Float[Tensor, "c h w"], exposure: Float[Tensor, "c h w"]) -> float:
    """Root mean square difference, in [0, 1] units, between an average of few frames and the smooth exposure, which is known."""
    return float((average - exposure).double().square().mean().sqrt())


def _in_light(frames: Iterable[Tensor], curve: CameraResponse) -> Iterator[Tensor]:
    """One frame after another as light, in float64: float32 sums of hundreds of frames would lose bits that 16-bit files keep."""
    shape = None
    for number, frame in enumerate(frames, start=1):
        if shape not in (None, frame.shape):
            raise ParameterError(f"frame {number} has the shape {tuple(frame.shape)}, those before it {tuple(shape)}: all must be equal.")
        shape = frame.shape
        yield curve.to_light(frame).double()
