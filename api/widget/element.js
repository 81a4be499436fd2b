// <casebook-search>: asks a Casebook service and shows the answer with its evidence.
//
//   <script src="http://casebook.example/widget/v1/casebook.js" defer></script>
//   <casebook-search district="静安区">
//     <form action="http://casebook.example/search"><label>问题 <input name="q"></label><button>检索</button></form>
//   </casebook-search>
//
// Attributes: api (address of the service; by default where the script came from), district, theme
// (light, dark or auto; light by default, as portals are), size (normal or elder), lang (zh-CN or en),
// top-k, placeholder. The form inside is what a browser without scripts shows; with them it lends its
// label, and a question that the server has put into it is asked at once.
// Events, which leave the shadow tree: casebook:ask, casebook:answer, casebook:error, casebook:feedback.
// Methods: ask(question), stop(), focus().

/** Where the script came from; it lies two folders below the service: `widget/v1/casebook.js`. */
const HOME = document.currentScript ? new URL("../..", document.currentScript.src).href : `${location.origin}/`;

const MAX_QUESTION = 500;
const RECENT = 8;

const sheet = new CSSStyleSheet();
sheet.replaceSync(STYLES);

class CasebookSearch extends HTMLElement {
  static get observedAttributes() {
    return ["api", "district", "lang", "placeholder"];
  }

  connectedCallback() {
    const assemble = () => this.isConnected && !this.parts && this.assemble();
    // A script that is not deferred meets the element before the form inside it has been read.
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", assemble, { once: true });
    else assemble();
  }

  disconnectedCallback() {
    if (!this.parts) return;
    this.stop();
    this.parts.list.close();
  }

  attributeChangedCallback() {
    if (!this.parts) return;
    this.stop();
    const typed = this.parts.input.value;
    this.parts = null;
    this.assemble();
    this.parts.input.value = typed;
  }

  focus(options) {
    if (this.parts) this.parts.input.focus(options);
  }

  /** Asks a question, as if it had been typed. */
  ask(question) {
    this.parts.input.value = question;
    this.submit();
  }

  /** Takes no more of the answer that is on its way. */
  stop() {
    if (this.running) this.running.abort();
  }

