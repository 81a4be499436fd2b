// The case page: marks the passage that the address names, #p=start-end, and scrolls to it.
// Offsets are Unicode code points of the source file; every line carries its own first one.
"use strict";

(() => {
  const text = document.getElementById("text");
  const cited = document.getElementById("cited");
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

  function show() {
    const match = /^#p=(\d{1,12})-(\d{1,12})$/.exec(location.hash);
    if (!match) return;
    clear();
    const first = mark(Number(match[1]), Number(match[2]));
    cited.hidden = false;
    if (!first) {
      cited.textContent = "本篇中没有所引的位置，链接可能来自旧的索引。";
      return;
    }
    cited.textContent = `已标出所引的段落：原文件位置 ${match[1]}-${match[2]}。`;
    first.id = "cited-passage";
    first.tabIndex = -1;
    first.focus({ preventScroll: true });
    first.scrollIntoView({ block: "center" });
  }

  addEventListener("hashchange", show);
  show();
})();
