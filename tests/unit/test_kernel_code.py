import json

import numpy as np
import pytest
import torch
from safetensors.torch import save as write_tensors

from restorelab import checkpoint
from restorelab.degrade import kernel_code
from restorelab.degrade.kernel_code import KernelCode, stretch
from restorelab.degrade.kernels import isotropic_kernels, pad_or_crop
from restorelab.degrade.srmd import draw_srmd_kernels
from restorelab.errors import CheckpointError, ParameterError
from restorelab.files import sum_file, write_with_sum
from restorelab.models.dmphn import DMPHN, DMPHNConfig
from restorelab.models.udvd import UDVD, UDVDConfig

PLAIN, CENTRED = KernelCode.fit_srmd(), KernelCode.fit_srmd(subtract_mean=True)
BOTH = pytest.mark.parametrize("code", [PLAIN, CENTRED], ids=["without mean", "with mean"])


def fresh(count: int = 10_000, seed: int = 1, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return draw_srmd_kernels(count, np.random.default_rng(seed), dtype=dtype)


@BOTH
def test_encode_is_the_best_approximation_and_decode_undoes_it(code):
    kernels, rng = fresh(50), torch.Generator().manual_seed(0)
    codes = code.encode(kernels)
    best = (code.decode(codes) - kernels).square().sum((1, 2))
    torch.testing.assert_close(code.reconstruction_error(kernels), (best / kernels.square().sum((1, 2))).sqrt())
    for _ in range(20):
        other = codes + 0.01 * torch.randn(codes.shape, generator=rng, dtype=torch.float64)
        assert ((code.decode(other) - kernels).square().sum((1, 2)) > best).all()
    torch.testing.assert_close(code.encode(code.decode(codes)), codes, atol=1e-14, rtol=0)


def test_no_other_fifteen_directions_keep_more():
    """The singular values of the kernels are an oracle for what the best 15 directions lose (Eckart and Young)."""
    kernels = fresh(400)
    for subtract_mean in (False, True):
        code = KernelCode.fit(kernels, 15, subtract_mean)
        matrix = kernels.flatten(1) - (kernels.flatten(1).mean(0) if subtract_mean else 0)
        values = torch.linalg.svdvals(matrix).square()
        lost = (code.decode(code.encode(kernels)) - kernels).square().sum()
        assert float(lost) == pytest.approx(float(values[15:].sum()), rel=1e-8)
        torch.testing.assert_close(code.energy, (values.cumsum(0) / values.sum())[:15], atol=1e-12, rtol=0)


def test_the_numbers_in_the_docstring():
    kernels = fresh()
    off = [float((code.decode(code.encode(kernels)) - kernels).norm() / kernels.norm()) for code in (PLAIN, CENTRED)]
    assert off == pytest.approx([0.046, 0.042], abs=5e-4)
    plain, centred = (code.decode(code.encode(kernels)).sum((1, 2)) for code in (PLAIN, CENTRED))
    assert [float(plain.min()), float(plain.max())] == pytest.approx([0.92, 1.08], abs=0.005)
    assert (centred - 1).abs().max() < 1e-12
    assert (CENTRED.decode(torch.randn(5, 15, dtype=torch.float64)).sum((1, 2)) - 1).abs().max() < 1e-12  # whatever the code


def test_a_full_code_loses_nothing():
    kernels = isotropic_kernels(np.linspace(0.3, 2, 40), 5)
    code = KernelCode.fit(kernels, 25, subtract_mean=False)
    assert code.reconstruction_error(kernels).max() < 1e-6  # float32 kernels


def test_four_numbers_are_enough_for_round_kernels():
    code = KernelCode.fit(isotropic_kernels(np.linspace(0.2, 4, 400), 15), 15, subtract_mean=False)
    assert code.energy[3] > 0.999 > code.energy[1]
    assert code.reconstruction_error(isotropic_kernels(np.linspace(0.21, 3.97, 50), 15)).max() < 1e-4


def test_the_code_knows_what_it_was_fitted_to():
    """SRMD's widest kernels are 3.16 pixels wide along both axes; scale 4 of UDVD and of SRMD's tests goes up to 4."""
    error = PLAIN.reconstruction_error(isotropic_kernels(np.array([0.2, 2.0, 3.0, 4.0]), 15))
    assert error.tolist() == pytest.approx([0.012, 0.032, 0.073, 0.243], abs=6e-4)


@BOTH
def test_eigen_kernels_are_orthonormal_in_falling_order_with_signs_that_a_rule_decides(code):
    flat = code.basis.flatten(1)
    torch.testing.assert_close(flat @ flat.T, torch.eye(15, dtype=torch.float64), atol=1e-12, rtol=0)
    shares = torch.diff(code.energy, prepend=torch.zeros(1, dtype=torch.float64))
    assert (shares[:-1] > shares[1:]).all()
    for row in flat:
        assert row[(row.abs() >= row.abs().max() / 2).nonzero()[0]] > 0


def test_signs_and_order_do_not_depend_on_how_the_algebra_went():
    """Other order of the kernels, other last bits: another decomposition, the same code; and the fingerprint does not notice."""
    kernels = fresh(3000, seed=0)
    noisy = kernels.flip(0) * (1 + 1e-15 * torch.randn(kernels.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64))
    assert not torch.equal(noisy.flip(0), kernels)
    one, other = KernelCode.fit(kernels, 15, False), KernelCode.fit(noisy, 15, False)
    torch.testing.assert_close(one.basis, other.basis, atol=1e-9, rtol=0)
    again = KernelCode.fit(noisy.flip(0), 15, False)
    assert again.fingerprint == one.fingerprint


def test_equally_strong_taps_of_both_signs_do_not_decide_a_sign():
    basis = torch.zeros(2, 9, dtype=torch.float64)
    basis[0, [2, 6]], basis[1, [0, 3, 4]] = torch.tensor([-1.0, 1.0]).double(), torch.tensor([0.2, -0.9, 1.0]).double()
    for error in (1e-15, -1e-15):
        signed = kernel_code._signed(basis * (1 + error * torch.tensor([1.0, -1] * 4 + [1]).double()))
        torch.testing.assert_close(signed, -basis, atol=1e-14, rtol=0)


def test_fingerprint_tells_codes_apart_and_is_the_same_everywhere():
    """The letters were made on another machine than yours, perhaps, with another algebra library."""
    assert PLAIN.fingerprint == "83062af1db0b5f39" and CENTRED.fingerprint == "70590283e7468b3f"
    others = [
        KernelCode.fit_srmd(seed=1),
        KernelCode.fit_srmd(dims=14),
        KernelCode.fit_srmd(count=9_999),
        KernelCode.fit_srmd(size=13),
        KernelCode.fit_srmd(variance=(0.1, 9.0)),
    ]
    assert len({code.fingerprint for code in (PLAIN, CENTRED, *others)}) == 7
    assert PLAIN.provenance.law == "SRMD, variance 0.1 to 10" and PLAIN.provenance.count == 10_000


def test_the_wrong_order_gives_other_codes_that_still_decode():
    """Kernels flattened row by row meet SRMD's matrix, which is for column by column: 38 %, and no shape or picture that tells."""
    kernels = fresh(seed=0)
    right = kernels.mT.flatten(1) @ PLAIN.matrix("F").T
    torch.testing.assert_close(right, PLAIN.encode(kernels), atol=1e-13, rtol=0)
    torch.testing.assert_close(kernels.flatten(1) @ PLAIN.matrix("C").T, PLAIN.encode(kernels), atol=1e-13, rtol=0)
    wrong = kernels.flatten(1) @ PLAIN.matrix("F").T
    assert float((wrong - right).norm() / right.norm()) == pytest.approx(0.38, abs=0.005)
    decoded = (wrong @ PLAIN.matrix("F")).unflatten(1, (15, 15))
    assert float((decoded - kernels).norm() / kernels.norm()) < 0.05


def test_a_kernel_code_cannot_be_used_in_the_wrong_order():
    with pytest.raises(ParameterError, match="not 4x225"):
        PLAIN.encode(fresh(4).flatten(1))  # nobody's order gets in
    with pytest.raises(TypeError):
        PLAIN.matrix()  # and nothing comes out without naming one
    with pytest.raises(ParameterError, match="column by column"):
        PLAIN.matrix("f")
    with pytest.raises(ParameterError, match="column by column"):
        KernelCode.from_matrix(PLAIN.matrix("F"), "fortran", "SRMD")


@BOTH
def test_a_matrix_from_elsewhere_gives_the_same_codes(code):
    kernels = fresh(20)
    rising = code.matrix("F").flip(0).float()
    mean = None if code.mean is None else code.mean.mT.flatten()
    theirs = KernelCode.from_matrix(rising, "F", "SRMD's file", mean)
    torch.testing.assert_close(theirs.encode(kernels).flip(1), code.encode(kernels), atol=1e-7, rtol=0)
    assert theirs.energy is None and theirs.provenance.law == "SRMD's file"
    misread = KernelCode.from_matrix(rising, "C", "SRMD's file", mean)
    assert misread.fingerprint != theirs.fingerprint


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: PLAIN.encode(isotropic_kernels(np.array([1.0]), 21)), r"15x15, rows by columns, not 21x21.*pad_or_crop\(kernels, 15\)"),
        (lambda: PLAIN.reconstruction_error(torch.zeros(13, 15)), "not 13x15"),
        (lambda: PLAIN.decode(torch.zeros(2, 16)), "15 numbers for a kernel, not 16"),
        (lambda: KernelCode.fit(fresh(10), 15, False), "choose 1 to 10"),
        (lambda: KernelCode.fit(fresh(10), 0, False), "choose 1 to 10"),
        (lambda: KernelCode.fit(fresh(0), 1, False), "0 kernels"),
        (lambda: KernelCode.from_matrix(torch.eye(8), "C", "?"), "no square kernels"),
        (lambda: KernelCode.from_matrix(torch.eye(16), "C", "?"), "odd side"),
        (lambda: KernelCode.from_matrix(2 * torch.eye(9), "C", "?"), "length 1"),
        (lambda: KernelCode.from_matrix(torch.full((2, 9), torch.nan), "C", "?"), "length 1"),
        (lambda: KernelCode.from_matrix(torch.eye(9), "C", "?", torch.full((9,), torch.nan)), "no number"),
        (lambda: stretch(torch.zeros(1, 15), 25.0, 4, 4), "25/255"),
        (lambda: stretch(torch.zeros(1, 15), float("nan"), 4, 4), "25/255"),
    ],
)
def test_what_does_not_fit_is_refused(make, words):
    with pytest.raises(ParameterError, match=words):
        make()


