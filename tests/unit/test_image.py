"""restorelab.image: every promise of the image contract, on files made here."""

import io
import os
import struct
import time
import warnings
import zlib

import cv2
import numpy as np
import pytest
import torch
from PIL import Image, ImageCms, ImageFile

from restorelab import image
from restorelab.errors import ImageDamaged, ImageError, ImageTooLarge, ImageTooSmall, NotAnImage, ParameterError

DEEP = 1 / 65535


def noise(*shape, dtype=np.uint8, seed=0):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def encoded(picture, format, **options):
    """The bytes of a Pillow image, or of an array, in a format."""
    buffer = io.BytesIO()
    (Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture).save(buffer, format, **options)
    return buffer.getvalue()


def deep(array, suffix=".png"):
    """The bytes of a 16-bit array, grey or RGB(A), in a file."""
    order = [0] if array.ndim == 2 else [2, 1, 0, 3][: array.shape[2]]
    return cv2.imencode(suffix, np.ascontiguousarray(array if array.ndim == 2 else array[..., order]))[1].tobytes()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(array, colour, depth=16, before=b"", after=b""):
    """A PNG by hand: `colour` 0 grey, 2 RGB, 4 grey and alpha, 6 RGBA; extra chunks before and after the pixels."""
    height, width = array.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2" if depth == 16 else "u1").tobytes() for row in array)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(rows)) + after + chunk(b"IEND", b"")


def tiff(array, photometric, orientation=1, bits=16, extra=None, kind=1):
    """An uncompressed little-endian TIFF by hand, with the tags that writers do not let one choose."""
    height, width, channels = array.shape
    data = array.astype(array.dtype.newbyteorder("<")).tobytes()
    tags = {256: [width], 257: [height], 258: [bits] * channels, 259: [1], 262: [photometric], 273: None, 274: [orientation],
            277: [channels], 278: [height], 279: [len(data)], 339: [kind] * channels}  # fmt: skip
    if extra is not None:
        tags[338] = [extra]
    start = 8 + 2 + 12 * len(tags) + 4
    tags[273] = [start + sum(2 * len(v) for v in tags.values() if v and len(v) > 2)]
    entries, blob = b"", b""
    for tag, values in sorted(tags.items()):
        body = struct.pack(f"<{len(values)}H", *values)
        if len(body) > 4:
            blob, body = blob + body, struct.pack("<I", start + len(blob))
        entries += struct.pack("<HHI", tag, 3, len(values)) + body.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + blob + data


def turned(stored, orientation):
    """The truth about EXIF: how the stored h w c array is to be seen."""
    see = {1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud, 5: lambda a: a.swapaxes(0, 1),
           6: lambda a: np.rot90(a, -1), 7: lambda a: np.rot90(a, 2).swapaxes(0, 1), 8: np.rot90}  # fmt: skip
    return see[orientation](stored)


def exif(orientation):
    tags = Image.Exif()
    tags[274] = orientation
    return tags


def as_array(tensor):
    return tensor.permute(1, 2, 0).numpy()


def same(tensor, array, white=255):
    """Equal to the h w c (or h w) array, to the bit."""
    array = array[..., None] if array.ndim == 2 else array
    truth = np.broadcast_to(array.astype(np.float32) / np.float32(white), (*array.shape[:2], 3))
    assert tensor.dtype == torch.float32 and tensor.is_contiguous()
    np.testing.assert_array_equal(as_array(tensor), truth)


# Where the bytes come from


def test_path_string_bytes_and_file_give_the_same(tmp_path):
    rgb = noise(5, 7, 3)
    path = tmp_path / "ünï côdé.png"
    path.write_bytes(encoded(rgb, "PNG"))
    with path.open("rb") as file:
        for source in (path, str(path), path.read_bytes(), io.BytesIO(path.read_bytes()), file):
            same(image.load(source), rgb)
            assert image.probe(source).width == 7
        assert not file.closed


def test_missing_file_and_folder_are_named(tmp_path):
    for bad, why in ((tmp_path / "absent.png", "No such file"), (tmp_path, "folder|directory|denied"), ("a\0b.png", "null byte")):
        with pytest.raises(ImageError, match=why) as caught:
            image.load(bad)
        assert str(bad) in str(caught.value)


