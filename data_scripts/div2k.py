"""DIV2K: 800 + 100 photographs of about 2K.

Licence: academic use only.
Download: 4.0 GB, 2 files.
Cite: Agustsson, Timofte: NTIRE 2017 Challenge on Single Image Super-Resolution: Dataset and Study. CVPR Workshops 2017.
Page: https://data.vision.ee.ethz.ch/cvl/DIV2K/
"""

from restorelab.cli.data_sets import script

if __name__ == "__main__":
    script("div2k")
