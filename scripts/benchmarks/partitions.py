"""Messages and the append-only books, as they are and in partitions.

The lines of a year lie in the order of time. A hundred messages of each conversation are spread
over the year, and a hundred lines of each user's points; the twenty steps of a deal take six weeks.
"""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Sequence

from scripts.benchmarks.compare import Row
from scripts.benchmarks.layouts import (
    MONTHS,
    Call,
    Layout,
    Owners,
    Subject,
    Values,
    measure_subjects,
    write_layouts,
)
from scripts.benchmarks.read import BARE_PAGE, BARE_SYNC, LIST, PAGE
from scripts.benchmarks.world import Size

EACH = 100
STEPS = 20
PARTS = 16


def _month(number: int) -> str:
    return f"{2026 + number // 12}-{number % 12 + 1:02d}-01+00"


WHOLE = Layout("one table")
BY_MONTH = Layout(
    "by month",
    "created_at",
    "partition by range (created_at)",
    tuple(f"from ('{_month(m)}') to ('{_month(m + 1)}')" for m in range(MONTHS)),
)
BY_CONVERSATION = Layout(
    "by conversation",
    "conversation_id",
    "partition by hash (conversation_id)",
    tuple(f"with (modulus {PARTS}, remainder {part})" for part in range(PARTS)),
)
# Ids rise with time, and a book that is read by id has its partitions in the order of the page.
BY_ID = Layout(
    "by id",
    "id",
    "partition by range (id)",
    tuple(
        f"from ({{lines}}::bigint * {m} / {MONTHS}) to "
        + (f"({{lines}}::bigint * {m + 1} / {MONTHS})" if m < MONTHS - 1 else "(maxvalue)")
        for m in range(MONTHS)
    ),
)


def _draw_message(pick: random.Random, pairs: Owners, asked: Counter[uuid.UUID]) -> Values:
    known = pick.sample(pairs, LIST)
    _, chosen, user_a, user_b = known[0]
    asked[chosen] += 1
    return {
        "conversation": chosen, "before": EACH + 1,
        "conversations": [row[1] for row in known], "seqs": [EACH - 10] * LIST,
        "id": chosen, "seq": EACH + asked[chosen], "user_a": user_a, "user_b": user_b,
        "token": uuid.UUID(int=pick.getrandbits(128)),
    }  # fmt: skip


MESSAGES = Subject(
    number="partitions",
    each=EACH,
    lines="messages",
    line="a message",
    tables=("public.messages",),
    layouts=(WHOLE, BY_MONTH, BY_CONVERSATION),
    prepare="""
    create table bench.owners as
    select
      c::integer, md5('c' || c)::uuid as id,
      md5('a' || c)::uuid as user_a, md5('b' || c)::uuid as user_b
    from generate_series(0, {lines} / {each} - 1) as c;
    analyze bench.owners;
    """,
    fill=(
        """
        insert into bench.messages (
          id, conversation_id, seq, sender_id, receiver_id, message, message_type,
          client_message_id, created_at, updated_at, expires_at
        )
        select
          md5('m' || n)::uuid, p.id, n / ({lines} / {each}) + 1, p.user_a, p.user_b,
          'Can you send me the draft of part ' || n % 1000 || ' before tomorrow evening?',
          'user_input', md5('t' || n)::uuid, at.sent, at.sent,
          case when n % 50 in (7, 17, 27, 37, 47) then at.sent + interval '2000 hours' end
        from generate_series(0, {lines} - 1) as n
        join bench.owners as p on p.c = n % ({lines} / {each})
        cross join lateral (
          select timestamptz '2026-01-01+00' + interval '365 days' * (n::float8 / {lines}) as sent
        ) as at
        """,
    ),
    calls={
        "page of 50": Call(BARE_PAGE.replace("public.", "bench."), PAGE, 0.5),
        "sync of 200 messages in 20 conversations": Call(
            BARE_SYNC.replace("public.", "bench."), 10 * LIST, 0.1
        ),
        "a message by its client's id": Call(
            """
            select id from bench.messages
            where sender_id = %(user_a)s and client_message_id = %(token)s
            """,
            0,
        ),
        "insert of a message": Call(
            """
            insert into bench.messages (
              conversation_id, seq, sender_id, receiver_id, message, message_type,
              client_message_id, created_at, updated_at
            )
            values (
              %(id)s, %(seq)s, %(user_a)s, %(user_b)s,
              'Can you send me the draft of part 7 before tomorrow evening?', 'user_input',
              %(token)s, '2026-12-31 12:00+00', '2026-12-31 12:00+00'
            )
            returning id
            """,
            1,
        ),
    },
    delete=("delete from bench.messages where created_at < '2026-02-01+00'",),
    draw=_draw_message,
)


