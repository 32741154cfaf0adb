"""The attacker that certificate pinning is about: writes down everything that passes, and changes what it is told to.

CAPTURE_DIR/index.jsonl has one line per message head; NUMBER-request.body and NUMBER-response.body its bytes.
CAPTURE_DIR/orders.json says what to change; it is read at every request:
  {"method": "POST", "path": "/gateway/", "flip": "request" | "response", "offset": 40}   negative: from the end
  {"method": "POST", "path": "/gateway/", "answer": {"status": 401, "type": "application/problem+json", "body": "..."}}
  {"method": "POST", "path": "/gateway/", "cut": "response", "keep": 100}
"""

import json
import os

from mitmproxy import http

CAPTURE = os.environ["CAPTURE_DIR"]
BIT = 0x01


class Attacker:
    def __init__(self):
        self.count = 0

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        self.count += 1
        flow.metadata["number"] = self.count
        flow.metadata["order"] = self.order_for(flow)
        self.note(flow, "request", {"method": flow.request.method, "path": flow.request.path}, flow.request.headers)
        answer = flow.metadata["order"].get("answer")
        if answer is not None:
            flow.response = http.Response.make(answer["status"], answer["body"], {"content-type": answer["type"]})
            return
        flow.request.stream = self.passing(flow, "request", flow.request.headers)

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        self.note(flow, "response", {"status": flow.response.status_code}, flow.response.headers)
        flow.response.stream = self.passing(flow, "response", flow.response.headers)

    def order_for(self, flow):
        try:
            with open(os.path.join(CAPTURE, "orders.json"), encoding="utf8") as file:
                order = json.load(file)
        except FileNotFoundError:
            return {}
        wanted = flow.request.method == order["method"] and flow.request.path.startswith(order["path"])
        return order if wanted else {}

    def note(self, flow, side, head, headers):
        line = {"number": flow.metadata["number"], "side": side, **head, "headers": list(headers.items())}
        with open(os.path.join(CAPTURE, "index.jsonl"), "a", encoding="utf8") as file:
            file.write(json.dumps(line) + "\n")

    def passing(self, flow, side, headers):
        """Called with each piece as it passes; returns what is sent on."""
        order = flow.metadata["order"]
        name = os.path.join(CAPTURE, f"{flow.metadata['number']}-{side}.body")
        length = headers.get("content-length")
        seen = 0

        def piece(data: bytes) -> bytes:
            nonlocal seen
            start, seen = seen, seen + len(data)
            with open(name, "ab") as file:
                file.write(data)
            if order.get("flip") == side:
                offset = order["offset"]
                if offset < 0:
                    if length is None:
                        return data
                    offset += int(length)
                if start <= offset < seen:
                    changed = bytearray(data)
                    changed[offset - start] ^= BIT
                    return bytes(changed)
            if order.get("cut") == side and start + len(data) > order["keep"]:
                return data[: max(0, order["keep"] - start)]
            return data

        return piece


addons = [Attacker()]
