"""What falls away is really gone: no timer stays armed, no sub-process runs on, no task stays open.

Stock leaves timers of removed tasks in its event manager and orphans running sub-processes; refreshing timers then
fails, or fires what nobody waits for.
"""

from __future__ import annotations

import pytest

from engine.base.errors import Rejected
from tests.bpmn_text import Node, bpmn, call, definitions, process_xml, sub, timer_on, user
from tests.playing import Play, program

INSIDE = "start_i > work > end_i; t_inner > chase > end_t"


def _inner_nodes() -> list[Node]:
    return [user("work"), timer_on("work", "t_inner", '"PT5H"')]


def _limited(activity: Node, *more: Node) -> str:
    return process_xml(
        "main",
        f"start > {activity.id} > end; t_limit > escalate > end_limit",
        activity,
        timer_on(activity.id, "t_limit", '"PT1H"', interrupting=True),
        *more,
    )


@pytest.mark.parametrize("called", [False, True])
@pytest.mark.parametrize("reload", [False, True])
def test_interrupting_an_activity_takes_everything_inside_it_down(*, called: bool, reload: bool) -> None:
    if called:
        text = _limited(call("inside", "inner")) + process_xml("inner", INSIDE, *_inner_nodes())
    else:
        text = _limited(sub("inside", INSIDE, *_inner_nodes()))
    play = Play(program(definitions(text)))
    assert sorted(play.timers) == ["t_inner", "t_limit"]
    work, inner = play.task("work"), play.timer("t_inner")
    if reload:
        play.reload()
    delta = play.fire("t_limit")
    assert delta.closed == [work]
    assert inner in delta.ended
    assert play.timers == {}
    assert play.open == ["escalate"]
    assert play.machine.flow.get_active_subprocesses() == []
    with pytest.raises(Rejected):
        play.machine.complete(play.now, work, {})
    with pytest.raises(Rejected):
        play.machine.fire(play.pass_time(days=1), inner)
    play.complete("escalate")
    assert play.is_done()


def test_sub_processes_of_sub_processes_fall_too() -> None:
    deepest = sub("deepest", "start_d > work > end_d; t_inner > end_t", *_inner_nodes())
    outer = sub("outer", "start_o > deepest > end_o", deepest)
    play = Play(program(definitions(_limited(outer))))
    assert len(play.machine.flow.get_active_subprocesses()) == 2
    play.fire("t_limit")
    assert play.open == ["escalate"]
    assert play.timers == {}
    assert play.machine.flow.get_active_subprocesses() == []


def test_a_branch_that_loses_a_join_in_a_loop_leaves_no_timer() -> None:
    """A join that completed is dropped with its descendants when a later arrival supersedes it."""
    text = bpmn(
        "main",
        "start > x_round > p_split > one > p_join > look > x_again > end; p_split > two > p_join; "
        "x_again > x_round: again; t_one > end_one; t_look > end_look",
        timer_on("one", "t_one", '"PT1H"'),
        timer_on("look", "t_look", '"PT1H"'),
    )
    play = Play(program(text))
    for _ in range(4):
        assert sorted(play.timers) == ["t_one"]
        play.complete("one")
        play.complete("two")
        assert sorted(play.timers) == ["t_look"]
        play.complete("look", again=True)
    manager = play.machine.flow.event_manager.tasks
    assert {task.task_spec.name for task in manager.values()} == {"t_one"}


def test_a_non_interrupting_branch_lives_on_after_its_task() -> None:
    play = Play(
        program(
            bpmn("main", "start > call > end; t_note > chase > end_t", timer_on("call", "t_note", '"PT1H"'))
        )
    )
    play.fire("t_note")
    play.complete("call")
    assert play.open == ["chase"]
    assert not play.is_done()
    play.complete("chase")
    assert play.is_done()


@pytest.mark.parametrize("task", [0, 1, 99, -1])
def test_only_open_user_tasks_can_be_completed(task: int) -> None:
    """Stock runs a cancelled or finished task again without a word."""
    play = Play(program(bpmn("main", "start > first > second > end")))
    finished = play.task("first")
    play.complete("first")
    for number in (task, finished):
        with pytest.raises(Rejected, match="is not open"):
            play.machine.complete(play.now, number, {})
    assert play.open == ["second"]
