"""What is answered: a text, or the reason why a request was refused (RFC 9457)."""

import json
from dataclasses import dataclass, field

from log import say


@dataclass
class Answer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def text(content: str) -> Answer:
    return Answer(200, content.encode(), {"content-type": "text/plain; charset=utf-8"})


class Refusal(Exception):
    """A reason with a code that stays the same. What is in it, everybody may see."""

    def __init__(self, status, code, title, detail=None, headers=None):
        super().__init__(code)
        self.status, self.code, self.title = status, code, title
        self.detail, self.headers = detail, headers or {}

    def answer(self) -> Answer:
        document = {"type": f"urn:signed-webhooks:problem:{self.code}", "title": self.title,
                    "status": self.status, "code": self.code}
        if self.detail:
            document["detail"] = self.detail
        say(f"refused: {self.code}: {self.detail or self.title}")
        headers = {"content-type": "application/problem+json"} | self.headers
        return Answer(self.status, (json.dumps(document) + "\n").encode(), headers)
