"""HIDE, the test half as Restormer arranged it: people in motion.

Licence: none stated in the authors' repository.
Download: 4.2 GB.
Cite: Shen, Wang, Lu, Shen, Ling, Xu, Shao: Human-Aware Motion Deblurring. ICCV 2019.
Page: https://github.com/joanshen0508/HA_deblur
By hand: The 6397 training pairs are in HIDE_dataset.zip, which the page links. Then: python data_scripts/hide.py --from FILE
"""

from restorelab.cli.data_sets import script

if __name__ == "__main__":
    script("hide")
