// An answer as it comes: its sentences above, the passages that they are from below.

/** Words for what went wrong. */
function failureText(error, words) {
  return error instanceof Failure ? words(error.kind, { n: error.wait }) : words("broken");
}

/**
 * Shows one answer.
 * @param {Object} to `base` of the service, `words`, `announce`; `send(verdict, reasons, response,
 *   passageIds)` and `more(known)` ask the service.
 * @returns {Object} `box` to show; `meta`, `citations`, `delta` and `done` take the service's events of
 *   these names; `broken(key)` says that no more will come.
 */
function answerView(to) {
  const { words, announce } = to;
  const badge = make("span", { class: "badge", hidden: true });
  const title = make("h2", { class: "heading", id: "answer" }, words("answer"), " ", badge);
  const prose = make("div", { class: "prose", lang: "zh-CN", part: "answer" });
  const note = make("p", { class: "note" });
  const tools = make("div", { class: "actions" });
  const reply = make("div", { class: "answer" }, title, prose, note, tools);
  const evidence = make("h3", { class: "heading" }, words("evidence"));
  const found = passageList(to);
  const rest = make("div", {});
  const box = make("div", {}, reply, evidence, found.list, rest);
  evidence.hidden = true;
  const sentences = [];
  let refusal = false;

  function meta({ abstained, mode, reason }) {
    refusal = abstained;
    badge.textContent = words(mode);
    badge.hidden = refusal;
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
    announce(refusal ? `${words("refused")}。${event.citations.length ? words("found", lines) : ""}` : words("writing"));
  }

  function delta({ sentence }) {
    if (!sentence) return; // the refusal's own words, which stand there already
    const index = sentences.push(sentence);
    if (sentence.lead || !prose.lastElementChild) {
      prose.append(make("p", {}, sentence.lead ? make("b", {}, `${sentence.lead}：`) : null));
    }
    const element = make("span", { class: "sentence", tabindex: "-1", id: `sentence-${index}` }, sentence.text);
    for (const number of sentence.citations) element.append(reference(number));
    prose.lastElementChild.append(element);
    found.support(sentence, index, element);
  }

  function reference(number) {
    const entry = found.reach(number);
    const name = entry ? entry.passage.citation.title : "";
    return button("ref", String(number), () => entry && goTo(entry.box), {
      "aria-label": words("basis", { n: number, title: name }),
    });
  }

  function done(response) {
    const cited = new Set([].concat(...sentences.map((it) => it.citations)));
    if (!refusal) {
      badge.textContent = words(response.mode);
      const trouble = response.checking && response.checking.trouble ? words("trouble") : "";
      note.textContent = trouble + words(`${response.mode}Note`);
      tools.append(copyButton(words("copyAnswer"), () => wholeText(response), words, announce));
      announce(words("done", { n: cited.size }));
    }
    const send = (verdict, reasons) => to.send(verdict, reasons, response, found.ids());
    rest.append(moreButton(), feedback({ words, announce, send }));
  }

  function wholeText({ answer, citations: passages }) {
    const sources = passages.map((it) => `[${it.number}] ${citationText(it.text, it.citation, to.base)}`);
    return [answer.text, "", ...sources].join("\n");
  }

  function moreButton() {
    const press = button("choice", words("more"), async () => {
      press.disabled = true;
      const heading = make("h3", { class: "heading", tabindex: "-1" }, words("others"));
      const others = passageList(to);
      try {
        const known = new Set(found.ids());
        others.add((await to.more()).filter((it) => !known.has(it.passage_id)));
        if (!others.ids().length) heading.textContent = words("noMore");
      } catch (error) {
        heading.textContent = failureText(error, words);
      }
      press.replaceWith(heading, others.list);
      heading.focus();
    });
    return press;
  }

  function broken(key) {
    reply.classList.add("refusal");
    note.textContent = words(key);
    announce(words(key));
  }

  return { box, meta, citations, delta, done, broken, tools };
}
