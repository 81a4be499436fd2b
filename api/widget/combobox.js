// An editable combobox with a list of suggestions; the focus never leaves the input. The list stands in
// the flow of the page: portals clip what overflows their boxes, and nothing pops up over older readers.
// https://www.w3.org/WAI/ARIA/apg/patterns/combobox/

/** One character matches almost everything. */
const SHORTEST = 2;

/**
 * @typedef {{text: string, kind: string, case_id: ?string, highlights: Array<Array<number>>}} Suggestion
 */

/**
 * @param {HTMLInputElement} input
 * @param {Element} list Its listbox, in the same tree.
 * @param {Object} to What it needs: `look(text, signal)` gives suggestions, `recent()` those for an
 *   empty input, `choose(suggestion)` takes one, `typing` is a `composition`'s answer, `words`, `announce`.
 * @returns {{type: function(number), pause: function(), close: function()}}
 */
function combobox(input, list, to) {
  let options = [];
  let active = -1;
  let turn = 0;
  let timer = 0;
  let looking = new AbortController();

  function close() {
    pause();
    show([]);
  }

  /** Forgets what was to be looked up; what is on its way comes too late. */
  function pause() {
    clearTimeout(timer);
    looking.abort();
    turn += 1;
  }

  function type(delay) {
    pause();
    activate(-1);
    const text = input.value.trim();
    if ([...text].length < SHORTEST) show([]);
    else timer = setTimeout(() => look(text), delay);
  }

  async function look(text) {
    const mine = turn;
    looking = new AbortController();
    let found = [];
    try {
      found = await to.look(text, looking.signal);
    } catch {
      // Suggestions are a help: without them one still asks, and is told then what is wrong.
    }
    // Aborting does not take back a body that has been read already.
    if (mine !== turn || to.typing.busy()) return;
    show(found);
    if (found.length) to.announce(to.words("suggested", { n: found.length }));
  }

  function show(suggestions) {
    activate(-1);
    const groups = new Map();
    for (const one of suggestions) groups.set(one.kind, (groups.get(one.kind) || []).concat(one));
    options = [];
    const boxes = [...groups].map(([kind, members]) => {
      const name = to.words(kind);
      const title = make("div", { class: "list-name", "aria-hidden": "true" }, name);
      return make("div", { role: "group", "aria-label": name }, title, ...members.map(optionOf));
    });
    list.replaceChildren(...boxes);
    list.hidden = !options.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
  }

  function optionOf(suggestion) {
    const id = `option-${options.length}`;
    const attributes = { role: "option", id, class: "option", "aria-selected": "false", click: () => take(suggestion) };
    const box = make("div", attributes, marked(suggestion.text, { word: suggestion.highlights }));
    options.push({ box, suggestion });
    return box;
  }

  function activate(index) {
    active = index;
    options.forEach(({ box }, at) => box.setAttribute("aria-selected", String(at === active)));
    if (active < 0) {
      input.removeAttribute("aria-activedescendant");
      return;
    }
    input.setAttribute("aria-activedescendant", options[active].box.id);
    options[active].box.scrollIntoView({ block: "nearest" });
  }

  function clear() {
    if (!input.value) return false;
    input.value = "";
    pause();
    return true;
  }

  function take(suggestion) {
    close();
    to.choose(suggestion);
  }

  /** Opens the list; without anything typed, on what was asked before. */
  function open() {
    if (!options.length && !input.value.trim()) show(to.recent());
    else if (!options.length) type(0);
  }

  function move(step) {
    open();
    const count = options.length + 1; // the input itself is one place of the round
    if (options.length) activate(((active + 1 + step + count) % count) - 1);
  }

  /** What each key does; false leaves it to the browser. */
  const keys = new Map([
    ["ArrowDown", (event) => (event.altKey ? open() : move(1))],
    ["ArrowUp", (event) => (event.altKey ? close() : move(-1))],
    ["Enter", () => active >= 0 && take(options[active].suggestion)],
    ["Escape", () => (options.length ? close() : clear())],
  ]);

  input.addEventListener("keydown", (event) => {
    if (to.typing.owns(event)) return;
    const act = keys.get(event.key);
    if (!act) {
      if (active >= 0 && event.key !== "Tab" && event.key !== "Shift") activate(-1); // the caret moves on
      return;
    }
    if (act(event) === false) return;
    event.preventDefault();
    event.stopPropagation(); // a dialog around the element does not close with its list
  });
  input.addEventListener("blur", close);
  list.addEventListener("mousedown", (event) => event.preventDefault()); // the input keeps the focus
  return { type, pause, close };
}
