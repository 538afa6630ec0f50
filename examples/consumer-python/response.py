"""Responses: a text, or a problem document (RFC 9457)."""

import json
from dataclasses import dataclass, field

from log import write


@dataclass
class Response:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def text(content: str) -> Response:
    return Response(200, content.encode(), {"content-type": "text/plain; charset=utf-8"})


class Refusal(Exception):
    """The reason for rejecting a request, with a stable code. All of it is visible to the client."""

    def __init__(self, status, code, title, detail=None, headers=None):
        super().__init__(code)
        self.status, self.code, self.title = status, code, title
        self.detail, self.headers = detail, headers or {}

    def to_response(self) -> Response:
        document = {"type": f"urn:signed-webhooks:problem:{self.code}", "title": self.title,
                    "status": self.status, "code": self.code}
        if self.detail:
            document["detail"] = self.detail
        write(f"refused: {self.code}: {self.detail or self.title}")
        headers = {"content-type": "application/problem+json"} | self.headers
        return Response(self.status, (json.dumps(document) + "\n").encode(), headers)
