"""GoPro, GOPRO_Large_all: all sharp 240 Hz frames, to be averaged anew.

Licence: CC BY 4.0 (recalled: verify on the page).
Download: about 35.0 GB.
Cite: Nah, Kim, Lee: Deep Multi-scale Convolutional Neural Network for Dynamic Scene Deblurring. CVPR 2017.
Page: https://seungjunnah.github.io/Datasets/gopro

After unpacking, the clips are averaged to pairs that lie as GOPRO_Large's do, in the folder `averaged`.
"""

from pathlib import Path

from restorelab.cli.data_sets import script
from restorelab.data.prepared import Progress


def average(folder: Path, progress: Progress) -> None:
    """Called with the folder of the unpacked clips; killed, it goes on with the next sequence."""
    from restorelab.data.averaged import average_clips  # imports torch, for which --dry-run need not wait

    average_clips(folder / "GOPRO_Large_all", folder / "averaged", progress)


if __name__ == "__main__":
    script("gopro_large_all", finish=average)
