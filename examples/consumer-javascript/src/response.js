// Responses: a text, or a problem document (RFC 9457).

const bytes = (content) => new TextEncoder().encode(content);

export function text(content) {
  return { status: 200, headers: { "content-type": "text/plain; charset=utf-8" }, body: bytes(content) };
}

// The reason for rejecting a request, with a stable code. All of it is visible to the client.
export class Refusal extends Error {
  constructor(status, code, title, { detail, headers } = {}) {
    super(code);
    Object.assign(this, { status, code, title, detail, headers });
  }

  toResponse() {
    const { status, code, title, detail } = this;
    const document = { type: `urn:signed-webhooks:problem:${code}`, title, status, code, detail };
    console.log(`CONSUMER: refused: ${code}: ${detail ?? title}`);
    const headers = { "content-type": "application/problem+json", ...this.headers };
    return { status, headers, body: bytes(`${JSON.stringify(document)}\n`) };
  }
}
