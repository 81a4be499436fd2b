// Copies samples of code. An intranet page over plain HTTP has no clipboard to write to, so what is
// to be copied is selected and the browser is told to copy the selection, which every one can.
"use strict";

const notice = document.getElementById("copied");

/**
 * Copies the text of an element, and leaves it selected.
 * @returns {boolean} Whether the browser did.
 */
function copy(element) {
  const selection = getSelection();
  const range = document.createRange();
  range.selectNodeContents(element);
  selection.removeAllRanges();
  selection.addRange(range);
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  }
}

for (const button of document.querySelectorAll("[data-copies]")) {
  button.hidden = false; // without scripts there is nothing to press
  button.addEventListener("click", () => {
    const done = copy(document.getElementById(button.dataset.copies));
    notice.textContent = done ? "已复制。" : "浏览器不让复制；文字已经选中，请按 Ctrl+C。";
  });
}
