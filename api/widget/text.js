// Texts with marks in them, and what one does with a text: go there, copy it.

/**
 * Makes a text with ranges marked.
 * @param {string} text
 * @param {Object<string, Array<Array<number>>>} layers Ranges by the class of their marks. They count code
 *   points, as the service does and JavaScript does not; what is outside of the text marks nothing.
 */
function marked(text, layers) {
  const characters = [...text];
  const edges = new Set([0, characters.length]);
  for (const edge of Object.values(layers).flat(2)) if (edge > 0 && edge < characters.length) edges.add(edge);
  const fragment = document.createDocumentFragment();
  [...edges]
    .sort((one, other) => one - other)
    .reduce((start, end) => {
      const covers = (range) => range[0] <= start && end <= range[1];
      const piece = characters.slice(start, end).join("");
      const names = Object.keys(layers).filter((name) => layers[name].some(covers)).join(" ");
      fragment.append(names ? make("mark", { class: names }, piece) : piece);
      return end;
    });
  return fragment;
}

/** Brings an element into view and moves the focus there. */
function goTo(element) {
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block: "center" });
}

/**
 * Makes a button that copies a text and says whether that worked. By the old command: the clipboard that
 * replaces it is there in secure contexts alone, which an intranet's plain HTTP is not.
 */
function copyButton(label, textOf, { words, announce }) {
  const press = ({ currentTarget }) => {
    const field = make("textarea", { class: "aside", "aria-hidden": "true" });
    currentTarget.after(field);
    field.value = textOf();
    field.select();
    const outcome = words(document.execCommand("copy") ? "copied" : "copyFailed");
    field.remove();
    currentTarget.focus();
    currentTarget.textContent = `${label}：${outcome}`;
    announce(outcome);
  };
  return button(label, press, { class: "action" });
}
