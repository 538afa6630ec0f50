"""A receiver as the service's description tells receivers to be, with nothing but the standard
library. Prints its port, then one JSON line a request."""

import hashlib
import hmac
import json
import sys
import time
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

SECRET = sys.argv[1]
WINDOW_SECONDS = 5 * 60


def generate_signature(secret, body, timestamp):
    return hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).hexdigest()


def seconds(timestamp):
    if timestamp.isdigit():
        return int(timestamp)
    return datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        timestamp = self.headers["X-WSS-Timestamp"]
        expected = generate_signature(SECRET, body, timestamp)
        seen = {
            "signature": hmac.compare_digest(expected, self.headers["X-WSS-Signature"]),
            "fresh": abs(time.time() - seconds(timestamp)) <= WINDOW_SECONDS,
            "headers": dict(self.headers.items()),
            "body": body.decode("latin-1"),
        }
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        print(json.dumps(seen), flush=True)

    def log_message(self, *arguments):
        pass


server = HTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_port, flush=True)
server.serve_forever()
