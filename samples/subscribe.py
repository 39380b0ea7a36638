#!/usr/bin/env python3
"""Prints Flyball's face events, one JSON object a line: each once, in order per camera, gaps filled from the journal.

    pip install eclipse-zenoh==1.10.2
    python samples/subscribe.py --connect tcp/127.0.0.1:7447 [--camera gate-1] [--since 0] [--count 10]

Zenoh reconnects by itself; what was missed meanwhile is noticed by its number and asked for again."""
import argparse, json, queue, sys, time, zenoh

args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
args.add_argument("--connect", default="tcp/127.0.0.1:7447", help="where Flyball or a router listens")
args.add_argument("--camera", default="*", help="only this camera")
args.add_argument("--since", type=int, help="begin after this sequence number (0: everything still kept)")
args.add_argument("--count", type=int, help="stop after this many events")
args = args.parse_args()
had, ids, over = {}, {}, set()  # source -> (epoch, number) printed last; ids printed lately; epochs that ended


def take(text):
    """An event, or a heartbeat: the same without an id, saying only how far the numbering is."""
    message = json.loads(text)
    source, epoch, number, is_event = message["source"], message["epoch"], int(message["sequence"]), "id" in message
    had.setdefault(source, (epoch, number - is_event if args.since is None else args.since))
    if epoch != had[source][0] and epoch not in over:
        over.add(had[source][0])
        had[source] = (epoch, 0)  # numbering began anew
    while number > had[source][1] + is_event and epoch == had[source][0]:
        before, selector = had[source], f"flyball/v1{source.removeprefix('/flyball')}/@history?since={had[source][1]}"
        for pause in (0, 0.1, 0.3, 1, 3, 9):  # who keeps the journal may be on the way back
            time.sleep(pause)
            if pages := [reply.ok.payload.to_string() for reply in session.get(selector) if reply.ok]:
                break
        for line in "\n".join(pages).splitlines():
            emit(json.loads(line), line)
        if had[source] == before:
            break  # nobody has them; emit() says what is lost
    is_event and emit(message, text)


def emit(event, text):
    source, number, (epoch, last) = event["source"], int(event["sequence"]), had[event["source"]]
    if event["id"] in ids or event["epoch"] in over or event["epoch"] == epoch and number <= last:
        return
    if event["epoch"] == epoch and number > last + 1 or event["type"] == "dev.flyball.gap.v1":
        print(f"{source}: lost {event['data'] if 'gap' in event['type'] else (last + 1, number - 1)}", file=sys.stderr)
    had[source], ids[event["id"]] = (event["epoch"], number), None
    len(ids) > 10_000 and ids.pop(next(iter(ids)))
    print(text, flush=inbox.empty())
    args.count = args.count and args.count - 1
    args.count == 0 and sys.exit()


inbox, settings = queue.SimpleQueue(), {"mode": "client", "connect": {"timeout_ms": -1, "endpoints": [args.connect]}}
settings["scouting"] = {"multicast": {"enabled": False}}
with zenoh.open(zenoh.Config.from_json5(json.dumps(settings))) as session:
    for key in ("**", "@head"):
        session.declare_subscriber(f"flyball/v1/*/{args.camera}/{key}", lambda sample: inbox.put(sample.payload.to_string()))
    while True:
        take(inbox.get())
