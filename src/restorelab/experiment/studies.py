"""The ablations of the course, and the cards that are read from their records."""

from pathlib import Path
from types import MappingProxyType

from restorelab import repository
from restorelab.degrade import CameraShake, GaussianNoise, Recipe
from restorelab.errors import ParameterError, did_you_mean
from restorelab.experiment.ablation import Ablation, read_record
from restorelab.experiment.cards import Card

# Of the two records against shake, which were made before the course's shakes went up to 12 pixels.
SHORTER_SHAKE = Recipe((CameraShake(length=(5.0, 8.0), smoothness=(0.3, 1.0)), GaussianNoise(sigma=(0.0, 1 / 255))))

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
            small=dict(width=8, steps=150, batch=4, crop=64, learning_rate=2e-3, warmup=10, ema=0.95, validate_every=150, save_every=150,
                       recipe=SHORTER_SHAKE),
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
        "deblurgan_v2": Ablation(
            training="deblurgan_v2_pixel",
            small=dict(width=64, gated_blocks=0, steps=200, batch=4, crop=64, learning_rate=1e-3, warmup=20, ema=0.96, validate_every=200,
                       save_every=200, recipe=SHORTER_SHAKE),
            cases={
                "no norms": {"norm": "none"},
                "instance norms": {"norm": "instance"},
                "no norms, a separable decoder": {"norm": "none", "backbone": "mobilenet_dsc"},
                "no norms, half as wide": {"norm": "none", "width": 32},
                "no norms, three gated blocks": {"norm": "none", "gated_blocks": 3},
            },
            judged=128,
        ),
        "x16": Ablation(
            training="x16_perceptual",
            small=dict(steps=80, batch=2, crop=128, learning_rate=2e-4, warmup=5, ema=0.9, save_every=80, validate_every=80,
                       discriminator_width=8, discriminator_rate=5e-4, perceptual_network="course"),
            cases={
                "all terms": {},
                "no distance in features": {"perceptual_weight": 0.0},
                "no discriminator": {"adversarial_weight": 0.0, "feature_weight": 0.0},
                "no CutMix": {"mix": 0.0},
                "pixels alone": {"against": None},
            },
            judged=192,
            start="x16_pixel",
        ),
    }
)  # fmt: skip
RECORDS = {
    "deblurgan_v2": "03_ablation", "udvd": "04_ablation", "dmphn": "05_ablation", "mprnet": "06_ablation", "x16": "07_ablation",
}  # in course/recorded  # fmt: skip

MPRNET_TABLE = "MPRNet (CVPR 2021), Table 6: GoPro, crops of 128, short schedule"
DMPHN_TABLE = "DMPHN (CVPR 2019), the table of results on GoPro"
DMPHN_AGAIN = "the released 1-2-4-8 gave 29.99 dB on GoPro, published 30.25 (issue 8 of the authors' repository)"
DEBLURGAN_TABLE = "DeblurGAN-v2 (ICCV 2019), GoPro: 28.17 dB with MobileNet, 28.03 with MobileNet-DSC"
DEBLURGAN_AGAIN = "the released MobileNet gave 26.89 dB on GoPro, published 28.17 (issue 60 of the authors' repository)"
BLAU = "Blau and Michaeli (CVPR 2018), in words: what is to look natural gives up fidelity"
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
        "deblurgan-separable": Card(
            "A decoder of whole convolutions helps.", "deblurgan_v2", "no norms", "no norms, a separable decoder", -0.14,
            source=DEBLURGAN_TABLE, others=DEBLURGAN_AGAIN,
        ),
        "deblurgan-norms": Card(
            "The decoder is better off without norms.", "deblurgan_v2", "no norms", "instance norms", expected=0, source="nothing known",
        ),
        "deblurgan-wide": Card(
            "A wide pyramid helps.", "deblurgan_v2", "no norms", "no norms, half as wide", expected=0, source="nothing known",
        ),
        "deblurgan-gates": Card(
            "Gated blocks before the output help.", "deblurgan_v2", "no norms, three gated blocks", "no norms", expected=0,
            source="nothing known",
        ),
        "x16-believed": Card("To be believed costs PSNR.", "x16", "all terms", "pixels alone", expected=1, source=BLAU),
        "x16-distance": Card(
            "The distance in features pays for itself.", "x16", "all terms", "no distance in features", expected=0, source="nothing known",
        ),
        "x16-judge": Card("The discriminator pays for itself.", "x16", "all terms", "no discriminator", expected=0, source="nothing known"),
        "x16-cutmix": Card("Mixed pictures help the generator.", "x16", "all terms", "no CutMix", expected=0, source="nothing known"),
    }
)  # fmt: skip


def card_of(name: str) -> Card:
    """Raises ParameterError, naming the closest one, for a card that does not exist."""
    if name not in CARDS:
        raise ParameterError(f"there is no card {name!r}; there are {', '.join(CARDS)}.{did_you_mean(name, CARDS)}")
    return CARDS[name]


def record_of(name: str) -> Path:
    """Where the course keeps the record of one of ABLATIONS."""
    return repository.root() / "course" / "recorded" / f"{RECORDS[name]}.json"


def course_record(name: str) -> dict:
    """What the course recorded of one of ABLATIONS. Raises DataError where it is not there."""
    return read_record(record_of(name))


def cards_of(name: str) -> dict[str, Card]:
    """The cards that are read from one of ABLATIONS."""
    return {called: card for called, card in CARDS.items() if card.ablation == name}
