"""Chapter 6.1, “Take it with you”: the cells run on a reader's own tables, from a forecast to a fresh process."""

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

NEEDED = ("def known", "class Net", "def learn")  # what the section takes from the chapter above it
SETTINGS = 'path, target, prices = folder / "weather.csv", "temperature", False'
DATES = 'day, date_format = "date", None  # the column of dates; None: 2020-12-31'
TABLES = {
    "a share of 3,270 days": ("'ibm.csv', 'adjusted', True", "series.load('IBM').to_csv(folder / 'ibm.csv')"),
    "a share of 196 days": ("'fb.csv', 'adjusted', True", "series.load('FB').to_csv(folder / 'fb.csv')"),
    "three columns an hour, one of them constant": (
        "'hours.csv', 'load', False",
        "hours = pd.date_range('2024-01-01', periods=600, freq='h', name='Date')\n"
        "waves = 50 + 20 * np.sin(np.arange(600) / 4) + np.random.default_rng(0).normal(size=600)\n"
        "table = pd.DataFrame({'load': waves, 'zero': 0.0, 'other': waves**2}, hours)\n"
        "table.to_csv(folder / 'hours.csv')",
    ),
    "days written 31.12.2020, in a column Tag": (
        "'tage.csv', 'load', False",
        "days = pd.date_range('2021-01-01', periods=600, name='Tag')\n"
        "waves = 50 + 20 * np.sin(np.arange(600) / 4) + np.random.default_rng(0).normal(size=600)\n"
        "pd.DataFrame({'load': waves}, days).to_csv(folder / 'tage.csv', date_format='%d.%m.%Y')",
    ),
}


@pytest.fixture(scope="module")
def cells(root):
    """The chapter's cells: what comes first, and the section."""
    notebook = jupytext.read(root / "book" / "61-stock-prices.md")
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    begin = next(i for i, source in enumerate(code) if source.startswith("folder = "))
    end = next(i for i, source in enumerate(code) if 'message = "Forecast and 90 % interval' in source)
    before = code[:2] + [source for source in code if source.startswith(NEEDED)]
    assert len(before) == 2 + len(NEEDED)
    assert SETTINGS in "\n".join(code[begin:end]) and DATES in "\n".join(code[begin:end])
    return before, code[begin : end + 1]


@pytest.mark.parametrize("settings, make", TABLES.values(), ids=TABLES)
def test_your_own_table(cells, settings, make):
    before, section = cells
    mine = f"{make}\npath, target, prices = {settings}\npath = folder / path"
    section = [source.replace(SETTINGS, mine) for source in section]
    if "Tag" in make:
        section = [source.replace(DATES, "day, date_format = 'Tag', '%d.%m.%Y'") for source in section]
    run = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in [*before, *section]])
    NotebookClient(run, kernel_name="python3", timeout=300, extra_arguments=["--log-level=ERROR"]).execute()
    printed = "".join(out.text for cell in run.cells for out in cell.outputs if out.output_type == "stream")
    by = "the network" if "waves" in make else "persistence"  # the waves can be learned, the shares cannot
    assert "persistence  RMSE" in printed and f"forecast by {by}\n" in printed and "nan" not in printed
    low, middle, high = map(float, printed.strip().splitlines()[-1].split())  # of the fresh process
    assert low < middle < high
