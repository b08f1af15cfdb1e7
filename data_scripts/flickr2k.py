"""Flickr2K: 2650 photographs of about 2K, with smaller versions.

Licence: not stated in what was seen; photographs of Flickr's users.
Download: about 20.0 GB.
Cite: Lim, Son, Kim, Nah, Lee: Enhanced Deep Residual Networks for Single Image Super-Resolution. CVPR Workshops 2017.
Page: https://github.com/limbee/NTIRE2017
"""

from restorelab.cli.data_sets import script

if __name__ == "__main__":
    script("flickr2k")
