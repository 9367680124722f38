"""Long loops: nothing becomes invisible, nothing is called complete too early, and no round costs more than another.

Stock walks the task tree no deeper than 1,000 levels; from then on the open task is not found and the unfinished case
counts as complete. Its ancestor walks recurse and end in RecursionError.
"""

from __future__ import annotations

from SpiffWorkflow.util.task import TaskState

from tests.bpmn_text import bpmn, script, sub, timer_on, user
from tests.playing import Play, program

ROUNDS = 650  #: each round adds two levels and more to the tree: past the wall of stock (1,000) well before the end


def test_the_open_task_is_visible_however_many_rounds_came_before() -> None:
    play = Play(program(bpmn("main", "start > call > x_again > end; x_again > call: again")))
    for number in range(ROUNDS):
        assert play.open == ["call"], f"round {number}"
        assert not play.is_done(), f"round {number}"
        assert not play.last.done
        play.complete("call", again=True, number=number)
    assert play.machine.flow.get_tasks(state=TaskState.READY, manual=True) != []
    play.complete("call", again=False)
    assert play.is_done()
    assert play.last.done


def test_a_loop_with_boundary_timers_does_not_recurse() -> None:
    play = Play(
        program(
            bpmn(
                "main",
                "start > call > x_again > end; x_again > call: again; t_late > late > end_late",
                timer_on("call", "t_late", '"PT2H"'),
                script("late", "late_rounds = later_count"),
            )
        ),
        {"later_count": 1},
    )
    for _ in range(300):
        assert list(play.timers) == ["t_late"], "each round arms its own timer, once"
        play.complete("call", again=True)
    play.fire("t_late")
    assert play.data["later_count"] == 1
    assert play.open == ["call"]
    play.complete("call", again=False)
    assert play.is_done()


def test_a_loop_of_sub_processes_keeps_only_the_running_one_live() -> None:
    play = Play(
        program(
            bpmn(
                "main",
                "start > inside > x_again > end; x_again > inside: again",
                sub("inside", "start_i > work > end_i", user("work")),
            )
        )
    )
    for _ in range(150):
        assert play.open == ["work"]
        assert len(play.machine.flow.get_active_subprocesses()) == 1
        play.complete("work", again=True)
    play.complete("work", again=False)
    assert play.is_done()


def test_the_indexes_hold_what_a_walk_over_all_tasks_finds() -> None:
    play = Play(
        program(
            bpmn(
                "main",
                "start > p_a > one > p_b > x_again > end; p_a > two > p_b; x_again > p_a: again",
                timer_on("one", "t_one", '"PT1H"'),
                user("one"),
            )
        )
    )
    for _ in range(5):
        flow = play.machine.flow
        for state, index in (
            (TaskState.READY, flow.ready),
            (TaskState.WAITING, flow.waiting),
            (TaskState.NOT_FINISHED_MASK, flow.unfinished),
        ):
            walked = {n for n, task in flow.tasks.items() if task.state & state}
            assert walked == set(index)
        by_spec = {n for tasks in flow.by_spec.values() for n in tasks}
        assert by_spec == set(flow.tasks)
        play.complete("two")
        play.complete("one", again=True)


def test_a_question_about_tasks_is_answered_in_tree_order() -> None:
    """Stock's order, which the order of steps follows: depth first, sub-processes before the children of their task."""
    play = Play(
        program(
            bpmn(
                "main",
                "start > p_a > inside > p_b > end; p_a > beside > p_b",
                sub("inside", "start_i > p_i > first > p_j > end_i; p_i > second > p_j"),
            )
        )
    )
    ready = play.machine.flow.get_tasks(state=TaskState.READY, manual=True)
    assert [t.task_spec.name for t in ready] == ["first", "second", "beside"]
