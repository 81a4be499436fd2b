// The case page: marks the places that the address names, #p=start-end,start-end, and scrolls to the
// first. Where the address also says what the case was when it was cited, ?v=, they are found again.
// Offsets are Unicode code points of the source file; every line carries its own first one.
"use strict";

(() => {
  const text = document.getElementById("text");
  const cited = document.getElementById("cited");
  const contents = document.getElementById("contents");
  const shift = Number(text.dataset.shift || 0); // how far the case has moved since it was cited
  const BASE = 0x01000193; // of the hash of rag/permalink.py
  const ADDRESS = /^#p=\d{1,12}-\d{1,12}(?:,\d{1,12}-\d{1,12})*$/;
  const PLACE = /(\d+)-(\d+)/g;
  const original = new Map(); // line -> its text before marking

  /** The places that the address names, as it has them; none if it names none. */
  function named() {
    if (!ADDRESS.test(location.hash)) return [];
    return location.hash.match(PLACE).map((words) => {
      const [start, end] = words.split("-").map(Number);
      return { start, end };
    });
  }

  /** The same in order, those that meet made one. */
  function merged(places) {
    const runs = [];
    for (const { start, end } of [...places].sort((one, other) => one.start - other.start)) {
      const last = runs[runs.length - 1];
      if (last && start <= last.end) last.end = Math.max(last.end, end);
      else runs.push({ start, end });
    }
    return runs;
  }

  function clear() {
    for (const [line, words] of original) line.textContent = words;
    original.clear();
    cited.hidden = true;
  }

  /**
   * Marks runs of the text, line by line.
   * @param {{start: number, end: number}[]} runs In order, apart from each other.
   * @returns {HTMLElement[][]} For each run its marks; none where it lies outside the case.
   */
  function mark(runs) {
    const marks = runs.map(() => []);
    for (const line of text.querySelectorAll("[data-start]")) {
      const words = line.textContent;
      const characters = Array.from(words);
      const nodes = [];
      let position = 0;
      runs.forEach((run, i) => {
        const from = Math.max(0, run.start - Number(line.dataset.start));
        const to = Math.min(characters.length, run.end - Number(line.dataset.start));
        if (from >= to) return;
        const marked = document.createElement("mark");
        marked.textContent = characters.slice(from, to).join("");
        nodes.push(characters.slice(position, from).join(""), marked);
        marks[i].push(marked);
        position = to;
      });
      if (!nodes.length) continue;
      original.set(line, words);
      line.replaceChildren(...nodes, characters.slice(position).join(""));
    }
    return marks;
  }

  /** Where the words of a hash stand now, the nearest to a place; null if nowhere. */
  function find(codes, length, words, place) {
    let hash = 0;
    let power = 1;
    for (let i = 0; i < length; i += 1) power = Math.imul(power, BASE);
    let found = null;
    codes.forEach((code, i) => {
      hash = (Math.imul(hash, BASE) + code) >>> 0;
      if (i >= length) hash = (hash - Math.imul(codes[i - length], power)) >>> 0;
      const start = i + 1 - length;
      if (start < 0 || hash !== words) return;
      if (found === null || Math.abs(start - place) < Math.abs(found - place)) found = start;
    });
    return found;
  }

  /** The case has changed since it was cited: look for the words that were cited. */
  async function moved({ start, end }) {
    const answer = await fetch(`../api/v1/cases/${location.pathname.split("/").pop()}`);
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    const { text: whole, source } = await answer.json();
    const codes = Array.from(whole, (character) => character.codePointAt(0));
    const words = Number.parseInt(text.dataset.words, 16);
    const found = find(codes, end - start, words, start + shift - source.start);
    return found === null ? null : source.start + found;
  }

  function say(words) {
    cited.textContent = words;
    cited.hidden = false;
  }

  function reveal(places, words) {
    const runs = merged(places);
    const marks = mark(runs);
    const shown = runs.filter((_, i) => marks[i].length);
    if (!shown.length) {
      say("本篇中没有所引的位置，链接可能来自旧的索引。");
      return;
    }
    const missing = runs.length - shown.length;
    const where = shown.map(({ start, end }) => `${start}-${end}`).join("、");
    say(`${words}：原文件位置 ${where}。${missing ? `另有 ${missing} 处不在本篇中。` : ""}`);
    const found = marks.filter((of) => of.length);
    const [first] = found[0];
    first.id = "cited-passage";
    first.tabIndex = -1;
    first.focus({ preventScroll: true });
    first.scrollIntoView({ block: "center" });
    const quotes = found.map((of) => of.map((marked) => marked.textContent).join(""));
    document.dispatchEvent(new CustomEvent("case:cited", { detail: { places, where, quotes } }));
  }

  async function show() {
    const places = named();
    if (!places.length) return;
    clear();
    if (!text.dataset.words) {
      const now = places.map(({ start, end }) => ({ start: start + shift, end: end + shift }));
      const words = shift
        ? "本篇在文件中的位置有移动，文字没有改动；已标出所引的段落"
        : "已标出所引的段落";
      reveal(now, words);
      return;
    }
    // The hash is of the first place's words; what became of further ones nobody can tell.
    const [{ start, end }, ...others] = places;
    const rest = others.length ? `另有 ${others.length} 处无法核对，没有标出。` : "";
    try {
      const now = end > start ? await moved({ start, end }) : null;
      if (now !== null) {
        reveal([{ start: now, end: now + end - start }], "所引的段落没有改动，已标出");
        cited.append(rest);
        return;
      }
      say(`所引的段落已改动或删去，没有标出位置。${rest}`);
    } catch {
      say("无法取得全文，不能确定所引的段落现在何处，没有标出位置。");
    }
  }

  // As wide as in the style sheet: below it, the contents stand above the text.
  if (contents && !matchMedia("(min-width: 64rem)").matches) contents.open = false;
  addEventListener("hashchange", show);
  show();
})();
