"""Make the picture that chapter 08 opens with, from the course's records: python course/08_ablation_studio/picture.py"""

from pathlib import Path

from restorelab import viz
from restorelab.experiment.cards import evidence
from restorelab.experiment.studies import ABLATIONS, CARDS, course_record


def main() -> None:
    records = {name: course_record(name) for name in ABLATIONS}
    found = {name: evidence(card, records[card.ablation]) for name, card in CARDS.items()}
    rows = {f"{CARDS[name].claim}  {name}": (one.mean, one.low, one.high) for name, one in found.items()}
    published = {f"{card.claim}  {name}": card.published for name, card in CARDS.items() if card.published is not None}
    data, _ = viz.mime(viz.forest(rows, published), "", lossless=True)
    (Path(__file__).parent / "forest.png").write_bytes(data["image/png"])


if __name__ == "__main__":
    main()
