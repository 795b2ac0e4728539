"""The agreement language: its grammar, its answers, and that only the subject decides."""

import numpy as np
import pytest

from rnncourse.data import agreement


def subject(words):
    """The number of a clause's subject by the grammar alone: the first noun, whatever follows."""
    noun = next(word for word in words if word in agreement.NOUNS)
    return "singular" if noun in agreement.SINGULAR else "plural"


@pytest.mark.parametrize(("phrases", "fillers"), [(0, 0), (2, 3), (4, 30)])
def test_clauses(phrases, fillers):
    rng, seen = np.random.default_rng(0), set()
    for _ in range(300):
        words, answers = agreement.clause(rng, phrases, fillers)
        assert words[-1] == "VERB" and words.count("VERB") == 1 and set(words) <= set(agreement.WORDS)
        assert answers[:-1] == [""] * (len(words) - 1) and answers[-1] == subject(words)
        count = sum(word in agreement.PREPOSITIONS for word in words)
        assert count <= phrases and sum(word in agreement.NOUNS for word in words) == count + 1
        assert "old " * (fillers + 1) not in " ".join(words)
        seen.add((count, answers[-1]))
    assert len(seen) == 2 * (phrases + 1)  # every number of phrases, with either answer


def test_batch_is_clauses_end_to_end():
    words, answers = agreement.batch(np.random.default_rng(1), T=50, B=4)
    assert words.shape == answers.shape == (50, 4)
    for column in range(4):
        text = [agreement.WORDS[k] for k in words[:, column]]
        clauses = " ".join(text).split("VERB")[:-1]
        said = [agreement.ANSWERS[k] for k in answers[:, column] if k]
        assert said == [subject(clause.split()) for clause in clauses] and said
        assert [k > 0 for k in answers[:, column]] == [word == "VERB" for word in text]


def test_the_same_seed_gives_the_same_texts():
    first, second = (agreement.batch(np.random.default_rng(2), 30, 3) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_bystander_of_the_other_number_is_common():
    """Else the last noun would answer, and the task would ask for no memory."""
    rng = np.random.default_rng(3)
    clauses = [agreement.clause(rng) for _ in range(500)]
    wrong = sum(subject(list(reversed(words))) != answers[-1] for words, answers in clauses)
    assert 0.2 < wrong / 500 < 0.45


@pytest.mark.parametrize("bad", [{"phrases": -1}, {"fillers": -2}, {"fillers": 2.5}])
def test_negative_numbers(bad):
    ((name, number),) = bad.items()
    message = f"agreement.clause: expected {name} to be an integer of at least 0, got {number}"
    with pytest.raises(ValueError, match=message):
        agreement.clause(np.random.default_rng(0), **bad)


@pytest.mark.parametrize("bad", [{"T": 0, "B": 2}, {"T": 5, "B": -1}])
def test_no_text(bad):
    with pytest.raises(ValueError, match="agreement.batch: expected [TB] to be an integer of at least 1"):
        agreement.batch(np.random.default_rng(0), **bad)