def test_kernels_of_another_size_fit_after_pad_or_crop():
    wide, narrow = isotropic_kernels(np.array([1.5]), 21), isotropic_kernels(np.array([1.5]), 11)
    want = PLAIN.encode(isotropic_kernels(np.array([1.5]), 15))
    for kernels in (wide, narrow):
        torch.testing.assert_close(PLAIN.encode(pad_or_crop(kernels, 15)), want, atol=3e-4, rtol=0)


def test_types_and_leading_axes_stay():
    kernels = fresh(6, dtype=torch.float32)
    codes = PLAIN.encode(kernels)
    assert codes.dtype == torch.float32 and PLAIN.decode(codes).dtype == torch.float32
    torch.testing.assert_close(PLAIN.encode(kernels.unflatten(0, (2, 3))), codes.unflatten(0, (2, 3)))
    torch.testing.assert_close(PLAIN.encode(kernels[0]), codes[0])
    assert PLAIN.decode(codes[0]).shape == (15, 15) and PLAIN.reconstruction_error(kernels[0]).shape == ()


def test_stretch_is_what_udvd_is_told():
    codes = PLAIN.encode(fresh(2, dtype=torch.float32))
    maps = stretch(codes, 15 / 255, 6, 8)
    assert maps.shape == (2, 16, 6, 8) and maps.dtype == torch.float32
    assert torch.equal(maps[:, :15, 3, 5], codes) and torch.equal(maps[:, 15], torch.full((2, 6, 8), 15 / 255))
    each = stretch(codes, torch.tensor([0.1, 0.2]), 6, 8)[:, 15, 0, 0]
    assert torch.equal(each, torch.tensor([0.1, 0.2]))
    model = UDVD(UDVDConfig(width=4, depth=1)).eval()
    degraded = torch.rand(2, 3, 6, 8)
    with torch.inference_mode():
        assert model(degraded, maps).image.shape == (2, 3, 12, 16)
        torch.testing.assert_close(model(degraded, maps).image, model(degraded, stretch(codes, 15 / 255, 1, 1)).image)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "srmd.safetensors"
    CENTRED.save(path)
    return path


