"""``source`` shows what runs, with its path, and nothing that is not the course's."""

import inspect

import numpy as np
import pytest
import torch

import rnncourse.reference
from rnncourse.data import text
from rnncourse.pytorch import RNN
from rnncourse.reference import rnn
from rnncourse.show import narrow, source


@pytest.mark.parametrize(
    ("obj", "path", "starts"),
    [
        (
            rnn.step,
            "rnncourse/reference/rnn.py",
            '@shapes(U="n m", W="n n", b="n", x="... m", h="... n")\ndef step(',
        ),
        (RNN, "rnncourse/pytorch/rnn.py", "class RNN(nn.Module):"),
        (RNN.forward, "rnncourse/pytorch/rnn.py", "def forward(self, x, h0=None):"),
        (text, "rnncourse/data/text.py", '"""Real text'),
        (rnncourse.reference, "rnncourse/reference/__init__.py", '"""NumPy'),
    ],
    ids=lambda x: getattr(x, "__name__", None),
)
def test_code_and_path(obj, path, starts, root):
    heading, blank, fence, *code, end = source(obj).data.split("\n")
    assert (heading, blank, fence, end) == (f"`{path}`", "", "```python", "```")
    shown = "\n".join(code)
    assert shown.startswith(starts)
    file = (root / path).read_text(encoding="utf-8")
    assert "".join(shown.split()) in "".join(file.split())  # but for where lines end


def test_long_text_is_broken_and_code_is_not():
    code = (
        'def f():\n    """' + "word " * 30 + 'end."""\n    # ' + "note " * 30 + "\n    return " + " + ".join("a" * 40)
    )
    *lines, last = narrow(code).split("\n")
    assert max(map(len, lines)) <= 88 < len(last) and last == code.split("\n")[-1]
    assert "".join("".join(lines).replace("# ", "").split()) == "".join(code[: -len(last)].replace("# ", "").split())
    assert all(line.startswith("    ") for line in lines[1:])


@pytest.mark.parametrize("obj", [len, np.tanh, torch.nn.RNN, np.ones(3), 3, "rnncourse", inspect], ids=repr)
def test_only_the_course(obj):
    with pytest.raises(TypeError, match="show.source: expected a function, class or module of rnncourse, got "):
        source(obj)


def test_no_source_of_an_instance():
    with pytest.raises(TypeError):
        source(text.ASCII)
