"""DND: real noise of four cameras, 50 pictures; the references are not public.

Licence: on the page: read it.
Download: about 12.8 GB.
Cite: Plötz, Roth: Benchmarking Denoising Algorithms with Real Photographs. CVPR 2017.
Page: https://noise.visinf.tu-darmstadt.de/downloads/
By hand: Fetch the benchmark data from the page. Results are judged by the authors' server, in files that
  restorelab.data.submission.write_dnd makes. Then: python data_scripts/dnd.py --from FILE
"""

from restorelab.cli.data_sets import script

if __name__ == "__main__":
    script("dnd")
