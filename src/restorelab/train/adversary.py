"""The other side of an adversarial training: a discriminator that learns beside the generator, step by step."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

import torch
from jaxtyping import Float
from torch import Tensor, nn

from restorelab.errors import TrainingError
from restorelab.losses.adversarial import frozen
from restorelab.train.distributed import average_gradients, average_statistics, begin_alike, mean_over_processes
from restorelab.train.games import Game, Pictures
from restorelab.train.saturation import Saturation

Running = Callable[[], AbstractContextManager]  # makes what forward passes run in, see `loop.how_networks_run`


class Adversary:
    """A game with its discriminator, how that learns (Adam), and how much the generator minds: `fit(..., adversary=Adversary(...))`.

    In every step `fit` calls `learn`, then adds `terms` to the generator's loss. weights: of the game's terms, by their names.
    learning_rate: at its peak; it follows the generator's schedule. clip: longest gradient, as for the generator.
    """

    def __init__(self, game: Game, weights: Mapping[str, float], learning_rate: float = 1e-4, clip: float = 1.0):
        self.game, self.weights, self.learning_rate, self.clip = game, dict(weights), learning_rate, clip
        self.optimizer = torch.optim.Adam(game.parameters(), lr=learning_rate, fused=True)
        self.saturation = Saturation()
        self.figures: dict[str, float] = {}  # of the last step, for the log
        self.notice = ""  # what the last step gave reason to say

    def begin(self, device: str) -> None:
        self.game.to(device, memory_format=torch.channels_last).train()
        begin_alike(self.game)

    def learn(self, fake: Pictures, real: Pictures, pace: float, running: Running) -> None:
        """The discriminator's step. fake: detached. pace: of the schedule, 1 at its peak. Raises TrainingError."""
        with running():
            turn = self.game.discriminator_turn(fake, real)
        turn.loss.backward()
        average_gradients(self.game)
        norm = nn.utils.clip_grad_norm_(self.game.parameters(), self.clip)
        if not torch.isfinite(norm):
            raise TrainingError(
                f"The discriminator's gradient is no longer finite (loss {turn.loss.item():.3g}). Take the run up from its last "
                "saved state in float32, or begin a new one with a lower discriminator_rate (a third is a good next try)."
            )
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate * pace
        self.optimizer.step()
        self.optimizer.zero_grad()
        loss, accuracy = mean_over_processes(torch.stack([turn.loss.detach().float(), turn.accuracy])).tolist()
        self.figures = {"discriminator_loss": loss, "discriminator_accuracy": accuracy}
        self.notice = self.saturation.add(accuracy)

    def terms(self, fake: Pictures, real: Pictures, running: Running) -> Float[Tensor, ""]:
        """What the generator pays on top of its own objective; the discriminator gets no gradient."""
        with frozen(self.game.discriminator), running():
            terms = self.game.generator_turn(fake, real)
        average_statistics(self.game.discriminator)  # after all it has looked at in this step
        figures = mean_over_processes(torch.stack([term.detach().float() for term in terms.values()])).tolist()
        self.figures |= dict(zip(terms, figures, strict=True))
        return sum(self.weights[name] * term for name, term in terms.items())

    def state_dict(self) -> dict:
        return {"game": self.game.state_dict(), "optimizer": self.optimizer.state_dict(), "saturation": self.saturation.state_dict()}

    def load_state_dict(self, state: dict) -> None:
        self.game.load_state_dict(state["game"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.saturation.load_state_dict(state["saturation"])