def test_a_file_in_text_mode_is_refused(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(encoded(noise(5, 7, 3), "PNG"))
    with path.open() as file, pytest.raises(ImageError, match="rb"):
        image.load(file)


@pytest.mark.parametrize("data", [b"", b"hello", b"<svg></svg>", b"\0" * 1000, b"%PDF-1.7\n", b"GI", b"RIFF\x24\0\0\0WAVEfmt "])
def test_what_is_no_image_is_said_to_be_none(data):
    with pytest.raises(NotAnImage):
        image.load(data)


def test_an_empty_file_is_called_empty(tmp_path):
    (tmp_path / "a.png").touch()
    with pytest.raises(NotAnImage, match="a.png: is empty"):
        image.load(tmp_path / "a.png")


def test_other_formats_of_pillow_are_refused():
    with pytest.raises(NotAnImage, match="PNG, JPEG"):
        image.load(encoded(noise(8, 8, 3), "ICO"))


# Limits, before decoding


def test_a_bomb_is_refused_from_its_header_at_once():
    for side in (9_000, 15_000, 60_000):  # above our limit; above Pillow's warning; above Pillow's error
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
        bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(10))) + chunk(b"IEND", b"")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            began = time.perf_counter()
            with pytest.raises(ImageTooLarge):
                image.load(bomb)
            assert time.perf_counter() - began < 0.1


def test_limits_are_the_callers_and_say_so():
    data = encoded(noise(5, 7, 3), "PNG")
    assert image.load(data, max_pixels=35, max_bytes=len(data), min_side=5).shape == (3, 5, 7)
    with pytest.raises(ImageTooLarge, match="7 x 5.*max_pixels"):
        image.load(data, max_pixels=34)
    with pytest.raises(ImageTooLarge, match="max_bytes"):
        image.load(data, max_bytes=len(data) - 1)
    with pytest.raises(ImageTooSmall, match="at least 6"):
        image.load(data, min_side=6)


# Depth and colour


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_a_16_bit_grey_ramp_survives(suffix):
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    same(image.load(deep(ramp, suffix)), ramp, 65535)


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".ppm"])
def test_16_bit_rgb_keeps_depth_and_channel_order(suffix):
    rgb = noise(5, 7, 3, dtype=np.uint16)
    loaded = image.load(deep(rgb, suffix))
    same(loaded, rgb, 65535)
    red = np.zeros((2, 2, 3), np.uint16)
    red[..., 0] = 65535
    assert image.load(deep(red, suffix))[:, 0, 0].tolist() == [1, 0, 0]


def test_white_of_unusual_depths():
    grey, rgb = noise(4, 4), noise(4, 4, 3)
    ten = (rgb.astype(np.uint16) * 4).clip(max=1023)
    same(image.load(b"P6 4 4 1023\n" + ten.astype(">u2").tobytes()), ten, 1023)
    same(image.load(b"P5 4 4 65535\n" + (grey.astype(">u2") * 257).tobytes()), grey)
    same(image.load(b"P5 4 4 255\n" + grey.tobytes()), grey)
    packed = np.frombuffer(bytes([0xFF, 0xF0, 0x00, 0x80, 0x0F, 0xFF]), np.uint8).reshape(1, 6, 1)  # 4095, 0, 2048, 4095
    twelve = bytearray(tiff(packed, 1, bits=12))
    twelve[twelve.index(struct.pack("<HHI", 256, 3, 1)) + 8] = 4  # four samples in those six bytes
    same(image.load(bytes(twelve)), np.array([[4095, 0, 2048, 4095]]), 4095)


def test_16_bit_tiff_where_white_is_zero():
    grey = noise(4, 5, 1, dtype=np.uint16)
    np.testing.assert_allclose(as_array(image.load(tiff(grey, 0)))[..., 0], 1 - grey[..., 0] / 65535, atol=1e-7)


