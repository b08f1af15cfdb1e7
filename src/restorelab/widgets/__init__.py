"""Pictures to play with: widgets for JupyterLab, each with a still picture behind it for wherever no kernel runs."""

from restorelab.widgets.attention_viewer import AttentionViewer
from restorelab.widgets.cherry_picker import CherryPicker
from restorelab.widgets.code import recipe_code
from restorelab.widgets.compare_slider import CompareSlider
from restorelab.widgets.equal_error import EqualError
from restorelab.widgets.kernel_microscope import KernelMicroscope
from restorelab.widgets.kernel_views import kernel_atlas, kernel_numbers, term_by_term
from restorelab.widgets.patch_explorer import PatchExplorer
from restorelab.widgets.pca_explorer import PCAExplorer
from restorelab.widgets.playground import Playground
from restorelab.widgets.pyramid_explorer import PyramidExplorer
from restorelab.widgets.stage_slider import StageSlider
from restorelab.widgets.strobe import Strobe
from restorelab.widgets.switchboard import Switchboard

__all__ = [
    "AttentionViewer",
    "CherryPicker",
    "CompareSlider",
    "EqualError",
    "KernelMicroscope",
    "PCAExplorer",
    "PatchExplorer",
    "Playground",
    "PyramidExplorer",
    "StageSlider",
    "Strobe",
    "Switchboard",
    "kernel_atlas",
    "kernel_numbers",
    "recipe_code",
    "term_by_term",
]
