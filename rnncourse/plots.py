"""Pictures of results: figures that are sharp at any size and that follow the reader's light or dark theme.

A figure here is matplotlib without pyplot: no global state, nothing drawn twice. ``axes`` makes one, ``show`` puts it
under the cell. The title of a figure is its message, and its alternative text for those who cannot see it.
"""

import io
import re
import textwrap
from html import escape

import matplotlib
import numpy as np
from IPython.display import SVG
from matplotlib.figure import Figure

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7"]
"""Blue, vermilion, green, purple of Okabe and Ito: apart for colour-blind readers, visible on white and black."""

INK, PAPER, GRID = "#1f2328", "#ffffff", "#d1d5da"
DARK = {
    f"fill: {INK}": "#e6e6e6",
    f"stroke: {INK}": "#e6e6e6",
    f"fill: {PAPER}": "#14181e",
    f"stroke: {GRID}": "#3d444d",
    f"stroke: {COLOURS[0].lower()}": "#3b97d8",  # the one line colour that is faint on black
}
"""What a style in the drawing becomes in a dark theme: `property: colour` → colour."""

matplotlib.rcParams.update(
    {  # for the whole session: matplotlib reads these when a text or a legend is made
        "font.size": 11,
        "text.color": INK,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "axes.titlelocation": "left",
        "axes.titlesize": 12,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.prop_cycle": matplotlib.cycler(color=COLOURS),
        "grid.color": GRID,
        "grid.linewidth": 0.6,
        "xtick.color": INK,
        "ytick.color": INK,
        "figure.facecolor": PAPER,
        "axes.facecolor": PAPER,
        "legend.frameon": False,
        "svg.hashsalt": "rnncourse",  # the same figure gives the same file
    }
)


def axes(title, xlabel="", ylabel="", columns=1, rows=1, width=6.2, height=None, **kwargs):
    """A figure with ``columns`` axes side by side or ``rows`` of them one below the other, not both.

    title: the message. xlabel, ylabel: with units. width, height in inches: 6.2 leaves letters of 11 points legible
    on a phone, where two panels side by side are too small, so stack them. kwargs go to ``Figure.subplots``.
    Returns (fig, ax), or (fig, [ax, …]) for several. Raises ValueError for rows and columns at once.
    """
    if rows > 1 and columns > 1:
        raise ValueError(f"plots.axes: expected several rows or several columns, got {rows} and {columns}")
    fig = Figure(figsize=(width, height or (3.4 if rows == 1 else 2.6 * rows)), layout="constrained")
    grid = fig.subplots(rows, columns, squeeze=False, **kwargs).ravel()
    fig.suptitle(textwrap.fill(title, int(9.5 * width)), x=0.01, ha="left", fontsize=12.5, fontweight="bold")
    for ax in grid:
        ax.set(xlabel=xlabel, ylabel=ylabel)
    return fig, grid[0] if rows == columns == 1 else grid


def show(fig):
    """The figure as an SVG that carries its title for screen readers and changes its inks in a dark theme.

    Raises ValueError for a figure without a title, which would leave a blind reader with nothing.
    """
    title = fig.get_suptitle().replace("\n", " ")
    if not title:
        raise ValueError("plots.show: expected a figure with a title (plots.axes sets it), got none")
    file = io.StringIO()
    fig.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    rules = "".join(f'[style*="{light}"]{{{light.split(":")[0]}:{dark}!important}}' for light, dark in DARK.items())
    head = f"<title>{escape(title)}</title><style>@media (prefers-color-scheme: dark){{{rules}}}</style>"
    svg = file.getvalue()
    return SVG(re.sub(r"(<svg [^>]*>)", lambda tag: tag.group(1) + head, svg[svg.index("<svg") :], count=1))


def as_table(ax, rows, columns):
    """Turn axes into a table with cells of size 1 around (column, row), the first row on top."""
    ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.grid(False)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)