@pytest.mark.parametrize("format", ["PNG", "TIFF", "BMP", "PPM", "WEBP", "GIF"])
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_8_bit_modes_are_exact(mode, format):
    picture = Image.fromarray(noise(6, 9)).convert(mode) if mode != "RGB" else Image.fromarray(noise(6, 9, 3))
    if (format, mode) in {("PPM", "P"), ("GIF", "RGB")}:
        pytest.skip("the format does not hold this mode")
    options = {"lossless": True} if format == "WEBP" else {}
    same(image.load(encoded(picture, format, **options)), np.asarray(picture.convert("RGB")))


def test_jpeg_is_what_pillow_decodes():
    data = encoded(noise(16, 24, 3), "JPEG")
    same(image.load(data), np.asarray(Image.open(io.BytesIO(data))))


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB"])
def test_other_colour_spaces_become_rgb(mode):
    picture = Image.new("RGB", (4, 3), (200, 120, 40))
    if mode == "LAB":
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        picture = ImageCms.profileToProfile(picture, srgb, lab, outputMode="LAB")
    picture = picture if mode == "LAB" else picture.convert(mode)
    loaded = image.load(encoded(picture, "TIFF", **({"compression": "jpeg"} if mode == "YCbCr" else {})))
    torch.testing.assert_close(loaded[:, 0, 0] * 255, torch.tensor([200.0, 120.0, 40.0]), atol=3, rtol=0)


def test_cmyk_jpeg_is_not_inverted():
    white = image.load(encoded(Image.new("CMYK", (8, 8), (0, 0, 0, 0)), "JPEG"))
    assert white.min() > 0.98


def test_float_tiff_in_range_is_read_and_any_other_refused():
    grey = np.random.default_rng(0).random((4, 5, 1), dtype=np.float32)
    same(image.load(tiff(grey, 1, bits=32, kind=3)), grey, 1)
    for bad in (grey * 255, grey - 0.5, grey * np.float32("nan")):
        with pytest.raises(ImageError, match="scale them"):
            image.load(tiff(bad, 1, bits=32, kind=3))


def test_32_bit_integers_are_refused_with_a_cure():
    with pytest.raises(ImageError, match="save it as 16-bit"):
        image.load(encoded(Image.new("I", (4, 4), 70000), "TIFF"))


# Transparency


def over(rgba, background, white=255):
    rgba = rgba.astype(np.float64) / white
    return rgba[..., :-1] * rgba[..., -1:] + background * (1 - rgba[..., -1:])


@pytest.mark.parametrize("background", [0.0, 0.25, 1.0])
def test_alpha_is_laid_over_the_background(background):
    rgba, la = noise(6, 7, 4), noise(6, 7, 2)
    for array, data in ((rgba, encoded(rgba, "PNG")), (rgba, encoded(rgba, "TIFF")), (la, png(la, 4, 8))):
        np.testing.assert_allclose(
            as_array(image.load(data, background=background)), np.broadcast_to(over(array, background), (6, 7, 3)), atol=1e-6
        )


@pytest.mark.parametrize("background", [0.0, 1.0])
def test_16_bit_alpha(background):
    rgba, la = noise(6, 7, 4, dtype=np.uint16), noise(6, 7, 2, dtype=np.uint16)
    for array, data in ((rgba, deep(rgba)), (rgba, tiff(rgba, 2, extra=2)), (la, png(la, 4))):
        np.testing.assert_allclose(
            as_array(image.load(data, background=background)), np.broadcast_to(over(array, background, 65535), (6, 7, 3)), atol=1e-6
        )


def test_16_bit_tiff_extra_channel_that_is_not_alpha_or_is_multiplied_in():
    rgba = noise(6, 7, 4, dtype=np.uint16)
    same(image.load(tiff(rgba, 2, extra=0)), rgba[..., :3], 65535)
    rgba[..., :3] = np.minimum(rgba[..., :3], rgba[..., 3:])
    black = as_array(image.load(tiff(rgba, 2, extra=1), background=0.0))
    np.testing.assert_allclose(black, rgba[..., :3] / 65535, atol=1e-6)


def test_palette_transparency():
    picture = Image.fromarray(noise(6, 9)).quantize(4)
    index = np.asarray(picture)
    for transparency in (1, bytes([255, 0, 128, 255])):
        loaded = as_array(image.load(encoded(picture, "PNG", transparency=transparency), background=0.0))
        assert (loaded[index == 1] == 0).all()
        np.testing.assert_array_equal(loaded[index == 3], np.asarray(picture.convert("RGB"))[index == 3] / np.float32(255))
    gif = as_array(image.load(encoded(picture, "GIF", transparency=1), background=0.5))
    assert (gif[index == 1] == 0.5).all()


