"""What the check of chapter 4.2 says of answers that are not done, nearly right, or wrong in a known way."""

import numpy as np
import pytest
import torch
from answers import nesterov as right

from rnncourse.exercises import check_nesterov


def step(direction):
    """An answer with the right u and theta − rate · direction(g, old u, new u, mu)."""

    def answer(theta, g, u, rate, mu):
        new = mu * u + g
        return theta - rate * direction(g, u, new, mu), new

    return answer


def state(new_u):
    """An answer with the right theta and another u."""
    return lambda theta, g, u, rate, mu: (right(theta, g, u, rate, mu)[0], new_u(g, u, rate, mu))


def changes_its_input(theta, g, u, rate, mu):
    u *= mu
    u += g
    return theta - rate * (g + mu * u), u


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (step(lambda g, u, new, mu: new), "That is plain momentum."),
        (step(lambda g, u, new, mu: new + mu * new), "Add g, not u"),
        (step(lambda g, u, new, mu: g + new), "The new u is multiplied by μ."),
        (step(lambda g, u, new, mu: mu * new), "The g of the step is missing"),
        (step(lambda g, u, new, mu: g), "That is SGD without momentum"),
        (step(lambda g, u, new, mu: -(g + mu * new)), "The step goes downhill"),
        (lambda theta, g, u, rate, mu: (theta - g - mu * (mu * u + g), mu * u + g), "The learning rate is missing."),
        (lambda theta, g, u, rate, mu: (-rate * (g + mu * (mu * u + g)), mu * u + g), "That is the step."),
        (state(lambda g, u, rate, mu: u), "That is the old u."),
        (state(lambda g, u, rate, mu: mu * u + (1 - mu) * g), "That is a running mean."),
        (state(lambda g, u, rate, mu: u + g), "The old u is multiplied by μ."),
        (state(lambda g, u, rate, mu: mu * (u + g)), "μ multiplies only the old u"),
        (state(lambda g, u, rate, mu: mu * u - g), "g is added to u."),
        (state(lambda g, u, rate, mu: mu * u - rate * g), "The rate does not enter u here"),
        (state(lambda g, u, rate, mu: mu * u + rate * g), "The rate does not enter u."),
        (state(lambda g, u, rate, mu: g + mu * (mu * u + g)), "That is the direction of the step."),
        (lambda *given: right(*given)[::-1], "the two results are exchanged"),
        (lambda *given: right(*given)[0], "It should return two arrays, theta and u."),
        (lambda theta, g, u, rate, mu: (None, u), "It should be the new"),
        (changes_its_input, "changes its input u"),
    ],
)
def test_nesterov(answer, says):
    verdict = check_nesterov(answer)
    assert not verdict and says in verdict, verdict


def test_the_answer_is_that_of_torch():
    rng = np.random.default_rng(0)
    theta, u = rng.normal(size=(3, 2)), np.zeros((3, 2))
    weight = torch.tensor(theta, requires_grad=True)
    update = torch.optim.SGD([weight], 0.1, momentum=0.9, nesterov=True)
    for _ in range(5):
        g = rng.normal(size=(3, 2))
        weight.grad = torch.tensor(g)
        update.step()
        theta, u = right(theta, g, u, 0.1, 0.9)
    np.testing.assert_allclose(theta, weight.detach(), rtol=1e-12)
