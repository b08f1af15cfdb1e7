"""The public data sets of the field: where they are, how large, on what terms, whom to cite, and what must be done by hand.

None of the servers could be asked when this was written. `seen` says which facts were read in a public script or page, `recalled` which
come from memory and want to be verified. A file whose checksum nobody published has none here; its sum goes into the manifest of the
set that is made from it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from restorelab.errors import ParameterError, did_you_mean

IN_REPOSITORIES = Path(__file__).with_name("files_in_repositories.json")  # name, path, bytes, sha256 of files in public repositories
DRIVE = "https://drive.google.com/file/d/{}/view"
HUGGING_FACE = "https://huggingface.co/datasets/{}/resolve/main/{}"
RESTORMER_COPY = "laoduanaaa/Image_Restoration_Datasets"  # on Hugging Face: the archives that Restormer's scripts fetch from Google Drive


@dataclass(frozen=True)
class RemoteFile:
    """One file to download. `size` is exact and checked; `about` is what somebody remembers, for the forecast only."""

    name: str  # path below the download folder, with slashes
    urls: tuple[str, ...] = ()  # tried in order; none: by hand only
    size: int | None = None  # bytes
    about: int | None = None  # bytes, roughly
    sha256: str | None = None
    md5: str | None = None  # where it is all that was published
    drive_id: str = ""  # Google Drive's; such a file is fetched by hand, since quotas and questions stop every script sooner or later

    @property
    def sums(self) -> dict[str, str]:
        return {kind: value for kind, value in (("sha256", self.sha256), ("md5", self.md5)) if value}

    def by_hand(self, folder: Path) -> str:
        """What to do without the script: a sentence."""
        address = DRIVE.format(self.drive_id) if self.drive_id else (self.urls[0] if self.urls else "the page of the set")
        return f"By hand: fetch {address} with a browser, and put it into {folder} as {Path(self.name).name}, or give it with --from."


@dataclass(frozen=True)
class DataSet:
    """One set. `layout` names its entry in `restorelab.data.layouts`; `pairs`: how many pairs (or pictures) each split must have."""

    name: str
    title: str
    files: tuple[RemoteFile, ...]
    licence: str
    citation: str
    page: str
    seen: str  # facts read in a public script or page, and which
    recalled: str = ""  # facts from memory: verify
    by_hand: str = ""  # what no script can do
    layout: str = ""  # the set's own name when empty
    inside: str = ""  # the folder of the prepared set in which the layout begins
    pairs: Mapping[str, int] = field(default_factory=dict)
    folder_md5: Mapping[str, str] = field(
        default_factory=dict
    )  # path -> md5 over the hex md5s of its files in the order of names (deepinv)

    @property
    def size(self) -> tuple[int, bool]:
        """Bytes to download, as far as anybody knows; and whether that is exact."""
        return sum(file.size or file.about or 0 for file in self.files), all(file.size is not None for file in self.files)


def find(name: str) -> DataSet:
    """Raises ParameterError, naming the sets that there are."""
    if name not in CATALOG:
        raise ParameterError(f"there is no data set {name!r}.{did_you_mean(name, CATALOG)} There are {', '.join(CATALOG)}.")
    return CATALOG[name]


def _in_repository(name: str) -> tuple[RemoteFile, ...]:
    source = json.loads(IN_REPOSITORIES.read_text())[name]
    base = f"https://raw.githubusercontent.com/{source['repository']}/{source['commit']}/"
    return tuple(RemoteFile(file, (base + path,), size=size, sha256=total) for file, path, size, total in source["files"])


GOPRO_PAPER = "Nah, Kim, Lee: Deep Multi-scale Convolutional Neural Network for Dynamic Scene Deblurring. CVPR 2017"
GOPRO_PAGE = "https://seungjunnah.github.io/Datasets/gopro"
UNSTATED = "none stated where the files are; customary in research, never to be passed on in a package"

DEBLURRING = (
    DataSet(
        name="gopro_large",
        layout="gopro",
        title="GoPro, GOPRO_Large: frames of 240 Hz clips averaged, 1280x720",
        files=(
            RemoteFile(
                "GOPRO_Large.zip",
                (
                    HUGGING_FACE.format("snah/GOPRO_Large", "GOPRO_Large.zip"),
                    "http://data.cv.snu.ac.kr:8008/webdav/dataset/GOPRO/GOPRO_Large.zip",
                ),
                about=8_900_000_000,
                sha256="24532c036712515cf33803704421311c91f6a080e76049d7e5e7fd22389f128e",
                drive_id="1y4wvPdOG3mojpFCHTqLgriexhbjoWVkK",
            ),
        ),
        licence="CC BY 4.0 (recalled: verify on the page)",
        citation=GOPRO_PAPER,
        page=GOPRO_PAGE,
        seen="addresses in KAIR and in scripts for the author's copy on Hugging Face; the sum in two of these; counts in the repository",
        recalled="size, licence",
        pairs={"train": 2103, "test": 1111},
    ),
    DataSet(
        name="gopro_large_all",
        layout="gopro",
        inside="averaged",  # what the script makes of the clips; the clips themselves: layout "gopro_all"
        title="GoPro, GOPRO_Large_all: all sharp 240 Hz frames, to be averaged anew",
        files=(
            RemoteFile(
                "GOPRO_Large_all.zip",
                (HUGGING_FACE.format("snah/GOPRO_Large", "GOPRO_Large_all.zip"),),
                about=35_000_000_000,
                drive_id="1KStHiZn5TNm2mo3OLZLjnRvd0vVFCI0W",
            ),
        ),
        licence="CC BY 4.0 (recalled: verify on the page)",
        citation=GOPRO_PAPER,
        page=GOPRO_PAGE,
        seen="the author's copy on Hugging Face in several scripts; DeblurGAN-v2's copy on Google Drive in its README",
        recalled="size, licence; whether DeblurGAN-v2's copy is the same archive",
    ),
    DataSet(
        name="dvd",
        title="DVD: deep video deblurring, 71 hand-held clips, averaged",
        files=(
            RemoteFile(
                "DeepVideoDeblurring_Dataset.zip",
                ("https://www.cs.ubc.ca/labs/imager/tr/2017/DeepVideoDeblurring/DeepVideoDeblurring_Dataset.zip",),
                about=3_700_000_000,
                drive_id="1bpj9pCcZR_6-AHb5aNnev5lILQbH8GMZ",
            ),
        ),
        licence="not stated in what was seen: look at the page",
        citation="Su, Delbracio, Wang, Sapiro, Heidrich, Wang: Deep Video Deblurring for Hand-held Cameras. CVPR 2017",
        page="https://www.cs.ubc.ca/labs/imager/tr/2017/DeepVideoDeblurring/",
        seen="address in KAIR, STDAN and others; size in two READMEs; 6708 frames in a preparation script, 5708 to train on in VRT's",
        pairs={"train": 5708, "test": 1000},
        recalled="71 clips; whether DeblurGAN-v2's copy on Google Drive is the same archive",
    ),
    DataSet(
        name="nfs",
        title="NFS: need for speed, 100 clips of 240 Hz",
        files=(RemoteFile("NFS.zip", drive_id="1Ut7qbQOrsTZCUJA_mJLptRMipD8sJzjy"),),
        licence="not stated in what was seen: look at the page",
        citation="Galoogahi, Fagg, Huang, Ramanan, Lucey: Need for Speed: A Benchmark for Higher Frame Rate Object Tracking. ICCV 2017",
        page="http://ci2cv.net/nfs",
        seen="DeblurGAN-v2's copy on Google Drive in its README",
        recalled="page, 100 clips, 240 Hz, that the copy is a zip",
        by_hand="DeblurGAN-v2's copy is on Google Drive alone: fetch it with a browser.",
    ),
    DataSet(
        name="kohler",
        title="Köhler: recorded camera shake, 4 pictures under 12 trajectories",
        files=tuple(
            RemoteFile(name, (f"http://people.kyb.tuebingen.mpg.de/rolfk/BenchmarkECCV2012/{name}",), md5=total)
            for name, total in (
                ("BlurryImages.zip", "61ffb1434d93fca6c508976a7216d723"),
                ("GroundTruth_pngs_Image1.zip", "acb90b6d9bfdb4b2370e08a5fcb80e68"),
                ("GroundTruth_pngs_Image2.zip", "da440d3bf43b32bec0b7170ccd828f29"),
                ("GroundTruth_pngs_Image3.zip", "3a77c41c951367f35db52eb18496bbac"),
                ("GroundTruth_pngs_Image4.zip", "72ce9690c3ed1296358653396cf9576d"),
            )
        ),
        licence="not stated in what was seen",
        citation="Köhler, Hirsch, Mohler, Schölkopf, Harmeling: Recording and Playback of Camera Shake. ECCV 2012",
        page="https://doi.org/10.1007/978-3-642-33786-4_3",
        seen="addresses (http), md5 sums, names and number in deepinv",
        pairs={"test": 48},
    ),
    DataSet(
        name="hide",
        title="HIDE, the test half as Restormer arranged it: people in motion",
        files=(
            RemoteFile(
                "HIDE_test.zip",
                (HUGGING_FACE.format(RESTORMER_COPY, "Deblurring/Motion_Deblurring/test2.zip"),),
                size=4_231_646_359,
                sha256="a5fa86b7a18626530ad67271f27771bff9772818504317b1a177803df25df8b7",
                drive_id="1XRomKYJF1H92g1EuD06pCQe4o6HlwB7A",
            ),
        ),
        licence="none stated in the authors' repository",
        citation="Shen, Wang, Lu, Shen, Ling, Xu, Shao: Human-Aware Motion Deblurring. ICCV 2019",
        page="https://github.com/joanshen0508/HA_deblur",
        seen="id in Restormer; size, sum and copy in one script that compared it with Restormer's file; 2025 test pairs on the page",
        by_hand="The 6397 training pairs are in HIDE_dataset.zip, which the page links.",
        pairs={"test": 2025},
    ),
    DataSet(
        name="realblur",
        title="RealBlur: real camera shake through a beam splitter, -R from raw and -J from JPEG",
        files=(RemoteFile("RealBlur.tar.gz", about=12_200_000_000, drive_id="17v5Dj0M2WExgxJgsGpEWc-6UyhK1IWWK"),),
        licence="CC BY 4.0",
        citation="Rim, Lee, Won, Cho: Real-World Blur Dataset for Learning and Benchmarking Deblurring Algorithms. ECCV 2020",
        page="https://github.com/rimchang/RealBlur",
        seen="page and licence in the authors' repository; id in two scripts; size in one",
        recalled="980 test pairs each",
        by_hand="It is on Google Drive and on the authors' server, which asks before it sends: fetch it with a browser, from the page.",
    ),
)

SUPER_RESOLUTION = (
    DataSet(
        name="div2k",
        title="DIV2K: 800 + 100 photographs of about 2K",
        files=(
            RemoteFile(
                "DIV2K_train_HR.zip",
                ("https://data.vision.ee.ethz.ch/cvl/DIV2K/DIV2K_train_HR.zip",),
                size=3_530_603_713,
                sha256="9d0b9c463f6e35b6c62cc6a930ee2224f670b34c1df841a57670f9acf0f6c335",
            ),
            RemoteFile(
                "DIV2K_valid_HR.zip",
                ("https://data.vision.ee.ethz.ch/cvl/DIV2K/DIV2K_valid_HR.zip",),
                size=448_993_893,
                sha256="20dd31fd84d777bc1cf5d6b7654a3f569c0aec74458ae094122ad1d0489900fc",
            ),
        ),
        licence="academic use only",
        citation="Agustsson, Timofte: NTIRE 2017 Challenge on Single Image Super-Resolution: Dataset and Study. CVPR Workshops 2017",
        page="https://data.vision.ee.ethz.ch/cvl/DIV2K/",
        seen="addresses, sizes and sums in TensorFlow Datasets; the numbers of the pictures in scripts",
        pairs={"train": 800, "valid": 100},
    ),
    DataSet(
        name="flickr2k",
        title="Flickr2K: 2650 photographs of about 2K, with smaller versions",
        files=(
            RemoteFile(
                "Flickr2K.tar",
                ("https://cv.snu.ac.kr/research/EDSR/Flickr2K.tar",),
                about=20_000_000_000,
                md5="5d3f39443d5e9489bff8963f8f26cb03",
            ),
        ),
        licence="not stated in what was seen; photographs of Flickr's users",
        citation="Lim, Son, Kim, Nah, Lee: Enhanced Deep Residual Networks for Single Image Super-Resolution. CVPR Workshops 2017",
        page="https://github.com/limbee/NTIRE2017",
        seen="address and md5 in two loaders; 2650 pictures and the md5 of their folder in deepinv",
        recalled="size",
        pairs={"train": 2650},
    ),
    DataSet(
        name="div8k",
        title="DIV8K: 1500 photographs of up to 8K",
        files=(RemoteFile("DIV8K.zip", about=46_300_000_000),),
        licence="that of the challenge: register and read",
        citation="Gu, Lugmayr, Danelljan, Fritsche, Lamour, Timofte: DIV8K: DIVerse 8K Resolution Image Dataset. ICCV Workshops 2019",
        page="https://huggingface.co/datasets/Iceclear/DIV8K_TrainingSet",
        seen="the copy on Hugging Face, with 1504 pictures in 46.3 GB, in a script",
        recalled="1500 pictures; that the organisers ask for a registration",
        by_hand="The organisers of the AIM challenges gave it to those who registered. The page is a copy by others: judge for yourself.",
    ),
    DataSet(
        name="set5",
        title="Set5: five classic pictures, with MATLAB's bicubic reductions x2, x3, x4, x8",
        files=_in_repository("set5"),
        licence=UNSTATED,
        citation="Bevilacqua, Roumy, Guillemot, Alberi-Morel: Low-Complexity Single-Image Super-Resolution. BMVC 2012",
        page="https://github.com/JingyunLiang/SwinIR",
        seen="every file, at one commit of SwinIR's repository",
        pairs={"test": 5, "test/x2": 5, "test/x3": 5, "test/x4": 5, "test/x8": 5},
    ),
    DataSet(
        name="set14",
        title="Set14: fourteen classic pictures",
        files=(
            RemoteFile(
                "Set14_HR.tar.gz",
                (HUGGING_FACE.format("eugenesiow/Set14", "data/Set14_HR.tar.gz"),),
                drive_id="1vsw07sV8wGrRQ8UARe2fO5jjgy9QJy_E",
            ),
        ),
        licence=UNSTATED,
        citation="Zeyde, Elad, Protter: On Single Image Scale-Up Using Sparse-Representations. Curves and Surfaces 2010",
        page="https://huggingface.co/datasets/eugenesiow/Set14",
        seen="address and md5 of the folder in deepinv; id in BasicSR (another archive of the same pictures)",
        pairs={"test": 14},
        folder_md5={"Set14_HR": "3fce01c3dfe9760194e8a22f6bc032c5"},
    ),
    DataSet(
        name="bsd100",
        title="BSD100: the 100 validation pictures of BSDS500",
        files=(RemoteFile("BSD100_HR.tar.gz", (HUGGING_FACE.format("eugenesiow/BSD100", "data/BSD100_HR.tar.gz"),)),),
        licence="non-commercial research and education (recalled, for BSDS500)",
        citation="Martin, Fowlkes, Tal, Malik: A Database of Human Segmented Natural Images and its Application. ICCV 2001",
        page="https://huggingface.co/datasets/eugenesiow/BSD100",
        seen="address and md5 of the folder in deepinv",
        recalled="licence",
        pairs={"test": 100},
        folder_md5={"BSD100_HR": "2288d442262c1c26343fda3b36f05b03"},
    ),
    DataSet(
        name="urban100",
        title="Urban100: 100 pictures of buildings",
        files=(
            RemoteFile(
                "Urban100_HR.tar.gz",
                (HUGGING_FACE.format("eugenesiow/Urban100", "data/Urban100_HR.tar.gz"),),
                md5="65d9d84a34b72c6f7ca1e26a12df1e4c",
            ),
        ),
        licence="Flickr pictures under Creative Commons, says the paper; no terms stated with the files",
        citation="Huang, Singh, Ahuja: Single Image Super-resolution from Transformed Self-Exemplars. CVPR 2015",
        page="https://huggingface.co/datasets/eugenesiow/Urban100",
        seen="address, md5 of the archive and of the folder in deepinv",
        pairs={"test": 100},
        folder_md5={"Urban100_HR": "6e0640850d436a359e0a9baf5eabd27b"},
    ),
)

DERAINING = (
    DataSet(
        name="rain13k",
        title="Rain13K with Test100, Rain100H, Rain100L, Test1200, Test2800, as Restormer arranged them",
        files=(
            RemoteFile(
                "Rain13K_train.zip",
                (HUGGING_FACE.format(RESTORMER_COPY, "Deraining/train.zip"),),
                size=1_163_440_376,
                sha256="b999f61e7d7df1c2333d8a63a80b89fea2f75197dd9350428a174bcb9e193a5d",
                drive_id="14BidJeG4nSNuFNFDf99K-7eErCq4i47t",
            ),
            RemoteFile(
                "Rain13K_test.zip",
                (HUGGING_FACE.format(RESTORMER_COPY, "Deraining/test.zip"),),
                size=1_360_310_555,
                sha256="5be86b39609c3fbd6b3f0cceb45aa98b06e38ad76d7fb85bcbe0eefc0a9d5311",
                drive_id="1P_-RAvltEoEhfT-9GrWRdpEi6NSswTs8",
            ),
        ),
        licence="none stated; assembled from the sets of several papers, of which each has its own terms",
        citation="Jiang et al.: Multi-Scale Progressive Fusion Network for Single Image Deraining. CVPR 2020, and the papers of the parts",
        page="https://github.com/swz30/Restormer",
        seen="ids in Restormer; sizes, sums and copies in one public script that compared the copies with Restormer's files",
        recalled="13,712 training pairs (that script counts 13,711)",
    ),
)

DENOISING = (
    DataSet(
        name="sidd",
        title="SIDD Medium, sRGB: real noise of phones",
        files=(
            RemoteFile(
                "SIDD_Medium_Srgb.zip",
                ("http://130.63.97.225/share/SIDD_Medium_Srgb.zip",),
                size=13_234_744_070,
                md5="f95b4bc9ec1dd3fe4ebd61aeacad3991",
            ),
        ),
        licence="terms of its own, often given as MIT: verify on the page",
        citation="Abdelhamed, Lin, Brown: A High-Quality Denoising Dataset for Smartphone Cameras. CVPR 2018",
        page="https://www.eecs.yorku.ca/~kamel/sidd/dataset.php",
        seen="address (http), size and md5 in three scripts and notes; 320 pairs in one of them",
        recalled="licence. The server was reported down in 2023",
        pairs={"train": 320},
    ),
    DataSet(
        name="sidd_validation",
        layout="sidd",
        title="SIDD, validation blocks: 1280 pairs of 256x256, what denoisers are compared on",
        files=(
            RemoteFile("ValidationNoisyBlocksSrgb.mat", about=252_000_000),
            RemoteFile("ValidationGtBlocksSrgb.mat", about=252_000_000),
        ),
        licence="terms of its own, often given as MIT: verify on the page",
        citation="Abdelhamed, Lin, Brown: A High-Quality Denoising Dataset for Smartphone Cameras. CVPR 2018",
        page="https://www.eecs.yorku.ca/~kamel/sidd/dataset.php",
        seen="names, variables and 40 x 32 blocks in MPRNet's scripts; the sizes are 40 * 32 * 256 * 256 * 3 bytes, unpacked",
        by_hand="Fetch both files of the validation set, sRGB, from the page.",
        pairs={"validation/blocks": 1280},
    ),
    DataSet(
        name="dnd",
        title="DND: real noise of four cameras, 50 pictures; the references are not public",
        files=(RemoteFile("dnd_2017.zip", about=12_800_000_000, drive_id="1CYCDhaVxYYcXhSfEVDUwkvJDtGxeQ10G"),),
        licence="on the page: read it",
        citation="Plötz, Roth: Benchmarking Denoising Algorithms with Real Photographs. CVPR 2017",
        page="https://noise.visinf.tu-darmstadt.de/downloads/",
        seen="page and size in several READMEs; id in Restormer",
        recalled="the archive's name",
        by_hand=(
            "Fetch the benchmark data from the page. Results are judged by the authors' server, in files that "
            "restorelab.data.submission.write_dnd makes."
        ),
        pairs={"test": 1000},
    ),
)

PHOTOGRAPHS = (
    DataSet(
        name="cid22",
        title="CID22: 115 + 4 photographs of 512x512, what the course checkpoints were trained on",
        files=_in_repository("cid22"),
        licence="CC BY-SA 4.0",
        citation="CID22, Cloudinary (2022)",
        page="https://github.com/imazen/codec-corpus",
        seen="every file, at one commit of imazen/codec-corpus",
        pairs={"train": 115, "validation": 4},
    ),
    DataSet(
        name="kodak",
        title="Kodak: 24 photographs of 768x512",
        files=(
            RemoteFile(
                "Kodak-Lossless-True-Color-Image-Suite-master.zip",
                ("https://github.com/MohamedBakrAli/Kodak-Lossless-True-Color-Image-Suite/archive/refs/heads/master.zip",),
            ),
        ),
        licence="unrestricted usage",
        citation="Kodak Lossless True Color Image Suite, PhotoCD PCD0992",
        page="https://r0k.us/graphics/kodak/",
        seen="address and md5 of the folder in deepinv",
        pairs={"test": 24},
        folder_md5={"Kodak-Lossless-True-Color-Image-Suite-master/PhotoCD_PCD0992": "5b16b585b8f20e8ea62af85837d40e40"},
    ),
)

CATALOG: Mapping[str, DataSet] = MappingProxyType(
    {entry.name: entry for entry in (*DEBLURRING, *SUPER_RESOLUTION, *DERAINING, *DENOISING, *PHOTOGRAPHS)}
)
