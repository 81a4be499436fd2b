// Whether an answer was of use, and what was wrong with it. Sent to the service and to nobody else.

const REASONS = ["off_topic", "incomplete", "wrong_place", "wrong_district", "outdated"];

/**
 * @param {Object} to `words`; `send(verdict, reasons)` gives a promise; `announce`.
 * @returns {Element}
 */
function feedback({ words, send, announce }) {
  const label = make("span", { id: "verdict" }, words("verdict"));
  const box = make("div", { class: "feedback", role: "group", "aria-labelledby": "verdict", tabindex: "-1" });
  const boxes = REASONS.map((reason) => make("input", { type: "checkbox", value: reason }));
  const useful = button(words("useful"), () => tell("useful", []));
  const notUseful = button(words("notUseful"), () => {
    reasons.hidden = false;
    boxes[0].focus();
  });
  const reasons = make(
    "fieldset",
    { hidden: true },
    make("legend", {}, words("reasons")),
    ...boxes.map((it) => make("label", { class: "reason" }, it, words(it.value))),
    button(words("send"), () => tell("not_useful", boxes.filter((it) => it.checked).map((it) => it.value)))
  );
  box.append(label, useful, notUseful, reasons);

  async function tell(verdict, chosen) {
    let outcome = "thanks";
    try {
      await send(verdict, chosen);
      box.replaceChildren(words(outcome));
      box.focus(); // what had the focus is gone
    } catch {
      outcome = "notSent";
      label.textContent = words(outcome);
    }
    announce(words(outcome));
  }

  return box;
}
