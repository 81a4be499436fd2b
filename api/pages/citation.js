// The citation of a case page: of the whole case, or of what is marked in it; copied without a secure
// context, where browsers offer no clipboard.
"use strict";

(() => {
  const citation = document.getElementById("citation");
  const place = document.getElementById("citation-place");
  const address = document.getElementById("citation-address");
  const copy = document.getElementById("copy");
  const copied = document.getElementById("copied");
  const here = location.origin + location.pathname;
  // The hash of the first quotation's words, which an edit elsewhere does not touch.
  const words = (new URLSearchParams(location.search).get("v") || "").split(".")[2];

  /**
   * Cites what is marked: its words, where they stand, an address that leads back to them.
   * @param {{places: {start: number, end: number}[], where: string, quotes: string[]}} marked
   *   Places in the order of the address, of whose first the version has the hash.
   */
  function cite({ places, where, quotes }) {
    const spans = places.map(({ start, end }) => `${start}-${end}`).join(",");
    const version = words ? `?v=${citation.dataset.version}.${words}` : "";
    citation.firstChild.textContent =
      `“${quotes.join("……")}”（${citation.dataset.name}）。\n原文件：`;
    place.textContent = where;
    address.textContent = `${here}${version}#p=${spans}`;
    copied.textContent = "";
  }

  /** Selects the citation, so that a reader can copy it where the browser will not. */
  function select() {
    const range = document.createRange();
    range.selectNodeContents(citation);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
  }

  // Plain text alone: a word processor would take over this page's colours.
  function write(event) {
    event.clipboardData.setData("text/plain", citation.textContent);
    event.preventDefault();
  }

  function copyCitation() {
    select();
    citation.addEventListener("copy", write, { once: true });
    if (document.execCommand("copy")) {
      getSelection().removeAllRanges();
      copied.textContent = "已复制。";
    } else {
      citation.removeEventListener("copy", write);
      copied.textContent = "浏览器不允许复制。已选中引用，请按 Ctrl+C。";
    }
  }

  address.textContent = here + address.textContent.slice(address.textContent.indexOf("?"));
  copy.hidden = false;
  copy.addEventListener("click", copyCitation);
  document.addEventListener("case:cited", (event) => cite(event.detail));
})();
