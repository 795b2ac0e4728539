"""The recorded character model: small, nothing but arrays, and as good as chapter 5.1 says."""

import pickletools
import zipfile
from importlib.metadata import version
from importlib.resources import files

import pytest
import torch

from rnncourse.data import text
from rnncourse.pytorch import language

FILE = files("rnncourse") / "data" / "character_model.pt"
LOCKED = "1.9.1"  # the scikit-learn that it was trained and scored on


@pytest.fixture(scope="module")
def model():
    net = language.LanguageModel("LSTM", len(text.ASCII), m=32, n=256)
    net.load_state_dict(torch.load(FILE, weights_only=True))
    return net


def test_small_enough_for_the_wheel():
    assert FILE.stat().st_size < 2e6


def test_nothing_but_arrays():
    """The pickle inside the file names what rebuilds a tensor, and no other function."""
    with zipfile.ZipFile(FILE) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("data.pkl"))
        opcodes = list(pickletools.genops(archive.read(name)))
    called = {argument for opcode, argument, _ in opcodes if opcode.name == "GLOBAL"}
    assert called == {"collections OrderedDict", "torch._utils _rebuild_tensor_v2", "torch FloatStorage"}
    assert not any(opcode.name in ("STACK_GLOBAL", "INST", "OBJ") for opcode, _, _ in opcodes)


def test_all_weights_are_finite(model):
    assert all(weights.isfinite().all() for weights in model.state_dict().values())


@pytest.mark.skipif(version("scikit-learn") != LOCKED, reason="another scikit-learn is another text")
def test_score_on_held_out_files(model):
    """In double precision, so that every processor agrees. The stretches are those of the chapter."""
    test = language.side_by_side(text.ASCII.encode(text.code().test), 100)[:600]
    assert language.surprise(model.double(), test)[99:].mean().item() == pytest.approx(1.2966, abs=1e-4)
