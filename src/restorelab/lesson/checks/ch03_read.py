"""What chapter 3 gives to read: the lines of a pyramid in disorder, and a listing with faults in it.

The listing is ours, and its faults are those of a widely read write-up of DeblurGAN-v2, two of them from the authors' own repository
as it stood before its commit d76d9c6 of September 2019.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """A line of the pyramid: what it makes, of what; and for a trap, why it cannot run."""

    code: str
    makes: str
    needs: tuple[str, ...]
    fault: str = ""


# In the order of the letters, which is not the order in which they run.
PYRAMID = {
    "A": Line("map2 = smooth(lateral2(tap2) + enlarge(map3, 2))", "map2", ("tap2", "map3")),
    "B": Line(
        "joined = torch.cat([head(map4), head(map3), head(map2), head(map1)], dim=1)", "joined", ("map1", "map2", "map3", "map4"),
        "four maps of four sizes cannot stand side by side.",
    ),
    "C": Line("restored = picture + tanh(final(enlarge(smooth2(features), 2)))", "restored", ("picture", "features")),
    "D": Line(
        "map3 = smooth(lateral3(tap3) + map4)", "map3", ("tap3", "map4"),
        "`map4` has half as many rows and columns as the tap at 1/16.",
    ),
    "E": Line("map4 = lateral4(tap4)", "map4", ("tap4",)),
    "F": Line("features = enlarge(fuse(joined), 2) + lateral0(tap0)", "features", ("joined", "tap0")),
    "G": Line(
        "features = enlarge(joined, 2) + lateral0(tap0)", "features", ("joined", "tap0"),
        "`joined` has four times the channels of a head, and `lateral0(tap0)` has those of one. A convolution must come between.",
    ),
    "H": Line("map1 = smooth(lateral1(tap1) + enlarge(map2, 2))", "map1", ("tap1", "map2")),
    "I": Line(
        "joined = torch.cat([enlarge(head(map4), 8), enlarge(head(map3), 4), enlarge(head(map2), 2), head(map1)], dim=1)",
        "joined", ("map1", "map2", "map3", "map4"),
    ),
    "J": Line("map3 = smooth(lateral3(tap3) + enlarge(map4, 2))", "map3", ("tap3", "map4")),
    "K": Line(
        "features = fuse(joined) + lateral0(tap0)", "features", ("joined", "tap0"),
        "what was joined is at 1/4 of the size, and `tap0` at 1/2.",
    ),
}  # fmt: skip


def jigsaw() -> str:
    """The lines with their letters."""
    return "\n".join(f"{letter}  {line.code}" for letter, line in PYRAMID.items())


KINDS = ("not initialised", "misspelt", "channels", "unassigned", "deprecated")


@dataclass(frozen=True)
class Bug:
    kind: str  # one of KINDS
    what: str  # what happens, and the remedy


CHANNELS_OF_SUM = 37  # the line whose fault could as well be mended where its two terms were built

# (code, and what is wrong with it: None, a Bug, or the number of the line whose fault may also be seen here)
LISTING = (
    ("class Head(nn.Module):", None),
    ("    def __init__(self, width):", None),
    ("        super(Head, self)", Bug("not initialised", "nn.Module.__init__ is looked up and not called: super().__init__()")),
    ("        self.conv = nn.Conv2d(width, width, 3, padding=1)", None),
    ("", None),
    ("    def forward(self, x):", None),
    ("        return F.relu(self.conv(x))", None),
    ("", None),
    ("class PyramidNet(nn.Module):", None),
    ("    def __init__(self, width=128):", None),
    ("        super().__init__()", None),
    (
        "        features = mobilenet_v2(pretrained=True).features",
        Bug("deprecated", "torchvision wants weights=; and a constructor that downloads fails where there is no network"),
    ),
    ("        self.enc0, self.enc1, self.enc2 = features[0:2], features[2:4], features[4:7]", None),
    ("        self.enc3, self.enc4 = features[7:11], features[11:16]  # 64 and 160 channels", None),
    ("        self.lateral0 = nn.Conv2d(16, width // 2, 1)", CHANNELS_OF_SUM),
    ("        self.laterals = nn.ModuleList(nn.Conv2d(c, width, 1) for c in (24, 32, 64, 160))", None),
    ("        self.heads = nn.ModuleList(Head(width) for _ in range(4))", None),
    ("        self.fuse = nn.Conv2d(4 * width, width, 3, padding=1)", CHANNELS_OF_SUM),
    (
        "        self.fuse2 = nn.Conv2d(4 * width, width // 2, 3, padding=1)",
        Bug("channels", "what it receives is the sum, not the four maps: width//2 channels come in"),
    ),
    ("        self.norm2 = nn.BatchNorm2d(width)", Bug("channels", "it stands behind width//2 channels")),
    ("        self.output = nn.Conv2d(width // 2, 3, 3, padding=1)", None),
    ("", None),
    ("    def forward(self, x):", None),
    ("        enc0 = self.enco(x)", Bug("misspelt", "AttributeError: the letter o where a zero belongs")),
    ("        enc1 = self.enc1(enc0)", None),
    ("        enc2 = self.enc2(enc1)", None),
    ("        enc3 = self.enc3(enc2)", None),
    ("        map0 = self.lateral0(enco)", Bug("misspelt", "NameError: the same letter, as a name")),
    ("        seen = (enc1, enc2, enc3, self.enc4(enc3))", None),
    ("        map1, map2, map3, map4 = (lateral(one) for lateral, one in zip(self.laterals, seen))", None),
    ("        map3 = map3 + F.interpolate(map4, scale_factor=2)", None),
    ("        map2 = map2 + F.interpolate(map3, scale_factor=2)", None),
    ("        map1 = map1 + F.interpolate(map2, scale_factor=2)", None),
    ("        maps = [head(one) for head, one in zip(self.heads, (map1, map2, map3, map4))]", None),
    (
        "        maps = [F.upsample(one, scale_factor=2**i) for i, one in enumerate(maps)]",
        Bug("deprecated", "it warns, and has for years: F.interpolate"),
    ),
    ("        joined = F.relu(self.fuse(torch.cat(maps[::-1], dim=1)))", None),
    (
        "        total = F.interpolate(joined, scale_factor=2) + map0",
        Bug("channels", "128 channels are added to 64: fuse should end with width//2"),
    ),
    ("        fused = F.relu(self.norm2(self.fuse2(total)))", None),
    ("        output = torch.tanh(self.output(output))", Bug("unassigned", "UnboundLocalError: the last layer's input is `fused`")),
    ("        return (x + F.interpolate(output, scale_factor=2)).clamp(-1, 1)", None),
)
BUGS = {number: bug for number, (_, bug) in enumerate(LISTING, 1) if isinstance(bug, Bug)}
SEEN_THERE = {number: bug for number, (_, bug) in enumerate(LISTING, 1) if isinstance(bug, int)}


def listing() -> str:
    """The listing with its line numbers."""
    return "\n".join(f"{number:2}  {code}".rstrip() for number, (code, _) in enumerate(LISTING, 1))
