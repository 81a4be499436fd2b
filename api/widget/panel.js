// What the element does once somebody turns to it: suggests, asks, shows what comes of it.

const RECENT = 8;

const SHEET_OF_OUTCOME = sheetOf(STYLES);

/**
 * Makes the parts of an element act.
 * @param {Element} host
 * @param {Object} parts What `shell` has put there.
 * @returns {{submit: function(), stop: function()}}
 */
function panel(host, { words, input, scope, outcome }) {
  const attribute = (name) => host.getAttribute(name);
  const home = new URL("../..", new URL(SOURCE, location.href)); // the script lies two folders below
  const base = new URL(attribute("api") || home, location.href).href.replace(/\/*$/, "/");
  let recent = []; // in memory alone: what somebody asked is nobody else's business
  let end = () => {};

  host.shadowRoot.adoptedStyleSheets = [SHEET, SHEET_OF_OUTCOME]; // assigned: a list that can be pushed to came with Chrome 99
  const list = make("div", { id: "list", role: "listbox", class: "list", hidden: true, "aria-label": words("label") });
  input.parentNode.append(list);
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", "list");
  const typing = composition(input, (delay) => choices.type(delay), () => choices.pause());
  const announce = announcer(outcome, typing.busy);
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
  const filters = filtersOf(scope, { base, words, attribute });
  input.form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!typing.owns(event)) submit();
  });
  for (const example of outcome.querySelectorAll("button")) example.addEventListener("click", () => ask(example.textContent));

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
    const body = { query, filters: filters(), ...(top ? { top_k: top } : {}) };
    const tell = (name, detail) =>
      host.dispatchEvent(new CustomEvent(`casebook:${name}`, { bubbles: true, composed: true, detail }));
    end = inquire(body, { base, words, announce, outcome, tell, again: submit });
  }

  function stop() {
    choices.close();
    end("stopped");
  }

  return { submit, stop };
}