def test_one_transparent_colour():
    grey, rgb = noise(4, 5, 1, dtype=np.uint16), noise(4, 5, 3, dtype=np.uint16)
    for array, colour in ((grey, 0), (rgb, 2)):
        key = chunk(b"tRNS", array[2, 3].astype(">u2").tobytes())
        loaded = as_array(image.load(png(array, colour, before=key)))
        assert (loaded[2, 3] == 1).all()
        np.testing.assert_array_equal(loaded[0], np.broadcast_to(array[0] / np.float32(65535), (5, 3)))
    shallow = Image.fromarray(noise(4, 5))
    loaded = image.load(encoded(shallow, "PNG", transparency=int(np.asarray(shallow)[2, 3])), background=0.0)
    assert (loaded[:, 2, 3] == 0).all() and loaded.max() > 0


def test_background_is_a_grey_level():
    with pytest.raises(ParameterError, match="background"):
        image.load(encoded(noise(4, 4, 3), "PNG"), background=255)


# Rotation


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(orientation):
    shallow, wide = noise(16, 24, 3), noise(5, 7, 3, dtype=np.uint16)
    grey = noise(5, 7, dtype=np.uint16)
    jpeg = encoded(shallow, "JPEG", exif=exif(orientation), quality=95)
    tag = chunk(b"eXIf", exif(orientation).tobytes()[6:])
    cases = [
        (jpeg, np.asarray(Image.open(io.BytesIO(jpeg))), 255),
        (encoded(shallow, "PNG", exif=exif(orientation)), shallow, 255),
        (encoded(shallow, "WEBP", exif=exif(orientation), lossless=True), shallow, 255),
        (encoded(shallow, "TIFF", tiffinfo={274: orientation}), shallow, 255),
        (encoded(shallow, "TIFF", tiffinfo={274: orientation}, compression="tiff_lzw"), shallow, 255),
        (encoded(grey, "PNG", exif=exif(orientation)), grey, 65535),
        (png(wide, 2, before=tag), wide, 65535),
        (png(wide, 2, after=tag), wide, 65535),
        (tiff(wide, 2, orientation), wide, 65535),
        (tiff(grey[..., None], 1, orientation), grey, 65535),
    ]
    for data, stored, white in cases:
        loaded, info = image.load(data), image.probe(data)
        same(loaded, turned(stored, orientation), white)
        assert (info.height, info.width) == loaded.shape[1:] or b"IDAT" in data[: data.find(b"eXIf")]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_of_lines_and_single_pixels(orientation):
    for height, width in ((1, 1), (1, 5), (5, 1)):
        for array in (noise(height, width), noise(height, width, 3)):
            same(image.load(encoded(array, "PNG", exif=exif(orientation))), turned(array, orientation))


