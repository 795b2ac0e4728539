"""The measurements of chapter 4.5: they run, go on where they stopped; the record has the form that the text reads."""

import re

import pytest
import torch

from rnncourse import counting
from rnncourse.data import recorded, text
from rnncourse.pytorch import language

OWN_SEARCH = ("methods", "texts", "parts")


def check_form(report, plan, draws=None):
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", report["date"])
    assert {"python", "numpy", "torch", "scikit-learn"} <= set(report["versions"])
    keys = [(row["group"], row["method"], row["target"], row["KB"]) for row in report["rows"]]
    assert keys == [tuple(planned[:4]) for planned in plan]
    rates = {key[1:]: row["rate"] for key, row in zip(keys, report["rows"], strict=True)}
    for row, planned in zip(report["rows"], plan, strict=True):
        assert len(row["scores"]) == min(planned[4], draws or planned[4])
        for run in row["scores"]:
            assert all(0 <= value < 30 for value in run.values())
            if row["group"] == "n-grams":
                assert list(run) == ["target", "old", "weight", "both"] and run["weight"] <= 1
            elif row["group"] == "0 KB":
                assert list(run) == ["bits", "old"]
            else:
                assert list(run) == ["validation", "bits"] + ["old"] * (row["target"] != "Polish")
        if row["group"] in OWN_SEARCH:
            assert row["search"][str(row["rate"])] == min(row["search"].values())
        else:
            assert row["search"] == {}
        if row["group"] in ("remember", "like"):
            assert row["rate"] == rates["all layers", row["target"], row["KB"]]
        if row["group"] == "longer":
            assert row["rate"] == rates[row["method"].removesuffix(", longer"), row["target"], row["KB"]]


def test_runs_and_resumes(program, run_quick, check_resumes, tmp_path):
    out = tmp_path / "new" / "record.json"
    printed, whole = run_quick(out)
    assert len(printed) == len(program.QUICK) and {p[0] for p in program.QUICK} == {p[0] for p in program.PLAN}
    check_form(whole, program.QUICK, draws=2)
    check_resumes(out, whole, at=2)


def test_record(program):
    report = recorded.benchmark("transfer")
    check_form(report, program.PLAN)
    for row in report["rows"]:
        if row["group"] in OWN_SEARCH:  # no optimum at the edge
            tried = sorted(map(float, row["search"]))
            assert tried[0] < row["rate"] < tried[-1]


def test_search_goes_on_until_the_best_is_inside(program):
    tried = program.search(lambda rate: abs(rate - 0.03), program.GRID)
    assert sorted(tried) == [0.001, 0.003, 0.01, 0.03, 0.1] and min(tried, key=tried.get) == 0.03
    tried = program.search(lambda rate: rate, program.GRID)
    assert len(tried) == 6 and min(tried) == 3e-05


def test_old_model(program):
    """Small, of the chapter's size, with its vocabulary, and as good as the record says."""
    assert program.MODEL.stat().st_size < 400_000
    model, symbols = language.load(program.MODEL, text.ASCII)
    assert counting.parameters(model) == 62_304 and all(w.isfinite().all() for w in model.parameters())
    assert len(symbols) == 96


@pytest.mark.parametrize("kind", ["shuffled", "trigram", "renamed"])
def test_damaged_texts(names, kind):
    letters = text.prose().train[:20_000]
    made = names["TEXTS"][kind](letters)
    assert set(made) <= set(text.ASCII.symbols) and made != letters
    if kind == "shuffled":
        assert sorted(made) == sorted(letters)
    if kind == "renamed":
        renamed = dict(zip(letters, made, strict=True))
        assert "".join(renamed[c] for c in letters) == made and len(set(renamed.values())) == len(renamed)
    if kind == "trigram":
        circle = letters + letters[:2]
        seen = {circle[i : i + 3] for i in range(len(letters))}
        assert all(made[i : i + 3] in seen for i in range(len(made) - 2))


@pytest.fixture(scope="module")
def names(program):
    return program.chapter()


@pytest.fixture
def prepared(program, names, monkeypatch):
    """prepared(method, seed=0): the weights with which a method begins on 1 KB of Polish."""
    monkeypatch.setitem(names, "fine_tune", lambda model, symbols, rate, **options: 0.0)
    old, _ = language.load(program.MODEL, text.ASCII)

    def prepared(method, seed=0):
        _, model = names["transfer"](method, "Polish", 1000, 0.01, seed, old)
        return dict(model.named_parameters())

    return prepared


@pytest.mark.parametrize(
    ("method", "kept"),
    [
        ("all layers", "embedding cell readout"),
        ("fresh readout", "embedding cell"),
        ("fresh embedding", "cell readout"),
        ("only the LSTM", "cell"),
        ("only embedding and readout", "embedding readout"),
    ],
)
def test_fresh_layers(prepared, method, kept):
    """The layers that are not kept have new weights, others in each draw, and never those the old model began with."""
    whole, made, other = prepared("all layers"), prepared(method), prepared(method, 1)
    begun = prepared("from nothing")  # seed 0, as the old model
    for name, w in made.items():
        same = name.split(".")[0] in kept
        assert torch.equal(w, whole[name]) == same and torch.equal(w, other[name]) == same
        assert "bias" in name or not torch.equal(w, begun[name])


@pytest.mark.parametrize("kind", ["embedding and readout", "all layers"])
def test_permuted_entries(prepared, kind):
    whole, made = prepared("all layers"), prepared(f"{kind} permuted")
    for name, w in made.items():
        assert torch.equal(w.flatten().sort()[0], whole[name].flatten().sort()[0])
        assert torch.equal(w, whole[name]) == (kind != "all layers" and name.startswith("cell"))


@pytest.mark.parametrize("size", [1000, 10_000])
def test_validation_is_of_whole_pieces(names, size):
    letters, train = names["draw"]("C++", size, 0), names["TARGETS"]["C++"].train
    piece, cut = min(500, size // 5), size * 4 // 5
    assert len(letters) == size and cut % piece == 0
    assert letters[cut : cut + piece] in train and letters[cut - 20 : cut + 20] not in train