@pytest.mark.parametrize("code", [PLAIN, CENTRED, KernelCode.from_matrix(torch.eye(9), "F", "pixels")])
def test_a_saved_code_comes_back_equal_and_equal_codes_are_equal_files(code, tmp_path):
    path = tmp_path / "code.safetensors"
    total = code.save(path)
    again = KernelCode.load(path)
    assert torch.equal(again.basis, code.basis) and again.provenance == code.provenance and again.fingerprint == code.fingerprint
    for ours, theirs in ((again.mean, code.mean), (again.energy, code.energy)):
        assert (ours is None and theirs is None) or torch.equal(ours, theirs)
    assert again.save(path) == total


def test_damage_is_noticed(saved):
    data = saved.read_bytes()
    for broken in (data[:-100], data[:3], b"", data[:-3] + bytes([data[-3] ^ 4]) + data[-2:]):
        saved.write_bytes(broken)
        with pytest.raises(CheckpointError, match="sha256"):
            KernelCode.load(saved)


def test_a_missing_file_and_a_missing_sum_are_told(saved, tmp_path):
    with pytest.raises(CheckpointError, match="there is no kernel code"):
        KernelCode.load(tmp_path / "other.safetensors")
    sum_file(saved).unlink()
    with pytest.raises(CheckpointError, match="that file is missing"):
        KernelCode.load(saved)


