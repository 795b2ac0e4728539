"""A small generated language in which a verb must agree with a noun that is not the last one read.

    the dogs near the old cat VERB the cat VERB …

VERB stands where a verb would come; the answer asked for there is the grammatical number of its subject: plural, then
singular. A noun after a preposition is no subject, and can have the other number. Before every noun stands "the" and
up to a few times "old". The same nouns are subjects and not, so no noun says which it is.
"""

import numpy as np

from rnncourse.checks import check_sizes

SINGULAR, PLURAL = ["dog", "cat"], ["dogs", "cats"]
NOUNS = [*SINGULAR, *PLURAL]
PREPOSITIONS = ["near", "with"]
WORDS = [*NOUNS, *PREPOSITIONS, "the", "old", "VERB"]
ANSWERS = ["", "singular", "plural"]


def clause(rng, phrases=2, fillers=3):
    """One clause from ``rng`` (numpy Generator): a subject, 0 … ``phrases`` phrases of preposition and noun, VERB.

    fillers: each noun comes after "the" and 0 … fillers times "old". Returns the words and, equally many, the
    answers: "singular" or "plural" at VERB, "" elsewhere. Raises ValueError for numbers that are negative or not whole.
    """
    check_sizes("agreement.clause", least=0, phrases=phrases, fillers=fillers)

    def noun():
        return ["the", *["old"] * rng.integers(fillers + 1), NOUNS[rng.integers(len(NOUNS))]]

    subject = noun()
    words = [*subject]
    for _ in range(rng.integers(phrases + 1)):
        words += [PREPOSITIONS[rng.integers(len(PREPOSITIONS))], *noun()]
    number = "singular" if subject[-1] in SINGULAR else "plural"
    return [*words, "VERB"], [""] * len(words) + [number]


def batch(rng, T, B, phrases=2, fillers=3):
    """B texts of exactly T words, clause after clause, the last one cut off where the text ends.

    Returns words (T, B), indices into WORDS, and answers (T, B), indices into ANSWERS: 0 means nothing is asked.
    Raises ValueError for sizes below 1 and as ``clause``.
    """
    check_sizes("agreement.batch", T=T, B=B)
    words, answers = np.empty((T, B), int), np.empty((T, B), int)
    for column in range(B):
        text, wanted = [], []
        while len(text) < T:
            more, said = clause(rng, phrases, fillers)
            text, wanted = text + more, wanted + said
        words[:, column] = [WORDS.index(word) for word in text[:T]]
        answers[:, column] = [ANSWERS.index(answer) for answer in wanted[:T]]
    return words, answers
