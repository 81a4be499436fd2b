// The evidence: passages, grouped by case, each text with what answers the question marked in it.

const TURNS = ["mouseenter", "mouseleave", "focusin", "focusout"];

/**
 * @param {Object} to `base` of the service, `words`, `announce`.
 * @returns {Object} `list` to show; `add(passages)`; `support(sentence, number, go)` links a sentence of
 *   the answer to the passages that it cites; `reach(number)` gives a passage; `ids()` all of them.
 */
function passageList(to) {
  const { base, words } = to;
  const list = make("ol", {});
  const cases = new Map(); // case ids and the box of each case's passages
  const shown = new Map(); // passage ids and what is shown of each
  const numbered = new Map();
  const pairs = []; // of a sentence and a passage

  function add(passages) {
    for (const passage of passages) {
      if (shown.has(passage.passage_id)) continue;
      const entry = entryOf(passage);
      shown.set(passage.passage_id, entry);
      if (passage.number) numbered.set(passage.number, entry);
      const { case_id } = passage.citation;
      if (!cases.has(case_id)) cases.set(case_id, caseOf(passage));
      cases.get(case_id).append(entry.box);
    }
  }

  function caseOf({ citation, other_district }) {
    const badges = districtsOf(citation, words).map((name) => make("span", { class: "badge" }, name));
    const other = other_district ? make("span", { class: "badge other" }, words("other")) : null;
    const title = make("h4", { class: "title" }, ...badges, other, make("bdi", {}, citation.title));
    const box = make("article", { class: "case", lang: "zh-CN" }, title, make("p", { class: "note" }, originOf(citation, words)));
    list.append(make("li", {}, box));
    return box;
  }

  function entryOf(passage) {
    const { citation, number } = passage;
    const said = [];
    const text = make("blockquote", { class: "text" });
    const mark = () => text.replaceChildren(marked(passage.text, { said, word: passage.highlights }));
    mark();
    const place = citation.section.join(" › ");
    const head = make(
      "p",
      { class: "place" },
      number ? make("span", { class: "badge" }, String(number)) : null,
      place ? make("bdi", {}, place) : null
    );
    const quote = () => {
      const characters = [...passage.text];
      const between = (start, end) => characters.slice(start, end).join("");
      const gap = (at) => (at && between(said[at - 1][1], said[at][0]).trim() ? "……" : "");
      return said.map((range, at) => gap(at) + between(...range)).join("") || passage.text;
    };
    const actions = make(
      "div",
      { class: "actions" },
      linkTo(base, citation.url, words("open"), words, `${words("open")}：${citation.title}`),
      copyButton(words("copy"), () => citationText(quote(), citation, base), to)
    );
    const box = make("section", { class: "passage", tabindex: "-1" }, head, text, actions);
    return { box, passage, said, mark, actions };
  }

  function support(sentence, index, element) {
    sentence.citations.forEach((number, order) => {
      const entry = numbered.get(number);
      if (!entry) return;
      const { source } = entry.passage.citation;
      if (sentence.source && order === 0) {
        // Offsets of both count in the source file.
        entry.said.push([sentence.source.start - source.start, sentence.source.end - source.start]);
        entry.said.sort((one, other) => one[0] - other[0]);
        entry.mark();
      }
      entry.actions.append(button(words("supports", { n: index }), () => goTo(element), { class: "action" }));
      const pair = [element, entry.box];
      pairs.push(pair);
      for (const it of pair) for (const name of TURNS) it.addEventListener(name, relight);
    });
  }

  /** Shows which sentences and passages belong to what is pointed at or focused. */
  function relight() {
    const active = pairs.filter((pair) => pair.some((it) => it.matches(":hover, :focus-within")));
    for (const it of pairs.flat()) it.classList.toggle("lit", active.flat().includes(it));
  }

  return {
    list,
    add,
    support,
    reach: (number) => numbered.get(number),
    ids: () => [...shown.keys()],
    cases: () => cases.size,
  };
}
