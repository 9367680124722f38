"""Which kind of change a release is, by what its files say: not by their names, and not by how they are worded."""

from __future__ import annotations

import re

import pytest

from engine.base.settings import CHECKOUT, GUARDED, Settings
from engine.release.release import Release
from engine.release.releases import read_folder
from engine.release.second_person import KINDS, touched

CANTONESE = "bpmn/telecom/cantonese_callback.bpmn"
REFUND = "bpmn/shared/refund_settlement.bpmn"
SMS = "bpmn/shared/notify_sms.bpmn"
PROPOSAL = "forms/refund_proposal.json"


@pytest.fixture(scope="module")
def shipped() -> Release:
    return Release(1, read_folder(CHECKOUT))


def changed(shipped: Release, path: str, old: str, new: str) -> dict[str, list[str]]:
    """The kinds of change that it is to write ``new`` where a file first says ``old`` (a pattern)."""
    text = shipped.files[path].decode()
    made = re.sub(old, new, text, count=1)
    assert made != text
    return touched(shipped, Release(2, {**shipped.files, path: made.encode()}), GUARDED)


def test_the_setting_knows_the_kinds_there_are() -> None:
    assert set(GUARDED) == KINDS.keys()
    assert Settings.from_env({"GONGDAN_SECOND_PERSON": "money, limits"}).second_person == {"money", "limits"}


@pytest.mark.parametrize(
    ("path", "old", "new", "kinds"),
    [
        ("bpmn/roles.json", "投诉管理岗", "投诉管理台", {"roles"}),
        (REFUND, 'value="@propose_remedy"', 'value=""', {"roles", "money"}),
        (CANTONESE, "<bpmn:flowNodeRef>callback_1</bpmn:flowNodeRef>", "", {"roles"}),
        ("bpmn/decisions/sla.dmn", '"PT2H"', '"PT3H"', {"limits"}),
        ("bpmn/calendars/cn.json", "2026", "2027", {"limits"}),
        (CANTONESE, r"sla_due\(", "sla_due( ", {"limits"}),
        (CANTONESE, "attempts &gt;= param", "attempts + 1 &gt; param", {"limits"}),
        (CANTONESE, 'name="case_clocks" value="', 'name="case_clocks" value="REG_TEL_REPLY, ', {"limits"}),
        ("bpmn/decisions/refund_approval.dmn", "20000", "30000", {"money"}),
        ("bpmn/decisions/refund_deduction.dmn", r">\d+<", ">7<", {"money"}),
        (REFUND, 'sourceRef="refund_approved_gate" targetRef="propose_remedy"',
         'sourceRef="refund_approved_gate" targetRef="note_refund_approved"', {"money"}),
        (REFUND, 'name="approves" value="remedy, refund_amount"', 'name="approves" value="remedy"', {"money"}),
        (PROPOSAL, '"widget": "money"', '"widget": "money", "required": false', {"money"}),
        ("bpmn/templates/sms_cantonese_1.json", "。", "！", {"texts"}),
        ("bpmn/templates/say_apologise.json", "。", "！", {"texts"}),
        (SMS, 'name="to" value="[^"]*"', 'name="to" value="other_phone"', {"texts"}),
        (CANTONESE, 'name="say" value="', 'name="say" value="say_soothe, ', {"texts"}),
        ("bpmn/decisions/sms_choice.dmn", "sms_cantonese_1", "sms_cantonese_2", {"texts"}),
        # what concerns nobody but the house, or says the same in other words
        (CANTONESE, "第一次粤语回访", "首访", set()),
        ("bpmn/templates/notice_safety.json", "。", "！", set()),
        ("bpmn/decisions/priority.dmn", '"P1"', '"P2"', set()),
        (PROPOSAL, '"zh-Hans": "', '"zh-Hans": "请', set()),
        ("bpmn/scenarios/cantonese_callback.json", '"name": "', '"name": "新', set()),
    ],
)  # fmt: skip
def test_a_change_is_of_the_kinds_that_its_contents_are_of(
    shipped: Release, path: str, old: str, new: str, kinds: set[str]
) -> None:
    assert changed(shipped, path, old, new) == {kind: [path] for kind in kinds}


def test_a_file_under_another_name_and_one_that_goes_are_told_by_their_contents(shipped: Release) -> None:
    moved = {path: body for path, body in shipped.files.items() if path != REFUND}
    found = touched(
        shipped, Release(2, {**moved, "bpmn/other/harmless.bpmn": shipped.files[REFUND]}), GUARDED
    )
    assert found["money"] == ["bpmn/other/harmless.bpmn", REFUND]
    assert found["roles"] == ["bpmn/other/harmless.bpmn", REFUND]
    gone = {path: body for path, body in shipped.files.items() if path != PROPOSAL}
    assert touched(shipped, Release(2, gone), {"money"}) == {"money": [PROPOSAL]}


def test_a_task_drawn_anew_in_another_lane_is_a_change_of_who_does_it(shipped: Release) -> None:
    """Its id says nothing: the form is filled in by others now."""
    text = shipped.files[CANTONESE].decode().replace('"callback_1"', '"callback_one"')
    text = text.replace(">callback_1<", ">callback_one<")
    moved = Release(2, {**shipped.files, CANTONESE: text.encode()})
    assert touched(shipped, moved, {"roles"}) == {}
    lanes = re.findall(r"<bpmn:lane [^>]*>", text)
    text = text.replace("<bpmn:flowNodeRef>callback_one</bpmn:flowNodeRef>", "")
    last = lanes[-1]
    text = text.replace(last, f"{last}<bpmn:flowNodeRef>callback_one</bpmn:flowNodeRef>")
    moved = Release(2, {**shipped.files, CANTONESE: text.encode()})
    assert touched(shipped, moved, {"roles"}) == {"roles": [CANTONESE]}


def test_only_the_kinds_that_are_asked_for_are_told(shipped: Release) -> None:
    made = shipped.files[REFUND].replace(b'value="@propose_remedy"', b'value=""')
    after = Release(2, {**shipped.files, REFUND: made})
    assert touched(shipped, after, {"limits", "roles"}) == {"roles": [REFUND]}
    assert touched(shipped, after, {"limits"}) == {}
    assert touched(shipped, shipped, GUARDED) == {}