  assemble() {
    const root = this.shadowRoot || this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet]; // assigned: a list that can be pushed to came with Chrome 99
    const form = this.querySelector("form");
    const given = form && form.querySelector("input[name=q]");
    const focused = given && given === document.activeElement;
    const lang = this.getAttribute("lang") || "zh-CN";
    const words = wordsOf(lang);
    const address = this.getAttribute("api");
    this.words = words;
    this.base = (address ? new URL(address, location.href).href : HOME).replace(/\/*$/, "/");
    this.recent = this.recent || [];

    const regions = [0, 1].map(() => make("p", { class: "aside", role: "status", "aria-live": "polite", "aria-atomic": "true" }));
    const input = make("input", {
      id: "question",
      part: "input",
      type: "text",
      inputmode: "search",
      enterkeyhint: "search",
      maxlength: String(MAX_QUESTION),
      autocomplete: "off",
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": "list",
      placeholder: this.getAttribute("placeholder") || (given && given.placeholder) || words("placeholder"),
    });
    const list = make("div", { id: "list", part: "list", role: "listbox", class: "list", hidden: true, "aria-label": words("label") });
    if (this.getAttribute("size") === "elder") list.dataset.flow = "true"; // nothing may pop up over the page
    let choices = null;
    const typing = composition(input, (delay) => choices.type(delay), () => choices.pause());
    const announce = announcer(regions, typing.busy);
    choices = combobox(input, list, {
      words,
      announce,
      typing,
      look: (text, signal) => this.suggestions(text, signal),
      recent: () => this.recent.map((text) => ({ kind: "history", text, highlights: [] })),
      choose: (suggestion) => this.choose(suggestion),
    });
    const label = given && given.labels[0] ? given.labels[0].textContent.trim() : "";
    const where = scope({ base: this.base, words, district: this.getAttribute("district") });
    const submit = (event) => {
      event.preventDefault();
      if (!typing.owns(event)) this.submit();
    };
    const ask = make(
      "form",
      { class: "ask", role: "search", submit },
      make("label", { class: "label", for: "question" }, label || words("label")),
      make("div", { class: "field" }, input, make("button", { class: "primary", part: "submit" }, words("ask")), list),
      where.box
    );
    const outcome = make("section", { class: "outcome", part: "outcome", "aria-label": words("answer"), "data-state": "idle" }, this.examples());
    const box = make("div", { class: "root", part: "root", lang }, ask, outcome, ...regions);
    root.replaceChildren(box);
    this.parts = { input, outcome, where, announce, list: choices };
    if (!given) return;
    input.value = given.value;
    if (focused) input.focus();
    if (given.defaultValue) this.submit();
  }

  examples() {
    const ask = (event) => this.ask(event.currentTarget.textContent);
    const items = EXAMPLES.map((text) => make("li", {}, button("choice", text, ask, { lang: "zh-CN" })));
    return make("div", { class: "examples" }, make("p", { class: "note" }, this.words("examples")), make("ul", {}, ...items));
  }

  async suggestions(text, signal) {
    const answer = await request(this.base, `api/v1/suggest?limit=8&q=${encodeURIComponent(text)}`, { signal });
    return (await answer.json()).suggestions;
  }

  choose({ kind, text, case_id }) {
    if (kind === "case") open(addressOf(this.base, `cases/${encodeURIComponent(case_id)}`), "_blank", "noopener");
    else this.ask(text);
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(`casebook:${name}`, { bubbles: true, composed: true, detail }));
  }

  async submit() {
    const { input, outcome, where, announce, list } = this.parts;
    const query = input.value.trim();
    if (!query) {
      input.focus();
      return;
    }
    list.close();
    this.stop();
    this.recent = [query, ...this.recent.filter((it) => it !== query)].slice(0, RECENT);
    const running = (this.running = new AbortController());
    const { words, base } = this;
    const filters = where.filters();
    const top = Number(this.getAttribute("top-k"));
    const body = { query, filters, ...(top ? { top_k: top } : {}) };
    let response = null;
    let silence = 0;
    let late = false;
    const listen = () => {
      clearTimeout(silence);
      silence = setTimeout(() => {
        late = true;
        running.abort();
      }, PATIENCE_MS);
    };
    const view = answerView({
      base,
      words,
      announce,
      send: (verdict, reasons, whole, passages) => this.judge(verdict, reasons, whole, passages),
      more: async () => (await (await request(base, "api/v1/search", { body: { query, filters, top_k: 10 } })).json()).passages,
    });
    const halt = button("choice stop", words("stop"), () => running.abort());
    const state = (name) => {
      outcome.dataset.state = name;
      outcome.setAttribute("aria-busy", String(name === "loading" || name === "streaming"));
    };
    const waiting = make("p", { class: "waiting" }, words("searching"));
    state("loading");
    outcome.replaceChildren(waiting, halt);
    announce(words("searching"));
    this.tell("ask", { query, filters });
    listen();
    try {
      await askService(base, body, running.signal, (name, data) => {
        // A chunk that was read before the abort is still delivered after it.
        if (running.signal.aborted) return;
        listen();
        if (name === "error") throw new Failure("broken", data.detail);
        if (name === "meta") outcome.replaceChildren(view.box, halt);
        if (name === "done") response = data;
        view[name](data);
        state("streaming");
      });
      if (running.signal.aborted) throw new DOMException("", "AbortError");
      if (!response) throw new Failure("cut");
      state(response.abstained ? "refused" : "answered");
      this.tell("answer", { query, response });
    } catch (error) {
      if (!(error instanceof Failure)) console.error(error);
      if (this.running !== running) return; // a later question reports for itself
      const begun = view.box.isConnected;
      const failure = late ? new Failure("timeout") : error;
      if (failure.name === "AbortError" || begun) {
        state(failure.name === "AbortError" ? "stopped" : "partial");
        if (begun) view.broken(failure.name === "AbortError" ? "stopped" : "cut");
        else outcome.replaceChildren(make("p", { class: "waiting" }, words("stopped")));
        outcome.append(button("choice", words("again"), () => this.submit()));
      } else {
        state("error");
        this.fail(failure);
      }
      if (failure.name !== "AbortError") this.tell("error", { query, kind: failure.kind || "broken", detail: failure.detail || "" });
    } finally {
      clearTimeout(silence);
      halt.remove();
    }
  }

  fail(error) {
    const { words, parts } = this;
    const detail = error.kind === "invalid" && error.detail ? make("p", { lang: "zh-CN" }, error.detail) : null;
    const text = make("div", { role: "alert" }, make("h2", { class: "heading" }, words("error")), make("p", {}, failureText(error, words)), detail);
    parts.outcome.replaceChildren(make("div", { class: "answer failure" }, text, button("choice", words("again"), () => this.submit())));
  }

  async judge(verdict, reasons, { query, index_version, mode }, passage_ids) {
    await request(this.base, "api/v1/feedback", { body: { query, verdict, reasons, index_version, passage_ids, mode } });
    this.tell("feedback", { query, verdict, reasons });
  }
}
