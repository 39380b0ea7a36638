#!/usr/bin/env python3
"""Prints Flyball's face events, one JSON object a line: each once, in order per camera, gaps filled from the journal.

    pip install eclipse-zenoh==1.10.2
    python samples/subscribe.py --connect tcp/127.0.0.1:7447 [--camera gate-1] [--since 0] [--count 10]

Zenoh reconnects by itself; what was missed meanwhile is noticed by its sequence number and asked for again.
"""
import argparse, json, queue, sys
import zenoh

args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
args.add_argument("--connect", default="tcp/127.0.0.1:7447", help="where Flyball or a router listens")
args.add_argument("--camera", default="*", help="only this camera")
args.add_argument("--since", type=int, help="begin after this sequence number (0: everything still kept)")
args.add_argument("--count", type=int, help="stop after this many events")
args = args.parse_args()

config = zenoh.Config()
for key, value in {"connect/endpoints": [args.connect], "listen/endpoints": [], "scouting/multicast/enabled": False}.items():
    config.insert_json5(key, json.dumps(value))
inbox, had, ids = queue.Queue(), {}, {}  # had: source -> (epoch, sequence); ids: those printed, oldest first


def history(source, since):
    """Events of one camera after `since`, oldest first, from the journal; a few pages if there are many."""
    while True:
        replies = list(session.get(f"flyball/v1{source.removeprefix('/flyball')}/@history?since={since}"))
        page = [json.loads(line) for r in replies if r.ok for line in r.ok.payload.to_string().splitlines()]
        yield from page
        if not page or int(page[-1]["sequence"]) <= since:
            return
        since = int(page[-1]["sequence"])


def take(epoch, source, sequence, event=None):
    """One event, or (without one) a heartbeat that says how far the numbering is. False once enough was printed."""
    first = (epoch, args.since if args.since is not None else sequence - (event is not None))
    last = had.setdefault(source, first)
    last = last if last[0] == epoch else (epoch, 0)  # a new epoch numbers from 1
    if sequence > last[1] + (event is not None):
        had[source] = (epoch, sequence - (event is not None))  # whatever history cannot fill is said below
        for old in history(source, last[1]):
            if int(old["sequence"]) > last[1] + 1:
                print(f"{source}: nobody has {last[1] + 1} to {int(old['sequence']) - 1} any more", file=sys.stderr)
            last = (epoch, max(last[1], int(old["sequence"])))
            had[source] = max(had[source], last)
            if old["id"] not in ids and not emit(old):
                return False
    if event is None or event["id"] in ids:
        return True
    had[source] = max(had[source], (epoch, sequence))
    return emit(event)


def emit(event):
    ids[event["id"]] = None
    if len(ids) > 10_000:
        ids.pop(next(iter(ids)))
    print(json.dumps(event), flush=True)
    args.count = args.count and args.count - 1
    return args.count != 0


with zenoh.open(config) as session:
    base = f"flyball/v1/*/{args.camera}"
    subscribers = [session.declare_subscriber(key, lambda s: inbox.put(json.loads(s.payload.to_string()))) for key in (f"{base}/**", f"{base}/@head")]
    while True:
        message = inbox.get()
        if not take(message["epoch"], message["source"], int(message["sequence"]), message if "id" in message else None):
            break
