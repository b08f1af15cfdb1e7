"""Rain13K with Test100, Rain100H, Rain100L, Test1200, Test2800, as Restormer arranged them.

Licence: none stated; assembled from the sets of several papers, of which each has its own terms.
Download: 2.5 GB, 2 files.
Cite: Jiang et al.: Multi-Scale Progressive Fusion Network for Single Image Deraining. CVPR 2020, and the papers of the parts.
Page: https://github.com/swz30/Restormer
"""

from restorelab.cli.data_sets import script

if __name__ == "__main__":
    script("rain13k")