def test_nonsense_in_exif_does_not_cost_the_picture():
    rgb = noise(8, 8, 3)
    for block in (b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff", exif(77).tobytes()):
        same(image.load(encoded(rgb, "PNG", exif=block)), rgb)


# Colour profiles


def profile(gamma):
    """An ICC profile with sRGB's primaries and a plain gamma: a matrix profile of 400 bytes, by hand."""
    s15 = lambda *xs: b"".join(struct.pack(">i", round(x * 65536)) for x in xs)  # noqa: E731
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    text = b"desc" + bytes(4) + struct.pack(">I", 2) + b"g\0" + bytes(78)
    points = {b"wtpt": (0.9642, 1, 0.8249), b"rXYZ": (0.4361, 0.2225, 0.0139), b"gXYZ": (0.3851, 0.7169, 0.0971),
              b"bXYZ": (0.1431, 0.0606, 0.7141)}  # fmt: skip
    tags = [(b"desc", text), (b"cprt", b"text" + bytes(4) + b"-\0\0\0")] + [(k, b"XYZ " + bytes(4) + s15(*v)) for k, v in points.items()]
    tags += [(k, curve) for k in (b"rTRC", b"gTRC", b"bTRC")]
    table, data, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for kind, body in tags:
        table += kind + struct.pack(">II", start + len(data), len(body))
        data += body + bytes(-len(body) % 4)
    head = bytes(4) + struct.pack(">I", 0x02400000) + b"mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28) + s15(0.9642, 1, 0.8249) + bytes(48)
    return struct.pack(">I", 128 + len(table) + len(data)) + (bytes(4) + head[4:])[:124].ljust(124, b"\0") + table + data


def srgb(linear):
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("channels", [3, 4])
def test_a_foreign_profile_is_converted_to_srgb(channels):
    picture = noise(8, 8, channels)
    picture[..., 3:] = 255
    loaded = as_array(image.load(encoded(picture, "PNG", icc_profile=profile(1.0))))
    np.testing.assert_allclose(loaded, srgb(picture[..., :3] / 255), atol=1.5 / 255)


def test_an_srgb_profile_changes_nothing():
    rgb = noise(64, 64, 3)
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same(image.load(encoded(rgb, "PNG", icc_profile=icc)), rgb)


def test_a_broken_or_unfitting_profile_is_ignored():
    rgb = noise(8, 8, 3)
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for icc in (b"garbage", profile(1.0)[:200], lab):
        same(image.load(encoded(rgb, "PNG", icc_profile=icc)), rgb)
    cmyk = Image.new("CMYK", (4, 4), (0, 255, 255, 0))
    assert image.load(encoded(cmyk, "TIFF", icc_profile=profile(1.0)))[:, 0, 0].tolist() == [1, 0, 0]


def test_a_profile_left_out_at_16_bits_is_told():
    rgb = noise(8, 8, 3, dtype=np.uint16)
    with pytest.warns(image.ImageWarning, match="profile"):
        same(image.load(png(rgb, 2, before=chunk(b"iCCP", b"g\0\0" + zlib.compress(profile(1.0))))), rgb, 65535)
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        same(image.load(png(rgb, 2, before=chunk(b"iCCP", b"g\0\0" + zlib.compress(icc)))), rgb, 65535)


# Animations


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_is_read_and_the_rest_told(format):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    data = encoded(frames[0], format, save_all=True, append_images=frames[1:], **({"lossless": True} if format == "WEBP" else {}))
    assert image.probe(data).frames == 3
    with pytest.warns(image.ImageWarning, match="2 of its 3 frames") as caught:
        loaded = image.load(data)
    assert len(caught) == 1 and loaded[:, 4, 4].tolist() == [1, 0, 0]


def test_a_phones_mpo_is_read_without_a_warning():
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], "MPO", save_all=True, append_images=frames[1:])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert image.load(data)[0].min() > 0.9
    assert image.probe(data).format == "MPO" and image.probe(data).frames == 2


# Damage