def heatmap(ax, values, rows, columns, limit=1.0):
    """A table of numbers from −limit (vermilion) over 0 (paper) to +limit (blue), each cell with its value.

    values (len(rows), len(columns)).
    """
    values = np.asarray(values)
    if values.shape != (len(rows), len(columns)):
        raise ValueError(f"plots.heatmap: expected values of shape {(len(rows), len(columns))}, got {values.shape}")
    for (row, column), value in np.ndenumerate(values):
        colour = COLOURS[0] if value > 0 else COLOURS[1]
        strength = 0.75 * min(abs(value) / limit, 1)
        ax.add_patch(
            matplotlib.patches.Rectangle((column - 0.48, row - 0.48), 0.96, 0.96, color=colour, alpha=strength, lw=0)
        )
        ax.text(column, row, f"{value:.2f}", ha="center", va="center", color=INK, fontsize=9)
    as_table(ax, rows, columns)


def matrices(values, rows, columns, title, xlabel="", ylabel=""):
    """A table of small matrices: values (R, C, n, k) as R × C squares, blue above 0, vermilion below, paler towards 0.

    rows, columns: the names of the R rows and C columns. The strongest colour is the largest entry of all; a key on
    top says which number each colour is.
    """
    values = np.asarray(values)
    if values.ndim != 4 or values.shape[:2] != (len(rows), len(columns)):
        raise ValueError(
            f"plots.matrices: expected values of shape (R={len(rows)}, C={len(columns)}, n, k), got {values.shape}"
        )
    fig, ax = axes(title, xlabel, ylabel, width=1.1 * len(columns) + 1.5, height=1.0 * len(rows) + 1.6)
    n, k = values.shape[2:]
    limit = np.abs(values).max() or 1

    def square(corner, width, height, value):
        colour, strength = COLOURS[0] if value > 0 else COLOURS[1], abs(value / limit) ** 0.5
        ax.add_patch(matplotlib.patches.Rectangle(corner, width, height, color=colour, alpha=strength, lw=0))

    for (row, column, i, j), value in np.ndenumerate(values):
        square((column - 0.45 + 0.9 * j / k, row - 0.45 + 0.9 * i / n), 0.9 / k, 0.9 / n, value)
    for row, column in np.ndindex(len(rows), len(columns)):
        ax.add_patch(matplotlib.patches.Rectangle((column - 0.45, row - 0.45), 0.9, 0.9, fill=False, color=GRID))
    as_table(ax, rows, columns)
    places, shown = np.linspace(-0.2, len(columns) - 0.8, 5), limit * np.array([-1, -0.25, 0, 0.25, 1])
    for place, value in zip(places, shown, strict=True):
        square((place - 0.12, -1.0), 0.24, 0.24, value)
        ax.add_patch(matplotlib.patches.Rectangle((place - 0.12, -1.0), 0.24, 0.24, fill=False, color=GRID))
        ax.text(place, -0.63, f"{value:.2g}".replace("-", "−"), ha="center", va="center", color=INK, fontsize=9)
    ax.set_ylim(len(rows) - 0.5, -1.1)
    return show(fig)


def forecast(ax, days, true, predicted, name="predicted"):
    """A series and its forecast over the days: the truth a wide pale line, the forecast a thin one on top.

    days, true, predicted (N,).
    """
    true, predicted = np.asarray(true), np.asarray(predicted)
    if true.ndim != 1 or not len(days) == len(true) == len(predicted):
        raise ValueError(
            f"plots.forecast: expected days, true and predicted of one shape (N,), got {len(days)}, "
            f"{true.shape} and {predicted.shape}"
        )
    ax.plot(days, true, color=COLOURS[0], linewidth=3.5, alpha=0.45, label="true")
    ax.plot(days, predicted, color=COLOURS[1], linewidth=1.1, label=name)
    ax.legend()


