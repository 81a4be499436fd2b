// Where to search: district, collection and year, as the service counts them.

/**
 * @param {Object} to `base` of the service, `words`, and the `district` to begin with, or null.
 * @returns {{box: Element, filters: function(): Object}} A box that asks the service once it is opened,
 *   and the filters of a request.
 */
function scope({ base, words, district }) {
  const names = ["district", "collection", "year"];
  const fields = names.map((name) =>
    make("select", { id: name, change: tell }, make("option", { value: "" }, words("all")))
  );
  if (district) {
    fields[0].append(make("option", { value: district }, district));
    fields[0].value = district;
  }
  const summary = make("summary", {});
  const labelled = fields.map((field) =>
    make("div", { class: "filter" }, make("label", { for: field.id }, words(field.id)), field)
  );
  const trouble = make("p", { class: "note" });
  const box = make("details", { class: "scope", toggle: fill }, summary, make("div", { class: "filters" }, ...labelled), trouble);
  let filled = false;
  tell();

  function tell() {
    const chosen = fields.map((field) => field.value).filter(Boolean);
    summary.textContent = words("scope") + (chosen.join(" · ") || words("all"));
  }

  async function fill() {
    if (filled || !box.open) return;
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

  function filters() {
    const chosen = {};
    for (const { id, value } of fields) if (value) chosen[id] = [id === "year" ? Number(value) : value];
    return chosen;
  }

  return { box, filters };
}
