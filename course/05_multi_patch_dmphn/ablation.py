"""A small ablation of chapter 05's network: python course/05_multi_patch_dmphn/ablation.py

Twelve short trainings against camera shake, and their figures in course/recorded/05_ablation.json, written after each. What is compared is
the paper's: one, two and three levels of patches, and three levels without any patches.
"""

from restorelab.experiment.ablation import carry_out
from restorelab.experiment.studies import ABLATIONS, record_of

if __name__ == "__main__":
    carry_out(ABLATIONS["dmphn"], record_of("dmphn"), report=print)
