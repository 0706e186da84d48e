// Sends a request as often as the testing server has answers, with the reference client, and prints
// for each one line of JSON: the final message, or the error.
//
//     node sdk_client.mjs <the package's index.mjs> <base URL> <requests> <file with the parameters>
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [entry, baseURL, requests, file] = process.argv.slice(2);
const { default: Anthropic } = await import(pathToFileURL(resolve(entry)));
const client = new Anthropic({ baseURL, apiKey: null, authToken: "test", logLevel: "off" });
const params = JSON.parse(readFileSync(file, "utf8"));

for (let i = 0; i < Number(requests); i++) {
  try {
    const message = params.stream
      ? await client.messages.stream(params).finalMessage()
      : await client.messages.create(params);
    console.log(JSON.stringify({ message }));
  } catch (error) {
    console.log(JSON.stringify({ error: { status: error.status, type: error.type } }));
  }
}
