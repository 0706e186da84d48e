// Takes the pictures of tools/screenshots.lua: node tools/screenshots.mjs URL DIRECTORY TARGET QUESTION

import { writeFileSync } from "node:fs";
import { openPage } from "../spec/support/chromium.mjs";

const [url, directory, target, question] = process.argv.slice(2);
const page = await openPage(directory);

async function take(name) {
  await new Promise((resolve) => setTimeout(resolve, 300)); // for what moves
  writeFileSync(`${target}/${name}.webp`, await page.picture("webp", 80));
}

async function ask(text) {
  await page.run(() => document.querySelector("#question").focus());
  await page.type(text);
  await page.click("#send");
  await page.until(() => document.querySelector("#stop").hidden);
}

async function show(width, height, theme) {
  await page.resize(width, height, width < 600 ? 2 : 1);
  await page.prefer(theme);
  await page.goTo(`${url}?${width}${theme}`);
}

const scrollTo = (place) => page.run((top) => { document.querySelector("#scroller").scrollTop = top; }, place);
const clear = () => page.click("#new");

await show(1200, 860, "light");
await take("chat-empty");
await ask(question);
await scrollTo(0);
await page.click("summary");
await take("chat-desktop");
await clear();

await show(390, 780, "dark");
await ask(question);
await scrollTo(0);
await take("chat-phone");
await ask("And on Mars?");
await take("chat-phone-error");

await page.close();
process.exit(0);
