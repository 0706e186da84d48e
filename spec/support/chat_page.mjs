// Uses the chat page of examples/openresty as a reader would, and prints what could be seen as JSON:
//     node spec/support/chat_page.mjs URL DIRECTORY WIDTH...
// What the service answers to each question is in spec/hosts/openresty_example_spec.lua.

import { openPage } from "./chromium.mjs";

const [url, directory, ...widths] = process.argv.slice(2);
const page = await openPage(directory);

async function ask(question) {
  await page.run(() => document.querySelector("#question").focus());
  await page.type(question);
  await page.click("#send");
}

const isIdle = () => document.querySelector("#stop").hidden;

// The last turns as the reader sees them.
function lastTurns() {
  const last = (selector) => [...document.querySelectorAll(selector)].filter((each) => each.checkVisibility()).pop();
  const text = (selector) => last(selector)?.textContent ?? "";
  return {
    question: text(".user .text"), text: text(".assistant .text"), numbers: text(".numbers"),
    problem: text(".problem p"), thought: text(".thinking-time"),
    thinking: [...document.querySelectorAll(".thought")].pop()?.textContent ?? "",
    isOpen: last("details")?.open ?? false, isIdle: document.querySelector("#stop").hidden,
  };
}

async function answered() {
  await page.until(isIdle);
  return page.run(lastTurns);
}

// What has come each time that it has changed, until the answer is whole.
async function watch() {
  await page.until(() => !document.querySelector("#stop").hidden);
  const seen = [];
  for (let state = await page.run(lastTurns); ; state = await page.run(lastTurns)) {
    seen.push(state);
    if (state.isIdle) {
      const different = (name) => new Set(seen.map((each) => each[name]).filter(Boolean)).size;
      return {
        ...state,
        thinkingSteps: different("thinking"),
        textSteps: different("text"),
        thoughtFirst: seen.some((each) => each.thinking !== "" && each.text === ""),
        wasFolded: seen.every((each) => !each.isOpen),
      };
    }
  }
}

// What of the text can hardly be read: less than 4.5 to 1 against what is behind it (WCAG AA).
function faintTexts() {
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = (color) => {
    const [r, g, b] = channels(color).map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const color = element ? getComputedStyle(element).backgroundColor : "rgb(255, 255, 255)";
    return channels(color)[3] === 0 ? behind(element.parentElement) : color;
  };
  const faint = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const isShown = walker.currentNode.data.trim() && element.checkVisibility() && !element.closest(".hidden, :disabled");
    if (isShown) {
      const [low, high] = [getComputedStyle(element).color, behind(element)].map(luminance).sort((a, b) => a - b);
      const ratio = (high + 0.05) / (low + 0.05);
      if (ratio < 4.5) {
        faint.add(`${walker.currentNode.data.trim().slice(0, 20)}: ${ratio.toFixed(2)}`);
      }
    }
  }
  return [...faint];
}

// What has no name for a screen reader.
function nameless() {
  return [...document.querySelectorAll("button, textarea, a, [role=region]")]
    .filter((each) => each.checkVisibility())
    .filter((each) => !(each.getAttribute("aria-label") || each.textContent.trim() || each.labels?.length))
    .map((each) => each.outerHTML.slice(0, 80));
}

const isTooWide = () => document.documentElement.scrollWidth > innerWidth
  || document.querySelector("#scroller").scrollWidth > document.querySelector("#scroller").clientWidth;

function formOf() {
  const answer = [...document.querySelectorAll(".assistant .text")].pop();
  const pre = answer.querySelector("pre");
  return {
    headings: answer.querySelectorAll("h3, h4").length,
    items: answer.querySelectorAll("ul > li").length,
    start: answer.querySelector("ol").start,
    cells: answer.querySelectorAll("td").length,
    aligned: answer.querySelector("td[align]")?.align,
    language: answer.querySelector(".language").textContent,
    codeScrolls: pre.scrollWidth > pre.clientWidth,
    codeLineHeight: pre.clientHeight,
    remaining: ["img", "script", "iframe", "style", "svg:not([aria-hidden])", "[onerror]", "[onclick]", "[style]"]
      .filter((selector) => answer.querySelector(selector)),
    links: [...answer.querySelectorAll("a")].map((link) => ({
      text: link.textContent, href: link.getAttribute("href") ?? "", rel: link.rel, target: link.target,
    })),
    attacked: window.attacked ?? "",
  };
}

