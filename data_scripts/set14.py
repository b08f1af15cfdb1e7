"""Set14: fourteen classic pictures.

Licence: none stated where the files are; customary in research, never to be passed on in a package.
Download: unknown.
Cite: Zeyde, Elad, Protter: On Single Image Scale-Up Using Sparse-Representations. Curves and Surfaces 2010.
Page: https://huggingface.co/datasets/eugenesiow/Set14
"""

from restorelab.cli.data_sets import script

if __name__ == "__main__":
    script("set14")
