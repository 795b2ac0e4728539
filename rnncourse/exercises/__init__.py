"""Checks for the coded exercises: each says what is wrong, not only that it is wrong.

``start`` (0.1), ``memory`` (1.1, 1.2), ``backward`` (1.3, 1.4), ``gates`` (part 2), ``step_back`` (2.2),
``compare`` (2.5), ``architectures`` and ``connections`` (3), ``training`` (4.1), ``optimisers`` (4.2),
``regularisation`` (4.3), ``truncation`` (4.4), ``transfer`` (4.5), ``text`` (5.1), ``labelling`` (5.2),
``translation`` (5.5), ``series`` (6), ``speed`` (8): the checks. ``verdict`` and ``running``: what they share. A
check tries the answer on cases that the exercise named and on some it did not.
"""

from rnncourse.exercises.architectures import check_attend, check_fed_back, check_recall, check_summary
from rnncourse.exercises.backward import check_clip, check_error_terms, check_forward_gradient, check_resting_points
from rnncourse.exercises.compare import check_sign_test
from rnncourse.exercises.connections import check_causal, check_mask, check_stacked
from rnncourse.exercises.gates import check_counter, check_holds, check_parameters
from rnncourse.exercises.labelling import check_spans
from rnncourse.exercises.memory import (
    check_bits_per_character,
    check_concatenated,
    check_latch,
    check_layers_needed,
)
from rnncourse.exercises.optimisers import check_nesterov
from rnncourse.exercises.regularisation import check_same_masks
from rnncourse.exercises.series import check_drawdown, check_variance
from rnncourse.exercises.speed import check_recurrence
from rnncourse.exercises.start import check_pieces
from rnncourse.exercises.step_back import check_step_back
from rnncourse.exercises.text import check_min_p, check_temperature
from rnncourse.exercises.training import check_last_states
from rnncourse.exercises.transfer import check_move_rows
from rnncourse.exercises.translation import check_extend
from rnncourse.exercises.truncation import check_reach

__all__ = [
    "check_attend",
    "check_bits_per_character",
    "check_causal",
    "check_causal",
    "check_clip",
    "check_concatenated",
    "check_counter",
    "check_drawdown",
    "check_error_terms",
    "check_extend",
    "check_fed_back",
    "check_forward_gradient",
    "check_holds",
    "check_last_states",
    "check_latch",
    "check_layers_needed",
    "check_mask",
    "check_min_p",
    "check_move_rows",
    "check_nesterov",
    "check_parameters",
    "check_pieces",
    "check_reach",
    "check_recall",
    "check_recurrence",
    "check_resting_points",
    "check_same_masks",
    "check_sign_test",
    "check_spans",
    "check_stacked",
    "check_step_back",
    "check_summary",
    "check_temperature",
    "check_variance",
]
