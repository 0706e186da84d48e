// The API's events of an answer, as they come from /chat.

const STATUS = {
  400: "The server could not read the conversation.",
  403: "The server takes questions from its own page only.",
  413: "The conversation is too long for one request. Start a new chat.",
};

const TITLES = {
  connection: "The service cannot be reached.",
  overloaded_error: "The service is overloaded.",
  rate_limit_error: "Too many requests.",
  authentication_error: "The server's key is not accepted.",
  timeout: "The service took too long.",
};

// What the page shows of a failure: a sentence, and what the service said.
export class Problem extends Error {
  constructor(title, detail = "") {
    super(title);
    this.detail = detail;
  }
}

// The events of a body: what stands between two blank lines.
async function* read(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read()) {
    const parts = (buffer + value).split("\n\n");
    buffer = parts.pop();
    for (const part of parts) {
      const data = part.match(/^data: (.*)$/m);
      if (data) {
        yield JSON.parse(data[1]);
      }
    }
  }
}

// Asks, and yields the events until the answer is whole. Throws a Problem where it does not become whole, and
// an AbortError where the signal ends it.
export async function* answerTo(messages, signal) {
  try {
    const response = await fetch("/chat", { method: "POST", body: JSON.stringify({ messages }), signal });
    if (!response.ok) {
      throw new Problem(STATUS[response.status] ?? "The server failed.", `HTTP ${response.status}`);
    }
    for await (const event of read(response.body)) {
      if (event.type === "error") {
        throw new Problem(TITLES[event.error.type] ?? "The answer failed.", event.error.message);
      }
      yield event;
      if (event.type === "message_stop") {
        return;
      }
    }
  } catch (error) {
    if (error instanceof Problem || error.name === "AbortError") {
      throw error;
    }
    throw new Problem("The connection to the server failed.", error.message);
  }
  throw new Problem("The connection ended before the answer did.");
}