def intervals(ax, names, middle, low, high, reference=0.0, colours=None):
    """A dot with its interval for each name, the first on top, and a dashed line at ``reference``.

    names: N words, or None for many unnamed ones; middle, low, high (N,); colours: N of them, else all blue.
    """
    middle, low, high = (np.asarray(a, float) for a in (middle, low, high))
    if middle.ndim != 1 or not middle.shape == low.shape == high.shape or len(names or middle) != len(middle):
        raise ValueError(
            f"plots.intervals: expected names, middle, low and high of one length, got "
            f"{len(names or middle)}, {middle.shape}, {low.shape} and {high.shape}"
        )
    rows = np.arange(len(middle))
    colours = colours or [COLOURS[0]] * len(middle)
    ax.hlines(rows, low, high, color=colours, linewidth=2 if names else 0.8)
    ax.scatter(middle, rows, color=colours, s=22 if names else 8, zorder=3)
    ax.axvline(reference, color=INK, linestyle="--", linewidth=1)
    ax.set_ylim(len(middle) - 0.5, -0.5)
    ax.set_yticks(rows if names else [], names or [])
    ax.grid(False, axis="y")


def coloured_text(text, values, title, limit=None, width=92):
    """A text, each character on its value: blue above 0, vermilion below, stronger up to ±limit, with a key below.

    text: str of N characters; values (N,); limit: the largest |value| if left out. A newline shows as ↵; rows longer
    than ``width`` are folded. Raises ValueError where text and values differ in length, and for a value not finite.
    """
    values = np.asarray(values, float)
    if values.shape != (len(text),) or not text or not np.isfinite(values).all():
        raise ValueError(
            f"plots.coloured_text: expected a finite value for each of {len(text)} characters, got {values.shape}"
        )
    limit = limit or np.abs(values).max() or 1.0
    levels = np.rint(8 * np.clip(values / limit, -1, 1)).astype(int)  # few shades, so that neighbours share a rectangle
    rows, start = [], 0
    for line in text.splitlines(keepends=True):
        for first in range(0, len(line), width):
            piece = line[first : first + width]
            rows.append((piece, levels[start + first : start + first + len(piece)]))
        start += len(line)
    scale = [level for level in (-8, -4, 0, 4, 8) if level >= 0 or values.min() < 0]
    parts = []
    for y, (piece, shades) in enumerate(rows):
        parts += shaded(y, shades)
        shown = piece.replace("\n", "↵")
        places = " ".join(f"{14 + 7.6 * x:.1f}" for x in range(len(shown)))  # every browser's font is another width
        parts.append(f'<text x="{places}" y="{27 + 18 * y}" xml:space="preserve">{escape(shown)}</text>')
    y = len(rows) + 0.6
    for i, level in enumerate(scale):  # the key
        words = f"{level * limit / 8:.3g}".replace("-", "−")
        parts += shaded(y, [level] * 2, 8 * i)
        parts.append(f'<text x="{14 + 7.6 * (8 * i + 2.5):.1f}" y="{27 + 18 * y:.1f}">{words}</text>')
    across = max(28 + 7.6 * max(40, *(len(piece) for piece, _ in rows)), 28 + 9 * len(title))
    down = 18 * len(rows) + 50
    return SVG(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -26 {across:.0f} {down + 26}" width="{across:.0f}" '
        f'height="{down + 26}" role="img"><title>{escape(title)}</title><style>.rnn-page{{fill:{PAPER}}}'
        f".rnn-letters text,.rnn-heading{{fill:{INK};"
        f"font:12.5px 'DejaVu Sans Mono',ui-monospace,Menlo,Consolas,monospace}}"
        f".rnn-letters .rnn-up{{fill:{COLOURS[0]}}}.rnn-letters .rnn-down{{fill:{COLOURS[1]}}}"
        f".rnn-heading{{font:bold 15px 'DejaVu Sans','Segoe UI',system-ui,sans-serif}}"
        f"@media (prefers-color-scheme: dark){{.rnn-page{{fill:#14181e}}"
        f".rnn-letters text,.rnn-heading{{fill:#e6e6e6}}}}"
        f'</style><rect class="rnn-page" y="-26" width="100%" height="100%" rx="6"/><text class="rnn-heading" x="14" '
        f'y="-4">{escape(title)}</text><g class="rnn-letters">{"".join(parts)}</g></svg>'
    )


