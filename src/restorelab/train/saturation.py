"""Has the discriminator won? Then there is little left that the generator could hear from it.

The authors' own run of DeblurGAN-v2 ended so: their curves show the discriminator's loss at 3e-5.
"""

from collections import deque
from statistics import fmean

WINDOW = 100  # steps looked back on
WON = 0.99  # of its verdicts right, on average over the window
OPEN = 0.95  # below this the game is open again, and a second victory is told anew


class Saturation:
    """Notices when a discriminator is nearly always right, and says so once for every stretch of it."""

    def __init__(self, window: int = WINDOW):
        self.recent = deque(maxlen=window)  # accuracies
        self.won = False

    def add(self, accuracy: float) -> str:
        """accuracy: the share of its verdicts that were right in this step, 0.5 for a guess -> a sentence, or "" as long as all is well."""
        self.recent.append(accuracy)
        mean = fmean(self.recent)
        before, full = self.won, len(self.recent) == self.recent.maxlen
        self.won = full and mean > (OPEN if before else WON)
        if before or not self.won:
            return ""
        return (
            f"The discriminator has won: over the last {len(self.recent)} steps {mean:.1%} of its verdicts were right, and what the "
            "generator hears from it says little. Lower discriminator_rate (a third is a good next try), or train the generator longer "
            "without it first."
        )

    def state_dict(self) -> dict:
        return {"recent": list(self.recent), "won": self.won}

    def load_state_dict(self, state: dict) -> None:
        self.recent = deque(state["recent"], maxlen=self.recent.maxlen)
        self.won = state["won"]
