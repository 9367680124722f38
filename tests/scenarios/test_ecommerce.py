"""Shops: batches of the warehouse, money only after goods, and words that say what is true."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.app import Gongdan
from engine.queries import work

from .playing import data_of, play, stage


@pytest.fixture(scope="module")
def engine() -> Iterator[Gongdan]:
    """One throw-away engine for the module."""
    with stage() as gongdan:
        yield gongdan


@pytest.mark.parametrize(
    ("arrives", "due"),
    [("16:05", "2026-03-04T07:00:00+00:00"), ("15:55", "2026-03-03T07:00:00+00:00")],
)
def test_after_four_the_batch_is_the_next_morning(engine: Gongdan, arrives: str, due: str) -> None:
    run = play(engine, "ecommerce_return_exchange", arrives)  # Monday, 2 March 2026
    clocks = {c.parameter: c.due for c in work.clocks(engine.db, run.case_id)}
    assert clocks["ECOM_RETURN_TO_AFTERSALES"] == due


def test_a_shop_keeps_its_fee_only_after_success_in_a_mall(engine: Gongdan) -> None:
    run = play(engine, "ecommerce_platform_refund", "5.5%")
    data = data_of(engine, run)
    assert (data["refundable"], data["refunded_amount"]) == (9450, 9450)


def test_no_words_to_a_buyer_trade_a_benefit_for_a_review(engine: Gongdan) -> None:
    templates = engine.releases.current().templates
    told = templates["ecommerce_say_review_free"].text["zh-Hans"]
    assert "完全由您决定" in told
    assert not any(word in told for word in ("优惠", "赠", "补偿", "返"))


def test_quality_is_named_for_a_stock_out_only_when_it_is_the_reason(engine: Gongdan) -> None:
    templates = engine.releases.current().templates
    assert "质检" not in templates["ecommerce_say_stockout"].text["zh-Hans"]
    assert "缺货" in templates["ecommerce_say_stockout"].text["zh-Hans"]
    assert "运费由我们承担" in templates["ecommerce_say_quality_right"].text["zh-Hans"]
