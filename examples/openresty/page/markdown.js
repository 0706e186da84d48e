// Shows Markdown that a model wrote. It may say anything, so: HTML in it is text, what becomes of it passes a
// list of harmless elements, links open elsewhere and know nothing of this page, and images are links.

const ELEMENTS = ["a", "blockquote", "br", "code", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s",
  "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"];
const ATTRIBUTES = ["align", "class", "href", "start"];
const MOST = 200_000; // characters that are read as Markdown
const LINKS = /^(?:https?:\/\/|mailto:)/i;

const { markdownit, DOMPurify } = window;
const markdown = markdownit({ html: false, linkify: true });

// An image would tell its host who reads this. The reader may open it.
markdown.renderer.rules.image = (tokens, index) => {
  const { escapeHtml } = markdown.utils;
  const alternative = tokens[index].content || "no description";
  return `<a href="${escapeHtml(tokens[index].attrGet("src"))}">Image: ${escapeHtml(alternative)}</a>`;
};

// Headings stand below those of the page, and the columns of a table are aligned without a style.
markdown.core.ruler.push("page", ({ tokens }) => {
  for (const token of tokens) {
    if (token.type === "heading_open" || token.type === "heading_close") {
      token.tag = `h${Math.min(6, Number(token.tag[1]) + 2)}`;
    }
    const style = token.attrGet("style");
    if (style) {
      token.attrs = [["align", style.replace("text-align:", "")]];
    }
  }
});

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName !== "CODE") {
    node.removeAttribute("class");
  }
  if (node.tagName === "A" && node.hasAttribute("href")) {
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer nofollow");
  }
});

function sanitised(html) {
  return DOMPurify.sanitize(html, {
    ALLOWED_TAGS: ELEMENTS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOWED_URI_REGEXP: LINKS,
    ADD_URI_SAFE_ATTR: ["align", "start"], // no addresses
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
}

// What is wider than the page scrolls by itself, with the keyboard as well.
function makeScrollable(element, label) {
  element.tabIndex = 0;
  element.setAttribute("role", "region");
  element.setAttribute("aria-label", label);
}

function frameCode(pre) {
  const figure = document.getElementById("code").content.firstElementChild.cloneNode(true);
  const code = pre.querySelector("code");
  const language = code?.className.match(/^language-([\w+#.-]{1,20})$/)?.[1] ?? "";
  code?.removeAttribute("class");
  figure.querySelector(".language").textContent = language || "text";
  figure.querySelector(".copy-code").setAttribute("aria-label", "Copy this code");
  makeScrollable(pre, language ? `Code, ${language}` : "Code");
  pre.replaceWith(figure);
  figure.append(pre);
}

function frameTable(table) {
  const frame = document.createElement("div");
  frame.className = "wide";
  makeScrollable(frame, "Table");
  table.replaceWith(frame);
  frame.append(table);
}

function elementOf(html) {
  const holder = document.createElement("div");
  holder.append(sanitised(html));
  holder.querySelectorAll("pre").forEach(frameCode);
  holder.querySelectorAll("table").forEach(frameTable);
  return holder.childElementCount === 1 ? holder.firstElementChild : holder;
}

// The HTML of each block of the text: a paragraph, a list, a fence of code.
function blocksOf(text) {
  if (text.length > MOST) {
    return [`<pre><code>${markdown.utils.escapeHtml(text)}</code></pre>`];
  }
  const environment = {};
  const tokens = markdown.parse(text, environment);
  const blocks = [];
  let first = 0;
  tokens.forEach((token, index) => {
    if (token.level === 0 && token.nesting !== 1) {
      blocks.push(markdown.renderer.render(tokens.slice(first, index + 1), markdown.options, environment));
      first = index + 1;
    }
  });
  return blocks;
}

// Code that grows keeps its element, and so where it is scrolled to.
function replace(old, fresh) {
  const [before, after] = [old, fresh].map((element) => element.matches("figure.code") && element.querySelector("code"));
  if (before && after) {
    before.textContent = after.textContent;
    old.querySelector(".language").textContent = fresh.querySelector(".language").textContent;
  } else {
    old.replaceWith(fresh);
  }
}

const shown = new WeakMap(); // container -> the HTML of its blocks

// Shows the text in the container. Blocks that are as before stay, so that what the reader selected stays selected.
export function show(container, text) {
  const before = shown.get(container) ?? [];
  const blocks = blocksOf(text);
  blocks.forEach((html, index) => {
    if (index >= before.length) {
      container.append(elementOf(html));
    } else if (html !== before[index]) {
      replace(container.children[index], elementOf(html));
    }
  });
  while (container.childElementCount > blocks.length) {
    container.lastElementChild.remove();
  }
  shown.set(container, blocks);
}
