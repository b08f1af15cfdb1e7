"""Kodak: 24 photographs of 768x512.

Licence: unrestricted usage.
Download: unknown.
Cite: Kodak Lossless True Color Image Suite, PhotoCD PCD0992.
Page: https://r0k.us/graphics/kodak/
"""

from restorelab.cli.data_sets import script

if __name__ == "__main__":
    script("kodak")