def test_a_place_that_cannot_be_written_to_is_told(tmp_path):
    with pytest.raises(CheckpointError, match="cannot be written"):
        PLAIN.save(tmp_path / "no" / "such" / "folder.safetensors")


GOOD = {"format": kernel_code.FORMAT, "provenance": {"law": "x", "count": 3}}
EYE = torch.eye(9, dtype=torch.float64).unflatten(1, (3, 3)).contiguous()


@pytest.mark.parametrize(
    "header, tensors, words",
    [
        (None, {"basis": EYE}, "not a kernel code"),
        ("[]", {"basis": EYE}, "not a kernel code"),
        ({"format": "other"}, {"basis": EYE}, "not a kernel code"),
        ({"format": kernel_code.FORMAT}, {"basis": EYE}, "cannot be read"),
        ({**GOOD, "provenance": {"law": "x", "count": 3, "colour": "red"}}, {"basis": EYE}, "cannot be read"),
        ({**GOOD, "provenance": 5}, {"basis": EYE}, "cannot be read"),
        (GOOD, {"base": EYE}, "cannot be read"),
        (GOOD, {"basis": EYE.float()}, "float64"),
        (GOOD, {"basis": EYE, "mean": torch.zeros(5, 5).double()}, "one kernel"),
        (GOOD, {"basis": EYE, "energy": torch.zeros(3).double()}, "one number for each"),
        (GOOD, {"basis": EYE[:, :2].contiguous()}, "odd side"),
        (GOOD, {"basis": 3 * EYE}, "length 1"),
    ],
)
def test_something_else_in_a_whole_file_is_told(tmp_path, header, tensors, words):
    metadata = None if header is None else {kernel_code.KEY: header if isinstance(header, str) else json.dumps(header)}
    write_with_sum(tmp_path / "x", write_tensors(tensors, metadata))
    with pytest.raises(CheckpointError, match=words):
        KernelCode.load(tmp_path / "x")


def test_other_files_are_not_kernel_codes_and_a_kernel_code_is_no_checkpoint(saved, tmp_path):
    checkpoint.save(tmp_path / "net.safetensors", DMPHN(DMPHNConfig(width=2)))
    with pytest.raises(CheckpointError, match="but is not a kernel code"):
        KernelCode.load(tmp_path / "net.safetensors")
    write_with_sum(tmp_path / "text", b"this is no safetensors file at all")
    with pytest.raises(CheckpointError, match="is not a kernel code"):
        KernelCode.load(tmp_path / "text")
    write_with_sum(tmp_path / "cut", saved.read_bytes()[:-8])  # a sum that fits, tensors that do not
    with pytest.raises(CheckpointError, match="cannot be read"):
        KernelCode.load(tmp_path / "cut")
    with pytest.raises(CheckpointError, match="not written by restorelab"):
        checkpoint.load(saved)
