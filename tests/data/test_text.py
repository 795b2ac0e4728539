"""The real text: the same everywhere, split by file, encoded without loss; every error of your own text."""

import hashlib
import re

import numpy as np
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncourse.data import text
from rnncourse.data.text import ASCII, Corpus, Vocabulary

DRAWN = settings(deadline=None, derandomize=True, max_examples=50)  # the same cases every time
LOCKED = "1.9.1"  # the scikit-learn of requirements.lock: with a new one, write down the new sizes and digests
PARTS = {
    "prose": [(2315652, "9b5847966aa7ab6f"), (357023, "306bfc3a3c9b6da8"), (492977, "42a0c71bcc649b74")],
    "code": [(5423280, "706f48b7e753e94e"), (777371, "a0a97686321db4cf"), (1064630, "e7bbe33e1aefc50e")],
}


@pytest.fixture(scope="module", params=PARTS)
def corpus(request):
    """Name and parts of each corpus, read once."""
    return request.param, getattr(text, request.param)()


# ---- the corpora -------------------------------------------------------------------------------------------


@pytest.mark.skipif(sklearn.__version__ != LOCKED, reason=f"sizes and digests are those of scikit-learn {LOCKED}")
def test_the_text_is_the_same_everywhere(corpus):
    name, parts = corpus
    assert [(len(p), hashlib.sha256(p.encode()).hexdigest()[:16]) for p in parts] == PARTS[name]


def test_the_lock_has_the_version_that_the_digests_are_of(root):
    assert f"scikit-learn=={LOCKED}\n" in (root / "requirements.lock").read_text()


def test_only_the_vocabulary_and_a_fair_split(corpus):
    _, parts = corpus
    assert set("".join(parts)) <= set(ASCII.symbols)
    shares = np.array([len(p) for p in parts]) / sum(map(len, parts))
    np.testing.assert_allclose(shares, [0.8, 0.1, 0.1], atol=0.08)


def test_origin_names_package_and_version():
    assert text.origin() == f"scikit-learn {sklearn.__version__}"


def test_sources_are_the_modules_of_scikit_learn_and_nothing_else():
    names = set(text.sources())
    assert "linear_model/_ridge.py" in names
    assert not any({"tests", "externals"} & set(name.split("/")) for name in names)


def test_docstrings_in_the_order_of_the_file():
    source = '"""Module."""\ndef f():\n    """F.\n\n    one\n      two\n    """\n'
    source += 'class C:\n    """C."""\n    def g(self): "\\d"\nx = 1\n'
    assert text.docstrings(source) == ["Module.", "F.\n\none\n  two", "C.", "\\d"]


def test_to_ascii():
    assert text.to_ascii("Gödel\t∑ naïve “x”\n\x00\r") == "Godel   ? naive ?x?\n??"
    assert set(text.to_ascii("".join(map(chr, range(0x3000))))) <= set(ASCII.symbols)


# ---- the split ---------------------------------------------------------------------------------------------


def by_file(names):
    """Which names go to which part."""
    return [set(part.split("\n\n")) for part in text.by_file({name: name for name in names})]


def test_no_file_in_two_parts_and_none_lost():
    names = {f"file{i}" for i in range(60)}
    train, validation, test = by_file(names)
    assert train | validation | test == names
    assert len(train) + len(validation) + len(test) == 60


@DRAWN
@given(st.sets(st.text("abcdefghij/._", min_size=1), max_size=20))
def test_a_new_file_moves_no_old_one(new):
    old = {f"file{i}" for i in range(60)}
    for before, after in zip(by_file(old), by_file(old | new), strict=True):
        assert after & old == before


def test_the_order_of_the_files_does_not_matter():
    texts = {f"file{i}": f"text {i}" for i in range(60)}
    assert text.by_file(texts) == text.by_file(dict(reversed(texts.items())))


# ---- the vocabulary ----------------------------------------------------------------------------------------


@DRAWN
@given(st.text(ASCII.symbols))
def test_encode_and_decode_are_inverse(string):
    numbers = ASCII.encode(string)
    assert numbers.dtype == np.int64 and numbers.shape == (len(string),)
    assert ASCII.decode(numbers) == string


