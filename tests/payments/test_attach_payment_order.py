"""attach_payment_order: which order Razorpay made for ours, and what each side sees of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.flow.deals import Cast, move_back, open_play
from tests.flow.rows import BRAND_OWNER, INFLUENCER
from tests.payments.scenes import Scene, alerts, audit, members, open_scene, rows
from tests.support.databases import Database
from tests.support.operators import set_setting
from tests.support.payments import Order, made_up_id, order_entity

CONFIG = {
    "order_id": "order_OfTheClient1",
    "amount": 500_000,
    "currency": "INR",
    "key_id": "rzp_test_key",
    "name": "Stoory Platform",
    "prefill": {"name": "Bharat", "email": "bharat@example.com", "contact": "+919800000001"},
}


def unattached(db: Database, people: Cast) -> Scene:
    """A deal whose order Razorpay has not made yet."""
    play = open_play(db, people, "bid", "payment_pending with an order")
    (row,) = db.query("select id::text, receipt, amount_minor from private.payment_orders")
    order = Order(row["id"], play.id, row["receipt"], made_up_id("order"), row["amount_minor"])
    return Scene(db, people, play, order)


def attach(scene: Scene, entity: Any = None, **more: Any) -> Any:
    """Razorpay has made an order for ours, as `entity` shows it."""
    with scene.db.as_service():
        return scene.db.call(
            "attach_payment_order",
            payment_order_id=scene.order.payment_order_id,
            entity=entity or order_entity(scene.order),
            **more,
        )


def stored(scene: Scene) -> Any:
    (order,) = scene.rows("payment_orders", "razorpay_order_id checkout status", "id")
    return order


def shown(scene: Scene, role: str) -> Any:
    """The order in the context of a party: in the deal's data, and in the open action."""
    context = scene.play.context(role)
    action = context["current_action_data"] or {}
    return context["flow_data"].get("payment_order"), action.get("payment_order")


def test_the_first_answer_is_attached(db: Database, people: Cast) -> None:
    scene = unattached(db, people)
    assert attach(scene) == {
        "outcome": "attached",
        "payment_order_id": scene.order.payment_order_id,
        "razorpay_order_id": scene.order.razorpay_order_id,
    }
    assert stored(scene) == (scene.order.razorpay_order_id, None, "open")
    assert alerts(db) == []


def test_of_two_answers_the_first_counts(scene: Scene) -> None:
    second = order_entity(scene.order, id=made_up_id("order"))
    answer = attach(scene, second, razorpay_config=CONFIG)
    assert answer["outcome"] == "already_attached"
    assert answer["razorpay_order_id"] == scene.order.razorpay_order_id
    razorpay_order_id, checkout, _ = stored(scene)
    assert razorpay_order_id == scene.order.razorpay_order_id
    # A client that opens the checkout with it pays the order that we know.
    assert checkout["order_id"] == scene.order.razorpay_order_id
    assert shown(scene, BRAND_OWNER)[1]["razorpay_config"]["order_id"] == razorpay_order_id


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 499_999},
        {"amount": "500000"},
        {"amount": 500_000.5},
        {"currency": "USD"},
        {"receipt": "another"},
        {"receipt": None},
        {"id": "pay_CnvPay0000001A"},
        {"id": None},
        {"id": "order_'; drop table x"},
    ],
)
def test_another_order_than_was_asked_for_is_not_attached(
    db: Database, people: Cast, changes: dict[str, Any]
) -> None:
    scene = unattached(db, people)
    answer = attach(scene, order_entity(scene.order, **changes))
    assert (answer["outcome"], answer["razorpay_order_id"]) == ("order_mismatch", None)
    assert stored(scene) == (None, None, "open")
    assert alerts(db) == [("critical", f"order_mismatch:{scene.order.payment_order_id}", 1)]
    assert audit(db) == [("app", "order_mismatch")]
    assert attach(scene)["outcome"] == "attached"


def test_an_app_of_another_mode_attaches_nothing(db: Database, people: Cast) -> None:
    scene = unattached(db, people)
    assert attach(scene, mode="live")["outcome"] == "mode_mismatch"
    assert stored(scene) == (None, None, "open")
    assert alerts(db) == [("critical", f"mode_mismatch:{scene.order.payment_order_id}", 1)]
    assert attach(scene)["outcome"] == "attached"


def test_a_live_project_takes_live_orders(db: Database, people: Cast) -> None:
    set_setting(db, "payment_mode", "live")
    scene = unattached(db, people)
    assert attach(scene)["outcome"] == "mode_mismatch"
    assert attach(scene, mode="live")["outcome"] == "attached"


def test_an_order_nobody_knows_is_said_so(db: Database) -> None:
    with db.as_service():
        answer = db.call(
            "attach_payment_order",
            payment_order_id="00000000-0000-0000-0000-000000000001",
            entity={},
        )
    assert (answer["outcome"], answer["razorpay_order_id"]) == ("unknown_order", None)


