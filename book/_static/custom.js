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
