"""Set5: five classic pictures, with MATLAB's bicubic reductions x2, x3, x4, x8.

Licence: none stated where the files are; customary in research, never to be passed on in a package.
Download: 1.3 MB, 25 files.
Cite: Bevilacqua, Roumy, Guillemot, Alberi-Morel: Low-Complexity Single-Image Super-Resolution. BMVC 2012.
Page: https://github.com/JingyunLiang/SwinIR
"""

from restorelab.cli.data_sets import script

if __name__ == "__main__":
    script("set5")