@pytest.mark.parametrize("how", ["the price changed", "the talk ended"])
def test_an_order_that_came_too_late_is_known_but_not_offered(
    db: Database, people: Cast, how: str
) -> None:
    scene = unattached(db, people)
    if how == "the price changed":
        db.query("update private.payment_orders set status = 'superseded'")
    else:
        scene.play.walk("B:end_conversation")
    before = members(scene)
    answer = attach(scene, razorpay_config=CONFIG)
    # What is still paid on it is recognised and goes back.
    assert answer["outcome"] == "order_closed"
    assert stored(scene)[0] == scene.order.razorpay_order_id
    assert members(scene) == before
    assert shown(scene, BRAND_OWNER)[1] is None or how == "the price changed"


def test_each_side_sees_of_it_what_is_theirs(db: Database, people: Cast) -> None:
    scene = unattached(db, people)
    before = members(scene)
    assert "razorpay_order_id" not in shown(scene, BRAND_OWNER)[0]
    attach(scene, razorpay_config=CONFIG)
    for_all = {key: value for key, value in CONFIG.items() if key != "prefill"}
    for_all["order_id"] = scene.order.razorpay_order_id
    in_data, in_action = shown(scene, BRAND_OWNER)
    assert in_data["razorpay_config"] == for_all
    assert in_action["razorpay_config"] == {**for_all, "prefill": CONFIG["prefill"]}
    assert in_action["razorpay_order_id"] == scene.order.razorpay_order_id
    in_data, in_action = shown(scene, INFLUENCER)
    assert (in_data["razorpay_config"], in_action) == (for_all, None)
    # So that a client which compares versions reads again.
    assert members(scene) == {user: version + 1 for user, version in before.items()}
    with db.signed_in_as(people.asha):
        talk = db.call("get_messages", conversation_id=scene.id, page_size=100)
        assert "+919800000001" not in str(talk)
        db.assert_hidden(
            "select id from public.messages where action_data #>> '{payment_order,receipt}' = %s",
            scene.order.receipt,
        )


def test_a_payers_data_goes_from_the_message_with_its_button(db: Database, people: Cast) -> None:
    scene = unattached(db, people)
    attach(scene, razorpay_config=CONFIG)
    kept = "select count(*) from public.messages where action_data::text like '%%+919800000001%%'"
    assert db.value(kept) == 1
    scene.pay()
    assert db.value(kept) == 0


def test_attached_again_without_a_configuration_the_known_one_stays(
    db: Database, people: Cast
) -> None:
    scene = unattached(db, people)
    attach(scene, razorpay_config=CONFIG)
    attach(scene)
    for part in shown(scene, BRAND_OWNER):
        assert part["razorpay_config"]["key_id"] == CONFIG["key_id"]
    assert stored(scene)[1]["key_id"] == CONFIG["key_id"]


def test_a_new_press_shows_the_order_that_is_attached(scene: Scene) -> None:
    attach(scene, razorpay_config=CONFIG)
    move_back(scene.db, scene.id, timedelta(hours=2))
    with scene.db.signed_in_as(scene.people.bharat):
        assert scene.db.call("begin_payment", conversation_id=scene.id)["has_checkout"]
    assert shown(scene, BRAND_OWNER)[0]["razorpay_config"]["key_id"] == CONFIG["key_id"]


def test_only_the_service_attaches(scene: Scene) -> None:
    given = {
        "payment_order_id": scene.order.payment_order_id,
        "entity": order_entity(scene.order),
    }
    for user in (scene.people.bharat, scene.people.omkar):
        with scene.db.signed_in_as(user), scene.db.refused("42501"):
            scene.db.call("attach_payment_order", **given)
    with scene.db.as_anon(), scene.db.refused("42501"):
        scene.db.call("attach_payment_order", **given)


def test_one_order_of_razorpays_is_one_of_ours(db: Database, people: Cast) -> None:
    first = open_scene(db, people)
    second = unattached_beside(db, people)
    entity = order_entity(second.order, id=first.order.razorpay_order_id)
    with db.refused("23505"):
        attach(second, entity)
    ids = "select count(*) from private.payment_orders where razorpay_order_id is not null"
    assert db.value(ids) == 1


def unattached_beside(db: Database, people: Cast) -> Scene:
    """A second deal of the same people, whose order Razorpay has not made yet."""
    play = open_play(db, people, "bid", "payment_pending with an order")
    (row,) = db.query(
        "select id::text, receipt, amount_minor from private.payment_orders"
        " where conversation_id = %s",
        play.id,
    )
    return Scene(db, people, play, Order(row["id"], play.id, row["receipt"], "", 500_000))


def test_the_book_of_orders_refuses_what_cannot_be(lasting_scene: Scene) -> None:
    scene = lasting_scene
    db = scene.db
    for change in ("status = 'lost'", "mode = 'none'", "amount_minor = 0"):
        with db.refused("23514"):
            db.query(f"update private.payment_orders set {change}")  # noqa: S608
    assert rows(db, "payment_orders", "status", "id") == [("open",)]
