// What stands in the element's shadow root from the start: a field, a button, examples. Nothing here acts;
// `panel` makes it act once somebody turns to it, so that a page pays little for a search nobody uses.

/** What can be chosen where to search: attributes of the element, filters of a request. */
const SCOPE = ["district", "collection", "year"];

/** Says where is searched: what is chosen of `SCOPE`. */
function scopeText(words, chosen) {
  return words("scope") + (chosen.length ? chosen.join(" · ") : words("all"));
}

/**
 * Fills an element's shadow root.
 * @param {Element} host
 * @returns {Object} The parts that others work with; `given` is the field of the form inside, for
 *   browsers without scripts, or null.
 */
function shell(host) {
  const lang = host.getAttribute("lang") || "zh-CN";
  const words = wordsOf(lang);
  const given = host.querySelector("form input[name=q]");
  const label = given && given.labels[0];
  const input = make("input", {
    id: "question",
    part: "input",
    inputmode: "search", // and not its type: Escape would clear it before the list is closed
    enterkeyhint: "search",
    maxlength: 500, // what the service takes
    autocomplete: "off",
    role: "combobox",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": "list",
    placeholder: host.getAttribute("placeholder") || (given && given.placeholder) || words("placeholder"),
  });
  const name = make("label", { class: "label", for: "question" }, label ? label.textContent.trim() : words("label"));
  const field = make("div", { class: "field" }, input, make("button", { class: "primary", part: "submit" }, words("ask")));
  const chosen = SCOPE.map((id) => host.getAttribute(id)).filter(Boolean);
  const scope = make("button", { class: "scope", type: "button", "aria-expanded": "false" }, scopeText(words, chosen));
  const form = make("form", { role: "search" }, name, field, scope);
  const outcome = make("section", { class: "outcome", tabindex: "-1", "aria-label": words("answer"), "data-state": "idle" });
  outcome.append(make("p", { class: "note" }, words("examples")), examples(host));
  const status = { class: "aside", role: "status" };
  const regions = [make("p", status), make("p", status)];
  host.shadowRoot.replaceChildren(make("div", { class: "root", part: "root", lang }, form, outcome, ...regions));
  return { words, given, input, field, scope, form, outcome, regions };
}

/** Lists the page's own examples, links with a question, or some that suit any collection. */
function examples(host) {
  const texts = [...host.querySelectorAll("a[href*='q=']")].map((link) => link.textContent);
  const list = make("ul", { class: "examples", lang: "zh-CN" });
  for (const text of texts.length ? texts : EXAMPLES) list.append(make("li", {}, make("button", { type: "button" }, text)));
  return list;
}
