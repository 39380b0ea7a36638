#!/usr/bin/env python3
"""Prints Flyball's face events, one JSON object a line: each once, in order per camera, gaps filled from the journal.
    pip install eclipse-zenoh==1.10.2
    python samples/subscribe.py --connect tcp/127.0.0.1:7447 [--site hq] [--camera gate-1] [--since 0] [--count 10]
Zenoh reconnects by itself. What was missed meanwhile, or found no room here, is noticed by its number and asked for again."""
import argparse, collections, json, os, sys, time, zenoh

args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
args.add_argument("--connect", default="tcp/127.0.0.1:7447", help="where Flyball or a router listens")
args.add_argument("--config", help="Zenoh's own settings, JSON5: certificates and logins (samples/README.md has one)")
for part in ("site", "camera"):
    args.add_argument(f"--{part}", default="*", help=f"only this {part}")
args.add_argument("--since", type=int, help="begin after this sequence number (0: everything still kept)")
args.add_argument("--count", type=int, help="stop after this many events")
args = args.parse_args()
had, ids, over = {}, collections.OrderedDict(), set()  # source -> (epoch, number) printed last; ids printed lately; epochs that ended
def envelope(text):  # `data` comes last; what it says is not asked here, and json.loads(text) has it
    return json.loads(text.partition(',"data":')[0].rstrip("}") + "}")

def take(text):
    """An event, or a heartbeat: the same without an id, saying only how far the numbering is."""
    message = envelope(text)
    source, epoch, number, is_event = message["source"], message["epoch"], int(message["sequence"]), "id" in message
    had.setdefault(source, (epoch, number - is_event if args.since is None else args.since))
    if epoch != had[source][0] and epoch not in over:
        over.add(had[source][0])
        had[source] = (epoch, 0)  # numbering began anew
    while number > had[source][1] + is_event and epoch == had[source][0]:
        before, selector = had[source], f"flyball/v1{source[8:]}/@history?since={had[source][1]}"
        for pause in (0, 0.1, 0.3, 1, 3, 9):  # who keeps the journal may be on the way back
            time.sleep(pause)
            if pages := [reply.ok.payload.to_string() for reply in session.get(selector) if reply.ok]: break
        [emit(envelope(line), line) for page in pages for line in page.split("\n") if line]
        if had[source] == before: break  # nobody has them; emit() says what is lost
    is_event and emit(message, text)

def emit(event, text):
    source, number, (epoch, last) = event["source"], int(event["sequence"]), had[event["source"]]
    if event["id"] in ids or event["epoch"] in over or event["epoch"] == epoch and number <= last: return
    if event["epoch"] == epoch and number > last + 1 or event["type"] == "dev.flyball.gap.v1":
        print(f"{source}: lost {json.loads(text)['data'] if 'gap' in event['type'] else (last + 1, number - 1)}", file=sys.stderr)
    had[source], ids[event["id"]] = (event["epoch"], number), None
    len(ids) > 10_000 and ids.popitem(last=False)
    print(text)
    args.count = args.count and args.count - 1
    args.count == 0 and (sys.stdout.flush(), os._exit(0))


config = zenoh.Config.from_file(args.config) if args.config else zenoh.Config()
for key, value in ("mode", "client"), ("connect", {"timeout_ms": -1, "endpoints": [args.connect]}), ("scouting/multicast/enabled", False):
    config.insert_json5(key, json.dumps(value))
with zenoh.open(config) as session:
    hear = lambda end: session.declare_subscriber(f"flyball/v1/{args.site}/{args.camera}/{end}", zenoh.handlers.RingChannel(2_048))
    pages, heads = hear("@page"), hear("@head")
    while True:
        if sample := pages.try_recv() or heads.try_recv():  # what a heartbeat counts may still lie among the pages
            [take(line) for line in sample.payload.to_string().split("\n")]  # a page has one event a line
        else:
            sys.stdout.flush() or time.sleep(0.005)
