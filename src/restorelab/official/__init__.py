"""Reading the files that the authors of the five systems published.

Nobody's weights are shipped here: a reader who has downloaded them gives the path. `files.py` reads a file into plain tensors,
each system's module knows its authors' names for them and builds our model; `table.py` finds out whose file it is.
"""
