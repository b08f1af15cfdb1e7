"""Reading clips: y4m against hand-made bytes and OpenCV's FFmpeg, folders, video files, and every way they can be wrong."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from restorelab import image
from restorelab.data.clips import open_clip
from restorelab.errors import DataError, ImageError, ParameterError

GREY = {"420": 2, "420jpeg": 2, "420mpeg2": 2, "444": 1}  # chroma subsampling


def y4m(path: Path, frames: list[tuple[np.ndarray, np.ndarray, np.ndarray]], header: str) -> Path:
    height, width = frames[0][0].shape
    data = f"YUV4MPEG2 W{width} H{height} {header}\n".encode()
    path.write_bytes(data + b"".join(b"FRAME\n" + b"".join(plane.astype(np.uint8).tobytes() for plane in planes) for planes in frames))
    return path


def flat(luma: int, blue: int = 128, red: int = 128, size: tuple[int, int] = (6, 8), step: int = 2):
    """Planes of one colour."""
    chroma = tuple(-(-side // step) for side in size)
    return np.full(size, luma), np.full(chroma, blue), np.full(chroma, red)


def noise(seed: int, size: tuple[int, int], step: int):
    rng = np.random.default_rng(seed)
    chroma = tuple(-(-side // step) for side in size)
    return rng.integers(40, 200, size), rng.integers(90, 160, chroma), rng.integers(90, 160, chroma)


@pytest.mark.parametrize(
    "matrix, planes, rgb",
    [  # ITU-R BT.601 and BT.709 of the primaries, in limited range
        ("bt601", (16, 128, 128), (0, 0, 0)),
        ("bt601", (235, 128, 128), (1, 1, 1)),
        ("bt601", (81, 90, 240), (1, 0, 0)),
        ("bt601", (145, 54, 34), (0, 1, 0)),
        ("bt601", (41, 240, 110), (0, 0, 1)),
        ("bt709", (63, 102, 240), (1, 0, 0)),
        ("bt709", (173, 42, 26), (0, 1, 0)),
        ("bt709", (32, 240, 118), (0, 0, 1)),
    ],
)
@pytest.mark.parametrize("chroma, step", GREY.items())
def test_primaries_come_out_as_themselves(tmp_path, matrix, planes, rgb, chroma, step):
    clip = open_clip(y4m(tmp_path / "a.y4m", [flat(*planes, step=step)], f"F25:1 C{chroma}"), matrix=matrix)
    (frame,) = clip
    assert frame.shape == (3, 6, 8) and frame.dtype == torch.float32
    expected = torch.tensor(rgb, dtype=torch.float32)[:, None, None].expand(3, 6, 8)
    torch.testing.assert_close(frame, expected, atol=0.006, rtol=0)  # the codes are whole numbers


def test_full_range(tmp_path):
    path = y4m(tmp_path / "a.y4m", [flat(0), flat(51), flat(255)], "F25:1 XCOLORRANGE=FULL")
    assert [float(frame.mean()) for frame in open_clip(path)] == pytest.approx([0, 0.2, 1], abs=1e-6)


def test_what_the_header_says(tmp_path):
    clip = open_clip(y4m(tmp_path / "a.y4m", [flat(50)] * 3, "F30000:1001 Ip A1:1 C420jpeg XYSCSS=420JPEG"))
    assert (clip.height, clip.width, clip.count, len(clip), clip.rate) == (6, 8, 3, 3, Fraction(30000, 1001))
    assert open_clip(y4m(tmp_path / "b.y4m", [flat(50)], "F0:0")).rate is None
    assert open_clip(y4m(tmp_path / "c.y4m", [flat(50)], "Xwhatever")).rate is None


@pytest.mark.parametrize("chroma, right", [("420jpeg", 0.5), ("420mpeg2", 0.0)])
def test_chroma_is_read_from_where_it_lies(tmp_path, chroma, right):
    """A blue plane that rises evenly along the luma grid: bilinear upsampling restores it if the siting is right."""
    at = 2 * np.arange(8) + right  # where the chroma samples of a line are
    blue = np.tile(100 + 4 * at, (4, 1))
    path = y4m(tmp_path / "a.y4m", [(np.full((8, 16), 120), blue, np.full((4, 8), 128))], f"C{chroma}")
    frame = next(iter(open_clip(path)))
    expected = (120 - 16) / 219 + 2 * (1 - 0.114) / 224 * (100 + 4 * np.arange(16) - 128)
    inner = slice(1, 15) if right else slice(0, 15)  # beyond the outer samples there is nothing to interpolate
    np.testing.assert_allclose(frame[2, :, inner], np.tile(expected, (8, 1))[:, inner].clip(0, 1), atol=1e-5)


@pytest.mark.parametrize("size", [(5, 7), (1, 1), (4, 3)])
def test_odd_sizes_round_their_chroma_up(tmp_path, size):
    path = y4m(tmp_path / "a.y4m", [noise(0, size, 2), noise(1, size, 2)], "F25:1 C420")
    assert [tuple(frame.shape) for frame in open_clip(path)] == [(3, *size)] * 2


def test_agrees_with_opencv(tmp_path):
    """FFmpeg's own conversion, in whole numbers, is darker by one level or so; on 4:2:0 it repeats chroma instead of interpolating,
    hence the constant chroma there."""
    full = [noise(seed, (32, 48), 1) for seed in range(3)]
    half = [(noise(seed, (32, 48), 1)[0], *flat(0, 100, 150, (32, 48))[1:]) for seed in range(3)]
    for frames, header in ((full, "F25:1 C444"), (half, "F25:1 C420jpeg")):
        path = y4m(tmp_path / "a.y4m", frames, header)
        capture = cv2.VideoCapture(str(path))
        for frame in open_clip(path):
            theirs = image.from_uint8(capture.read()[1][:, :, ::-1].copy())
            assert (frame - theirs).abs().max() < 3.5 / 255
        assert not capture.read()[0]


def test_a_clip_can_be_read_twice_and_tells_its_progress(tmp_path):
    clip = open_clip(y4m(tmp_path / "a.y4m", [noise(seed, (6, 8), 2) for seed in range(3)], ""))
    assert torch.equal(torch.stack(list(clip)), torch.stack(list(clip)))
    told = []
    for number, _ in enumerate(clip.frames(lambda *numbers: told.append(numbers))):
        assert len(told) == number  # one frame at a time, told when it is done with
    assert told == [(1, 3), (2, 3), (3, 3)]


GOOD = b"YUV4MPEG2 W4 H2 F25:1 C444\n"
FRAME = b"FRAME\n" + bytes(24)


@pytest.mark.parametrize(
    "data, words",
    [
        (b"", "does not begin with YUV4MPEG2"),
        (b"RIFF....AVI ", "does not begin with YUV4MPEG2"),
        (b"YUV4MPEG2 W4 H2", "header breaks off"),
        (b"YUV4MPEG2 " + b"X" * 5000 + b"\n", "header breaks off"),
        (b"YUV4MPEG2 H2\n" + FRAME, "no width and height"),
        (b"YUV4MPEG2 W0 H2\n" + FRAME, "no width and height"),
        (b"YUV4MPEG2 Wfour H2\n" + FRAME, "no width and height"),
        (b"YUV4MPEG2 W4 H2 C422\n" + FRAME, "chroma '422' is not read; convert it to one of 420"),
        (b"YUV4MPEG2 W4 H2 C420p10\n" + FRAME, "chroma '420p10'"),
        (b"YUV4MPEG2 W4 H2 C420paldv\n" + FRAME, "chroma '420paldv'"),
        (b"YUV4MPEG2 W4 H2 It C444\n" + FRAME, "interlaced"),
        (GOOD, "without a frame"),
        (GOOD + FRAME[:-1], "breaks off in frame 1"),
        (GOOD + FRAME + FRAME[:9], "breaks off in frame 2"),
        (GOOD + FRAME + b"FRA", "frame 2 does not begin with FRAME"),
        (GOOD + FRAME + b"\0" + FRAME, "frame 2 does not begin with FRAME"),
        (b"YUV4MPEG2 W99999999 H99999999 C444\n" + FRAME, "breaks off in frame 1"),
    ],
)
def test_a_bad_y4m_is_answered_before_any_frame(tmp_path, data, words):
    path = tmp_path / "bad.y4m"
    path.write_bytes(data)
    with pytest.raises(DataError, match=words) as caught:
        open_clip(path)
    assert "bad.y4m" in str(caught.value)


def test_a_frame_may_carry_parameters(tmp_path):
    path = tmp_path / "a.y4m"
    path.write_bytes(GOOD + b"FRAME Ip XY\n" + bytes(24) + FRAME)
    assert len(list(open_clip(path))) == 2


def test_no_cut_of_a_y4m_is_taken_for_the_whole(tmp_path):
    """Cut anywhere but between frames it is refused; between frames nothing can tell."""
    whole = GOOD + FRAME * 2
    path = tmp_path / "a.y4m"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        if length == len(GOOD + FRAME):
            assert open_clip(path).count == 1
        else:
            with pytest.raises(DataError):
                open_clip(path)


def test_limits(tmp_path):
    path = y4m(tmp_path / "a.y4m", [flat(50)] * 5, "")
    assert open_clip(path, max_frames=5, max_pixels=48).count == 5
    with pytest.raises(DataError, match="more than max_frames=4"):
        open_clip(path, max_frames=4)
    with pytest.raises(DataError, match="8x6, more than max_pixels=47"):
        open_clip(path, max_pixels=47)


def test_nothing_there(tmp_path):
    with pytest.raises(DataError, match="there is no clip"):
        open_clip(tmp_path / "no.y4m")
    with pytest.raises(DataError, match="holds no picture"):
        open_clip(tmp_path)
    with pytest.raises(ParameterError, match="Did you mean bt709"):
        open_clip(tmp_path, matrix="bt708")


# Folders


def picture(path: Path, grey: float, size: tuple[int, int] = (6, 8)) -> None:
    image.save(torch.full((3, *size), grey), path)


def test_a_folder_is_read_by_name_with_numbers_as_numbers(tmp_path):
    for number in (10, 2, 1):
        picture(tmp_path / f"frame_{number}.png", number / 255)
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / "below").mkdir()
    picture(tmp_path / "below" / "frame_3.png", 1.0)
    clip = open_clip(tmp_path)
    assert (clip.count, clip.height, clip.width, clip.rate) == (3, 6, 8, None)
    assert [round(float(frame.mean()) * 255) for frame in clip] == [1, 2, 10]


def test_a_folder_of_differing_sizes_is_refused(tmp_path):
    picture(tmp_path / "1.png", 0.5)
    picture(tmp_path / "2.png", 0.5, (6, 9))
    with pytest.raises(DataError, match=r"2\.png is 9x6, but 1\.png is 8x6"):
        open_clip(tmp_path)


def test_a_damaged_picture_in_a_folder_is_named(tmp_path):
    picture(tmp_path / "1.png", 0.5)
    (tmp_path / "2.png").write_bytes((tmp_path / "1.png").read_bytes()[:-20])
    with pytest.raises(ImageError, match=r"2\.png"):
        list(open_clip(tmp_path))


# Video files


@pytest.fixture
def avi(tmp_path) -> Path:
    """Ten grey frames, each lighter than the one before, in motion JPEG."""
    path = tmp_path / "a.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for number in range(10):
        writer.write(np.full((48, 64, 3), (20 * number, 20 * number, 20 * number + 40), np.uint8))
    writer.release()
    return path


def test_a_video_file_is_read(avi):
    clip = open_clip(avi)
    assert (clip.height, clip.width, clip.count, clip.rate) == (48, 64, 10, 25)
    means = torch.stack([frame.mean((1, 2)) for frame in clip]) * 255
    np.testing.assert_allclose(means[:, 1], 20 * np.arange(10), atol=4)
    np.testing.assert_allclose(means[:, 0] - means[:, 2], 40, atol=6)  # red is first
    with pytest.raises(DataError, match="max_frames=9"):
        open_clip(avi, max_frames=9)


def test_a_cut_video_file_is_an_error_at_its_end_or_at_once(avi):
    whole = avi.read_bytes()
    for share in (0.7, 0.4, 0.05):
        avi.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(DataError, match="breaks off|cannot be opened|can open|no frames"):
            list(open_clip(avi))


@pytest.mark.parametrize("data", [b"", b"not a video at all", bytes(4000)])
def test_what_is_no_video_is_refused(tmp_path, data):
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"a\.mp4: is not a video that OpenCV can open"):
        open_clip(path)
