"""Parallel joins, in and out of loops: golden cases, worked out by hand from BPMN (ADR 0008).

Stock is not the oracle here: inside a loop it counts branches of earlier rounds and fires before the others came.
"""

from __future__ import annotations

from itertools import permutations

import pytest
from SpiffWorkflow.util.task import TaskState

from tests.bpmn_text import bpmn, script, stop, sub, timer_on, wait
from tests.playing import Play, program

TWICE = bpmn(
    "main",
    "start > x_round > p_split > one > p_join > count > look > x_again > end; p_split > two > p_join; "
    "p_split > three > p_join; x_again > x_round: again",
    script("count", "rounds = rounds + 1"),
)


@pytest.mark.parametrize("order", list(permutations(["one", "two", "three"])))
@pytest.mark.parametrize("reload", [False, True])
def test_in_every_round_the_join_waits_for_every_branch(order: tuple[str, ...], *, reload: bool) -> None:
    play = Play(program(TWICE), {"rounds": 0})
    for number in range(1, 5):
        for element in order:
            assert "look" not in play.open, f"round {number}: fired before {element} had come"
            play.complete(element, **{f"{element}_{number}": number})
            if reload:
                play.reload()
        assert play.open == ["look"]
        assert play.data["rounds"] == number
        assert {f"{e}_{number}" for e in order} <= play.data.keys(), "what the branches brought is merged"
        play.complete("look", again=number < 4)
    assert play.is_done()


def test_a_branch_cancelled_in_an_earlier_round_does_not_count_in_this_one() -> None:
    """The case of ADR 0008: an interrupting timer cancels a branch's task; its join sibling is cancelled in round 1."""
    play = Play(
        program(
            bpmn(
                "main",
                "start > x_round > p_split > call > x_merge > p_join > look > x_again > end; p_split > check > p_join; "
                "t_late > x_merge; x_again > x_round: again",
                timer_on("call", "t_late", '"PT1H"', interrupting=True),
            )
        )
    )
    play.fire("t_late")
    play.complete("check")
    assert play.open == ["look"]
    play.complete("look", again=True)
    play.complete("check")
    assert play.open == ["call"], "round 2: the call is still to be made"
    play.complete("call")
    assert play.open == ["look"]


def test_a_parallel_gateway_at_the_head_of_a_loop_opens_its_branches_each_round() -> None:
    play = Play(
        program(
            bpmn(
                "main",
                "start > p_split > one > p_join > x_again > end; p_split > two > p_join; x_again > p_split: again",
            )
        )
    )
    for _ in range(3):
        assert sorted(play.open) == ["one", "two"]
        play.complete("one")
        play.complete("two", again=True)
    play.complete("two")
    play.complete("one", again=False)
    assert play.is_done()


def test_data_is_merged_in_the_order_of_arrival_whatever_was_reloaded() -> None:
    text = bpmn("main", "start > p_split > one > p_join > look > end; p_split > two > p_join")
    seen = []
    for order in (["one", "two"], ["two", "one"]):
        for reload in (False, True):
            play = Play(program(text))
            for element in order:
                play.complete(element, last=element)
                if reload:
                    play.reload()
            seen.append(play.data["last"])
    assert seen == ["two", "two", "one", "one"], "the last to arrive wins"


def test_a_join_of_joins() -> None:
    play = Play(
        program(
            bpmn(
                "main",
                "start > p_a > one > p_b > p_d > look > end; p_a > two > p_b; "
                "p_a > p_c > three > p_e > p_d; p_c > four > p_e",
            )
        )
    )
    for element in ("four", "one", "three", "two"):
        assert "look" not in play.open
        play.complete(element)
    assert play.open == ["look"]


def test_the_end_comes_when_every_branch_has_ended() -> None:
    play = Play(program(bpmn("main", "start > p_a > one > end_one; p_a > two > end_two")))
    play.complete("one")
    assert not play.is_done()
    play.complete("two")
    assert play.is_done()
    assert play.last.ends == ["end_two"]


def test_a_terminate_end_stops_the_other_branches() -> None:
    play = Play(program(bpmn("main", "start > p_a > one > kill; p_a > two > end_two", stop("kill"))))
    two = play.task("two")
    delta = play.complete("one")
    assert play.is_done()
    assert two in delta.closed


def test_every_two_hours_pattern_ends_with_the_work() -> None:
    """The documented pattern: a fork inside a sub-process, the work on one side, a reminder loop on the other."""
    inside = sub(
        "inside",
        "start_i > p_fork > work > kill; p_fork > x_loop > pause > chase > x_loop",
        stop("kill"),
        script("chase", "chased = chased + 1"),
        wait("pause", '"PT2H"'),
    )
    play = Play(program(bpmn("main", "start > inside > look > end", inside)), {"chased": 0})
    for _ in range(3):
        play.fire("pause")
    delta = play.complete("work")
    assert play.open == ["look"]
    assert play.timers == {}
    assert len(delta.ended) == 1


def test_a_second_token_through_the_same_split_waits_for_its_own_branches() -> None:
    """What another token joined before is no earlier round of this one."""
    play = Play(
        program(
            bpmn(
                "main",
                "start > p_split > a > x_in > p_two > c > p_join > x_again > end; p_split > b > x_in; "
                "p_two > d > p_join; x_again > x_in: again == 'yes'",
            )
        ),
        {"again": "no"},
    )
    for task in ("a", "c", "d"):
        play.complete(task)
    assert play.open == ["b"]
    play.complete("b")
    assert play.open == ["c", "d"]
    play.complete("c")
    assert play.open == ["d"]
    play.complete("d")
    assert play.is_done()


def test_a_walk_over_the_tree_finds_every_task_of_a_state() -> None:
    play = Play(program(TWICE), {"rounds": 0})
    for element in ("one", "two", "three"):
        play.complete(element)
    flow = play.machine.flow
    for state in (TaskState.COMPLETED, TaskState.READY, TaskState.FINISHED_MASK):
        walked = {task.id for task in flow.get_tasks(state=state)}
        assert walked == {task.id for task in flow.tasks.values() if task.has_state(state)}
        assert walked
