// The case page: marks the passage that the address names, #p=start-end, and scrolls to it.
// Where the address also says what the case was when it was cited, ?v=, the place is found again.
// Offsets are Unicode code points of the source file; every line carries its own first one.
"use strict";

(() => {
  const text = document.getElementById("text");
  const cited = document.getElementById("cited");
  const shift = Number(text.dataset.shift || 0); // how far the case has moved since it was cited
  const BASE = 0x01000193;
  const original = new Map(); // line -> its text before marking

  function clear() {
    for (const [line, words] of original) line.textContent = words;
    original.clear();
    cited.hidden = true;
  }

  function mark(start, end) {
    let first = null;
    for (const line of text.querySelectorAll("[data-start]")) {
      const characters = Array.from(line.textContent);
      const from = Math.max(0, start - Number(line.dataset.start));
      const to = Math.min(characters.length, end - Number(line.dataset.start));
      if (from >= to) continue;
      original.set(line, line.textContent);
      const marked = document.createElement("mark");
      marked.textContent = characters.slice(from, to).join("");
      line.replaceChildren(
        characters.slice(0, from).join(""),
        marked,
        characters.slice(to).join(""),
      );
      first = first || marked;
    }
    return first;
  }

  // Where the words of a hash stand now, the nearest to a place; null if nowhere. See rag/permalink.py.
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

  // The case has changed since it was cited: look for the words that were cited.
  async function moved(start, end) {
    const answer = await fetch(location.pathname.replace(/^\/cases\//, "/api/v1/cases/"));
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    const { text: whole, source } = await answer.json();
    const codes = Array.from(whole, (character) => character.codePointAt(0));
    const words = Number.parseInt(text.dataset.words, 16);
    const found = find(codes, end - start, words, start + shift - source.start);
    return found === null ? null : source.start + found;
  }

  function reveal(start, end, words) {
    const first = mark(start, end);
    cited.hidden = false;
    if (!first) {
      cited.textContent = "本篇中没有所引的位置，链接可能来自旧的索引。";
      return;
    }
    cited.textContent = `${words}：原文件位置 ${start}-${end}。`;
    first.id = "cited-passage";
    first.tabIndex = -1;
    first.focus({ preventScroll: true });
    first.scrollIntoView({ block: "center" });
  }

  async function show() {
    const match = /^#p=(\d{1,12})-(\d{1,12})$/.exec(location.hash);
    if (!match) return;
    clear();
    const [start, end] = [Number(match[1]), Number(match[2])];
    if (!text.dataset.words) {
      const words = shift
        ? "本篇在文件中的位置有移动，文字没有改动；已标出所引的段落"
        : "已标出所引的段落";
      reveal(start + shift, end + shift, words);
      return;
    }
    try {
      const now = end > start ? await moved(start, end) : null;
      if (now !== null) {
        reveal(now, now + end - start, "所引的段落没有改动，已标出");
        return;
      }
      cited.textContent = "所引的段落已改动或删去，没有标出位置。";
    } catch {
      cited.textContent = "无法取得全文，不能确定所引的段落现在何处，没有标出位置。";
    }
    cited.hidden = false;
  }

  addEventListener("hashchange", show);
  show();
})();
