"""A training to look at while it runs: the loss, the validation score, a restored crop, and the time that is left."""

import time
from collections.abc import Callable

from IPython.display import display
from torch import Tensor

from restorelab.data.pairs import Pair
from restorelab.evaluate import as_input, restore_pair
from restorelab.train.loop import Progress
from restorelab.train.run import Run
from restorelab.viz import mime, picture_row, training_curve

EVERY = 2.0  # seconds between two pictures, and never more than a fifth of the time spent on drawing


class LivePicture:
    """A watcher for `fit`: two pictures that replace themselves, in Jupyter and in notebooks run by papermill alike.

    The crop is restored with the averaged weights whenever the picture is drawn. condition: what a network that asks is told of it.
    """

    def __init__(self, run: Run, pair: Pair, condition: Callable[[Pair], Tensor] | None = None):
        self._run, self._pair, self._condition = run, pair, condition
        self._curve = display({"text/plain": "waiting for the first steps"}, raw=True, display_id=True)
        self._crop = display({"text/plain": ""}, raw=True, display_id=True)
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now >= self._next or progress.step == progress.steps:
            self._draw(progress)
            self._next = time.monotonic() + max(EVERY, 4 * (time.monotonic() - now))

    def _draw(self, progress: Progress) -> None:
        left = "done" if progress.step == progress.steps else f"{time.strftime('%H:%M:%S', time.gmtime(progress.remaining))} left"
        title = f"step {progress.step} of {progress.steps}, {progress.samples_per_second:.1f} samples/s, {left}"
        restored = restore_pair(progress.weights, self._pair, self._condition)
        row = picture_row(
            {"degraded": as_input(self._pair), f"restored, step {progress.step}": restored, "clean": self._pair.clean}, height=2.4
        )
        for handle, figure, alt in (
            (self._curve, training_curve(self._run.rows(), title), title),
            (self._crop, row, "degraded, restored and clean crop"),
        ):
            if handle:  # None outside of IPython
                bundle, metadata = mime(figure, alt)
                handle.update(bundle, metadata=metadata, raw=True)
