"""Pictures to play with: widgets for JupyterLab, each with a still picture behind it for wherever no kernel runs."""

from restorelab.widgets.code import recipe_code
from restorelab.widgets.equal_error import EqualError
from restorelab.widgets.pca_explorer import PCAExplorer
from restorelab.widgets.playground import Playground
from restorelab.widgets.strobe import Strobe
from restorelab.widgets.switchboard import Switchboard

__all__ = ["EqualError", "PCAExplorer", "Playground", "Strobe", "Switchboard", "recipe_code"]
