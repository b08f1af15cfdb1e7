"""SIDD, validation blocks: 1280 pairs of 256x256, what denoisers are compared on.

Licence: terms of its own, often given as MIT: verify on the page.
Download: about 504.0 MB.
Cite: Abdelhamed, Lin, Brown: A High-Quality Denoising Dataset for Smartphone Cameras. CVPR 2018.
Page: https://www.eecs.yorku.ca/~kamel/sidd/dataset.php
By hand: Fetch both files of the validation set, sRGB, from the page. Then: python data_scripts/sidd_validation.py --from FILE
"""

from restorelab.cli.data_sets import script

if __name__ == "__main__":
    script("sidd_validation")