FILES = {
    "png": encoded(noise(64, 64, 3), "PNG"),
    "png16": deep(noise(64, 64, 3, dtype=np.uint16)),
    "grey16": deep(noise(64, 64, dtype=np.uint16)),
    "jpeg": encoded(noise(64, 64, 3), "JPEG"),
    "progressive": encoded(noise(64, 64, 3), "JPEG", progressive=True),
    "webp": encoded(noise(64, 64, 3), "WEBP"),
    "tiff": tiff(noise(64, 64, 3), 2, bits=8),
    "tiff16": tiff(noise(64, 64, 3, dtype=np.uint16), 2),
    "tiff16lzw": deep(noise(64, 64, 3, dtype=np.uint16), ".tiff"),
    "bmp": encoded(noise(64, 64, 3), "BMP"),
    "gif": encoded(Image.fromarray(noise(64, 64)), "GIF"),
    "ppm": encoded(noise(64, 64, 3), "PPM"),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("part", [0.3, 0.5, 0.9])
def test_a_truncated_file_is_never_half_an_image(name, part, monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)  # as other libraries leave it
    data = FILES[name]
    assert image.load(data).shape == (3, 64, 64)
    with pytest.raises(ImageDamaged, match="truncated, corrupt") as caught:
        image.load(data[: int(len(data) * part)])
    assert "0x" not in str(caught.value) and len(str(caught.value)) < 400
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


def test_one_flipped_bit_in_the_pixels_of_a_png_is_found():
    y, x = np.mgrid[:48, :48]
    data = bytearray(encoded(np.stack([x * 5, y * 5, x + y], 2).astype(np.uint8), "PNG"))
    for place in range(41, len(data) - 12):
        data[place] ^= 4  # in about one place of forty Pillow alone decodes another picture and says nothing
        with pytest.raises(ImageDamaged):
            image.load(bytes(data))
        data[place] ^= 4


@pytest.mark.parametrize("name", ["png", "jpeg", "webp", "tiff", "gif"])
@pytest.mark.parametrize("length", [12, 16, 24])
def test_a_known_beginning_and_then_nothing_is_damage(name, length):
    with pytest.raises(ImageDamaged):
        image.load(FILES[name][:length])


# probe


def test_probe_reads_the_header_only():
    shallow, wide = noise(5, 7, 3), noise(5, 7, 3, dtype=np.uint16)
    assert image.probe(encoded(shallow, "PNG")) == image.ImageInfo("PNG", 7, 5, "RGB", 8, 1)
    assert image.probe(deep(wide)) == image.ImageInfo("PNG", 7, 5, "RGB", 16, 1)
    assert image.probe(deep(wide[..., 0], ".tiff")) == image.ImageInfo("TIFF", 7, 5, "grey", 16, 1)
    assert image.probe(encoded(shallow, "JPEG", exif=exif(6))) == image.ImageInfo("JPEG", 5, 7, "RGB", 8, 1)
    assert image.probe(encoded(Image.new("CMYK", (7, 5)), "TIFF")).channels == "CMYK"
    assert image.probe(encoded(Image.new("1", (7, 5)), "PNG")).channels == "black and white"
    assert image.probe(encoded(Image.new("F", (7, 5)), "TIFF")).bit_depth == 32
    assert image.probe(deep(wide, ".ppm")).bit_depth == 16
    big = noise(512, 512, 3)
    assert image.probe(encoded(big, "PNG")[:4096]).width == 512


# uint8


def test_to_uint8_clamps_and_rounds():
    values = torch.tensor([-1.0, 0.0, 0.4 / 255, 0.6 / 255, 254.6 / 255, 1.0, 7.0, float("inf")]).expand(3, 1, 8)
    assert image.to_uint8(values)[0, :, 2].tolist() == [0, 0, 0, 1, 255, 255, 255, 255]
    with pytest.raises(ImageError, match="1 NaN"):
        image.to_uint8(torch.tensor([[[0.0, float("nan")]]]))
    assert image.to_uint8(torch.zeros(1, 2, 3, requires_grad=True)).shape == (2, 3, 1)


def test_uint8_round_trip_is_exact():
    for array in (noise(16, 16), noise(16, 16, 1), noise(16, 16, 3)):
        tensor = image.from_uint8(array)
        assert tensor.shape == (3 if array.shape[2:] == (3,) else 1, 16, 16) and tensor.is_contiguous()
        assert (image.to_uint8(tensor) == array.reshape(16, 16, -1)).all()
    for bad in (noise(4), noise(4, 4, 4), noise(4, 4, dtype=np.uint16), np.zeros((4, 4))):
        with pytest.raises(ImageError, match="uint8"):
            image.from_uint8(bad)


# save


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("suffix, bits", [(".png", 8), (".png", 16), (".tif", 8), (".TIFF", 8), (".tiff", 16), (".webp", 8)])
def test_saved_and_loaded_is_the_same_to_the_bit(tmp_path, suffix, bits, channels):
    white = 2**bits - 1
    array = noise(channels, 9, 11, dtype=np.uint16 if bits == 16 else np.uint8)
    tensor = torch.from_numpy(array.astype(np.float32) / np.float32(white))
    path = tmp_path / f"a{suffix}"
    image.save(tensor, path, bit_depth=bits)
    assert torch.equal(image.load(path), tensor.expand(3, -1, -1))
    info = image.probe(path)
    assert info.bit_depth == bits and info.channels == ("grey" if channels == 1 and suffix != ".webp" else "RGB")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_jpeg_is_saved_at_full_colour_resolution(tmp_path):
    image.save(torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(0)), tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as im:
        assert [layer[1:3] for layer in im.layer] == [(1, 1)] * 3
        assert im.quantization[0][0] == 2  # what quality 95 makes of the table's first entry, 16


def test_save_replaces_and_has_the_usual_permissions(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("old")
    for umask in (0o022, 0o077, 0o002):
        before = os.umask(umask)
        try:
            image.save(torch.zeros(3, 4, 4), path)
        finally:
            os.umask(before)
        assert path.stat().st_mode & 0o777 == 0o666 & ~umask
    assert image.load(path).max() == 0


def test_save_refuses_what_it_cannot_hold(tmp_path):
    good, nan = torch.zeros(3, 4, 4), torch.full((3, 4, 4), float("nan"))
    for args, why in (
        ((good, tmp_path / "a.gif"), ".png, .tif"),
        ((good, tmp_path / "a"), ".png, .tif"),
        ((nan, tmp_path / "a.png"), "48 values that are NaN"),
        ((good[None], tmp_path / "a.png"), "batch"),
        ((good.double(), tmp_path / "a.png"), "float32"),
        ((good, tmp_path / "no" / "such" / "a.png"), "No such file or directory"),
        ((torch.zeros(3, 1, 70_000), tmp_path / "a.jpg"), "JPEG"),
        ((torch.zeros(3, 1, 17_000), tmp_path / "a.webp"), "WEBP"),
    ):
        with pytest.raises(ImageError, match=why):
            image.save(*args)
    for name, bits in (("a.jpg", 16), ("a.webp", 16), ("a.png", 12)):
        with pytest.raises(ImageError, match=f"{bits} bits"):
            image.save(good, tmp_path / name, bit_depth=bits)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step):
    def full(*args):
        raise OSError(28, "No space left on device")

    path = tmp_path / "a.png"
    path.write_text("old")
    monkeypatch.setattr(os, step, full)
    with pytest.raises(ImageError, match="No space left"):
        image.save(torch.zeros(3, 4, 4), path)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_folder_in_the_way_is_an_image_error(tmp_path):
    (tmp_path / "a.png").mkdir()
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "a.png", tmp_path / "file" / "b.png"):
        with pytest.raises(ImageError, match="cannot be written"):
            image.save(torch.zeros(3, 4, 4), path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "file"]


