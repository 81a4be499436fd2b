// Elements without a line of HTML: works where a page's policy forbids every string that becomes markup.

/**
 * Makes an element.
 * @param {string} tag
 * @param {Object} attributes A function is a listener; null and false leave an attribute out.
 * @param {...(Node|string|null)} children
 */
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const name of Object.keys(attributes)) {
    const value = attributes[name];
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Makes a button that sends no form. */
function button(className, text, onClick, attributes) {
  return make("button", { type: "button", class: className, click: onClick, ...attributes }, text);
}

/**
 * Makes a text with ranges marked.
 * @param {string} text
 * @param {Array<{name: string, ranges: Array<Array<number>>}>} layers Ranges count code points, as the
 *   service does and JavaScript does not; what is outside of the text marks nothing.
 */
function marked(text, layers) {
  const characters = [...text];
  const edges = new Set([0, characters.length]);
  for (const { ranges } of layers) {
    for (const edge of [].concat(...ranges)) if (edge > 0 && edge < characters.length) edges.add(edge);
  }
  const fragment = document.createDocumentFragment();
  [...edges]
    .sort((one, other) => one - other)
    .reduce((start, end) => {
      const inside = layers.filter(({ ranges }) => ranges.some((it) => it[0] <= start && end <= it[1]));
      const piece = characters.slice(start, end).join("");
      const names = inside.map((layer) => layer.name).join(" ");
      fragment.append(names ? make("mark", { class: names }, piece) : piece);
      return end;
    });
  return fragment;
}

/** Brings an element into view and moves the focus there. */
function goTo(element) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block: "center", behavior: still ? "auto" : "smooth" });
}

/**
 * Copies a text, also where there is no secure context and thus no clipboard.
 * @param {string} text
 * @param {Node} place In whose tree a field may stand for a moment.
 * @returns {Promise<boolean>} Whether it worked.
 */
async function copy(text, place) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // A page's permissions may forbid the clipboard and still allow the command below.
    }
  }
  const field = make("textarea", { class: "aside", "aria-hidden": "true", tabindex: "-1" });
  const focused = place.getRootNode().activeElement;
  place.append(field);
  field.value = text;
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (focused) focused.focus({ preventScroll: true });
  return done;
}
