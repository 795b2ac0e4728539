"""What benchmarks/*.py measured: date, machine or device, versions, and a row for each measurement."""

import json
from pathlib import Path

FOLDER = Path(__file__).parent / "measured"


def benchmark(name):
    """The report of ``benchmarks/<name>.py``, a dict; None if it has not been run yet.

    name: that of a file in ``FOLDER``, or "gpu_cells", which needs a GPU. Raises ValueError for another.
    """
    file, known = FOLDER / f"{name}.json", {"cpu_cells", "gpu_cells", *(file.stem for file in FOLDER.glob("*.json"))}
    if name not in known:
        names = " or ".join(map(repr, sorted(known)))
        raise ValueError(f"recorded.benchmark: expected name to be {names}, got {name!r}")
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def row(report, **wanted):
    """The row of ``report`` that has these values: cell="lstm", T=64, … Raises ValueError unless it is one."""
    rows = [row for row in report["rows"] if wanted.items() <= row.items()]
    if len(rows) != 1:
        raise ValueError(f"recorded.row: expected one row with {wanted}, got {len(rows)}")
    return rows[0]


def times(report, **wanted):
    """name → median milliseconds, in the one row of ``report`` that has these values. Raises ValueError as ``row``."""
    return {name: middle for name, (_, middle, _) in row(report, **wanted)["ms"].items()}
