#!/usr/bin/env node
// Prints Flyball's events, one JSON object a line: each once, in order per camera, gaps filled from the journal.
//     node samples/subscribe.mjs http://127.0.0.1:8080 [--camera gate] [--since 0] [--count 10]
// Needs Node 18 and a deployment with [server]; a token, if one is asked for, in FLYBALL_TOKEN.
import { parseArgs } from "node:util";
const options = { camera: { type: "string" }, since: { type: "string" }, count: { type: "string" } };
const { values: args, positionals: [base = "http://127.0.0.1:8080"] } = parseArgs({ options, allowPositionals: true });
const headers = process.env.FLYBALL_TOKEN ? { authorization: `Bearer ${process.env.FLYBALL_TOKEN}` } : {};
const had = new Map(), over = new Set(), lines = []; // source -> last one had; epochs that ended; what is to be printed
let left = Number(args.count ?? Infinity), ids = new Set(), older = ids; // how many more are wanted; ids had lately
if (!(left > 0 && Number(args.since ?? 0) >= 0)) console.error("--count and --since take numbers") ?? process.exit(2);
const envelope = text => JSON.parse(`${text.split(',"data":', 1)[0].replace(/}$/, "")}}`); // `data` comes last
/** An event, or a `head`: the same without an id, saying only how far the numbering is. */
async function take(text, isEvent) {
  const message = envelope(text), { source, epoch } = message, number = Number(message.sequence);
  if (!had.has(source)) had.set(source, { epoch, number: args.since === undefined ? number - isEvent : Number(args.since) });
  const ended = had.get(source).epoch;
  if (ended !== epoch && !over.has(epoch)) over.add(ended) && had.set(source, { epoch, number: 0 }); // numbering began anew
  while (had.get(source).epoch === epoch && number > had.get(source).number + isEvent) {
    const since = had.get(source).number;
    const answer = await fetch(`${base}/api/v1/history?${new URLSearchParams({ source, since })}`, { headers });
    for (const line of answer.ok ? (await answer.text()).split("\n").filter(Boolean) : []) emit(envelope(line), line);
    await print();
    if (had.get(source).number === since) break; // no journal, or nobody has more; emit() says what is lost
  }
  if (isEvent) emit(message, text);
}
function emit(event, text) {
  const number = Number(event.sequence), before = had.get(event.source), goesOn = event.epoch === before.epoch;
  if (left <= 0 || (goesOn ? number <= before.number : over.has(event.epoch)) || ids.has(event.id) || older.has(event.id)) return;
  if (goesOn && number > before.number + 1 && event.type !== "dev.flyball.gap.v1")
    console.error(`${event.source}: events ${before.number + 1} to ${number - 1} are lost`);
  had.set(event.source, { epoch: event.epoch, number });
  if (ids.add(event.id).size > 10_000) [older, ids] = [ids, new Set()];
  left -= lines.push(text) && 1;
}
async function print() {
  if (lines.length) await new Promise(done => process.stdout.write(`${lines.splice(0).join("\n")}\n`, done));
  if (left <= 0) process.exit();
}
for (;;) {
  try {
    const answer = await fetch(`${base}/api/v1/events${args.camera ? `?camera=${args.camera}` : ""}`, { headers });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    let rest = "";
    for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + text).split("\n\n"); // an empty line ends an event
      rest = blocks.pop();
      for (const block of blocks) {
        const fields = block.split("\n").map(line => [line.split(":", 1), line.replace(/.*?: ?/, "")]);
        const { id, event, data } = Object.fromEntries(fields);
        if (data && event !== "lost") await take(data, event !== "head"); // after "lost" heads follow
        if (id) headers["last-event-id"] = id; // after which the server goes on
      }
      await print();
    }
  } catch (cause) { console.error(`${cause.message}; trying again`); }
  await new Promise(done => setTimeout(done, 500));
}
