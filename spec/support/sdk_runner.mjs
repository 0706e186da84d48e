// Runs the reference client's tool runner, and prints for each case one line of JSON: the final message, the number of
// its turns, and how often each tool ran.
//
//     node sdk_runner.mjs <the package's index.mjs> <base URL> <file with a list of cases>
//
// A case: `path` behind the base URL, `params`, `tools` (name and what it does), `first` (the names of those that it
// begins with), `stream`, `eager`, `thread` (without it: none), `max_turns`, and `changes`: for each turn in order the
// names of tools to add and to remove.
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [entry, baseURL, file] = process.argv.slice(2);
const { default: Anthropic } = await import(pathToFileURL(resolve(entry)));
const { ToolError } = await import(pathToFileURL(resolve(dirname(entry), "lib/tools/ToolError.mjs")));
const cases = JSON.parse(readFileSync(file, "utf8"));
let ran;

const DOES = {
  echo: async (input) => JSON.stringify(input),
  slow: async (input) => {
    await new Promise((done) => setTimeout(done, 30));
    return JSON.stringify(input);
  },
  fail: async () => {
    throw new Error("it failed");
  },
  fail_with_blocks: async () => {
    throw new ToolError([{ type: "text", text: "it failed" }]);
  },
  blocks: async () => [
    { type: "text", text: "a picture" },
    { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" } },
  ],
};

const tool = ({ name, does }) => ({
  name,
  input_schema: { type: "object", properties: {} },
  run: async (input) => {
    ran[name] = (ran[name] ?? 0) + 1;
    return DOES[does](input);
  },
  parse: (input) => input,
});

for (const given of cases) {
  ran = {};
  const client = new Anthropic({ baseURL: baseURL + given.path, apiKey: "test", logLevel: "off", maxRetries: 0 });
  const tools = Object.fromEntries(given.tools.map((each) => [each.name, tool(each)]));
  const runner = client.beta.messages.toolRunner({
    ...given.params,
    tools: given.first.map((name) => tools[name]),
    stream: given.stream,
    ...(given.thread ? {} : { thread: false }),
    ...(given.eager ? { runToolsEagerly: true } : {}),
    ...(given.max_turns ? { max_iterations: given.max_turns } : {}),
  });

  let turns = 0;
  let message;
  for await (const item of runner) {
    turns += 1;
    message = given.stream ? await item.finalMessage() : item;
    const change = given.changes?.[turns - 1];
    if (change?.remove) runner.removeTools(...change.remove);
    if (change?.add) runner.addTools(...change.add.map((name) => tools[name]));
  }
  console.log(JSON.stringify({ message, turns, ran }));
}
