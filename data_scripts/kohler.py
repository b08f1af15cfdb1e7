"""Köhler: recorded camera shake, 4 pictures under 12 trajectories.

Licence: not stated in what was seen.
Download: unknown, 5 files.
Cite: Köhler, Hirsch, Mohler, Schölkopf, Harmeling: Recording and Playback of Camera Shake. ECCV 2012.
Page: https://doi.org/10.1007/978-3-642-33786-4_3
"""

from restorelab.cli.data_sets import script

if __name__ == "__main__":
    script("kohler")