def _draw_step(pick: random.Random, deals: Owners, asked: Counter[uuid.UUID]) -> Values:
    _, deal, actor = pick.choice(deals)
    asked[deal] += 1
    return {"deal": deal, "actor": actor, "version": STEPS + asked[deal]}


# The deals of each eighth of the year take turns; each has its steps in that eighth.
STEPS_BOOK = Subject(
    number="steps",
    each=STEPS,
    lines="steps",
    line="a step with its salt",
    tables=("public.conversation_events", "private.event_salts"),
    layouts=(WHOLE, BY_MONTH),
    prepare="""
    create table bench.owners as
    select c::integer, md5('c' || c)::uuid as id, md5('a' || c)::uuid as actor
    from generate_series(0, {lines} / {each} - 1) as c;
    analyze bench.owners;
    """,
    fill=(
        """
        insert into bench.conversation_events (
          conversation_id, version, actor_role, actor_id, action, from_state, to_state, details,
          created_at, effective_at, commitment, hash
        )
        select
          d.id, n % ({lines} / 8) / ({lines} / 8 / {each}) + 1, 'brand_owner', d.actor,
          'submit_price', 'price_requested', 'price_submitted',
          jsonb_build_object('price', n % 100000, 'currency', 'INR', 'note', 'As we discussed'),
          at.taken, at.taken, sha256(int4send(n)), sha256(int4send(-n))
        from generate_series(0, {lines} - 1) as n
        join bench.owners as d
          on d.c = n / ({lines} / 8) * ({lines} / 8 / {each}) + n % ({lines} / 8 / {each})
        cross join lateral (
          select
            timestamptz '2026-01-01+00' + interval '365 days' * (n::float8 / {lines}) as taken
        ) as at
        """,
        """
        insert into bench.event_salts (conversation_id, version, salt{time})
        select conversation_id, version, substr(hash, 1, 16){time} from bench.conversation_events
        """,
    ),
    calls={
        # get_conversation_history
        "a deal's history of 20 steps": Call(
            """
            select
              e.conversation_id, e.version, e.actor_role, e.action, e.from_state, e.to_state,
              e.details, e.created_at, e.effective_at, encode(e.hash, 'hex') as hash
            from bench.conversation_events as e
            where e.conversation_id = %(deal)s and e.version > 0
            order by e.version
            limit 100
            """,
            STEPS,
        ),
        # verify_conversation, without its hashing.
        "the same with the salts": Call(
            """
            select e.*, s.salt
            from bench.conversation_events as e
            left join bench.event_salts as s
              on s.conversation_id = e.conversation_id and s.version = e.version
            where e.conversation_id = %(deal)s
            order by e.version
            """,
            STEPS,
        ),
        # append_event
        "a step, chained, with its salt": Call(
            """
            with event as (
              insert into bench.conversation_events
              select
                %(deal)s, %(version)s::bigint, 'brand_owner', %(actor)s, 'submit_price',
                'price_requested', 'price_submitted',
                jsonb_build_object('price', 5000, 'currency', 'INR', 'note', 'As we discussed'),
                '2026-12-31 12:00+00', '2026-12-31 12:00+00', sha256('7'),
                sha256(coalesce((
                  select e.hash from bench.conversation_events as e
                  where e.conversation_id = %(deal)s and e.version = %(version)s::bigint - 1
                ), '') || sha256('7'))
              returning conversation_id, version, created_at
            )
            insert into bench.event_salts (conversation_id, version, salt{time})
            select conversation_id, version, uuid_send(gen_random_uuid()){time} from event
            returning version
            """,
            1,
        ),
    },
    delete=(
        """
        delete from bench.event_salts as s using bench.conversation_events as e
        where s.conversation_id = e.conversation_id and s.version = e.version
          and e.created_at < '2026-02-01+00'
        """,
        "delete from bench.conversation_events where created_at < '2026-02-01+00'",
    ),
    draw=_draw_step,
)


