"""SIDD Medium, sRGB: real noise of phones.

Licence: terms of its own, often given as MIT: verify on the page.
Download: 13.2 GB.
Cite: Abdelhamed, Lin, Brown: A High-Quality Denoising Dataset for Smartphone Cameras. CVPR 2018.
Page: https://www.eecs.yorku.ca/~kamel/sidd/dataset.php
"""

from restorelab.cli.data_sets import script

if __name__ == "__main__":
    script("sidd")
