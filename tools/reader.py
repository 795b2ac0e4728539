"""The small LSTM that reads on the landing page: train it, write it for the browser, draw the picture of the page.

    python tools/reader.py train    # about two minutes of one core: book/_static/reader-model.js
    python tools/reader.py draw     # book/_static/reading.svg, from that file

Trained by the cells of chapter 0.1 that are tagged "definition", only longer. The model file is a script, not JSON:
a page that was opened from a disk may load scripts and nothing else. Weights are 16-bit integers times a scale.
tests/book/test_reader.py holds the browser's network (book/_static/reader.js) to the reference in NumPy.
"""

import base64
import json
import re
import sys
from pathlib import Path

import numpy as np

from rnncourse import plots
from rnncourse.reference import lstm, readout
from rnncourse.reference.ops import softmax

ROOT = Path(__file__).resolve().parent.parent
CHAPTER = ROOT / "book" / "01-lstm-in-ten-minutes.md"
MODEL = ROOT / "book" / "_static" / "reader-model.js"
PICTURE = ROOT / "book" / "_static" / "reading.svg"
NAMES = ("E", "U", "W", "b", "V", "b_y")
STEPS = 6000
PROGRAM = '''# circles
from math import pi

def area(radius):
    """The area of a circle.
    Its "radius" is a number.
    """
    return pi * radius**2  # pi: 3.14'''


def chapter():
    """The names that the definitions of chapter 0.1 make; reads its files, which takes some seconds."""
    import torch

    sys.path.append(str(ROOT / "benchmarks"))  # where the other programs that run a chapter's definitions are
    from common import definitions

    return definitions(CHAPTER.stem, np=np, torch=torch)


def pack(weights, unit, sign):
    """The weights as a line of JavaScript."""
    arrays = {}
    for name, values in zip(NAMES, weights, strict=True):
        scale = float(np.abs(values).max() / 32767)
        data = np.rint(values / scale).astype("<i2").tobytes()
        arrays[name] = {"shape": list(values.shape), "scale": scale, "data": base64.b64encode(data).decode()}
    return f"window.readerModel = {json.dumps({'unit': unit, 'sign': sign, 'arrays': arrays})};\n"


def unpack(text):
    """What ``pack`` wrote: (weights as float64 in the order of NAMES, unit, sign)."""
    model = json.loads(re.fullmatch(r"window\.readerModel = (.*);\n", text, re.DOTALL)[1])
    weights = []
    for name in NAMES:
        array = model["arrays"][name]
        whole = np.frombuffer(base64.b64decode(array["data"]), "<i2").reshape(array["shape"])
        weights.append(whole * array["scale"])
    return weights, model["unit"], model["sign"]


def read(weights, text):
    """The network on a text, in NumPy: its memory, tanh c (N, n), and the probabilities of the kinds (N, 4)."""
    E, U, W, b, V, b_y = weights
    x = E[np.frombuffer(("\0" + text).encode("ascii", "replace"), np.uint8)]
    zero = np.zeros((1, W.shape[1]))
    hs, _, _, cache = lstm.forward(x[:, None], zero, zero, U, W, b)
    return np.tanh(cache.c[2:, 0]), softmax(readout.forward(hs[1:, 0], V, b_y))


def train():
    import torch

    torch.set_num_threads(1)
    names = chapter()
    torch.manual_seed(0)
    model, x, y = names["Tagger"](), names["x"], names["y"]
    names["train"](model, x, y, steps=STEPS)
    right, _ = names["score"](model, names["test_paths"])
    print(f"{right.double().mean():.4f} of the characters of files never seen are right")
    cell = lstm.from_torch(model.lstm)
    arrays = [model.embedding.weight, *cell, model.output.weight, model.output.bias]
    weights = [np.asarray(a.detach() if hasattr(a, "detach") else a, np.float64) for a in arrays]
    memory, inside = read(weights, PROGRAM)[0], names["kinds_of"](PROGRAM) == 2
    fits = np.array([np.corrcoef(unit, inside)[0, 1] for unit in memory.T])
    unit = int(np.abs(fits).argmax())
    print(f"unit {unit} tells the docstring of the picture: correlation {fits[unit]:.3f}")
    MODEL.write_text(pack(weights, unit, int(np.sign(fits[unit]))), encoding="utf-8")


def draw():
    weights, unit, sign = unpack(MODEL.read_text(encoding="utf-8"))
    values = read(weights, PROGRAM)[0][:, unit] * sign
    title = "One unit of its memory: blue inside a docstring"
    PICTURE.write_text(plots.coloured_text(PROGRAM, values, title, limit=1.0, width=44).data + "\n", encoding="utf-8")


if __name__ == "__main__":
    actions = {"train": train, "draw": draw}
    if len(sys.argv) != 2 or sys.argv[1] not in actions:
        sys.exit(__doc__)
    actions[sys.argv[1]]()
