"""GoPro, GOPRO_Large: frames of 240 Hz clips averaged, 1280x720.

Licence: CC BY 4.0 (recalled: verify on the page).
Download: about 8.9 GB.
Cite: Nah, Kim, Lee: Deep Multi-scale Convolutional Neural Network for Dynamic Scene Deblurring. CVPR 2017.
Page: https://seungjunnah.github.io/Datasets/gopro
"""

from restorelab.cli.data_sets import script

if __name__ == "__main__":
    script("gopro_large")
