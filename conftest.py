"""For the notebooks, which are tests too: their kernels inherit this environment."""

import os
import tempfile

os.environ.setdefault("RESTORELAB_RUNS", tempfile.mkdtemp(prefix="restorelab-runs-"))
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
