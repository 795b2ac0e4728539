"""What the programs of benchmarks/ share: they write each record as it stands, and run a chapter's definitions."""

import json
import os
import subprocess
import sys

import pytest

from rnncourse.data import recorded

ESCAPED = ("cpu_cells", "lstm_or_gru")  # their programs write rows with escape=True


@pytest.mark.parametrize("file", sorted(recorded.FOLDER.glob("*.json")), ids=lambda file: file.stem)
def test_a_record_is_written_as_it_stands(common, file):
    text = file.read_text(encoding="utf-8")
    assert common.written(json.loads(text), escape=file.stem in ESCAPED) == text


def test_a_report_is_written_and_its_rows_are_found(common, tmp_path):
    file, report = tmp_path / "new" / "report.json", {"date": "2026-11-26", "rows": [{"µ": 1}, {"T": [2, 3]}]}
    assert common.rows(file) == common.rows(None) == []
    common.write(file, report)
    assert common.rows(file) == report["rows"] and [path.name for path in file.parent.iterdir()] == ["report.json"]
    assert file.read_text(encoding="utf-8").splitlines()[-4:-1] == ['  {"µ": 1},', '  {"T": [2, 3]}', " ]"]
    common.write(None, report)  # nowhere


def test_a_write_that_fails_leaves_the_old_record(common, tmp_path):
    file = tmp_path / "report.json"
    common.write(file, {"rows": [1]})
    with pytest.raises(TypeError):
        common.write(file, {"rows": [print]})
    assert common.rows(file) == [1]


def test_where_a_run_writes(common, tmp_path):
    record = tmp_path / "record.json"
    for arguments, expected in (([], record), (["--quick"], None), (["--quick", "--out", "a.json"], "a.json")):
        options = common.parser("What it does.", record, "few seeds").parse_args(arguments)
        assert str(common.destination(options, record)) == str(expected)


def test_definitions(common, monkeypatch, tmp_path):
    """Only the cells with the tag are run, in their order, with the names that are given."""
    cells = 'x = 1\n```\n\n```python tags=["definition", "hide-input"]\ny = 2 * given\n```\n\n```python\ny = 0'
    last = '```python tags=["definition"]\nz = y + 1\n```\n'
    (tmp_path / "99-chapter.md").write_text(f"# 9.9\n\n```python\n{cells}\n```\n\n{last}", encoding="utf-8")
    monkeypatch.setattr(common, "BOOK", tmp_path)
    names = common.definitions("99-chapter", given=5)
    assert (names["y"], names["z"]) == (10, 11) and "x" not in names


def test_one_thread(root):
    """A program that imports ``common`` first has one thread in each library, whatever the environment says."""
    code = "import common, torch, threadpoolctl as t; print({pool['num_threads'] for pool in t.threadpool_info()})"
    environment = os.environ | {"PYTHONPATH": str(root / "benchmarks"), "OMP_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout == "{1}\n", done.stderr
