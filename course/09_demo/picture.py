"""Make the pictures of chapter 09: python course/09_demo/picture.py

strangers.jpg: three sound files of one photograph, as three lines of Python read them and as they were meant. page.jpg: the demo in a
browser of this machine (Chromium or Chrome), after it restored one of its examples.
"""

import io
import shutil
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image
from playwright.sync_api import sync_playwright
from torch import Tensor

from restorelab import image, viz
from restorelab.data import photos
from restorelab.demo.serve import running
from restorelab.demo.strangers import odd_files
from restorelab.demo.words import say

HERE = Path(__file__).parent
SHOWN = {"phone.jpg": "a phone's file", "scan.png": "a scan of 16 bits", "cut out.png": "a cut-out"}
PATIENCE = 240_000  # milliseconds
BELOW_THE_HEAD = {"x": 85, "y": 112, "width": 1010, "height": 1030}  # whose Chinese not every machine can write


def strangers() -> None:
    picture = viz.crop(photos.load("coffee"), 60, 150, 300)[:, :220]
    down, across = torch.linspace(-1, 1, 220)[:, None], torch.linspace(-1, 1, 300)
    files = odd_files(picture, (down**2 + across**2 < 0.9).float()[None])
    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    axes = figure.subplots(2, len(SHOWN))
    for column, (name, what) in enumerate(SHOWN.items()):
        plain = np.asarray(Image.open(io.BytesIO(files[name])).convert("RGB"))
        for axis, pixels in zip(axes[:, column], (plain, _shown(image.load(files[name]))), strict=True):
            axis.imshow(pixels)
            axis.set(xticks=[], yticks=[])
        axes[0, column].set_title(what, fontsize=10)
    axes[0, 0].set_ylabel('convert("RGB")', fontsize=9)
    axes[1, 0].set_ylabel("as it was meant", fontsize=9)
    data, _ = viz.mime(figure, "")
    (HERE / "strangers.jpg").write_bytes(data["image/jpeg"])


def _shown(picture: Tensor) -> np.ndarray:
    return image.to_uint8(picture)


def page() -> None:
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))))
    with running(device="cpu") as (_, address), sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        tab = chromium.new_page(viewport={"width": 1180, "height": 860}, color_scheme="light")
        tab.set_default_timeout(PATIENCE)
        tab.goto(address)
        tab.get_by_role("button", name=say("example_shake")).click()
        tab.locator("#forecast").get_by_text("pixels").wait_for()
        tab.locator("#go_restore").click()
        tab.locator("#said").get_by_text("pixels restored").wait_for()
        tab.wait_for_timeout(1000)  # until the pictures are drawn
        tab.screenshot(path=HERE / "page.jpg", type="jpeg", quality=80, full_page=True, clip=BELOW_THE_HEAD)
        chromium.close()


if __name__ == "__main__":
    strangers()
    page()