def shaded(row, levels, column=0):
    """Rectangles behind the characters of a row: one for each run of equal levels, −8 … 8, none for 0."""
    edges = [0, *(np.flatnonzero(np.diff(levels)) + 1), len(levels)]
    return [
        f'<rect class="{"rnn-up" if levels[a] > 0 else "rnn-down"}" x="{14 + 7.6 * (column + a):.1f}" '
        f'y="{14 + 18 * row:.1f}" width="{7.6 * (b - a):.1f}" height="18" opacity="{0.08 * abs(levels[a]):.2f}"/>'
        for a, b in zip(edges[:-1], edges[1:], strict=True)
        if levels[a]
    ]


def shares(bills, title, least=0.06, xlabel="share of all parameters"):
    """What each total is made of: one bar of length 1 for each name, cut into its parts, each with its percentage.

    bills: name → {part: number}. Parts of one name have one colour in all bars; a share below ``least`` gets no
    label. Raises ValueError for a bill that is empty or has a negative part.
    """
    for name, parts in bills.items():
        if not parts or min(parts.values()) < 0 or sum(parts.values()) == 0:
            raise ValueError(f"plots.shares: expected parts of at least 0 and a sum above 0 for {name!r}, got {parts}")
    kinds = list(dict.fromkeys(part for parts in bills.values() for part in parts))
    if len(kinds) > len(COLOURS):
        raise ValueError(f"plots.shares: expected at most {len(COLOURS)} kinds of part, got {len(kinds)}")
    fig, ax = axes(title, xlabel, width=8.5, height=0.62 * len(bills) + 1.6)
    for row, parts in enumerate(bills.values()):
        total, left = sum(parts.values()), 0.0
        for part, number in parts.items():
            share = number / total
            label = part if part not in ax.get_legend_handles_labels()[1] else None
            ax.barh(row, share, left=left, height=0.62, color=COLOURS[kinds.index(part)], alpha=0.45, label=label)
            if share >= least:
                ax.text(left + share / 2, row, f"{share:.0%}", ha="center", va="center", color=INK)
            left += share
    ax.set(xlim=(0, 1), ylim=(len(bills) - 0.5, -0.5))
    ax.set_yticks(range(len(bills)), bills)
    ax.xaxis.set_major_formatter(matplotlib.ticker.PercentFormatter(1.0, decimals=0))
    ax.grid(False)
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=len(kinds))
    return show(fig)


def rungs(panels, title, xlabel, digits=2):
    """Horizontal bars, the first on top, each with its number: one panel beside the other, each on a scale of its own.

    panels: heading → {name: number above 0}; every panel has the same names, written once. digits: of the numbers.
    Raises ValueError for no panel, other names, and numbers that are not above 0.
    """
    names = list(next(iter(panels.values()), {}))
    for heading, bars in panels.items():
        if list(bars) != names or not all(0 < number < np.inf for number in bars.values()):
            raise ValueError(f"plots.rungs: expected numbers above 0 for {names} in {heading!r}, got {bars}")
    if not names:
        raise ValueError("plots.rungs: expected at least one panel with a bar, got none")
    fig, grid = axes(title, xlabel, columns=len(panels), width=9, height=0.36 * len(names) + 1.7, sharey=True)
    for ax, (heading, bars) in zip(np.atleast_1d(grid), panels.items(), strict=True):
        values = np.array(list(bars.values()), float)
        ax.barh(range(len(names)), values, height=0.6, color=COLOURS[0], alpha=0.45)
        for row, value in enumerate(values):
            ax.text(value, row, f" {float(f'{value:.{digits}g}'):,g}", va="center", color=INK)
        ax.set(xlim=(0, 1.3 * values.max()), ylim=(len(names) - 0.5, -0.5), xticks=[])
        ax.set_title(heading, fontsize=11, fontweight="normal")
        ax.set_yticks(range(len(names)), names)
        ax.grid(False, axis="y")
    return show(fig)
