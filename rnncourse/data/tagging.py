"""A small generated language in which the tag of a word depends on words before it.

English, as it is spoken, with hesitations:   they um cook the um um fish   →   PRON INTJ VERB DET INTJ INTJ NOUN
The words of AMBIGUOUS are verbs or nouns: a noun after a determiner, a verb after a pronoun or a noun, however many
hesitations stand between.

Chinese:   我 吃 呃 苹果   →   PRON VERB INTJ NOUN       (I eat, er, an apple)
           我 用 呃 苹果   →   PRON VERB INTJ PROPN      (I use, er, an Apple)
苹果 (apple, Apple) and 小米 (millet, Xiaomi) are food after a verb of eating and a brand after a verb of using.
"""

from typing import NamedTuple

from rnncourse.checks import check_sizes

PRONOUNS = ["I", "you", "we", "they"]
DETERMINERS = ["the", "a", "this"]
AMBIGUOUS = ["cook", "fish", "drink", "play", "watch", "walk"]
HESITATION = {"en": "um", "zh": "呃"}
PRONOUNS_ZH = ["我", "你", "他"]
EAT, USE = ["吃", "煮"], ["用", "修"]
AMBIGUOUS_ZH = ["苹果", "小米"]

WORDS = [*PRONOUNS, *DETERMINERS, *AMBIGUOUS, "um", *PRONOUNS_ZH, *EAT, *USE, *AMBIGUOUS_ZH, "呃"]
TAGS = ["PRON", "DET", "NOUN", "VERB", "INTJ", "PROPN"]


class Sentence(NamedTuple):
    """Words and their tags, equally many."""

    words: list
    tags: list


def sentence(rng, most):
    """One sentence from ``rng`` (numpy Generator), with 0 … ``most`` hesitations before each ambiguous word.

    Raises ValueError for a ``most`` that is negative or not whole.
    """
    check_sizes("tagging.sentence", least=0, most=most)

    def pause(language):
        count = int(rng.integers(most + 1))
        return [(HESITATION[language], "INTJ")] * count

    def pick(words, tag):
        return [(words[rng.integers(len(words))], tag)]

    noun = lambda: pick(DETERMINERS, "DET") + pause("en") + pick(AMBIGUOUS, "NOUN")  # noqa: E731
    kind = rng.integers(4)
    if kind == 0:  # they cook the fish
        pairs = pick(PRONOUNS, "PRON") + pause("en") + pick(AMBIGUOUS, "VERB") + noun()
    elif kind == 1:  # the cook fish, as in: the cook fishes
        pairs = noun() + pause("en") + pick(AMBIGUOUS, "VERB")
    else:
        verbs, tag = (EAT, "NOUN") if kind == 2 else (USE, "PROPN")
        pairs = pick(PRONOUNS_ZH, "PRON") + pick(verbs, "VERB") + pause("zh") + pick(AMBIGUOUS_ZH, tag)
    return Sentence(*(list(column) for column in zip(*pairs, strict=True)))


def probes(pause):
    """Two-word questions at a distance: every pronoun and determiner, ``pause`` hesitations, every ambiguous word.

    42 sentences, all of length pause + 2; the last word is a verb in 24 of them (after a pronoun), a noun in 18.
    Raises ValueError for a ``pause`` that is negative or not whole.
    """
    check_sizes("tagging.probes", least=0, pause=pause)
    return [
        Sentence([first, *["um"] * pause, last], [tag, *["INTJ"] * pause, "VERB" if tag == "PRON" else "NOUN"])
        for words, tag in ((PRONOUNS, "PRON"), (DETERMINERS, "DET"))
        for first in words
        for last in AMBIGUOUS
    ]
