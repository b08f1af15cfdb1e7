"""Urban100: 100 pictures of buildings.

Licence: Flickr pictures under Creative Commons, says the paper; no terms stated with the files.
Download: unknown.
Cite: Huang, Singh, Ahuja: Single Image Super-resolution from Transformed Self-Exemplars. CVPR 2015.
Page: https://huggingface.co/datasets/eugenesiow/Urban100
"""

from restorelab.cli.data_sets import script

if __name__ == "__main__":
    script("urban100")