def _draw_points(pick: random.Random, users: Owners, asked: Counter[str]) -> Values:
    asked["line"] += 1
    return {
        "user": pick.choice(users)[1],
        "id": 10**12 + asked["line"],
        "message": uuid.UUID(int=pick.getrandbits(128)),
    }


POINTS_BOOK = Subject(
    number="points",
    each=EACH,
    lines="lines of points",
    line="a line",
    tables=("private.points_ledger",),
    layouts=(WHOLE, BY_MONTH, BY_ID),
    prepare="""
    create table bench.owners as
    select c::integer, md5('u' || c)::uuid as id
    from generate_series(0, {lines} / {each} - 1) as c;
    analyze bench.owners;
    """,
    fill=(
        """
        insert into bench.points_ledger (
          id, user_id, delta, reason, balance_after, message_id, grant_id, created_at
        )
        select
          n, u.id, case n % 20 when 0 then 190 else -10 end,
          case n % 20 when 0 then 'grant' else 'message' end, n % 20 * 10,
          case when n % 20 > 0 then md5('m' || n)::uuid end,
          case when n % 20 = 0 then md5('g' || n)::uuid end,
          timestamptz '2026-01-01+00' + interval '365 days' * (n::float8 / {lines})
        from generate_series(0, {lines} - 1) as n
        join bench.owners as u on u.c = n % ({lines} / {each})
        """,
    ),
    calls={
        # get_points_history
        "a user's newest 50 lines": Call(
            """
            select l.id, l.delta, l.reason, l.balance_after, l.message_id, l.created_at
            from bench.points_ledger as l
            where l.user_id = %(user)s and l.id < 9223372036854775807
            order by l.id desc
            limit 50
            """,
            PAGE,
            0.5,
        ),
        # grant_points
        "a grant by its id": Call(
            "select l.* from bench.points_ledger as l where l.grant_id = %(message)s", 0
        ),
        # send_message
        "a paid message's line": Call(
            """
            insert into bench.points_ledger (
              id, user_id, delta, reason, balance_after, message_id, created_at
            )
            values (%(id)s, %(user)s, -10, 'message', 90, %(message)s, '2026-12-31 12:00+00')
            returning id
            """,
            1,
        ),
    },
    delete=("delete from bench.points_ledger where created_at < '2026-02-01+00'",),
    draw=_draw_points,
)

SUBJECTS = {subject.number: subject for subject in (MESSAGES, STEPS_BOOK, POINTS_BOOK)}


def measure_partitions(size: Size, names: Sequence[str]) -> list[Row]:
    """The subjects of these names, which need up to 35 GB of disk for 20 million lines."""
    return measure_subjects([SUBJECTS[name] for name in names], size)


def write_partitions(rows: Sequence[Row]) -> list[Row]:
    """Put the rows of this module into docs/SCALING.md, and return the others."""
    for subject in SUBJECTS.values():
        write_layouts(subject, rows)
    return [row for row in rows if row.number not in SUBJECTS]
