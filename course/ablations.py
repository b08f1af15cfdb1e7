"""Make the course's records of ablations: python course/ablations.py NAME, one of restorelab.experiment.studies.ABLATIONS.

Short trainings of small networks that differ in one thing each; same seed, same samples. The record, course/recorded/NN_ablation.json,
is written after every training: stopped and started again it goes on. Chapters and expectation cards read it.
"""

import sys

import torch

from restorelab.experiment.ablation import carry_out
from restorelab.experiment.studies import ABLATIONS, record_of


def main(name: str) -> None:
    torch.set_num_threads(1)  # the records say so
    carry_out(ABLATIONS[name], record_of(name), report=lambda *said: print(*said, flush=True))


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in ABLATIONS:
        raise SystemExit(f"give one of {', '.join(ABLATIONS)}.")
    main(sys.argv[1])
