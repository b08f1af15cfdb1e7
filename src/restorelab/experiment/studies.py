"""The ablations of the course, and the cards that are read from their records."""

from pathlib import Path
from types import MappingProxyType

from restorelab import repository
from restorelab.experiment.ablation import Ablation
from restorelab.experiment.cards import Card

ABLATIONS = MappingProxyType(
    {
        "udvd": Ablation(
            training="udvd",
            small=dict(width=16, depth=2, steps=250, batch=4, crop=48, warmup=20, ema=0.96, validate_every=250, save_every=250),
            cases={
                "UDD": {},
                "UD": {"blocks": "UD"},
                "U": {"blocks": "U"},
                "UDD, loss of the last block alone": {"objective": "last charbonnier"},
                "UDD, filters frozen at bicubic": {},
            },
            frozen={"UDD, filters frozen at bicubic": "to_kernels"},
            judged=192,
        ),
        "dmphn": Ablation(
            training="dmphn",
            small=dict(width=8, steps=150, batch=4, crop=64, learning_rate=2e-3, warmup=10, ema=0.95, validate_every=150, save_every=150),
            cases={
                "1-2-4": {"patches": (1, 2, 4)},
                "1-2": {"patches": (1, 2)},
                "1": {"patches": (1,)},
                "1-1-1": {"patches": (1, 1, 1)},
            },
            judged=128,
        ),
        "mprnet": Ablation(
            training="mprnet_denoise",
            small=dict(width=8, unet_growth=4, steps=120, batch=4, crop=48, learning_rate=2e-3, warmup=10, ema=0.95, save_every=120),
            cases={
                "U+U+O, all": {},
                "U+U+O, no SAM": {"sam": False},
                "U+U+O, no CSFF": {"csff": False},
                "U+U+O, neither": {"sam": False, "csff": False},
                "U+O, neither": {"sam": False, "csff": False, "stages": ("unet", "orsnet")},
                "O+O, neither": {"sam": False, "csff": False, "stages": ("orsnet", "orsnet")},
                "U+U, neither": {"sam": False, "csff": False, "stages": ("unet", "unet")},
                "U": {"sam": False, "csff": False, "stages": ("unet",)},
                "U+U+O, all, loss of the last stage alone": {"objective": "last charbonnier"},
            },
            judged=128,
        ),
    }
)
RECORDS = {"udvd": "04_ablation", "dmphn": "05_ablation", "mprnet": "06_ablation"}  # in course/recorded

MPRNET_TABLE = "MPRNet (CVPR 2021), Table 6: GoPro, crops of 128, short schedule"
DMPHN_TABLE = "DMPHN (CVPR 2019), the table of results on GoPro"
DMPHN_AGAIN = "the released 1-2-4-8 gave 29.99 dB on GoPro, published 30.25 (issue 8 of the authors' repository)"
UDVD_WORDS = "a public write-up of UDVD, which gives directions and no figures"

CARDS = MappingProxyType(
    {
        "mprnet-sam": Card("Supervised attention helps.", "mprnet", "U+U+O, all", "U+U+O, no SAM", -0.42, source=MPRNET_TABLE),
        "mprnet-csff": Card("Features that go across help.", "mprnet", "U+U+O, all", "U+U+O, no CSFF", -0.18, source=MPRNET_TABLE),
        "mprnet-neither": Card("Both together help.", "mprnet", "U+U+O, all", "U+U+O, neither", -0.63, source=MPRNET_TABLE),
        "mprnet-stages": Card(
            "Three stages are better than two.", "mprnet", "U+U+O, neither", "U+O, neither", -0.16, source=MPRNET_TABLE,
        ),
        "mprnet-all-u": Card(
            "A last stage at full resolution helps.", "mprnet", "U+O, neither", "U+U, neither", -0.30, source=MPRNET_TABLE,
        ),
        "mprnet-all-o": Card(
            "A first stage that looks far helps.", "mprnet", "U+O, neither", "O+O, neither", -0.17, source=MPRNET_TABLE,
        ),
        "mprnet-loss": Card(
            "Every stage must be judged.", "mprnet", "U+U+O, all", "U+U+O, all, loss of the last stage alone",
            source="MPRNet (CVPR 2021), section 3, in words",
        ),
        "udvd-second": Card("A second refinement helps.", "udvd", "UDD", "UD", source=UDVD_WORDS),
        "udvd-refine": Card("Refining after the enlargement helps.", "udvd", "UDD", "U", source=UDVD_WORDS),
        "udvd-loss": Card("Every block must be judged.", "udvd", "UDD", "UDD, loss of the last block alone", source=UDVD_WORDS),
        "udvd-filters": Card(
            "Filters that change from place to place help.", "udvd", "UDD", "UDD, filters frozen at bicubic", source=UDVD_WORDS,
        ),
        "dmphn-third": Card(
            "A third level of patches helps.", "dmphn", "1-2-4", "1-2", -0.44, source=DMPHN_TABLE, others=DMPHN_AGAIN,
        ),
        "dmphn-levels": Card("Levels of patches help.", "dmphn", "1-2-4", "1", -1.51, source=DMPHN_TABLE, others=DMPHN_AGAIN),
        "dmphn-patches": Card(
            "It is the patches, and not the depth.", "dmphn", "1-2-4", "1-1-1", -2.10, source=DMPHN_TABLE, others=DMPHN_AGAIN,
        ),
    }
)  # fmt: skip


def record_of(name: str) -> Path:
    """Where the course keeps the record of one of ABLATIONS."""
    return repository.root() / "course" / "recorded" / f"{RECORDS[name]}.json"
