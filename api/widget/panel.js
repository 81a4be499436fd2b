// What stands in the element's shadow root: the question, where to search, what came of it.

const RECENT = 8;

/**
 * Fills an element's shadow root.
 * @param {Element} host
 * @param {string} home Address of the service where the element names none.
 * @returns {{input: HTMLInputElement, given: ?HTMLInputElement, submit: function(), stop: function()}}
 *   `given` is the field of the form inside, for browsers without scripts.
 */
function panel(host, home) {
  const attribute = (name) => host.getAttribute(name);
  const lang = attribute("lang") || "zh-CN";
  const words = wordsOf(lang);
  const base = (attribute("api") ? new URL(attribute("api"), location.href).href : home).replace(/\/*$/, "/");
  const given = host.querySelector("form input[name=q]");
  let recent = []; // in memory alone: what somebody asked is nobody else's business
  let end = () => {};

  const input = make("input", {
    id: "question",
    part: "input",
    type: "text", // of type search, Escape would clear it before the list is closed
    inputmode: "search",
    enterkeyhint: "search",
    maxlength: 500, // what the service takes
    autocomplete: "off",
    role: "combobox",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": "list",
    placeholder: attribute("placeholder") || (given && given.placeholder) || words("placeholder"),
  });
  const list = make("div", { id: "list", role: "listbox", class: "list", hidden: true, "aria-label": words("label") });
  const status = () => make("p", { class: "aside", role: "status" });
  const regions = [status(), status()];
  const typing = composition(input, (delay) => choices.type(delay), () => choices.pause());
  const announce = announcer(regions, typing.busy);
  const choices = combobox(input, list, {
    words,
    announce,
    typing,
    look: async (text, signal) => {
      const found = await request(base, `api/v1/suggest?limit=8&q=${encodeURIComponent(text)}`, { signal });
      return (await found.json()).suggestions;
    },
    recent: () => recent.map((text) => ({ kind: "history", text, highlights: [] })),
    choose: ({ kind, text, case_id }) => {
      if (kind === "case") open(addressOf(base, `/cases/${encodeURIComponent(case_id)}`), "_blank", "noopener");
      else ask(text);
    },
  });
  const where = scope({ base, words, district: attribute("district") });
  const label = given && given.labels[0] ? given.labels[0].textContent.trim() : words("label");
  const sent = (event) => {
    event.preventDefault();
    if (!typing.owns(event)) submit();
  };
  const form = make(
    "form",
    { role: "search", submit: sent },
    make("label", { class: "label", for: "question" }, label),
    make("div", { class: "field" }, input, make("button", { class: "primary", part: "submit" }, words("ask")), list),
    where.box
  );
  const outcome = make("section", { class: "outcome", tabindex: "-1", "aria-label": words("answer"), "data-state": "idle" }, examples());
  host.shadowRoot.replaceChildren(make("div", { class: "root", part: "root", lang }, form, outcome, ...regions));

  /** The page's own examples, links with a question, or some that suit any collection. */
  function examples() {
    const links = [...host.querySelectorAll("a[href*='q=']")].map((link) => link.textContent);
    const items = (links.length ? links : EXAMPLES).map((text) =>
      make("li", {}, button(text, () => ask(text), { lang: "zh-CN" }))
    );
    return make("div", { class: "examples" }, make("p", { class: "note" }, words("examples")), make("ul", {}, ...items));
  }

  function ask(question) {
    input.value = question;
    submit();
  }

  function submit() {
    const query = input.value.trim();
    if (!query) {
      input.focus();
      return;
    }
    choices.close();
    end("dropped");
    recent = [query, ...recent.filter((it) => it !== query)].slice(0, RECENT);
    const top = Number(attribute("top-k"));
    const body = { query, filters: where.filters(), ...(top ? { top_k: top } : {}) };
    const tell = (name, detail) =>
      host.dispatchEvent(new CustomEvent(`casebook:${name}`, { bubbles: true, composed: true, detail }));
    end = inquire(body, { base, words, announce, outcome, tell, again: submit });
  }

  function stop() {
    choices.close();
    end("stopped");
  }

  return { input, given, submit, stop };
}
