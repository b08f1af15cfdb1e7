"""The small ablation that chapter 06 shows: python course/06_multi_stage_mprnet/ablation.py

Short trainings of a small network against noise, and their figures in course/recorded/06_ablation.json, written after each.
What is compared is the paper's Table 6: supervised attention, what goes across between the stages, number and kind of the stages;
and the loss, of every stage's picture or of the last alone. Same seed, same samples; the cases differ in nothing else.
"""

from restorelab.experiment.ablation import carry_out
from restorelab.experiment.studies import ABLATIONS, record_of

if __name__ == "__main__":
    carry_out(ABLATIONS["mprnet"], record_of("mprnet"), report=print)
