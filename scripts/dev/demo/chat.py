"""Two people chat: messages, receipts, presence, a lost connection, points, a block."""

from __future__ import annotations

import asyncio
import itertools
import uuid

from examples.python.parley_client import ParleyError
from scripts.dev.demo.person import PATIENCE
from scripts.dev.demo.stage import Scene, Stage, describe_quota

# Where Asha would film.
PLACES = ("on the roof", "at the market", "in the rain", "by the lake", "at your shop")


async def arrive(stage: Stage) -> None:
    """Two new people say who they are, clean up as at every login, and listen."""
    for person, name, role in (
        (stage.asha, "Asha", "influencer"),
        (stage.bharat, "Bharat", "brand_owner"),
    ):
        await person.client.call("complete_profile", role=role, display_name=name)
        await person.client.clean_up()
        await person.client.start()
        stage.tell(name, f"signed up as {role}, joined the private channel user:{person.id[:8]}…")
    stage.listen()


async def greet(stage: Stage) -> None:
    """A first message, stored and heard."""
    opened = await stage.asha.client.call("direct_connect", target_user_id=stage.bharat.id)
    stage.conversation_id = opened["conversation"]["conversation_id"]
    stage.tell("Asha", "opens a direct chat")
    await say(stage, "Asha", "Namaste Bharat!")
    await stage.bharat.hears_text("Namaste Bharat!")
    await say(stage, "Bharat", "Hello Asha, good to meet you.")
    await stage.asha.hears_text("Hello Asha, good to meet you.")


async def read(stage: Stage) -> None:
    """A read receipt goes back to the sender."""
    stage.tell("Asha", "reads everything")
    marks = await stage.asha.client.call("mark_read", conversation_id=stage.conversation_id)
    await stage.bharat.hears("message_seen", user_id=stage.asha.id, seq=marks["read_seq"])


async def type_(stage: Stage) -> None:
    """Both open the chat, and each sees the other online and typing."""
    for person in (stage.asha, stage.bharat):
        await person.client.open_conversation(stage.conversation_id)
    await stage.asha.hears("user_status_change", user_id=stage.bharat.id, status="online")
    await stage.bharat.hears("user_status_change", user_id=stage.asha.id, status="online")
    stage.tell("Asha", "types")
    await stage.asha.client.set_typing(stage.conversation_id, True)
    await stage.bharat.hears("user_typing", user_id=stage.asha.id, is_typing=True)
    await stage.asha.client.set_typing(stage.conversation_id, False)
    await stage.bharat.hears("user_typing", user_id=stage.asha.id, is_typing=False)


async def repeat(stage: Stage) -> None:
    """A send that is repeated makes no second message."""
    key = str(uuid.uuid4())
    numbers = []
    for _ in range(2):
        answer = await stage.asha.client.send(
            stage.conversation_id, "Shall we work together?", client_message_id=key
        )
        numbers.append(answer["message"]["seq"])
    stage.tell("Asha", f"sent one message twice: both times it was number {numbers[0]}")
    if numbers[0] != numbers[1]:
        raise AssertionError("the repeated message was made twice")
    await stage.bharat.hears_text("Shall we work together?")


async def lose_connection(stage: Stage) -> None:
    """Bharat's connection breaks; afterwards both have everything, once and in order."""
    await stage.line.cut()
    stage.tell("Bharat", "enters a tunnel: the connection is cut")
    await stage.asha.hears("user_offline", user_id=stage.bharat.id)
    missed = ("Are you there?", "I have a few ideas.", "Take your time.")
    for text in missed:
        await say(stage, "Asha", text)
    text = "Sorry, a tunnel."
    queued = asyncio.create_task(stage.bharat.client.send(stage.conversation_id, text))
    try:
        await stage.bharat.client.call("get_conversations")
    except ParleyError as error:
        stage.tell("Bharat", f"has no connection ({error.error_code}): {text!r} waits in the queue")
    await stage.line.mend()
    stage.tell("Bharat", "leaves the tunnel: the client reconnects, joins again and syncs")
    answer = await asyncio.wait_for(queued, PATIENCE)
    stage.tell("Bharat", f"sent     {text!r}: stored as number {answer['message']['seq']}")
    await stage.asha.hears_text(text)
    await stage.bharat.hears_text(text)
    if stage.asha.texts() != stage.bharat.texts():
        raise AssertionError("the two sides have different chats")
    stage.tell("both", f"have the same {len(stage.asha.texts())} messages, each once and in order")


