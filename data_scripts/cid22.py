"""CID22: 115 + 4 photographs of 512x512, what the course checkpoints were trained on.

Licence: CC BY-SA 4.0.
Download: 49.3 MB, 119 files.
Cite: CID22, Cloudinary (2022).
Page: https://github.com/imazen/codec-corpus
"""

from restorelab.cli.data_sets import script

if __name__ == "__main__":
    script("cid22")
