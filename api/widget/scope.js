// Where to search: district, collection and year, as the service counts them.

/**
 * Makes a button open a box of what can be chosen; the service is asked then, and not before.
 * @param {HTMLButtonElement} opener
 * @param {Object} to `base` of the service, `words`, and the element's `attribute(name)`, which says what
 *   is chosen to begin with.
 * @returns {function(): Object} Gives the filters of a request.
 */
function filtersOf(opener, { base, words, attribute }) {
  const fields = SCOPE.map((id) => {
    const field = make("select", { id, change: tell }, make("option", { value: "" }, words("all")));
    const value = attribute(id);
    if (value) {
      field.append(make("option", { value }, value));
      field.value = value;
    }
    return field;
  });
  const labelled = fields.map((field) =>
    make("div", { class: "filter" }, make("label", { for: field.id }, words(field.id)), field)
  );
  const trouble = make("p", { class: "note" });
  const box = make("div", { hidden: true }, make("div", { class: "filters" }, ...labelled), trouble);
  let filled = false;
  opener.after(box);
  opener.addEventListener("click", () => {
    box.hidden = !box.hidden;
    opener.setAttribute("aria-expanded", String(!box.hidden));
    if (!box.hidden && !filled) fill();
  });

  function tell() {
    opener.textContent = scopeText(words, fields.map((field) => field.value).filter(Boolean));
  }

  async function fill() {
    filled = true;
    try {
      const facets = await (await request(base, "api/v1/facets")).json();
      for (const field of fields) {
        for (const { value, count } of facets[field.id]) {
          if (value !== null && String(value) !== field.value) {
            field.append(make("option", { value }, `${value}（${count}）`));
          }
        }
      }
      trouble.textContent = "";
    } catch (error) {
      filled = false; // opening it again asks again
      trouble.textContent = failureText(error, words);
    }
  }

  return () => {
    const filters = {};
    for (const { id, value } of fields) if (value) filters[id] = [id === "year" ? Number(value) : value];
    return filters;
  };
}
