"""The small tagged language keeps the rule that its docstring states."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncourse.data import tagging as language
from rnncourse.data.tagging import TAGS, WORDS, sentence

DRAWN = settings(deadline=None, derandomize=True, max_examples=200)  # the same cases every time
CERTAIN = dict.fromkeys(language.PRONOUNS + language.PRONOUNS_ZH, "PRON")
CERTAIN |= dict.fromkeys(language.DETERMINERS, "DET") | dict.fromkeys(language.HESITATION.values(), "INTJ")
CERTAIN |= dict.fromkeys(language.EAT + language.USE, "VERB")


def tags_by_the_rule(words):
    """The docstring's rule, written down a second time: reading from the left, hesitations aside."""
    tags, before, before_tag = [], None, None
    for word in words:
        if word in language.AMBIGUOUS:
            tag = {"DET": "NOUN", "PRON": "VERB", "NOUN": "VERB"}[before_tag]
        elif word in language.AMBIGUOUS_ZH:
            tag = "NOUN" if before in language.EAT else "PROPN"
        else:
            tag = CERTAIN[word]
        tags.append(tag)
        if tag != "INTJ":
            before, before_tag = word, tag
    return tags


@DRAWN
@given(st.integers(0, 2**32), st.integers(0, 6))
def test_every_sentence_follows_the_rule(seed, most):
    words, tags = sentence(np.random.default_rng(seed), most)
    assert set(words) <= set(WORDS) and set(tags) <= set(TAGS)
    assert tags == tags_by_the_rule(words)
    pauses = "".join("x" if tag == "INTJ" else " " for tag in tags).split()
    assert all(len(pause) <= most for pause in pauses)


def test_the_same_seed_gives_the_same_sentences():
    one, other = np.random.default_rng(7), np.random.default_rng(7)
    assert [sentence(one, 3) for _ in range(50)] == [sentence(other, 3) for _ in range(50)]


def test_everything_that_the_rule_allows_is_said():
    rng = np.random.default_rng(0)
    sentences = [sentence(rng, 2) for _ in range(2000)]
    assert {word for s in sentences for word in s.words} == set(WORDS)
    pairs = {pair for s in sentences for pair in zip(s.words, s.tags, strict=True)}
    for word in language.AMBIGUOUS:
        assert {(word, "NOUN"), (word, "VERB")} <= pairs
    for word in language.AMBIGUOUS_ZH:
        assert {(word, "NOUN"), (word, "PROPN")} <= pairs


def test_without_hesitation():
    rng = np.random.default_rng(0)
    assert not any("INTJ" in sentence(rng, 0).tags for _ in range(200))


def test_words_and_tags_are_listed_once():
    assert len(set(WORDS)) == len(WORDS) and len(set(TAGS)) == len(TAGS)


@pytest.mark.parametrize("count", [-1, 1.5])
def test_no_such_number_of_hesitations(count):
    with pytest.raises(ValueError, match=f"tagging.sentence: expected most .* of at least 0, got {count}"):
        sentence(np.random.default_rng(0), count)
    with pytest.raises(ValueError, match=f"tagging.probes: expected pause .* of at least 0, got {count}"):
        language.probes(count)  # −1 would give probes without a pause
