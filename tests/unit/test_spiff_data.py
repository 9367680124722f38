"""Case data: copied deeply, in order, never shared between steps, and only plain."""

from __future__ import annotations

import orjson
import pytest

from engine.base.errors import TechnicalFailure
from engine.bpmn.spiff.serialization import freeze
from tests.bpmn_text import bpmn, call, definitions, many, process_xml, script, sub, user
from tests.playing import Play, program


def _finished_data(play: Play, element: str) -> dict[str, object]:
    (task,) = [t for t in play.machine.flow.tasks.values() if t.task_spec.name == element]
    return dict(task.data)


def test_a_later_step_cannot_rewrite_nested_data_of_a_finished_one() -> None:
    """Stock copies data shallowly: the list of the finished step would grow too."""
    play = Play(
        program(bpmn("main", "start > call > more > look > end", script("more", 'calls[0]["n"] = 9')))
    )
    play.complete("call", calls=[{"n": 1}], plain=1)
    assert play.data["calls"] == [{"n": 9}]
    assert _finished_data(play, "call")["calls"] == [{"n": 1}]


def test_what_a_step_changed_is_recorded_as_it_was_then() -> None:
    play = Play(
        program(
            bpmn(
                "main",
                "start > first > second > look > end",
                script("first", "calls = [1]"),
                script("second", "calls = calls + [2]"),
            )
        )
    )
    changed = [put for _, put, _, _ in play.last.data]
    assert changed == [{"calls": [1]}, {"calls": [1, 2]}]


def test_the_form_itself_is_not_repeated_among_the_changes() -> None:
    play = Play(program(bpmn("main", "start > call > end")))
    delta = play.complete("call", result="reached", notes=["a"])
    assert delta.data == []


@pytest.mark.parametrize(("before", "after"), [(1, True), (0, False), (2, 2.0), (True, 1)])
def test_a_change_of_type_alone_is_a_change(before: object, after: object) -> None:
    """Python says 1 == True == 1.0, but text made from them differs: a snapshot must not lose the difference."""
    play = Play(
        program(bpmn("main", "start > call > set > look > end", script("set", f"value = {after!r}"))),
        {"value": before},
    )
    delta = play.complete("call")
    assert [put for _, put, _, _ in delta.data] == [{"value": after}]
    assert type(delta.data[0][1]["value"]) is type(after)
    play.reload()
    assert type(play.data["value"]) is type(after)


def test_branches_do_not_share_their_data() -> None:
    play = Play(
        program(bpmn("main", "start > p_a > one > p_b > look > end; p_a > two > p_b")),
        {"seen": {"by": ["start"]}},
    )
    tasks = list(play.machine.flow.open_tasks.values())
    assert tasks[0].data["seen"] is not tasks[1].data["seen"]
    play.complete("one", one=1)
    play.complete("two", two=2)
    assert play.data == {"seen": {"by": ["start"]}, "one": 1, "two": 2}


def test_key_order_survives_a_snapshot() -> None:
    """Sorting keys would lose data: a parent must come before its children, and people see fields in order."""
    play = Play(program(bpmn("main", "start > call > look > end")), {"zeta": 1, "alpha": {"y": 1, "b": 2}})
    play.complete("call", middle=1, aaa=2)
    play.reload()
    assert list(play.data) == ["zeta", "alpha", "middle", "aaa"]
    assert list(play.data["alpha"]) == ["y", "b"]
    ids = [task[0] for task in freeze(play.machine)["flows"][0]["tasks"]]
    assert ids == sorted(ids), "parents come before their children"


def test_sub_processes_and_called_processes_take_the_whole_data_and_give_it_back() -> None:
    processes = process_xml(
        "main",
        "start > inside > ask > look > end",
        sub("inside", "start_i > work > end_i"),
        call("ask", "asking"),
    ) + process_xml("asking", "start_q > question > end_q")
    play = Play(program(definitions(processes)), {"given": [1]})
    play.complete("work", inside=True)
    assert play.data == {"given": [1], "inside": True}
    play.complete("question", answer="yes")
    assert play.data == {"given": [1], "inside": True, "answer": "yes"}


# ---------------------------------------------------------------- multi-instance
ASK_EACH = bpmn(
    "main",
    "start > ask > look > end",
    user("ask", many=many(over="people", item="who", into="answers")),
)


@pytest.mark.parametrize("sequential", [False, True])
@pytest.mark.parametrize("reload", [False, True])
def test_multi_instance_results_come_together(*, sequential: bool, reload: bool) -> None:
    """Stock loses the merge when the specification was not the one that started the instances (a fresh process)."""
    text = bpmn(
        "main",
        "start > ask > look > end",
        user("ask", many=many(over="people", item="who", into="answers", sequential=sequential)),
    )
    play = Play(program(text), {"people": ["a", "b", "c"]})
    for number, _ in enumerate("abc"):
        if reload:
            play.machine.program = program(text)  # another process has compiled the release anew
            play.reload()
        task = play.machine.flow.open_tasks[play.task("ask")]
        assert task.data["who"] == "abc"[number]
        play.complete("ask", who_out=f"answer of {task.data['who']}")
    assert play.open == ["look"]
    assert play.data["answers"] == ["answer of a", "answer of b", "answer of c"]


def test_multi_instance_over_nothing_goes_on() -> None:
    play = Play(program(ASK_EACH), {"people": []})
    assert play.open == ["look"]


# ---------------------------------------------------------------- only plain data
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("value = {1: 2}", "keys that are not text"),
        ("value = {1, 2}", "a set; only plain data"),
        ("value = 1 << 70", "beyond 64 bits"),
        ("value = float('nan')", "not a number"),
        ("value = 1e308 * 10", "not a number"),
        ("value = 'x' * 300000", "longer than 262,144"),
        ("value = [0] * 30000", "too much or too deeply"),
    ],
)
def test_a_script_gives_back_plain_data_or_fails_with_its_element(text: str, complaint: str) -> None:
    with pytest.raises(TechnicalFailure, match=complaint) as failure:
        Play(program(bpmn("main", "start > compute > look > end", script("compute", text))))
    assert failure.value.element == "compute"


def test_tuples_become_lists_so_that_live_and_reloaded_data_are_one() -> None:
    play = Play(
        program(bpmn("main", "start > compute > look > end", script("compute", "pair = (1, (2, 3))")))
    )
    assert play.data["pair"] == [1, [2, 3]]
    assert orjson.loads(orjson.dumps(play.data)) == play.data
