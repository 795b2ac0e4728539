"""The record of chapter 8.1: the program runs the chapter's definitions, goes on where it was, and counts correctly."""

import json
import os
import platform

import numpy as np
import pytest
import torch

from rnncourse.data import recorded


@pytest.fixture(scope="module")
def quick(run_quick, tmp_path_factory):
    out = tmp_path_factory.mktemp("benchmarks") / "new" / "loop_to_kernel.json"
    return *run_quick(out), out


def test_quick(quick):
    printed, report, out = quick
    assert {"date", "machine", "versions", "rows"} <= set(report)
    tables = [row["table"] for row in report["rows"]]
    counts = {"peak": 1, "loops": 1, "units": 1, "sizes": 1, "classes": 6, "training": 1}
    assert {table: tables.count(table) for table in tables} == counts
    assert len(printed) == len(tables)
    for row in report["rows"]:
        for low, middle, high in row.get("µs", {}).values():
            assert 0 < low <= middle <= high
    for private in (platform.node(), os.path.expanduser("~"), os.environ.get("USER", "")):
        assert len(private) < 4 or private not in out.read_text(encoding="utf-8")


def test_it_goes_on_where_it_was(run_quick, quick):
    """A row that is missing is measured, and no other."""
    _, report, out = quick
    rows = [row for row in report["rows"] if row["table"] != "units"]
    out.write_text(json.dumps(report | {"rows": rows}), encoding="utf-8")
    assert [json.loads(line)["table"] for line in run_quick(out)[0]] == ["units"]


def test_every_class_computes_the_same(program):
    """hs of a forward pass, and the gradient of x, of the three classes in torch; and oneDNN is on again afterwards."""
    for cell in program.REFERENCE:
        results = {}
        for package in ("torch.nn", "rnncourse.pytorch", "fused"):
            phases = program.passes(cell, package, 3, 2, 4)
            results[package] = phases["forward"]()[0], phases["training"]()[0]
        without = program.without_onednn(program.passes(cell, "torch.nn", 3, 2, 4)["training"])
        results["without"] = results["torch.nn"][0], without()[0]
        for hs, dx in results.values():
            torch.testing.assert_close(hs, results["torch.nn"][0])
            torch.testing.assert_close(dx, results["torch.nn"][1])
        reference = program.passes(cell, "reference", 3, 2, 4)
        assert reference["forward"]()[0].dtype == np.float32 and reference["training"]().x.shape == (3, 2, 4)
    assert torch.backends.mkldnn.enabled


def test_the_training_is_that_of_chapter_51(program):
    """One class or another: the same weights at first, and the same score to rounding."""
    names = program.chapter()
    columns = torch.arange(400).remainder(96).reshape(100, 4)
    held_out = torch.arange(1500).remainder(96).reshape(150, 10)
    bits = [names["learn"](cls, columns, held_out, 5, 7, 0.03, 4)[1] for cls in names["CLASSES"].values()]
    assert bits == pytest.approx([bits[0]] * 4, abs=1e-3)
    assert names["learn"](torch.nn.LSTM, columns, held_out, 5, 7, 0.03, 8)[1] < bits[0]


def test_what_the_package_holds():
    report = recorded.benchmark("loop_to_kernel")
    shapes = {(row["B"], row["n"]) for row in report["rows"] if row["table"] == "classes"}
    assert len(shapes) == 9
    for cell in ("RNN", "GRU", "LSTM"):
        for B, n in shapes:
            for phase in ("training", "forward"):
                recorded.row(report, table="classes", cell=cell, B=B, n=n, phase=phase)
    for table in ("peak", "units", "sizes"):
        recorded.row(report, table=table)
    assert all(
        recorded.row(report, table="training", run=name)["speed"]["torch.nn"][1] > 1 for name in ("short", "long")
    )
