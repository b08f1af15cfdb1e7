"""NFS: need for speed, 100 clips of 240 Hz.

Licence: not stated in what was seen: look at the page.
Download: unknown.
Cite: Galoogahi, Fagg, Huang, Ramanan, Lucey: Need for Speed: A Benchmark for Higher Frame Rate Object Tracking. ICCV 2017.
Page: http://ci2cv.net/nfs
By hand: DeblurGAN-v2's copy is on Google Drive alone: fetch it with a browser. Then: python data_scripts/nfs.py --from FILE
"""

from restorelab.cli.data_sets import script

if __name__ == "__main__":
    script("nfs")