async def disappear(stage: Stage) -> None:
    """A message that will disappear is announced without its text; the client fetches it."""
    text = "The code is 4711."
    answer = await stage.bharat.client.send(stage.conversation_id, text, expiration_hours=1)
    expires_at = answer["message"]["expires_at"]
    stage.tell("Bharat", f"sends    {text!r}, which disappears at {expires_at[:16]} UTC")
    await stage.asha.hears_text(text)
    stage.tell("Asha", "was told without the text, and fetched it")


async def search(stage: Stage) -> None:
    """Search finds words in what one may read."""
    found = await stage.bharat.client.call("search_messages", query="ideas few")
    stage.tell("Bharat", f"searches for 'ideas few': {[m['message'] for m in found]}")
    if len(found) != 1:
        raise AssertionError("the search did not find the one message")


async def pay_in_points(stage: Stage) -> None:
    """The free messages of the day run out; points buy more."""
    quota = await stage.asha.client.call("get_quota")
    stage.tell("Asha", f"has {describe_quota(quota)}")
    stage.tell("Asha", f"sends {quota['free_left']} more, as fast as the rate limit lets her")
    stage.is_muted = True
    for number, place in enumerate(itertools.cycle(PLACES), 1):
        if not quota["free_left"]:
            break
        text = f"Idea {number}: a reel {place}"
        quota = (await stage.asha.client.send(stage.conversation_id, text))["quota"]
        await stage.bharat.hears_text(text)
    stage.is_muted = False
    try:
        await stage.asha.client.send(stage.conversation_id, "One more idea")
    except ParleyError as error:
        stage.tell("Asha", f"is refused: {error.error_code} {error.details}")
    else:
        raise AssertionError("a message was free after the free ones")
    gift = {"user_id": stage.asha.id, "points": 50, "reason": "demo", "grant_id": str(uuid.uuid4())}
    (await stage.operator.post("/grant_points", json=gift)).raise_for_status()
    stage.tell("service", "grants Asha 50 points")
    await stage.asha.hears("quota_changed", points_balance=50)
    await say(stage, "Asha", "One more idea")
    # The answer to the send has said it already: quota_changed is for her other devices.
    left = await stage.asha.client.call("get_quota")
    stage.tell("Asha", f"has {describe_quota(left)}")
    if left["points_balance"] != 50 - quota["points_per_message"]:
        raise AssertionError("the message did not cost what it costs")


async def block(stage: Stage) -> None:
    """A block works at once and in both directions."""
    await stage.bharat.client.call("block_user", user_id=stage.asha.id)
    stage.tell("Bharat", "blocks Asha")
    for name, person in (("Asha", stage.asha), ("Bharat", stage.bharat)):
        try:
            await person.client.send(stage.conversation_id, "Hello?")
        except ParleyError as error:
            stage.tell(name, f"writes: {error.error_code} ({error})")
        else:
            raise AssertionError("a blocked message was accepted")
    await stage.bharat.client.call("unblock_user", user_id=stage.asha.id)
    stage.tell("Bharat", "takes the block back")


async def refuse(stage: Stage) -> None:
    """Shows an error."""
    try:
        await stage.asha.client.send(str(uuid.uuid4()), "Let me in")
    except ParleyError as error:
        stage.tell("Asha", f"writes to a chat that is not hers: {error.as_dict()}")
    else:
        raise AssertionError("a message to nobody was accepted")


async def say(stage: Stage, name: str, text: str) -> None:
    """Send a message and show it."""
    person = stage.asha if name == "Asha" else stage.bharat
    answer = await person.client.send(stage.conversation_id, text)
    stage.tell(name, f"sends    {text!r}: stored as number {answer['message']['seq']}")


CHAT: tuple[tuple[str, Scene], ...] = (
    ("Two people arrive", arrive),
    ("A first message", greet),
    ("Read receipts", read),
    ("Presence and typing", type_),
    ("A message sent twice", repeat),
    ("A lost connection", lose_connection),
    ("A message that disappears", disappear),
    ("Search", search),
    ("Free messages and points", pay_in_points),
    ("A block", block),
    ("A wrong address", refuse),
)
