"""The small ablation that chapter 04 shows where nothing is trained: python course/04_dynamic_filter_sr/ablation.py

Fifteen short trainings, and their figures in course/recorded/04_ablation.json, written after each. What is compared is the chain of dynamic
blocks (U, UD, UDD), the loss (of every block's picture, or of the last alone), and filters that may change at all: frozen, they stay those
of bicubic enlargement, and only the residuals learn.
"""

from restorelab.experiment.ablation import carry_out
from restorelab.experiment.studies import ABLATIONS, record_of

if __name__ == "__main__":
    carry_out(ABLATIONS["udvd"], record_of("udvd"), report=print)
