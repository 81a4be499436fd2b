// Defines the element, and puts it where an editor that knows no such tag has left a sign:
//
//   <div data-casebook data-district="静安区">…</div>          inside of the box
//   <script src="…/casebook.js" data-casebook data-target="#box" defer></script>

function mount() {
  for (const sign of document.querySelectorAll("[data-casebook]")) {
    const place = sign.dataset.target ? document.querySelector(sign.dataset.target) : sign;
    sign.removeAttribute("data-casebook"); // a script that is loaded twice mounts once
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

if (!customElements.get("casebook-search")) customElements.define("casebook-search", CasebookSearch);
soon(mount);
