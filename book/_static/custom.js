// The search page shows the text around each hit. It takes it from <main>, where this theme also keeps its
// buttons, so every chapter would be summed up as "…Colab". Give it the article alone.
if (typeof Search !== "undefined") {
  const toText = Search.htmlToText;
  Search.htmlToText = (html, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    page.querySelectorAll(".bd-header-article, #jb-print-docs-body, .prev-next-footer, .bd-sidebar-secondary, .bd-footer-content")
      .forEach((part) => part.remove());
    return toText(page.documentElement.outerHTML, anchor);
  };
}

// A picture as wide as a phone may be too small to read. So it keeps a share of its natural size there and scrolls in
// its box (custom.css); only the page knows the natural size. A box that scrolls must be reached by keyboard, too.
for (const picture of document.querySelectorAll(".bd-article .cell_output img")) {
  const tell = () => {
    picture.style.setProperty("--natural-width", `${picture.naturalWidth}px`);
    if (matchMedia("(max-width: 576px)").matches) picture.parentElement.tabIndex = 0;
  };
  if (picture.complete) tell();
  picture.addEventListener("load", tell);
}

// A formula in a line that is wider than the column gets a line of its own, which scrolls.
const makeRoom = () => {
  for (const formula of document.querySelectorAll(".bd-article span.math")) {
    const block = formula.closest("p, li, dd, blockquote, td, th"), inner = formula.querySelector("mjx-container");
    if (!block || !inner || block.matches("td, th")) continue;
    const wide = inner.getBoundingClientRect().width > block.clientWidth;
    formula.classList.toggle("wide", wide);
    formula.tabIndex = wide ? 0 : -1;
  }
};
window.addEventListener("load", () => window.MathJax?.startup?.promise.then(() => {
  makeRoom();
  window.addEventListener("resize", makeRoom);
}));
