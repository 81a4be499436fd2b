// What stands in the element's shadow root from the start: a field, buttons, examples. Nothing here acts;
// `panel` makes it act once somebody turns to it, so that a page pays little for a search nobody uses.
// Written out, where the rest uses `make`: every page that has the element pays for this, and a browser
// takes longer over a function that is called for each element (decision 0022).

/** Makes a sheet; a page's policy has no say in one that is made and not written into the page. */
function sheetOf(styles) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(styles);
  return sheet;
}

/** How elements look from the start. */
const SHEET = sheetOf(STYLES);

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
  const givenLabel = given && given.labels[0];

  const label = document.createElement("label");
  label.setAttribute("for", "question");
  label.setAttribute("class", "label");
  label.append(givenLabel ? givenLabel.textContent.trim() : words("label"));

  const input = document.createElement("input");
  input.setAttribute("id", "question");
  input.setAttribute("part", "input");
  input.setAttribute("inputmode", "search"); // and not its type: Escape would clear it before the list is closed
  input.setAttribute("enterkeyhint", "search");
  input.setAttribute("maxlength", "500"); // what the service takes
  input.setAttribute("autocomplete", "off");
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-expanded", "false");
  input.setAttribute("placeholder", host.getAttribute("placeholder") || (given && given.placeholder) || words("placeholder"));

  const submit = document.createElement("button");
  submit.setAttribute("class", "primary");
  submit.setAttribute("part", "submit");
  submit.append(words("ask"));

  const field = document.createElement("div");
  field.setAttribute("class", "field");
  field.append(input, submit);

  const chosen = [];
  for (const id of SCOPE) if (host.getAttribute(id)) chosen.push(host.getAttribute(id));
  const scope = document.createElement("button");
  scope.setAttribute("class", "scope");
  scope.setAttribute("type", "button");
  scope.setAttribute("aria-expanded", "false");
  scope.append(scopeText(words, chosen));

  const form = document.createElement("form");
  // Not `form.append`: a form looks for each name among its controls first, 60 microseconds the first time.
  label.setAttribute.call(form, "role", "search");
  label.append.call(form, label, field, scope);

  const note = document.createElement("p");
  note.setAttribute("class", "note");
  note.append(words("examples"));

  const outcome = document.createElement("section");
  outcome.setAttribute("class", "outcome");
  outcome.setAttribute("data-state", "idle");
  outcome.setAttribute("aria-label", words("answer"));
  outcome.setAttribute("tabindex", "-1");
  outcome.append(note, examples(host));

  const root = document.createElement("div");
  root.setAttribute("class", "root");
  root.setAttribute("part", "root");
  root.setAttribute("lang", lang);
  root.append(form, outcome);
  host.shadowRoot.replaceChildren(root);
  return { words, given, input, scope, outcome };
}

/** Lists the page's own examples, links with a question, or some that suit any collection. */
function examples(host) {
  const texts = [];
  const link = "a[href*='q=']";
  // Most pages bring none, and an empty list takes 25 microseconds to make.
  if (host.querySelector(link)) for (const { textContent } of host.querySelectorAll(link)) texts.push(textContent);
  const list = document.createElement("ul");
  list.setAttribute("class", "examples");
  list.setAttribute("lang", "zh-CN");
  for (const text of texts.length ? texts : EXAMPLES) {
    const example = document.createElement("button");
    example.setAttribute("type", "button");
    example.append(text);
    const item = document.createElement("li");
    item.append(example);
    list.append(item);
  }
  return list;
}
