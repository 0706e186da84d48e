"""Sends requests with a vendor's client, and prints for each one line of JSON: what came of it.

    python3 sdk_user.py <"anthropic" or "openai"> <base URL> <key> <file>

The file has a list of parameters as JSON; with `stream` the answer is streamed. sdk_user.mjs is the same in TypeScript.
"""

import importlib
import json
import sys

vendor, base_url, key, path = sys.argv[1:]
module = importlib.import_module(vendor)
client = getattr(module, "Anthropic" if vendor == "anthropic" else "OpenAI")(
    base_url=base_url, api_key=key, max_retries=0
)


def ask_anthropic(params):
    if params.pop("stream", False):
        with client.messages.stream(**params) as stream:
            message = stream.get_final_message()
            return {"message": message.to_dict(), "request_id": stream.response.headers.get("request-id")}
    message = client.messages.create(**params)
    return {"message": message.to_dict(), "request_id": message._request_id}


def ask_openai(params):
    if params.pop("stream", False):
        with client.chat.completions.stream(**params) as stream:
            try:
                completion = stream.get_final_completion()
            except module.LengthFinishReasonError as error:  # this helper's way to say "length"
                completion = error.completion
    else:
        completion = client.chat.completions.create(**params)
    fields = completion.to_dict()
    return {name: fields.get(name) for name in ("model", "choices", "usage")}


ask = {"anthropic": ask_anthropic, "openai": ask_openai}[vendor]

with open(path, encoding="utf-8") as file:
    requests = json.load(file)
for params in requests:
    try:
        result = ask(params)
    except module.APIError as error:
        result = {
            "error": {
                "status": getattr(error, "status_code", None),
                "body": error.body,
                "request_id": getattr(error, "request_id", None),
            }
        }
    print(json.dumps(result), flush=True)
