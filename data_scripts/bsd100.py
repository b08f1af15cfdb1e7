"""BSD100: the 100 validation pictures of BSDS500.

Licence: non-commercial research and education (recalled, for BSDS500).
Download: unknown.
Cite: Martin, Fowlkes, Tal, Malik: A Database of Human Segmented Natural Images and its Application. ICCV 2001.
Page: https://huggingface.co/datasets/eugenesiow/BSD100
"""

from restorelab.cli.data_sets import script

if __name__ == "__main__":
    script("bsd100")
