#!/usr/bin/env python3
"""Receives Flyball's events by webhook and prints them, one JSON object a line: each once, signatures checked.

    FLYBALL_SECRET=... python samples/receive_webhook.py [--port 9000] [--count 10]

Needs nothing but Python. Answers 2xx only after an event is taken care of: whatever else it answers, Flyball sends it again."""
import argparse, hashlib, hmac, http.server, json, os, sys, time

args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
args.add_argument("--port", type=int, default=9000, help="where to listen, on this machine")
args.add_argument("--count", type=int, help="stop after this many events")
args = args.parse_args()
secret, had, TOLERANCE = os.environ["FLYBALL_SECRET"].encode(), {}, 300  # ids printed lately, oldest first; seconds


def is_signed(header, body):
    """`t=<unix seconds>,v1=<hex>`: HMAC-SHA256 of the time, a full stop and the body."""
    parts = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
    made = hmac.new(secret, parts.get("t", "").encode() + b"." + body, hashlib.sha256).hexdigest()
    is_right = hmac.compare_digest(made, parts.get("v1", ""))
    return is_right and abs(time.time() - int(parts["t"])) <= TOLERANCE


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        signed = is_signed(self.headers.get("flyball-signature", ""), body)
        if signed:
            sent = json.loads(body)
            for event in sent if isinstance(sent, list) else [sent]:
                take(event)
        self.send_response(204 if signed else 401)
        self.send_header("content-length", "0")
        self.end_headers()
        self.wfile.flush()
        if args.count is not None and args.count <= 0:
            os._exit(0)

    def log_message(self, *_):
        pass


def take(event):
    if event["id"] in had or args.count == 0:
        return  # sent again because an answer was lost
    had[event["id"]] = None
    len(had) > 10_000 and had.pop(next(iter(had)))
    print(json.dumps(event), flush=True)
    args.count = args.count and args.count - 1


server = http.server.HTTPServer(("127.0.0.1", args.port), Receiver)
print(f"listening on 127.0.0.1:{server.server_port}", file=sys.stderr, flush=True)
server.serve_forever()
