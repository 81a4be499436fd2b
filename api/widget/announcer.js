// What a screen reader is told: two regions in turn, since one that is filled again may stay unread.

/** After the last change, so that a reader is not interrupted by each of several. */
const QUIET_MS = 400;

/**
 * @param {Element} place Gets two live regions behind it, some time before the first sentence.
 * @param {function(): boolean} busy Whether text is being composed; nothing is said meanwhile.
 * @returns {function(string)} Says a sentence; a later one takes its place.
 */
function announcer(place, busy) {
  const status = { class: "aside", role: "status" };
  const regions = [make("p", status), make("p", status)];
  place.after(...regions);
  let turn = 0;
  let timer = 0;
  return function announce(text) {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (busy()) {
        announce(text);
        return;
      }
      regions[turn].textContent = "";
      turn = 1 - turn;
      regions[turn].textContent = text;
    }, QUIET_MS);
  };
}