async function use(width) {
  await page.resize(width, 800);
  await page.prefer("light");
  await page.goTo(`${url}?${width}`);
  const seen = { width };
  seen.empty = await page.run(() => document.querySelector("#empty").checkVisibility());

  // a keyboard's first stop leads to the message box
  await page.run(() => {
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute("tabindex");
  });
  await page.press("Tab");
  seen.firstStop = await page.run(() => document.activeElement.textContent);
  await page.press("Enter");
  seen.skippedTo = await page.run(() => document.activeElement.id);

  await ask("Show everything");
  seen.first = await watch();
  seen.form = await page.run(formOf);
  seen.status = await page.run(() => document.querySelector("#status").textContent);
  await page.run(() => { navigator.clipboard.writeText = async (text) => { window.copied = text; }; });
  await page.click(".copy-code");
  seen.copied = await page.until(() => window.copied);
  await page.click(".copy-answer");
  seen.copiedAnswer = await page.until(() => window.copied.startsWith("# ") && window.copied);
  seen.tooWide = await page.run(isTooWide);
  await page.click("summary");
  seen.unfolded = await page.run(() => document.querySelector(".thought").checkVisibility());
  seen.nameless = await page.run(nameless);
  seen.faint = await page.run(faintTexts);

  await ask("Fail once");
  seen.failed = await answered();
  seen.faint.push(...await page.run(faintTexts));
  await page.click(".problem .retry");
  seen.retried = await answered();

  await ask("Go on and on");
  await page.until(() => {
    const scroller = document.querySelector("#scroller");
    return scroller.scrollTop > 200 && [...document.querySelectorAll(".assistant .text")].pop().textContent.length > 40;
  });
  const place = () => document.querySelector("#scroller").scrollTop;
  const before = await page.run(place);
  seen.followed = await page.until((than) => document.querySelector("#scroller").scrollTop > than, before);
  await page.run(() => document.querySelector("#scroller").scrollBy(0, -150));
  await page.until(() => !document.querySelector("#latest").hidden);
  const up = await page.run(place);
  const height = await page.run(() => document.querySelector("#scroller").scrollHeight);
  await page.until((than) => document.querySelector("#scroller").scrollHeight > than, height);
  seen.leftAlone = await page.run(place) === up;
  await page.click("#latest");
  seen.cameBack = await page.until(() => document.querySelector("#latest").hidden);
  await page.run(() => document.querySelector("#question").focus());
  await page.press("Escape");
  seen.stopped = await answered();

  await page.click(".edit");
  await page.run(() => document.activeElement.select());
  await page.type("Edited question");
  await page.click(".editor .primary");
  seen.edited = await answered();
  await page.until(() => ![...document.querySelectorAll("button")].some((each) => each.textContent === "Copied"));
  seen.turns = await page.run(() => [...document.querySelectorAll(".turn .text")].map((each) => each.textContent));

  await page.call("Page.reload");
  await page.until(() => document.readyState === "complete" && document.querySelector(".turn"));
  seen.reloaded = await page.run(() => [...document.querySelectorAll(".turn .text")].map((each) => each.textContent));

  const paper = () => getComputedStyle(document.body).backgroundColor;
  const papers = [await page.run(paper)];
  for (let i = 0; i < 3; i++) {
    await page.click("#theme");
    papers.push(await page.run(paper));
    if (i === 1) {
      seen.faint.push(...await page.run(faintTexts));
    }
  }
  seen.papers = papers;
  await page.prefer("dark");
  seen.darkBySystem = await page.run(paper) === papers[2];

  await page.click("#new");
  seen.cleared = await page.run(() => document.querySelectorAll(".turn").length);
  await page.click("#restore");
  seen.restored = await page.run(() => document.querySelectorAll(".turn").length);
  await page.click("#new");
  await ask("Go on and on");
  await page.until(() => document.querySelector(".assistant .text").textContent.length > 40);
  await page.click("#new");
  seen.leftTurns = await page.until(() => document.querySelector("#stop").hidden
    && [document.querySelectorAll(".turn").length]);
  return seen;
}

const visits = [];
for (const width of widths) {
  visits.push(await use(Number(width)));
}
console.log(JSON.stringify({ visits, problems: page.problems, hosts: [...page.hosts] }));
await page.close();
process.exit(0);