@DRAWN
@given(st.sets(st.characters(codec="utf-8"), min_size=1), st.data())
def test_any_vocabulary(symbols, data):
    vocabulary = Vocabulary(sorted(symbols))
    numbers = data.draw(st.lists(st.integers(0, len(vocabulary) - 1)))
    assert vocabulary.encode(vocabulary.decode(numbers)).tolist() == numbers
    assert vocabulary.encode(vocabulary.symbols).tolist() == list(range(len(vocabulary)))


def test_ascii_is_newline_and_printable():
    assert len(ASCII) == 96 and ASCII.symbols[0] == "\n" and ASCII.symbols[1:].isprintable()
    assert repr(Vocabulary("helo")) == "Vocabulary('helo')"


@pytest.mark.parametrize("symbols", ["", "hello", []])
def test_bad_vocabulary(symbols):
    with pytest.raises(ValueError, match="Vocabulary: expected symbols, each once, got"):
        Vocabulary(symbols)


def test_a_symbol_is_one_character():
    with pytest.raises(ValueError, match=r"Vocabulary: expected symbols of one character, got \['th', 'e'\]"):
        Vocabulary(["th", "e"])


def test_encode_names_the_character_and_where():
    with pytest.raises(ValueError) as error:
        Vocabulary("helo ").encode("hello 世界!")
    assert str(error.value) == (
        "Vocabulary.encode: expected only the 5 symbols of the vocabulary, got '!' (U+0021), '世' (U+4E16), "
        "'界' (U+754C), the first at position 6"
    )
    with pytest.raises(ValueError, match=r"'g' \(U\+0067\) and 3 more, the first at position 0"):
        Vocabulary("x").encode("jihgfecb"[::-1] + "")


@pytest.mark.parametrize("numbers", [[4], [-1], [0.0], [True]])
def test_decode_names_what_is_allowed(numbers):
    with pytest.raises(ValueError, match=r"Vocabulary.decode: expected integers in 0 … 3, got \["):
        Vocabulary("helo").decode(numbers)


# ---- your own text -----------------------------------------------------------------------------------------


