"""Pictures of networks, drawn as SVG: sharp at any size, in the reader's light or dark theme.

Blue goes in, green is state, vermilion comes out; the boxes carry letters too, so colour is never alone.
"""

import textwrap
from html import escape

from IPython.display import SVG

STYLE = """<style>
.rnn-paper{fill:#ffffff}.rnn-ink{stroke:#1f2328;fill:none;stroke-width:1.4}.rnn-tip{fill:#1f2328}
.rnn-text{fill:#1f2328;font:15px 'DejaVu Sans','Segoe UI',system-ui,sans-serif;text-anchor:middle;
dominant-baseline:central}.rnn-small{font-size:12.5px}.rnn-title{font-weight:bold}.rnn-left{text-anchor:start}
.rnn-in{fill:#d6e9f5;stroke:#0072B2}.rnn-state{fill:#d3efe5;stroke:#009E73}.rnn-out{fill:#fbe3d3;stroke:#D55E00}
.rnn-none{fill:none;stroke:#8b949e;stroke-dasharray:3 3}.rnn-op{fill:#ffffff;stroke:#1f2328}
@media (prefers-color-scheme: dark){
.rnn-paper{fill:#14181e}.rnn-ink{stroke:#e6e6e6}.rnn-tip{fill:#e6e6e6}.rnn-text{fill:#e6e6e6}
.rnn-in{fill:#0b3a56}.rnn-state{fill:#0a4636}.rnn-out{fill:#592b0c}.rnn-op{fill:#14181e;stroke:#e6e6e6}}
</style><defs><marker id="rnn-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"
orient="auto-start-reverse"><path class="rnn-tip" d="M0 0L8 4L0 8z"/></marker></defs>"""


def picture(width, height, title, parts, fold=False):
    """The parts on a sheet of width × height, below the title, which is also the alternative text.

    The sheet is made wider if the title is; with ``fold`` the title takes as many lines as it needs instead.
    """
    lines = textwrap.wrap(title, (width - 28) // 9) if fold else [title]
    width, top = max(width, *(28 + 9 * len(line) for line in lines)), 8 + 22 * len(lines)
    shown = [text(14, 14 + 22 * k - top, line, "rnn-left rnn-title") for k, line in enumerate(lines)]
    return SVG(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 {-top} {width} {height + top}" width="{width}" '
        f'height="{height + top}" role="img"><title>{escape(title)}</title>{STYLE}'
        f'<rect class="rnn-paper" y="{-top}" width="{width}" height="{height + top}" rx="6"/>'
        f"{''.join(shown)}{''.join(parts)}</svg>"
    )


def text(x, y, words, kind=""):
    return f'<text class="rnn-text {kind}" x="{x}" y="{y}">{escape(str(words))}</text>'


def box(x, y, words="", kind="rnn-state", width=46, height=34):
    """A box around the centre (x, y)."""
    frame = f'<rect class="{kind}" x="{x - width / 2}" y="{y - height / 2}" width="{width}" height="{height}" rx="6"/>'
    return frame + (text(x, y, words) if words else "")


def circle(x, y, words, radius=17):
    return f'<circle class="rnn-op" cx="{x}" cy="{y}" r="{radius}"/>' + text(x, y, words)


def arrow(*points):
    """An arrow along these (x, y) points."""
    path = "M" + "L".join(f"{x} {y}" for x, y in points)
    return f'<path class="rnn-ink" marker-end="url(#rnn-tip)" d="{path}"/>'


def subscript(number):
    """3 → ₃, for labels such as h₃."""
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
