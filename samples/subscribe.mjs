#!/usr/bin/env node
// Prints Flyball's events, one JSON object a line: each once, in order per camera, gaps filled from the journal.
//     node samples/subscribe.mjs http://127.0.0.1:8080 [--camera gate] [--since 0] [--count 10]
// Needs Node 18 or newer and a deployment with [server]; a token, if one is asked for, in FLYBALL_TOKEN.
import { once } from "node:events";
import { parseArgs } from "node:util";

const options = { camera: { type: "string" }, since: { type: "string" }, count: { type: "string" } };
const { values: args, positionals: [base = "http://127.0.0.1:8080"] } = parseArgs({ options, allowPositionals: true });
const headers = process.env.FLYBALL_TOKEN ? { authorization: `Bearer ${process.env.FLYBALL_TOKEN}` } : {};
const had = new Map(), over = new Set(), ids = new Set(); // source -> last one printed; epochs that ended; ids printed lately
let left = Number(args.count ?? Infinity), last; // the id after which the server goes on
/** An event, or a `head`: the same without an id, saying only how far the numbering is. */
async function take(message, isEvent) {
  const { source, epoch } = message, number = Number(message.sequence);
  if (!had.has(source)) had.set(source, { epoch, number: args.since === undefined ? number - isEvent : Number(args.since) });
  if (had.get(source).epoch !== epoch && !over.has(epoch)) {
    over.add(had.get(source).epoch);
    had.set(source, { epoch, number: 0 }); // numbering began anew
  }
  while (had.get(source).epoch === epoch && number > had.get(source).number + isEvent) {
    const since = had.get(source).number;
    const answer = await fetch(`${base}/api/v1/history?${new URLSearchParams({ source, since })}`, { headers });
    for (const line of answer.ok ? (await answer.text()).split("\n").filter(Boolean) : []) emit(JSON.parse(line));
    if (had.get(source).number === since) break; // no journal, or nobody has more; emit() says what is lost
  }
  if (isEvent) emit(message);
}

function emit(event) {
  const number = Number(event.sequence), before = had.get(event.source), goesOn = event.epoch === before.epoch;
  if (left <= 0 || ids.has(event.id) || over.has(event.epoch) || (goesOn && number <= before.number)) return;
  const isHole = goesOn && number > before.number + 1 && event.type !== "dev.flyball.gap.v1";
  if (isHole) console.error(`${event.source}: events ${before.number + 1} to ${number - 1} are lost`);
  had.set(event.source, { epoch: event.epoch, number });
  if (ids.add(event.id).size > 10_000) ids.delete(ids.values().next().value);
  console.log(JSON.stringify(event));
  if (--left <= 0) process.stdout.write("", () => process.exit()); // what was printed is on its way until then
}

for (;;) {
  try {
    const resume = last ? { ...headers, "last-event-id": last } : headers;
    const answer = await fetch(`${base}/api/v1/events${args.camera ? `?camera=${args.camera}` : ""}`, { headers: resume });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    let rest = "";
    for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + text).split("\n\n"); // an empty line ends an event
      rest = blocks.pop();
      for (const block of blocks) {
        const { id, event, data } = Object.fromEntries(block.split("\n").map(line => line.split(/: ?(.*)/s)));
        if (data && event !== "lost") await take(JSON.parse(data), event !== "head"); // after "lost" heads follow
        last = id ?? last;
        if (process.stdout.writableNeedDrain) await once(process.stdout, "drain");
      }
    }
  } catch (cause) { console.error(`${cause.message}; trying again`); }
  await new Promise(done => setTimeout(done, 500));
}
