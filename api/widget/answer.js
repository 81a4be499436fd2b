// An answer as it comes: its sentences above, the passages that they are from below.

/** Words for what went wrong. */
function failureText(error, words) {
  return error instanceof Failure ? words(error.kind, { n: error.wait }) : words("broken");
}

/**
 * Shows one answer.
 * @param {Object} to `base` of the service, `words`, `announce`; `send(verdict, reasons, response,
 *   passageIds)` and `more(known)` ask the service.
 * @returns {Object} `box` to show, with `tools` for buttons; `meta`, `citations`, `delta` and `done` take the service's events of
 *   these names; `broken(key)` says that no more will come.
 */
function answerView(to) {
  const { words, announce } = to;
  const badge = make("span", { class: "badge" });
  const title = make("h2", { class: "heading" }, words("answer"), " ", badge);
  const prose = make("div", { class: "prose", lang: "zh-CN" });
  const note = make("p", { class: "note" });
  const tools = make("div", { class: "actions" });
  const reply = make("div", { class: "answer", part: "answer" }, title, prose, note, tools);
  const evidence = make("h3", { class: "heading" }, words("evidence"));
  const found = passageList(to);
  const rest = make("div", {});
  const box = make("div", {}, reply, evidence, found.list, rest);
  evidence.hidden = true;
  let sentences = 0;
  let refusal = false;

  function meta({ abstained, mode, reason }) {
    refusal = abstained;
    badge.textContent = words(mode);
    if (!refusal) return;
    reply.classList.add("refusal");
    title.textContent = words("refused");
    prose.replaceChildren(words(reason || "low_confidence"));
    prose.removeAttribute("lang");
    evidence.textContent = words("nearest");
  }

  function citations(event) {
    found.add(event.citations);
    evidence.hidden = !event.citations.length;
    const lines = { n: event.citations.length, m: found.cases() };
    announce(refusal ? `${words("refused")}。${words("found", lines)}` : words("writing"));
  }

  function delta({ sentence, text }) {
    if (!sentence) return; // the refusal's own words, which stand there already
    sentences += 1;
    if (sentence.lead || !prose.lastElementChild) {
      prose.append(make("p", {}, sentence.lead ? make("b", {}, `${sentence.lead}：`) : null));
    }
    if (text.includes(`……${sentence.text}`)) prose.lastElementChild.append("……"); // the source goes on elsewhere
    const element = make("span", { class: "sentence", tabindex: "-1" }, sentence.text);
    for (const number of sentence.citations) element.append(reference(number));
    prose.lastElementChild.append(element);
    found.support(sentence, sentences, element);
  }

  function reference(number) {
    const entry = found.reach(number);
    const name = entry ? entry.passage.citation.title : "";
    const label = words("basis", { n: number, m: name });
    return button(String(number), () => entry && goTo(entry.box), { class: "ref", "aria-label": label });
  }

  function done(response) {
    if (!refusal) {
      badge.textContent = words(response.mode);
      note.textContent = words(`${response.mode}Note`);
      tools.append(copyButton(words("copyAnswer"), () => wholeText(response), to));
      announce(words("done", { n: response.citations.length }));
    }
    const send = (verdict, reasons) => to.send(verdict, reasons, response, found.ids());
    rest.append(button(words("more"), addMore), feedback({ words, announce, send }));
  }

  function wholeText({ answer, citations: passages }) {
    const sources = passages.map((it) => `[${it.number}] ${citationText(it.text, it.citation, to.base)}`);
    return [answer.text, "", ...sources].join("\n");
  }

  /** Shows what else was found, apart from what the answer is from. */
  async function addMore(event) {
    const pressed = event.currentTarget;
    const others = passageList(to);
    pressed.disabled = true;
    try {
      const known = found.ids();
      others.add((await to.more()).filter((it) => !known.includes(it.passage_id)));
      const counts = { n: others.ids().length, m: others.cases() };
      const heading = make("h3", { class: "heading", tabindex: "-1" }, words("found", counts));
      pressed.replaceWith(heading, others.list);
      heading.focus();
    } catch (error) {
      pressed.textContent = failureText(error, words);
      pressed.disabled = false;
    }
  }

  function broken(key) {
    reply.classList.add("refusal");
    note.textContent = words(key);
    announce(words(key));
  }

  return { box, tools, meta, citations, delta, done, broken };
}
