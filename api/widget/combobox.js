// An editable combobox with a list of suggestions; the focus never leaves the input.
// https://www.w3.org/WAI/ARIA/apg/patterns/combobox/

/** One character matches almost everything. */
const SHORTEST = 2;
const REMEMBERED = 50;

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
  const known = new Map(); // texts and their suggestions, the latest last
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
    let found = known.get(text);
    if (!found) {
      try {
        found = await to.look(text, looking.signal);
      } catch {
        found = []; // suggestions are a help: without them one still asks, and is told what is wrong then
      }
    }
    if (mine !== turn || to.typing.busy()) return;
    if (found.length) {
      known.delete(text);
      known.set(text, found);
      if (known.size > REMEMBERED) known.delete(known.keys().next().value);
    }
    show(input.getRootNode().activeElement === input ? found : []);
    if (options.length) to.announce(to.words("suggested", { n: options.length }));
  }

  function show(suggestions) {
    active = -1;
    input.removeAttribute("aria-activedescendant");
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
    place();
    const follow = list.hidden ? removeEventListener : addEventListener;
    follow("resize", place);
    follow("scroll", place, true); // of any box that the element stands in
  }

  function optionOf(suggestion) {
    const id = `option-${options.length}`;
    const box = make(
      "div",
      { role: "option", id, class: "option", part: "option", "aria-selected": "false", click: () => take(suggestion) },
      marked(suggestion.text, [{ name: "word", ranges: suggestion.highlights }])
    );
    options.push({ box, suggestion });
    return box;
  }

  /** Above everything where the browser has a layer for it: portals clip what overflows their boxes. */
  function place() {
    if (!list.showPopover || list.dataset.flow) return;
    if (list.hidden) {
      if (list.matches(":popover-open")) list.hidePopover();
      return;
    }
    list.popover = "manual";
    if (!list.matches(":popover-open")) list.showPopover();
    const { left, bottom, width } = input.getBoundingClientRect();
    list.style.left = `${left}px`;
    list.style.top = `${bottom}px`;
    list.style.width = `${width}px`;
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
    const had = input.value !== "";
    input.value = "";
    return had;
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
