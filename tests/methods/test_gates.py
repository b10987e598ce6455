"""gates: which phases the project's own method has."""

from dataclasses import replace

import pytest
from helpers.problems import SMALL, images

from tinygsp import methods
from tinygsp.nn.layers import MaskedDense, MaskedEdges
from tinygsp.training import make_plan

GATES = methods.find("gates")


@pytest.mark.parametrize("share, epochs, search", [(0.5, 1, 1), (0.5, 3, 2), (0.55, 100, 55), (1.0, 7, 7)])
def test_epochs_of_search_and_rewiring(share, epochs, search):
    plan = make_plan(images(), replace(SMALL, search_share=share, epochs=epochs))
    phases = {phase.name: phase.epochs for phase in GATES.phases(plan)}
    assert phases == {"dense": 2, "search": search, "rewire": epochs - search, "finetune": 3}


def test_every_try_has_phases_of_its_own():
    plan = make_plan(images(), replace(SMALL, tries=3, search_share=0.5))
    phases = GATES.phases(plan)
    assert [phase.name for phase in phases] == ["dense"] + ["search", "rewire", "finetune"] * 3
    assert [phase.attempt for phase in phases if phase.name == "search"] == [0, 1, 2]
    assert len({id(phase) for phase in phases}) == 10


def test_it_takes_the_settings_as_they_are():
    assert GATES.fixed == {} and GATES.layers == (MaskedDense, MaskedEdges)