# check_image


@pytest.mark.parametrize(
    "bad, cure",
    [
        (np.zeros((3, 4, 4), np.float32), "torch.from_numpy"),
        (torch.zeros(3, 4, 4, dtype=torch.uint8), "divide by 255"),
        (torch.full((3, 4, 4), 200.0), "divide by 255"),
        (torch.full((3, 4, 4), -9.0), "clamp"),
        (torch.zeros(3, 4, 4).half(), "float()"),
        (torch.zeros(4, 4), r"image\[None\]"),
        (torch.zeros(1, 3, 4, 4), r"image\[0\]"),
        (torch.zeros(4, 4, 3), r"permute\(2, 0, 1\)"),
        (torch.zeros(4, 5, 5), r"image\[:3\]"),
        (torch.zeros(3, 0, 4), "empty"),
        (torch.full((1, 2, 2), float("inf")), "4 values that are NaN or infinite"),
    ],
)
def test_check_image_names_the_likely_mistake(bad, cure):
    with pytest.raises(ImageError, match=cure) as caught:
        image.check_image(bad, "the degraded image")
    assert str(caught.value).startswith("the degraded image ")


def test_check_image_accepts_images():
    for good in (torch.zeros(1, 4, 4), torch.ones(3, 1, 9), torch.tensor([[[-0.2, 1.3]]])):
        assert image.check_image(good) is None


def test_a_ppm_with_samples_above_its_white_is_damaged():
    rows = np.full((3, 7, 3), 600, ">u2").tobytes()
    assert image.load(b"P6 7 3 655\n" + rows).max() == pytest.approx(600 / 655)
    with pytest.raises(ImageDamaged, match="samples up to 600, where its header says that white is 599"):
        image.load(b"P6 7 3 599\n" + rows)
