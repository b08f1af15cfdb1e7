"""DVD: deep video deblurring, 71 hand-held clips, averaged.

Licence: not stated in what was seen: look at the page.
Download: about 3.7 GB.
Cite: Su, Delbracio, Wang, Sapiro, Heidrich, Wang: Deep Video Deblurring for Hand-held Cameras. CVPR 2017.
Page: https://www.cs.ubc.ca/labs/imager/tr/2017/DeepVideoDeblurring/
"""

from restorelab.cli.data_sets import script

if __name__ == "__main__":
    script("dvd")