@pytest.fixture
def write(tmp_path):
    """Write a file (str or bytes) into the test's own folder and return its path."""

    def write(content, name="mine.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_a_file_is_cut_in_reading_order(write):
    assert text.load(write("abcdefghij")) == Corpus("abcdefgh", "i", "j")
    string = "Grüße, 世界\n" * 10
    assert "".join(text.load(str(write(string)))) == string


def test_a_folder_is_split_by_file(write):
    paths = [write(f"text {i}", f"folder/{'ab'[i % 2]}/{i}.txt") for i in range(60)]
    write("not a text", "folder/readme.md")
    folder = paths[0].parents[1]
    parts = text.load(folder)
    assert sorted("\n\n".join(parts).split("\n\n")) == sorted(f"text {i}" for i in range(60))
    assert text.load(folder.rename(folder.with_name("elsewhere"))) == parts


def test_a_folder_with_one_file_is_that_file(write):
    assert text.load(write("abcdefghij").parent) == Corpus("abcdefgh", "i", "j")


def test_a_byte_order_mark_is_no_character(write):
    assert text.load(write(b"\xef\xbb\xbfabcdefghij"), ASCII) == Corpus("abcdefgh", "i", "j")


def test_line_ends_become_newlines(write):
    assert text.load(write("ab\r\ncdefghi"), ASCII).train == "ab\ncdefg"[:8]


def complaint(kind, *arguments):
    with pytest.raises(kind) as error:
        text.load(*arguments)
    return str(error.value)


def test_missing_path(tmp_path):
    said = complaint(FileNotFoundError, tmp_path / "none.txt")
    assert said == "text.load: expected a text file or a folder of .txt files, found nothing at " + str(
        tmp_path / "none.txt"
    )


@pytest.mark.parametrize("content", ["", " \n\t\n"])
def test_empty_file(write, content):
    path = write(content)
    assert complaint(ValueError, path) == f"text.load: expected text in {path}, got an empty file"


def test_folder_without_texts(write):
    folder = write("text", "folder/notes.md").parent
    assert complaint(ValueError, folder) == f"text.load: expected .txt files in the folder {folder}, found none"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_undecodable_bytes(write, mark):
    path = write(mark + b"caf\xe9 au lait")
    assert complaint(ValueError, path) == (
        f"text.load: expected UTF-8 text in {path}, got the byte 0xE9 at position {3 + len(mark)}; "
        "save the file as UTF-8, or say its encoding, for example encoding='utf-16'"
    )


def test_characters_outside_the_vocabulary(write):
    path = write("a naïve text")
    assert complaint(ValueError, path, ASCII) == (
        f"text.load: in {path}: Vocabulary.encode: expected only the 96 symbols of the vocabulary, "
        "got 'ï' (U+00EF), the first at position 4"
    )


def test_which_file_of_a_folder(write):
    for i in range(9):
        path = write("plain" if i < 8 else "naïve", f"folder/{i}.txt")
    assert f"text.load: in {path}: " in complaint(ValueError, path.parent, ASCII)


def test_too_short_for_a_split(write):
    path = write("ab")
    assert complaint(ValueError, path) == (
        f"text: expected enough text in {path}, of 2 characters, for a split 80 : 10 : 10, "
        "at least 1 characters in each part, got 0 for validation"
    )


def test_too_few_files_for_a_split(write):
    folder = [write("text", f"folder/{name}.txt") for name in "ab"][0].parent
    said = complaint(ValueError, folder)
    assert re.search(r"expected enough text in 2 files, .* for a split 80 : 10 : 10, at least 1 .* got 0 for ", said)


def test_the_parts_can_be_asked_to_be_long(write):
    path = write("abcdefghij" * 64)
    assert len(text.load(path, shortest=64).test) == 64
    said = complaint(ValueError, path, None, None, 65)
    assert (
        said.endswith("at least 65 characters in each part, got 64 for validation, 64 for test") and str(path) in said
    )
    with pytest.raises(ValueError, match="text.load: expected shortest to be an integer of at least 1, got 0"):
        text.load(path, shortest=0)


# ---- other encodings ---------------------------------------------------------------------------------------

GERMAN, CHINESE = "Grüße aus Köln, und 1 + 1 = 2.\n" * 9, "你好，世界。\n吃苹果 A\n" * 9


@pytest.mark.parametrize("string", [GERMAN, CHINESE, "plain ASCII\n" * 9])
@pytest.mark.parametrize(
    "encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-32", "utf-32-le", "utf-7", "iso2022_jp_2"]
)
def test_another_encoding_is_refused_or_named(write, string, encoding):
    if encoding == "iso2022_jp_2" and string is CHINESE:
        pytest.skip("not all of it can be written so")
    path = write(string.encode(encoding))
    if string.encode(encoding) != string.encode():  # plain ASCII is the same in several
        said = complaint(ValueError, path)
        assert said.startswith(f"text.load: expected UTF-8 text in {path}, got ") and "encoding='utf-16'" in said
    assert "".join(text.load(path, encoding=encoding)) == string


def test_what_utf_16_and_utf_7_are_told_by(write):
    assert "got the control character U+0000 at position 1" in complaint(ValueError, write("abc".encode("utf-16-le")))
    assert "got what looks like UTF-7" in complaint(ValueError, write(b"Gr+APwA3w-e aus K+APY-ln"))


@pytest.mark.parametrize("string", ["2 + 2, C++ and +1", "call +49 123456 now", "a +- b", "i += 1; x+abs(y)+f", "+"])
def test_a_plus_is_not_utf_7(write, string):
    assert "".join(text.load(write(string * 10))) == string * 10


def test_what_looks_like_utf_7_and_is_not_can_be_read(write):
    path = write("x+abs(y)" * 9)
    complaint(ValueError, path)
    assert "".join(text.load(path, encoding="utf-8")) == "x+abs(y)" * 9


def test_a_wrong_encoding(write):
    path = write(b"caf\xe9 au lait")
    assert "expected utf-16 text in" in complaint(ValueError, path, None, "utf-16")
    assert "an encoding that Python knows, got 'utf-99'" in complaint(ValueError, path, None, "utf-99")
    assert "".join(text.load(path, encoding="latin-1")) == "café au lait"


def test_folders_called_txt_and_capitals(write):
    paths = [write(f"text {i}", f"folder/x.txt/{i}.TXT") for i in range(60)]
    parts = text.load(paths[0].parents[1])
    assert sorted("\n\n".join(parts).split("\n\n")) == sorted(f"text {i}" for i in range(60))
    empty = paths[0].parents[2] / "other.txt" / "inner.txt"
    empty.mkdir(parents=True)
    said = complaint(ValueError, empty.parent)
    assert said == f"text.load: expected .txt files in the folder {empty.parent}, found none"
