// Sends one way with as many senders at once as it is given, and says how long each send took.
// Reads one JSON object from standard input: `connection` (for node-postgres), `way`, `text`, and
// for each sender `warm` and `timed`, lists of [conversation, user]. Prints
// {"seconds": of all timed sends, "times": [milliseconds of each]}.

import { randomUUID } from "node:crypto";
import { text as readAll } from "node:stream/consumers";

import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";

import { PrismaClient } from "./generated/client.ts";

const CALL = "select public.send_message($1, $2, client_message_id => $3)";
const CALL_WITH_CLAIMS = `${CALL} from set_config('request.jwt.claims', $4, true)`;
// The steps of the first guide, each row that decides read with its lock.
const STEPS = {
  quota: `select quota_date = current_date as is_today, messages_sent_today, daily_free_limit
    from bench.message_quotas where user_id = $1 for update`,
  wallet: "select balance from bench.points_wallets where user_id = $1 for update",
  place: `select user_a, user_b, chat_status, last_seq from private.conversations
    where id = $1 for update`,
  count: `update bench.message_quotas set quota_date = current_date, messages_sent_today = $2
    where user_id = $1`,
  insert: `insert into public.messages (conversation_id, seq, sender_id, receiver_id, message,
    message_type, client_message_id) values ($1, $2, $3, $4, $5, 'user_input', $6) returning *`,
  head: `update private.conversations
    set last_seq = $2, last_message_at = now(), updated_at = now() where id = $1`,
  user: "select * from public.users where id = $1",
};
// The defaults, two and five seconds, would end transactions on a machine with other work.
const PATIENCE = { maxWait: 60_000, timeout: 60_000 };

const job = JSON.parse(await readAll(process.stdin));
const WAYS = { prisma: openPrisma, call: openCall, steps: openSteps };
const { send, close } = await WAYS[job.way]();

// A connection each, prepared statements, compiled code: none of it belongs to what is timed.
await Promise.all(job.senders.map(({ warm }) => sendAll(warm)));
const began = performance.now();
const times = (await Promise.all(job.senders.map(({ timed }) => sendAll(timed)))).flat();
const seconds = (performance.now() - began) / 1000;
await close();
console.log(JSON.stringify({ seconds, times }));

async function sendAll(places) {
  const took = [];
  for (const [conversation, sender] of places) {
    const started = performance.now();
    await send(conversation, sender);
    took.push(performance.now() - started);
  }
  return took;
}

function openPool() {
  return new pg.Pool({ ...job.connection, max: job.senders.length });
}

function claimsOf(sender) {
  return JSON.stringify({ sub: sender, role: "authenticated" });
}

async function openCall() {
  const pool = openPool();
  return {
    send: (conversation, sender) =>
      pool.query({
        name: "call",
        text: CALL_WITH_CLAIMS,
        values: [conversation, job.text, randomUUID(), claimsOf(sender)],
      }),
    close: () => pool.end(),
  };
}

async function openSteps() {
  const pool = openPool();
  return {
    send: async (conversation, sender) => {
      const client = await pool.connect();
      const take = async (name, ...values) =>
        (await client.query({ name, text: STEPS[name], values })).rows[0];
      try {
        await client.query("begin");
        const quota = await take("quota", sender);
        const wallet = await take("wallet", sender);
        const place = await take("place", conversation);
        const used = check(quota, wallet, place, sender);
        await take("count", sender, used + 1);
        const seq = BigInt(place.last_seq) + 1n;
        const other = sender === place.user_a ? place.user_b : place.user_a;
        await take("insert", conversation, seq, sender, other, job.text, randomUUID());
        await take("head", conversation, seq);
        await client.query("commit");
        await take("user", sender);
      } finally {
        client.release();
      }
    },
    close: () => pool.end(),
  };
}

// How many of the day's free messages are used.
function check(quota, wallet, place, sender) {
  if (!quota || !wallet || !place || ![place.user_a, place.user_b].includes(sender)) {
    throw new Error("The benchmark's data is not there");
  }
  const used = quota.is_today ? quota.messages_sent_today : 0;
  if (used >= quota.daily_free_limit || place.chat_status !== "real_time") {
    throw new Error("The peer ran out of free messages");
  }
  return used;
}

// The same in Prisma, which cannot lock what it reads: the rows that decide are read by raw
// queries; everything else is as its users write it.
async function openPrisma() {
  const adapter = new PrismaPg({ ...job.connection, max: job.senders.length });
  const prisma = new PrismaClient({ adapter, transactionOptions: PATIENCE });
  await prisma.$connect();
  return {
    send: async (conversation, sender) => {
      await prisma.$transaction((step) => sendInSteps(step, conversation, sender));
      // What the guide's socket server puts into the event.
      await prisma.users.findUnique({ where: { id: sender } });
    },
    close: () => prisma.$disconnect(),
  };
}

async function sendInSteps(step, conversation, sender) {
  const [quota] = await step.$queryRaw`
    select quota_date = current_date as is_today, current_date as today, messages_sent_today,
      daily_free_limit
    from bench.message_quotas where user_id = ${sender}::uuid for update`;
  const [wallet] = await step.$queryRaw`
    select balance from bench.points_wallets where user_id = ${sender}::uuid for update`;
  const [place] = await step.$queryRaw`
    select user_a, user_b, chat_status, last_seq from private.conversations
    where id = ${conversation}::uuid for update`;
  const used = check(quota, wallet, place, sender);
  await step.message_quotas.update({
    where: { user_id: sender },
    data: { quota_date: quota.today, messages_sent_today: used + 1 },
  });
  const seq = place.last_seq + 1n;
  await step.messages.create({
    data: {
      conversation_id: conversation,
      seq,
      sender_id: sender,
      receiver_id: sender === place.user_a ? place.user_b : place.user_a,
      message: job.text,
      message_type: "user_input",
      client_message_id: randomUUID(),
    },
  });
  const now = new Date();
  await step.conversations.update({
    where: { id: conversation },
    data: { last_seq: seq, last_message_at: now, updated_at: now },
  });
}
