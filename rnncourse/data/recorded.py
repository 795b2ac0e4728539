"""What benchmarks/*.py measured: date, machine or device, versions, and a row for each measurement."""

import json
from pathlib import Path

FOLDER = Path(__file__).parent / "measured"


def benchmark(name):
    """The report of ``benchmarks/<name>.py``, a dict; None for "gpu_cells" where it has not been run yet.

    Raises ValueError for a name without a report.
    """
    file = FOLDER / f"{name}.json"
    if file.exists():
        return json.loads(file.read_text(encoding="utf-8"))
    if name == "gpu_cells":
        return None
    names = ", ".join(repr(path.stem) for path in sorted(FOLDER.glob("*.json")))
    raise ValueError(f"recorded.benchmark: expected name to be one of {names}, got {name!r}")


def row(report, **wanted):
    """The row of ``report`` that has these values: cell="lstm", T=64, … Raises ValueError unless it is one."""
    rows = [row for row in report["rows"] if wanted.items() <= row.items()]
    if len(rows) != 1:
        raise ValueError(f"recorded.row: expected one row with {wanted}, got {len(rows)}")
    return rows[0]


def times(report, **wanted):
    """name → median milliseconds, in the one row of ``report`` that has these values. Raises ValueError as ``row``."""
    return {name: middle for name, (_, middle, _) in row(report, **wanted)["ms"].items()}
