// Requests to the service, and what can go wrong with them.

/** What a refusal that does not say suggests to wait. */
const WAIT_S = 5;

/** Whether answers can come piece by piece. */
const STREAMS = "ReadableStream" in window;

/** A request that failed in a way that the element has words for. */
class Failure extends Error {
  /**
   * @param {string} kind Key of its words.
   * @param {string} detail What the service says of it; may be empty.
   * @param {number} wait Seconds until trying again makes sense.
   */
  constructor(kind, detail = "", wait = WAIT_S) {
    super(kind);
    Object.assign(this, { kind, detail, wait });
  }
}

/**
 * Writes JSON. Not by `JSON.stringify` alone: portals of a certain age load libraries that give
 * arrays a `toJSON`, which turns every list into a string.
 */
function jsonOf(value) {
  if (Array.isArray(value)) return `[${value.map(jsonOf).join()}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value).map((key) => `${JSON.stringify(key)}:${jsonOf(value[key])}`);
  return `{${members.join()}}`;
}

/**
 * Sends a request; with a body it is a POST.
 * @returns {Promise<Response>}
 * @throws {Failure} Unless the service answers that all is well.
 */
async function request(base, path, { body, accept, signal } = {}) {
  // Without headers of its own a GET needs no preflight, which would double every suggestion's delay.
  const posted = body && {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: accept || "*/*" },
    body: jsonOf(body),
  };
  let response;
  try {
    response = await fetch(base + path, { signal, ...posted });
  } catch (error) {
    throw signal && signal.aborted ? error : await unreached(base);
  }
  if (response.ok) return response;
  throw await refused(response);
}

/** Tells a page that is not allowed from a service that is not there: to `fetch` they look alike. */
async function unreached(base) {
  if (!navigator.onLine) return new Failure("offline");
  if (new URL(base).origin === location.origin) return new Failure("unreachable");
  try {
    await fetch(`${base}livez`, { mode: "no-cors" });
    return new Failure("denied");
  } catch {
    return new Failure("unreachable");
  }
}

async function refused(response) {
  const kinds = { 401: "denied", 403: "denied", 413: "invalid", 422: "invalid", 429: "busy", 503: "busy" };
  let problem = {};
  try {
    problem = await response.json();
  } catch {
    // A proxy's own error page: the status has to do.
  }
  const wait = Number(response.headers.get("Retry-After")) || undefined; // a date is no number
  return new Failure(kinds[response.status] || "broken", problem.detail, wait);
}

/**
 * Asks a question.
 * @param {function(string, Object)} onEvent Gets the service's events in their order; an answer that
 *   comes whole is told by the same events.
 */
async function askService(base, body, signal, onEvent) {
  const accept = STREAMS ? "text/event-stream, application/json" : "application/json";
  const response = await request(base, "api/v1/ask", { body, accept, signal });
  const type = response.headers.get("Content-Type") || "";
  if (type.startsWith("text/event-stream")) {
    await readEvents(response.body.getReader(), onEvent);
    return;
  }
  const whole = await response.json();
  const { text, sentences } = whole.answer;
  onEvent("meta", whole);
  onEvent("citations", whole);
  let start = 0;
  for (const sentence of sentences) {
    const end = text.indexOf(sentence.text, start) + sentence.text.length;
    onEvent("delta", { sentence, text: text.slice(start, end) });
    start = end;
  }
  onEvent("done", whole);
}

/**
 * Reads server-sent events. Not by `EventSource`, which cannot POST and would ask again by itself.
 * The service writes the data of an event in one line.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
async function readEvents(reader, onEvent) {
  const decoder = new TextDecoder(); // keeps the bytes of a character that a chunk has cut
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new Failure("cut");
    });
    if (done) return; // what no blank line has ended is no event
    const blocks = (rest + decoder.decode(value, { stream: true })).split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) {
      // Not by `.` and `$`: to them U+2028 ends a line, to the protocol it is a letter.
      const lines = block.split(/\r?\n/);
      const field = (name) =>
        (lines.find((line) => line.startsWith(name)) || name).slice(name.length + 1);
      if (field("data")) onEvent(field("event").trim(), JSON.parse(field("data")));
    }
  }
}
