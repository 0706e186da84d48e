// Reads each answer of the testing server with the OpenAI client, and prints for each one line of JSON: the completion.
//
//     node openai_client.mjs <the package's index.mjs> <base URL> <requests> <"stream" or "whole">
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [entry, baseURL, requests, how] = process.argv.slice(2);
const { default: OpenAI } = await import(pathToFileURL(resolve(entry)));
const client = new OpenAI({ baseURL, apiKey: "test", logLevel: "off", maxRetries: 0 });
const params = { model: "m", messages: [{ role: "user", content: "Hi" }] };

for (let i = 0; i < Number(requests); i++) {
  const completion = how === "stream"
    ? await client.chat.completions.stream({ ...params, stream_options: { include_usage: true } }).finalChatCompletion()
    : await client.chat.completions.create(params);
  console.log(JSON.stringify(completion));
}
