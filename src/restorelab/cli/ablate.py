"""`restorelab ablate`: what the papers say that parts of their networks are worth, and what came of leaving them out."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from restorelab.cli.bars import progress_bar
from restorelab.experiment.ablation import carry_out
from restorelab.experiment.cards import Card, evidence, verdict
from restorelab.experiment.studies import ABLATIONS, CARDS, card_of, course_record
from restorelab.train.run import new_run_folder

RECORD = "record.json"


def table(console: Console) -> None:
    """All cards, ours read from the course's records."""
    cards = Table(title="Changes in PSNR (dB) when a part is left out", title_justify="left")
    for words in ("card", "claim", "published", "ours [95 %]", "direction"):
        cards.add_column(words, justify="right" if words == "published" else "left")
    records = {name: course_record(name) for name in ABLATIONS}
    for name, card in CARDS.items():
        found = evidence(card, records[card.ablation])
        cards.add_row(name, card.claim, card.said, str(found), verdict(card, found))
    console.print(cards)
    console.print("restorelab ablate NAME trains the two networks of a card anew. Ours are small, their trainings short: read the card.")


def ablate(name: str, out: Path | None, console: Console) -> Path:
    """Train both networks of one card anew with all its seeds, and show it; the record. What was begun in `out` is gone on with."""
    card = card_of(name)
    study = ABLATIONS[card.ablation]
    record = (out or new_run_folder(f"ablate_{name}")) / RECORD
    console.print(escape(f"{card.claim} {card.whole!r} against {card.without!r}, seeds {study.seeds}\nrecord: {record}"))
    with progress_bar(console) as bar:
        task = bar.add_task("training", total=2 * len(study.seeds))

        def report(case: str, seed: int, gain: float) -> None:
            bar.update(task, advance=1, description=escape(f"{case}, seed {seed}: {gain:+.2f} dB over the input"))

        found = carry_out(study, record, (card.whole, card.without), report)
    show(card, found, console)
    return record


def show(card: Card, record: dict, console: Console) -> None:
    """One card: the paper, others, ours, and how ours was made."""
    found, how = evidence(card, record), record["manifest"]
    lines = {
        "claim": card.claim,
        "published": f"{card.said or 'no figure'} ({card.source})",
        "measured again": card.others,
        "ours": f"{found}, {found.pictures} pictures, {len(found.per_seed)} seeds: {', '.join(f'{one:+.3f}' for one in found.per_seed)}",
        "direction": verdict(card, found),
        "trained": f"{how['parameters']['fit']['steps']} steps on {how['data']['photographs']} photographs, {how['device']}",
        "judged on": f"{how['judged on']}; {how['protocol']}",
    }
    console.print(escape("\n".join(f"{what:>15}: {words}" for what, words in lines.items())))
