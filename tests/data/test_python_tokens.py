"""Labelled lines of Python: every label where it belongs, the same draw each time, two parts that share no file."""

import pytest

from rnncourse.data import python_tokens
from rnncourse.data.python_tokens import LABELS, TAGS


def spans(program, line=0):
    """label: text of each span of one line, in order."""
    found = []
    for token, tag in zip(*python_tokens.label(program)[line], strict=True):
        if tag[0] == "B":
            found.append([tag[2:], token])
        elif tag[0] == "I":
            assert tag[2:] == found[-1][0]
            found[-1][1] += f" {token}"
    return [f"{label}: {text}" for label, text in found]


@pytest.mark.parametrize(
    ("program", "wish"),
    [
        ("from os.path import join", ["module: os . path"]),
        ("from .. import a", ["module: . ."]),
        ("import a.b as c, d", ["module: a . b", "module: d"]),
        ("x, self.y[f(3)] = 1, 2", ["target: x", "target: self . y [ f ( 3 ) ]"]),
        ("x: list[int] = f()", ["target: x", "annotation: list [ int ]", "called: f"]),
        ("x += g", ["target: x"]),
        ("np.sqrt(f(a), axis=-1)", ["called: np . sqrt", "argument: f ( a )", "keyword: axis", "argument: - 1"]),
        ("f(a)[0].g(*b)", ["called: f", "argument: a", "called: g", "argument: * b"]),
        ("sum(u for u in v)", ["called: sum", "argument: u for u in v"]),
        ("f((u for u in v), 1)", ["called: f", "argument: ( u for u in v )", "argument: 1"]),
        ('f(f"{x} {g(y)!r:>3}", "a" "b")', ["called: f", None, "argument: \"a\" \"b\""]),
        ("for i, j in pairs: pass", ["target: i", "target: j"]),
        ("lambda u=1: u", ["parameter: u", "default: 1"]),
        ("print(a)  # f(b)", ["called: print", "argument: a"]),
    ],
)  # fmt: skip
def test_labels(program, wish):
    found = spans(program)
    assert len(found) == len(wish) and all(b is None or a == b for a, b in zip(found, wish, strict=True))


def test_definitions():
    program = """@functools.wraps(f)
@property
async def g(self, *args: int, k: list[int] = (1, 2), **kw) -> dict[str, int]:
    pass
class A(B, b.C, metaclass=M):
    pass
"""
    assert spans(program) == ["decorator: functools . wraps", "argument: f"]
    assert spans(program, 1) == ["decorator: property"]
    assert spans(program, 2) == [
        "function: g", "parameter: self", "parameter: args", "annotation: int", "parameter: k",
        "annotation: list [ int ]", "default: ( 1 , 2 )", "parameter: kw", "annotation: dict [ str , int ]",
    ]  # fmt: skip
    assert spans(program, 4) == ["class: A", "base: B", "base: b . C", "keyword: metaclass", "argument: M"]


def test_lines_are_logical_ones():
    found = python_tokens.label("f(a,\n  b)\nif x: y = 1; z\n")
    assert [" ".join(line.tokens) for line in found] == ["f ( a , b )", "if x : y = 1 ; z"]
    with pytest.raises(SyntaxError):
        python_tokens.label("f(a,\n")


def test_draw():
    parts = {part: python_tokens.draw("tqdm", 150, part) for part in ("train", "validation")}
    texts = {part: [" ".join(line.tokens) for line in parts[part]] for part in parts}
    assert all(len(set(texts[part])) == 150 for part in parts) and parts["train"] == python_tokens.draw(
        "tqdm", 150, "train"
    )
    assert len(set(texts["train"]) & set(texts["validation"])) < 40  # such as "return self", in two files
    for line in parts["train"]:
        assert 2 <= len(line.tokens) == len(line.tags) <= 40 and set(line.tags) <= set(TAGS)
        for before, tag in zip(["O", *line.tags], line.tags, strict=False):
            assert tag[0] != "I" or before[2:] == tag[2:]
    assert len(TAGS) == 2 * len(LABELS) + 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("tqdm", 10, "test"), "expected part to be 'train', 'validation' or None, got 'test'"),
        (("tqdm", 10**6), "expected at least 1000000 lines in tqdm"),
        (("no_such_package", 10), "expected an installed package, got 'no_such_package'"),
    ],
)
def test_errors(given, says):
    with pytest.raises(ValueError, match=says):
        python_tokens.draw(*given)
