// Defines the element, and puts it where an editor that knows no such tag has left a sign:
//
//   <div data-casebook data-district="静安区">…</div>          inside of the box
//   <script src="…/casebook.js" data-casebook data-target="#box" defer></script>

function mount() {
  if (!customElements.get("casebook-search")) customElements.define("casebook-search", CasebookSearch);
  for (let sign; (sign = document.querySelector("[data-casebook]")); ) {
    sign.removeAttribute("data-casebook"); // so that it is found once, also by a script that is loaded twice
    const place = sign.dataset.target ? document.querySelector(sign.dataset.target) : sign;
    if (!place) continue;
    const element = document.createElement("casebook-search");
    for (const { name, value } of sign.attributes) {
      if (name.startsWith("data-")) element.setAttribute(name.slice(5), value);
    }
    if (place.tagName === "SCRIPT") place.after(element);
    else {
      element.append(...place.childNodes); // a form for browsers without scripts stays one
      place.append(element);
    }
  }
}

// A script that is not deferred would meet elements before what is inside them.
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", mount);
else mount();
