// One question on its way: what is shown from the moment it is asked until its answer stands there.

/** Longest silence: a language model's first sentence takes long on a machine without an accelerator. */
const PATIENCE_MS = 60000;

/**
 * Asks a question and shows what comes of it.
 * @param {Object} body The request.
 * @param {Object} to `base` of the service, `words`, `announce`, the `outcome` to fill, `tell(name,
 *   detail)` for the page, `again()` to ask once more.
 * @returns {function(string)} Ends it early: "stopped" by the reader, or "dropped" for a later question,
 *   which then has the outcome to itself.
 */
function inquire(body, to) {
  const { base, words, announce, outcome, tell } = to;
  const { query, filters } = body;
  const running = new AbortController();
  const halt = button(words("stop"), () => end("stopped"));
  const view = answerView({ base, words, announce, send, more });
  let response = null;
  let ended = "";
  let silence = 0;

  function end(why) {
    ended = ended || why;
    running.abort();
  }

  function state(name) {
    outcome.dataset.state = name;
    outcome.setAttribute("aria-busy", String(name === "loading" || name === "streaming"));
  }

  /** Shows something else; a focus within what goes away stays here, and is not lost to the page. */
  function show(...nodes) {
    const held = outcome.contains(outcome.getRootNode().activeElement);
    outcome.replaceChildren(...nodes);
    if (held) outcome.focus({ preventScroll: true });
  }

  function replaceHalt(...buttons) {
    const held = halt.matches(":focus");
    halt.replaceWith(...buttons);
    if (held) outcome.focus({ preventScroll: true });
  }

  function listen() {
    clearTimeout(silence);
    silence = setTimeout(() => end("unreachable"), PATIENCE_MS);
  }

  function take(name, data) {
    if (ended) return; // what was read before it was ended arrives after it
    listen();
    if (name === "error") throw new Failure("broken", data.detail);
    if (name === "meta") {
      show(view.box);
      view.tools.append(halt);
    }
    if (name === "done") response = data;
    if (view[name]) view[name](data);
    state("streaming");
  }

  async function send(verdict, reasons, { index_version, mode }, passage_ids) {
    await request(base, "api/v1/feedback", { body: { query, verdict, reasons, index_version, passage_ids, mode } });
    tell("feedback", { query, verdict, reasons });
  }

  async function more() {
    const found = await request(base, "api/v1/search", { body: { query, filters, top_k: 10 } });
    return (await found.json()).passages;
  }

  function fail(error) {
    const failure = ended ? new Failure(ended) : error;
    if (ended === "dropped") return;
    if (!(failure instanceof Failure)) console.error(failure);
    const kind = failure.kind || "broken";
    if (kind !== "stopped") tell("error", { query, kind, detail: failure.detail });
    const begun = view.box.isConnected;
    const again = button(words("again"), to.again);
    state(kind === "stopped" ? kind : begun ? "partial" : "error");
    if (begun) {
      view.broken(kind === "stopped" ? kind : "cut");
      replaceHalt(again);
      return;
    }
    const title = make("h2", { class: "heading" }, words("error"));
    const detail = kind === "invalid" ? make("p", { lang: "zh-CN" }, failure.detail) : null;
    const alert = make("div", { role: "alert" }, title, make("p", {}, failureText(failure, words)), detail);
    show(make("div", { class: "answer refusal" }, alert, again));
  }

  async function run() {
    state("loading");
    show(make("p", { class: "note" }, words("searching")), halt);
    announce(words("searching"));
    tell("ask", { query, filters });
    listen();
    try {
      await askService(base, body, running.signal, take);
      if (!response) throw new Failure("cut");
      replaceHalt();
      state(response.abstained ? "refused" : "answered");
      tell("answer", { query, response });
    } catch (error) {
      fail(error);
    }
    clearTimeout(silence);
  }

  run();
  return end;
}
