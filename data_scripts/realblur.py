"""RealBlur: real camera shake through a beam splitter, -R from raw and -J from JPEG.

Licence: CC BY 4.0.
Download: about 12.2 GB.
Cite: Rim, Lee, Won, Cho: Real-World Blur Dataset for Learning and Benchmarking Deblurring Algorithms. ECCV 2020.
Page: https://github.com/rimchang/RealBlur
By hand: It is on Google Drive and on the authors' server, which asks before it sends: fetch it with a browser, from the page.
  Then: python data_scripts/realblur.py --from FILE
"""

from restorelab.cli.data_sets import script

if __name__ == "__main__":
    script("realblur")
